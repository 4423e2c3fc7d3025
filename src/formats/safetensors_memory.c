/* SPDX-License-Identifier: MIT */
/* The table over tensors in memory, and the hash that stands for that of a file. */
#include "base/memory.h"
#include "formats/file_hash.h"
#include "formats/safetensors_inside.h"
#include "formats/sha256.h"

#include <clipspan/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((uint64_t)1 << 20)

static clipspan_status take_tensor(cs_tensor_entry *entry, const clipspan_tensor *tensor,
                                   const char *where, size_t index, clipspan_error *err)
{
    const cs_dtype_facts *kind;
    if (!tensor->name || !tensor->dtype || (tensor->rank > 0 && !tensor->shape))
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, where,
                          "tensor %zu has no name, dtype or shape: a pointer is NULL", index);
    kind = cs_dtype_find(tensor->dtype);
    if (!kind)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, where,
                          "tensor \"%.150s\": unknown dtype \"%.40s\"; F32, F16, BF16 and F64 are "
                          "read",
                          tensor->name, tensor->dtype);
    if (tensor->rank < 0 || tensor->rank > 8)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, where,
                          "tensor \"%.150s\" has %d dimensions; 0 to 8 are read", tensor->name,
                          tensor->rank);
    snprintf(entry->dtype_name, sizeof entry->dtype_name, "%s", kind->name);
    entry->dtype = kind->dtype;
    entry->rank = tensor->rank;
    if (tensor->rank)
        memcpy(entry->shape, tensor->shape, (size_t)tensor->rank * sizeof *entry->shape);
    if (!cs_tensor_size(entry, kind->bits) || entry->bytes > SIZE_MAX)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, where,
                          "tensor \"%.150s\": its shape of %s does not fit 64 bits or whole bytes",
                          tensor->name, kind->name);
    if (entry->bytes != tensor->size)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, where,
                          "tensor \"%.150s\": shape and dtype %s need %llu bytes, size is %zu",
                          tensor->name, kind->name, (unsigned long long)entry->bytes, tensor->size);
    if (entry->bytes && !tensor->data)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, where, "tensor \"%.150s\": data is NULL",
                          tensor->name);
    entry->data = tensor->data;
    entry->name = cs_strdup(tensor->name, err);
    return entry->name ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static uint64_t width_of(const cs_tensor_entry *entry)
{
    return cs_dtype_find(entry->dtype_name)->bits / 8;
}

/* Offsets as in a file of these tensors: wide types first, so that all are aligned; then by name.
 */
static void lay_out(cs_safetensors *t)
{
    uint64_t at = 0;
    for (uint64_t width = 8; width <= 8; width = width ? width / 2 : UINT64_MAX)
        for (size_t i = 0; i < t->count; i++) {
            if (width_of(&t->entries[i]) != width) continue;
            t->entries[i].offset = at;
            at += t->entries[i].bytes;
        }
    t->bytes = at;
}

clipspan_status cs_safetensors_from_memory(cs_safetensors **out, const char *name,
                                           const clipspan_tensor *tensors, size_t count,
                                           clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_safetensors *t;
    *out = NULL;
    if (count > CS_MAX_TENSORS)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, name, "%zu tensors, where at most %d are read",
                          count, CS_MAX_TENSORS);
    t = cs_alloc_zero(1, sizeof *t, "a tensor table", err);
    if (!t) return CLIPSPAN_E_NOMEM;
    t->memory = cs_strdup(name, err);
    t->entries = cs_alloc_zero(count, sizeof *t->entries, "a tensor table", err);
    if (!t->memory || !t->entries) goto done;
    status = CLIPSPAN_OK;
    for (; t->count < count && status == CLIPSPAN_OK; t->count++)
        status = take_tensor(&t->entries[t->count], &tensors[t->count], name, t->count, err);
    if (status != CLIPSPAN_OK) goto done;
    cs_safetensors_sort(t);
    for (size_t i = 1; i < count; i++)
        if (strcmp(t->entries[i - 1].name, t->entries[i].name) == 0) {
            status = cs_fail_at(err, CLIPSPAN_E_ARGUMENT, name, "tensor \"%.150s\" is given twice",
                                t->entries[i].name);
            goto done;
        }
    lay_out(t);
    *out = t;
    t = NULL;
