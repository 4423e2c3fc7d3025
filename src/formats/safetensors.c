/* SPDX-License-Identifier: MIT */
/* Reader of safetensors files, after the format's README and the checks of its reference reader
 * (safetensors/src/tensor.rs), stricter in two ways: duplicate keys are refused, and so are headers
 * and tensor counts beyond what any CLIP checkpoint has.
 *
 * A header is scanned once before the JSON parser sees it: nesting, objects and elements are
 * counted, so that what the parser allocates is bounded by some 50 MB whatever the file says. */
#define _POSIX_C_SOURCE 200809L
#include "formats/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "formats/foreign.h"
#include "formats/json.h"
#include "formats/safetensors_inside.h"

#define MAX_HEADER   ((uint64_t)4 << 20)
#define MAX_FILES    256
#define MAX_ELEMENTS 300000 /* commas in a header: 14 a tensor and some metadata */

static const cs_dtype_facts dtypes[] = {
    {"F32", 32, CS_F32},          {"F16", 16, CS_F16},      {"BF16", 16, CS_BF16},
    {"F64", 64, CS_F64},          {"I64", 64, CS_I64},      {"BOOL", 8, CS_OTHER},
    {"U8", 8, CS_OTHER},          {"I8", 8, CS_OTHER},      {"I16", 16, CS_OTHER},
    {"U16", 16, CS_OTHER},        {"I32", 32, CS_OTHER},    {"U32", 32, CS_OTHER},
    {"U64", 64, CS_OTHER},        {"C64", 64, CS_OTHER},    {"F4", 4, CS_OTHER},
    {"F6_E2M3", 6, CS_OTHER},     {"F6_E3M2", 6, CS_OTHER}, {"F8_E4M3", 8, CS_OTHER},
    {"F8_E5M2", 8, CS_OTHER},     {"F8_E8M0", 8, CS_OTHER}, {"F8_E4M3FNUZ", 8, CS_OTHER},
    {"F8_E5M2FNUZ", 8, CS_OTHER},
};

const cs_dtype_facts *cs_dtype_find(const char *name)
{
    size_t i;
    for (i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0) return &dtypes[i];
    return NULL;
}

int cs_tensor_size(cs_tensor_entry *entry, unsigned bits)
{
    uint64_t count = 1;
    int i, empty = 0;
    for (i = 0; i < entry->rank; i++)
        empty |= entry->shape[i] == 0;
    for (i = 0; i < entry->rank && !empty; i++) {
        if (entry->shape[i] > UINT64_MAX / count) return 0;
        count *= entry->shape[i];
    }
    if (empty) count = 0;
    if (count > UINT64_MAX / bits || count * bits % 8 != 0) return 0;
    entry->count = count;
    entry->bytes = count * bits / 8;
    return 1;
}

