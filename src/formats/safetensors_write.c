/* SPDX-License-Identifier: MIT */
/* Writer of safetensors: 8 bytes of header length, the JSON header padded with spaces to a multiple
 * of 8, data without holes. The same calls give the same bytes. */
#include "formats/safetensors_write.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MOST ((size_t)4 << 20) /* as much as the reader takes */

struct cs_safetensors_writer {
    cs_output *output;
    json_t *header, *notes;
    char *path;
    uint64_t declared, written;
    int begun; /* the header is on disk */
};

static unsigned item_size(const char *dtype)
{
    static const struct {
        const char *name;
        unsigned size;
    } known[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"I64", 8}, {"I32", 4}, {"U8", 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, dtype) == 0) return known[i].size;
    return 0;
}

clipspan_status cs_safetensors_writer_new(cs_safetensors_writer **out, cs_output *output,
                                          const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_safetensors_writer *w;
    *out = NULL;
    w = cs_alloc_zero(1, sizeof *w, "a tensor writer", err);
    if (!w) {
        cs_output_close(&output);
        return CLIPSPAN_E_NOMEM;
    }
    w->output = output;
    w->path = cs_strdup(path, err);
    if (!w->path) goto done;
    w->header = json_object();
    w->notes = json_object();
    if (!w->header || !w->notes) {
        status = cs_fail_memory(err, sizeof *w, "a tensor writer");
        goto done;
    }
    *out = w;
    return CLIPSPAN_OK;
done:
    cs_safetensors_writer_close(&w);
    return status;
}

clipspan_status cs_safetensors_writer_open(cs_safetensors_writer **out, const char *path,
                                           int replace, clipspan_error *err)
{
    cs_output *output;
    *out = NULL;
    CS_TRY(cs_output_open(&output, path, replace, err));
    return cs_safetensors_writer_new(out, output, path, err);
}

void cs_safetensors_writer_close(cs_safetensors_writer **writer)
{
    cs_safetensors_writer *w = writer ? *writer : NULL;
    if (!w) return;
    cs_output_close(&w->output);
    json_decref(w->header);
    json_decref(w->notes);
    cs_free(w->path);
    cs_free(w);
    *writer = NULL;
}

static clipspan_status fail_late(const cs_safetensors_writer *w, const char *name,
                                 clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_INTERNAL, w->path,
                      "\"%.150s\" was declared twice, or after the first number", name);
}

clipspan_status cs_safetensors_writer_note(cs_safetensors_writer *writer, const char *key,
                                           const char *value, clipspan_error *err)
{
    json_t *text;
    int memory;
    if (writer->begun || json_object_get(writer->notes, key)) return fail_late(writer, key, err);
    text = cs_json_string(&memory, value);
    if (!text && !memory)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, writer->path,
                          "the text for \"%.150s\" is not UTF-8", key);
    if (memory || json_object_set_new(writer->notes, key, text) != 0)
        return cs_fail_memory(err, strlen(value), "a note of a file");
    return CLIPSPAN_OK;
}

clipspan_status cs_safetensors_writer_add(cs_safetensors_writer *writer, const char *name,
                                          const char *dtype, const uint64_t *shape, int rank,
                                          clipspan_error *err)
{
    uint64_t bytes = item_size(dtype), begin = writer->declared;
    json_t *list, *facts;
    if (bytes == 0 || rank < 0 || rank > 8)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, writer->path,
                          "tensor \"%.150s\" of type %.40s and %d dimensions cannot be written",
                          name, dtype, rank);
    if (writer->begun || json_object_get(writer->header, name)) return fail_late(writer, name, err);
    list = json_array();
    for (int i = 0; i < rank; i++) {
        if (shape[i] > 0 && bytes > (uint64_t)INT64_MAX / shape[i]) {
            json_decref(list);
            return cs_fail_at(err, CLIPSPAN_E_LIMIT, writer->path,
                              "the shape of tensor \"%.150s\" does not fit a file", name);
        }
        bytes *= shape[i];
        if (json_array_append_new(list, json_integer((json_int_t)shape[i])) != 0) {
            json_decref(list);
            return cs_fail_memory(err, 1, "a tensor's entry");
        }
    }
    if (bytes > (uint64_t)INT64_MAX - begin) {
        json_decref(list);
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, writer->path,
                          "tensor \"%.150s\" does not fit a file", name);
    }
    writer->declared = begin + bytes;
    facts = json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype, "shape", list, "data_offsets",
                      (json_int_t)begin, (json_int_t)writer->declared);
    if (!facts || json_object_set_new(writer->header, name, facts) != 0)
        return cs_fail_memory(err, 1, "a tensor's entry");
    return CLIPSPAN_OK;
}

/* Length, notes and tensors; then the data begins. */
static clipspan_status begin(cs_safetensors_writer *w, clipspan_error *err)
{
    static const char spaces[8] = "       ";
    clipspan_status status = CLIPSPAN_OK;
    unsigned char length[8];
    json_t *whole = json_object();
    char *text = NULL;
    size_t size, padding, i;
    if (!whole ||
        (json_object_size(w->notes) && json_object_set(whole, "__metadata__", w->notes) != 0) ||
        json_object_update(whole, w->header) != 0 ||
        !(text = json_dumps(whole, JSON_COMPACT | JSON_PRESERVE_ORDER))) {
        status = cs_fail_memory(err, 1, "a header of tensors");
        goto done;
    }
    size = strlen(text);
    padding = (8 - size % 8) % 8;
    if (size + padding > HEADER_MOST) {
        status = cs_fail_at(err, CLIPSPAN_E_LIMIT, w->path,
                            "needs a header of %zu bytes, more than the %zu that are read", size,
                            HEADER_MOST);
        goto done;
    }
    for (i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)(size + padding) >> (8 * i));
    CS_TRY_DONE(cs_output_write(w->output, length, 8, err));
    CS_TRY_DONE(cs_output_write(w->output, text, size, err));
    CS_TRY_DONE(cs_output_write(w->output, spaces, padding, err));
    w->begun = 1;
done:
    json_decref(whole);
    free(text);
    return status;
}

clipspan_status cs_safetensors_writer_write(cs_safetensors_writer *writer, const void *data,
                                            size_t size, clipspan_error *err)
{
    if (size > writer->declared - writer->written)
        return cs_fail_at(err, CLIPSPAN_E_INTERNAL, writer->path,
                          "%zu bytes more were given than the %llu that were declared",
                          size - (size_t)(writer->declared - writer->written),
                          (unsigned long long)writer->declared);
    if (!writer->begun) CS_TRY(begin(writer, err));
    CS_TRY(cs_output_write(writer->output, data, size, err));
    writer->written += size;
    return CLIPSPAN_OK;
}

clipspan_status cs_safetensors_writer_finish(cs_safetensors_writer *writer, clipspan_error *err)
{
    if (writer->written != writer->declared)
        return cs_fail_at(err, CLIPSPAN_E_INTERNAL, writer->path, "%llu of %llu bytes were given",
                          (unsigned long long)writer->written,
                          (unsigned long long)writer->declared);
    if (!writer->begun) CS_TRY(begin(writer, err));
    return cs_output_commit(writer->output, err);
}
