/* SPDX-License-Identifier: MIT */
/* Waterbirds: metadata.csv with img_filename (images of CUB-200-2011, in folders such as
 * 001.Black_footed_Albatross), y (0 landbird, 1 waterbird), place (0 land, 1 water) and split (0
 * training, 1 validation, 2 test). The test images become a list of their own. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/texts.h"
#include "cli/reproduce/reproduce.h"

#include <clipspan/clipspan.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEST "2"

/* Columns of metadata.csv, read twice: label and group are what a list can hold. */
typedef struct columns {
    char *csv;
    clipspan_inputs *images; /* labels y, groups place */
    clipspan_inputs *splits; /* labels split */
} columns;

static clipspan_status open_column(clipspan_inputs **out, const columns *c, const char *labels,
                                   const char *groups, clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    const char *source = c->csv;
    clipspan_status status;
    options.path_column = "img_filename";
    options.root = "";
    options.labels = labels;
    options.groups = groups;
    status = clipspan_inputs_open(out, &source, 1, &options, err);
    if (status != CLIPSPAN_E_ARGUMENT) return status; /* a column is missing: the file's fault */
    if (err) err->code = CLIPSPAN_E_FORMAT;
    return CLIPSPAN_E_FORMAT;
}

/* y and place are 0 or 1. */
static clipspan_status check_value(const columns *c, size_t record, const char *column,
                                   const char *value, clipspan_error *err)
{
    if ((value[0] == '0' || value[0] == '1') && !value[1]) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, c->csv,
                      "image %zu of the list, %.200s: %s is \"%.40s\"%s, where 0 or 1 was "
                      "expected",
                      record + 1, clipspan_inputs_get_paths(c->images)[record], column, value,
                      strcasecmp(value, "nan") == 0 ? ", a missing value that a program wrote down"
                                                    : "");
}

/* "Black footed Albatross" of "001.Black_footed_Albatross/Black_..._0001.jpg". */
static void species(char out[128], const char *path)
{
    const char *slash = strchr(path, '/'), *dot = strchr(path, '.');
    size_t length;
    if (!slash || !dot || dot > slash) dot = slash = path;
    if (dot < slash) dot++;
    length = (size_t)(slash - dot) < 127 ? (size_t)(slash - dot) : 127;
    memcpy(out, dot, length);
    out[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (out[i] == '_') out[i] = ' ';
}

static clipspan_status keep_test(cli_reproduction *r, const columns *c, clipspan_error *err)
{
    const size_t count = clipspan_inputs_get_count(c->images);
    size_t i;
    char bird[128];
    CS_TRY(cli_reproduce_put(r, "path", ',', err));
    CS_TRY(cli_reproduce_put(r, "y", ',', err));
    CS_TRY(cli_reproduce_put(r, "place", ',', err));
    CS_TRY(cli_reproduce_put(r, "species", '\n', err));
    for (i = 0; i < count; i++) {
        const char *path = clipspan_inputs_get_paths(c->images)[i];
        const char *y = clipspan_inputs_get_label(c->images, i);
        const char *place = clipspan_inputs_get_group(c->images, i);
        if (strcmp(clipspan_inputs_get_label(c->splits, i), TEST) != 0) continue;
        CS_TRY(check_value(c, i, "y", y, err));
        CS_TRY(check_value(c, i, "place", place, err));
        species(bird, path);
        CS_TRY(cli_reproduce_put(r, path, ',', err));
        CS_TRY(cli_reproduce_put(r, y, ',', err));
        CS_TRY(cli_reproduce_put(r, place, ',', err));
        CS_TRY(cli_reproduce_put(r, bird, '\n', err));
        r->images++;
    }
    r->labels = "y";
    r->groups = "y,place";
    if (r->images == 0)
        return cs_fail_at(
            err, CLIPSPAN_E_FORMAT, c->csv,
            "none of its %zu images has split " TEST " (test), where 5,794 were expected", count);
    return CLIPSPAN_OK;
}

static clipspan_status read_birds(cli_reproduction *r, columns *c, clipspan_error *err)
{
    static const char *const names[] = {"landbird", "waterbird"}, *const keys[] = {"0", "1"};
    const cli_reproduce_settings *x = r->x;
    CS_TRY(open_column(&c->images, c, "y", "place", err));
    CS_TRY(open_column(&c->splits, c, "split", NULL, err));
    if (clipspan_inputs_get_count(c->images) != clipspan_inputs_get_count(c->splits))
        return cs_fail_at(err, CLIPSPAN_E_IO, c->csv, "changed while it was read");
    CS_TRY(keep_test(r, c, err));
    if (x->classes.list || x->classes.names.count) {
        CS_TRY(cli_classes_open(&r->classes, &x->classes, err));
        for (size_t i = 0; i < 2; i++)
            if (clipspan_texts_get_count(r->classes) != 2 ||
                strcmp(clipspan_texts_get_key(r->classes, i), keys[i]) != 0)
                return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                               "--classes: expected two lines for the values of y, 0, tab, name "
                               "and 1, tab, name");
        return CLIPSPAN_OK;
    }
    return clipspan_texts_new(&r->classes, names, keys, 2, err);
}

clipspan_status cli_reproduce_waterbirds(cli_reproduction *r, clipspan_error *err)
{
    static const char folder[] = "waterbird_complete95_forest2water2";
    columns c = {NULL, NULL, NULL};
    clipspan_status status = CLIPSPAN_OK;
    for (size_t i = 0; i < 2 && !c.csv && status == CLIPSPAN_OK; i++) {
        cs_free(r->data);
        r->data = i ? cs_path_join(r->x->data, folder, err) : cs_strdup(r->x->data, err);
        c.csv = r->data ? cs_path_join(r->data, "metadata.csv", err) : NULL;
        if (!c.csv) status = CLIPSPAN_E_NOMEM;
        if (status == CLIPSPAN_OK && cs_path_kind(c.csv) != 1) {
            cs_free(c.csv);
            c.csv = NULL;
        }
    }
    if (status == CLIPSPAN_OK)
        status = c.csv ? read_birds(r, &c, err)
                       : cli_reproduce_missing(r, r->x->data, "holds no metadata.csv", err);
    clipspan_inputs_close(&c.images);
    clipspan_inputs_close(&c.splits);
    cs_free(c.csv);
    return status;
}