static void print_shape(char *out, size_t room, const cs_tensor_entry *entry)
{
    size_t used = 0;
    int i;
    out[used++] = '[';
    for (i = 0; i < entry->rank && used < room; i++) {
        int n = snprintf(out + used, room - used, "%s%llu", i ? ", " : "",
                         (unsigned long long)entry->shape[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used + 1 < room) {
        out[used] = ']';
        out[used + 1] = '\0';
    } else
        out[room - 1] = '\0';
}

/* One member of the header object; *begin is its offset in the data. */
static clipspan_status read_entry(cs_tensor_entry *entry, const char *name, json_t *facts,
                                  uint64_t data_size, const char *path, clipspan_error *err)
{
    json_t *dtype = json_object_get(facts, "dtype"), *shape = json_object_get(facts, "shape"),
           *offsets = json_object_get(facts, "data_offsets"), *b, *e;
    const cs_dtype_facts *kind;
    json_int_t begin, end;
    char shown[200];
    size_t i;
    if (!json_is_object(facts) || json_object_size(facts) != 3 || !json_is_string(dtype) ||
        !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "tensor \"%.150s\": expected {\"dtype\": text, \"shape\": list, "
                          "\"data_offsets\": [begin, end]} in the header",
                          name);
    kind = cs_dtype_find(json_string_value(dtype));
    if (!kind)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "tensor \"%.150s\": unknown dtype \"%.40s\"", name,
                          json_string_value(dtype));
    entry->dtype = kind->dtype;
    snprintf(entry->dtype_name, sizeof entry->dtype_name, "%s", kind->name);
    if (json_array_size(shape) > 8)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                          "tensor \"%.150s\" has %zu dimensions; at most 8 are read", name,
                          json_array_size(shape));
    entry->rank = (int)json_array_size(shape);
    for (i = 0; i < json_array_size(shape); i++) {
        json_t *length = json_array_get(shape, i);
        if (!json_is_integer(length) || json_integer_value(length) < 0)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "tensor \"%.150s\": dimension %zu of its shape is not an integer "
                              "from 0",
                              name, i);
        entry->shape[i] = (uint64_t)json_integer_value(length);
    }
    print_shape(shown, sizeof shown, entry);
    if (!cs_tensor_size(entry, kind->bits))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "tensor \"%.150s\": shape %s of %s does not fit 64 bits or whole bytes",
                          name, shown, kind->name);
    b = json_array_get(offsets, 0);
    e = json_array_get(offsets, 1);
    begin = json_integer_value(b);
    end = json_integer_value(e);
    if (!json_is_integer(b) || !json_is_integer(e) || begin < 0 || end < begin ||
        (uint64_t)end > data_size)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "tensor \"%.150s\": data_offsets must be integers with 0 <= begin <= "
                          "end <= %llu, the bytes of data in the file",
                          name, (unsigned long long)data_size);
    if ((uint64_t)(end - begin) != entry->bytes)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "tensor \"%.150s\": shape %s of %s needs %llu bytes, its data_offsets "
                          "span %lld",
                          name, shown, kind->name, (unsigned long long)entry->bytes,
                          (long long)(end - begin));
    entry->offset = (uint64_t)begin;
    entry->name = cs_strdup(name, err);
    return entry->name ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status check_metadata(json_t *metadata, const char *path, clipspan_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "__metadata__ in the header is no object");
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return cs_fail_at(
        err, CLIPSPAN_E_FORMAT, path, "__metadata__ \"%.150s\" in the header is not text", key);
    return CLIPSPAN_OK;
}

static int by_place(const void *a, const void *b)
{
    const cs_tensor_entry *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int by_name(const void *a, const void *b)
{
    const cs_tensor_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->file < y->file ? -1 : x->file > y->file;
}

void cs_safetensors_sort(cs_safetensors *tensors)
{
    if (tensors->count) qsort(tensors->entries, tensors->count, sizeof *tensors->entries, by_name);
}

/* The tensors of one file must cover its data exactly: no hole can hide anything, no overlap can
 * make a small file look large. Turns offsets into absolute ones. */
static clipspan_status check_tiling(cs_tensor_entry *entries, size_t count, uint64_t start,
                                    uint64_t data_size, const char *path, clipspan_error *err)
{
    uint64_t at = 0;
    size_t i;
    if (count) qsort(entries, count, sizeof *entries, by_place);
    for (i = 0; i < count; i++) {
        if (entries[i].offset != at)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "tensor \"%.150s\" starts at byte %llu of the data, where the one "
                              "before ends at %llu: %s",
                              entries[i].name, (unsigned long long)entries[i].offset,
                              (unsigned long long)at,
                              entries[i].offset < at ? "they overlap" : "there is a hole");
        at += entries[i].bytes;
        entries[i].offset += start;
    }
    if (at != data_size)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "has %llu bytes behind its last tensor (the file has %llu bytes, %llu "
                          "were expected)",
                          (unsigned long long)(data_size - at),
                          (unsigned long long)(start + data_size),
                          (unsigned long long)(start + at));
    return CLIPSPAN_OK;
}

