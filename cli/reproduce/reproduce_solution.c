/* SPDX-License-Identifier: MIT */
/* ImageNet's validation images as they are given out, all in one folder, with
 * LOC_val_solution.csv: columns ImageId ("ILSVRC2012_val_00048981") and PredictionString, whose
 * first word is the class's wnid. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/class_index.h"
#include "cli/reproduce/reproduce.h"

#include <clipspan/clipspan.h>
#include <string.h>

/* The first word of a cell; "" when it is longer than any label. */
static void first_word(char out[128], const char *text)
{
    const size_t length = strcspn(text, " ");
    out[0] = '\0';
    if (length < 128) {
        memcpy(out, text, length);
        out[length] = '\0';
    }
}

/* Lists an image that is there; part of the set is enough. */
static clipspan_status add_image(cli_reproduction *r, uint8_t *seen, const cli_class_index *index,
                                 const char *csv, const char *id, const char *cell,
                                 clipspan_error *err)
{
    char file[300], label[128], *path;
    size_t class_of;
    int kind;
    snprintf(file, sizeof file, "%.280s.JPEG", id);
    path = cs_path_join(r->data, file, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    kind = cs_path_kind(path);
    cs_free(path);
    if (kind != 1) return CLIPSPAN_OK;
    first_word(label, cell);
    class_of = cli_class_index_find(index, label);
    if (class_of == CLI_NO_CLASS)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, csv,
                          "%.200s has the class \"%.80s\", which is none of the %zu", id, label,
                          index->count);
    r->filled += !seen[class_of];
    seen[class_of] = 1;
    r->images++;
    CS_TRY(cli_reproduce_put(r, file, ',', err));
    return cli_reproduce_put(r, label, '\n', err);
}

static clipspan_status read_list(cli_reproduction *r, const clipspan_inputs *inputs,
                                 const char *csv, const clipspan_texts *classes,
                                 clipspan_error *err)
{
    uint8_t *seen = cs_alloc_zero(clipspan_texts_get_count(classes), 1, "classes", err);
    clipspan_status status;
    cli_class_index index;
    if (!seen) return CLIPSPAN_E_NOMEM;
    status = cli_class_index_init(&index, classes, err);
    if (status == CLIPSPAN_OK) status = cli_reproduce_put(r, "path", ',', err);
    if (status == CLIPSPAN_OK) status = cli_reproduce_put(r, "class", '\n', err);
    for (size_t i = 0; i < clipspan_inputs_get_count(inputs) && status == CLIPSPAN_OK; i++)
        status = add_image(r, seen, &index, csv, clipspan_inputs_get_paths(inputs)[i],
                           clipspan_inputs_get_label(inputs, i), err);
    cli_class_index_fini(&index);
    cs_free(seen);
    if (status == CLIPSPAN_OK && r->images == 0)
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, csv,
                            "names no image that is in %.300s; the first would be %.200s.JPEG",
                            r->data, clipspan_inputs_get_paths(inputs)[0]);
    return status;
}

clipspan_status cli_reproduce_solution(cli_reproduction *r, const char *csv,
                                       const clipspan_texts *classes, clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs = NULL;
    clipspan_status status;
    options.path_column = "ImageId";
    options.labels = "PredictionString";
    options.root = "";
    status = clipspan_inputs_open(&inputs, &csv, 1, &options, err);
    r->labels = "class";
    if (status == CLIPSPAN_E_ARGUMENT) { /* a column is missing: the file's fault */
        if (err) err->code = CLIPSPAN_E_FORMAT;
        return CLIPSPAN_E_FORMAT;
    }
    CS_TRY(status);
    status = read_list(r, inputs, csv, classes, err);
    clipspan_inputs_close(&inputs);
    return status;
}