done:
    cs_safetensors_close(&t);
    return status;
}

int cs_safetensors_in_memory(const cs_safetensors *tensors)
{
    return tensors->memory != NULL;
}

clipspan_status cs_safetensors_describe(char **text, size_t *size, json_t **header,
                                        const cs_safetensors *tensors, clipspan_error *err)
{
    json_t *root = json_object();
    int failed = !root;
    char *printed;
    *text = NULL;
    *header = NULL;
    for (size_t i = 0; i < tensors->count && !failed; i++) {
        const cs_tensor_entry *e = &tensors->entries[i];
        json_t *shape = json_array();
        failed = !shape;
        for (int d = 0; d < e->rank && !failed; d++)
            failed = json_array_append_new(shape, json_integer((json_int_t)e->shape[d])) != 0;
        failed =
            json_object_set_new(root, e->name,
                                json_pack("{s:s, s:o, s:[I, I]}", "dtype", e->dtype_name, "shape",
                                          shape, "data_offsets", (json_int_t)e->offset,
                                          (json_int_t)(e->offset + e->bytes))) != 0 ||
            failed;
    }
    printed = failed ? NULL : json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (printed) {
        const size_t length = strlen(printed);
        *size = (length + 7) / 8 * 8; /* data begins on 8 bytes */
        *text = cs_alloc(*size + 1, 1, "a header of tensors", err);
        if (*text) snprintf(*text, *size + 1, "%-*s", (int)*size, printed);
    } else
        cs_fail_memory(err, 1, "a header of tensors");
    free(printed);
    if (*text) {
        *header = root;
        return CLIPSPAN_OK;
    }
    json_decref(root);
    return CLIPSPAN_E_NOMEM;
}

/* ---- Hash ---- */

static void add_number(cs_sha256 *hash, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    cs_sha256_add(hash, bytes, sizeof bytes);
}

static clipspan_status hash_memory(char out[65], const cs_safetensors *t,
                                   const clipspan_progress *progress, clipspan_error *err)
{
    unsigned char digest[32];
    uint64_t done = 0;
    int stop = 0;
    cs_sha256 hash;
    cs_sha256_init(&hash);
    for (size_t i = 0; i < t->count; i++) {
        const cs_tensor_entry *e = &t->entries[i];
        cs_sha256_add(&hash, e->name, strlen(e->name) + 1);
        cs_sha256_add(&hash, e->dtype_name, strlen(e->dtype_name) + 1);
        add_number(&hash, (uint64_t)e->rank);
        for (int d = 0; d < e->rank; d++)
            add_number(&hash, e->shape[d]);
        for (uint64_t at = 0; at < e->bytes; at += PIECE) {
            const uint64_t n = e->bytes - at < PIECE ? e->bytes - at : PIECE;
            cs_sha256_add(&hash, (const unsigned char *)e->data + at, (size_t)n);
            done += n;
            if (progress && progress->step)
                stop = progress->step(progress->user, (size_t)done, (size_t)t->bytes);
            if (stop) return cs_stopped(err, stop, "the hash was stopped");
        }
    }
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
    return CLIPSPAN_OK;
}

clipspan_status cs_safetensors_hash(char out[65], uint64_t *bytes, const cs_safetensors *tensors,
                                    size_t file, const clipspan_progress *progress,
                                    clipspan_error *err)
{
    out[0] = '\0';
    if (bytes) *bytes = tensors->memory ? tensors->bytes : tensors->files[file]->size;
    if (tensors->memory) return hash_memory(out, tensors, progress, err);
    return cs_file_hash(out, tensors->files[file]->path, progress, err);
}