static clipspan_status read_table(cs_safetensors *tensors, json_t *header, uint64_t start,
                                  size_t file, clipspan_error *err)
{
    const char *path = tensors->files[file]->path, *name;
    uint64_t data_size = tensors->files[file]->size - start;
    size_t first = tensors->count, members = json_object_size(header);
    json_t *facts;
    CS_TRY(cs_grow(&tensors->entries, &tensors->room, tensors->count + members,
                   sizeof *tensors->entries, "the tensor table", err));
    json_object_foreach(header, name, facts)
    {
        cs_tensor_entry *entry = &tensors->entries[tensors->count];
        if (strcmp(name, "__metadata__") == 0) {
            CS_TRY(check_metadata(facts, path, err));
            if (file == 0) tensors->notes = json_incref(facts);
            continue;
        }
        if (tensors->count == CS_MAX_TENSORS)
            return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                              "brings the number of tensors over %d, which no CLIP checkpoint has",
                              CS_MAX_TENSORS);
        memset(entry, 0, sizeof *entry);
        CS_TRY(read_entry(entry, name, facts, data_size, path, err));
        entry->file = file;
        tensors->count++;
    }
    return check_tiling(tensors->entries + first, tensors->count - first, start, data_size, path,
                        err);
}

/* Reads the 8 bytes of length and checks them; *size is the header's length. */
static clipspan_status read_length(size_t *size, const cs_file *file, clipspan_error *err)
{
    unsigned char head[32] = {0};
    size_t got = file->size < sizeof head ? (size_t)file->size : sizeof head;
    const char *foreign;
    uint64_t length = 0;
    int i;
    CS_TRY(cs_file_read(head, file, 0, got, err));
    foreign = cs_foreign_by_content(head, got);
    if (foreign) return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, file->path, "%s", foreign);
    if (file->size < 8)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "has %llu bytes; a safetensors file starts with the 8 bytes of its "
                          "header's length",
                          (unsigned long long)file->size);
    for (i = 7; i >= 0; i--)
        length = length << 8 | head[i];
    if (length > file->size - 8)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "bytes 0-7 announce a header of %llu bytes, the file has %llu more: it "
                          "is cut short or no safetensors file",
                          (unsigned long long)length, (unsigned long long)(file->size - 8));
    if (length > MAX_HEADER)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, file->path,
                          "has a header of %llu bytes, more than the %llu that are read",
                          (unsigned long long)length, (unsigned long long)MAX_HEADER);
    if (length < 2)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "bytes 0-7 announce a header of %llu bytes; the shortest is {}",
                          (unsigned long long)length);
    *size = (size_t)length;
    return CLIPSPAN_OK;
}

/* The header's text, for cs_free, and what it says, for json_decref. */
static clipspan_status read_header(char **text, size_t *size, json_t **header, const cs_file *file,
                                   clipspan_error *err)
{
    static const cs_json_limits limits = {4, CS_MAX_TENSORS + 2, MAX_ELEMENTS, 8, "header"};
    *text = NULL;
    *header = NULL;
    CS_TRY(read_length(size, file, err));
    *text = cs_alloc(*size, 1, "a safetensors header", err);
    if (!*text) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_file_read(*text, file, 8, *size, err));
    CS_TRY(cs_json_parse(header, *text, *size, &limits, file->path, err));
    if (!json_is_object(*header))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "header is no JSON object (at byte 8), where { was expected");
    return CLIPSPAN_OK;
}

/* file: the table's from here on. */
static clipspan_status add_file(cs_safetensors *tensors, cs_file *file, clipspan_error *err)
{
    clipspan_status status;
    size_t index = tensors->file_count, size = 0;
    json_t *header = NULL;
    char *text = NULL;
    tensors->files[index] = file;
    tensors->file_count++;
    tensors->bytes += tensors->files[index]->size;
    status = read_header(&text, &size, &header, tensors->files[index], err);
    if (status == CLIPSPAN_OK) status = read_table(tensors, header, (uint64_t)size + 8, index, err);
    json_decref(header);
    cs_free(text);
    return status;
}

clipspan_status cs_safetensors_header(char **text, size_t *size, json_t **header,
                                      const cs_safetensors *tensors, size_t file,
                                      clipspan_error *err)
{
    clipspan_status status;
    if (tensors->memory) return cs_safetensors_describe(text, size, header, tensors, err);
    status = read_header(text, size, header, tensors->files[file], err);
    if (status == CLIPSPAN_OK) return CLIPSPAN_OK;
    json_decref(*header);
    cs_free(*text);
    *header = NULL;
    *text = NULL;
    return status;
}

/* An empty table for so many files. */
static cs_safetensors *new_table(size_t files, clipspan_error *err)
{
    cs_safetensors *tensors = cs_alloc_zero(1, sizeof *tensors, "a tensor table", err);
    if (!tensors) return NULL;
    tensors->files = cs_alloc_zero(files, sizeof *tensors->files, "a tensor table", err);
    if (tensors->files) return tensors;
    cs_free(tensors);
    return NULL;
}

clipspan_status cs_safetensors_open_file(cs_safetensors **out, cs_file *file, uint64_t header_most,
                                         clipspan_error *err)
{
    clipspan_status status;
    unsigned char length[8] = {0};
    uint64_t size = 0;
    cs_safetensors *tensors = new_table(1, err);
    *out = NULL;
    if (!tensors) {
        cs_file_close(&file);
        return CLIPSPAN_E_NOMEM;
    }
    if (file->size >= sizeof length && cs_file_read(length, file, 0, sizeof length, NULL) == 0)
        for (int i = 7; i >= 0; i--)
            size = size << 8 | length[i];
    if (size > header_most) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                            "has a header of %llu bytes, more than the %llu that one of its kind "
                            "can have",
                            (unsigned long long)size, (unsigned long long)header_most);
        cs_file_close(&file);
    } else {
        status = add_file(tensors, file, err);
    }
    if (status == CLIPSPAN_OK) {
        cs_safetensors_sort(tensors);
        *out = tensors;
        return CLIPSPAN_OK;
    }
    cs_safetensors_close(&tensors);
    return status;
}

clipspan_status cs_safetensors_open(cs_safetensors **out, const char *const *paths, size_t files,
                                    clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_safetensors *tensors;
    size_t i;
    *out = NULL;
    if (files == 0 || files > MAX_FILES)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a checkpoint of %zu files; 1 to %d are read", files,
                       MAX_FILES);
    tensors = new_table(files, err);
    if (!tensors) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < files && status == CLIPSPAN_OK; i++) {
        cs_file *file;
        status = cs_file_open(&file, paths[i], err);
        if (status == CLIPSPAN_OK) status = add_file(tensors, file, err);
    }
    if (status != CLIPSPAN_OK) goto done;
    cs_safetensors_sort(tensors);
    for (i = 1; i < tensors->count; i++) {
        const cs_tensor_entry *a = &tensors->entries[i - 1], *b = &tensors->entries[i];
        if (strcmp(a->name, b->name) != 0) continue;
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, tensors->files[b->file]->path,
                            "tensor \"%.150s\" is in %.300s too", b->name,
                            cs_path_name(tensors->files[a->file]->path));
        goto done;
    }
    *out = tensors;
    tensors = NULL;
done:
    cs_safetensors_close(&tensors);
    return status;
}

void cs_safetensors_close(cs_safetensors **tensors)
{
    cs_safetensors *t = tensors ? *tensors : NULL;
    size_t i;
    if (!t) return;
    for (i = 0; i < t->file_count; i++)
        cs_file_close(&t->files[i]);
    for (i = 0; i < t->count; i++)
        cs_free(t->entries[i].name);
    json_decref(t->notes);
    cs_free(t->entries);
    cs_free(t->memory);
    cs_free(t->files);
    cs_free(t);
    *tensors = NULL;
}
