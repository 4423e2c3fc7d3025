/* SPDX-License-Identifier: MIT */
/* Looking up and reading tensors of an open table, from files or from memory. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "formats/safetensors_inside.h"
#include "formats/widen.h"

#include <string.h>
#include <sys/stat.h>

#define CHUNK ((size_t)256 << 10) /* converted at a time: stays in a second-level cache */

size_t cs_safetensors_count(const cs_safetensors *tensors)
{
    return tensors->count;
}

const cs_tensor_entry *cs_safetensors_at(const cs_safetensors *tensors, size_t index)
{
    return index < tensors->count ? &tensors->entries[index] : NULL;
}

const cs_tensor_entry *cs_safetensors_find(const cs_safetensors *tensors, const char *name)
{
    size_t low = 0, high = tensors->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, tensors->entries[middle].name);
        if (order == 0) return &tensors->entries[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t cs_safetensors_files(const cs_safetensors *tensors)
{
    return tensors->memory ? 1 : tensors->file_count;
}

const char *cs_safetensors_path(const cs_safetensors *tensors, size_t file)
{
    if (file >= cs_safetensors_files(tensors)) return NULL;
    return tensors->memory ? tensors->memory : tensors->files[file]->path;
}

uint64_t cs_safetensors_bytes(const cs_safetensors *tensors)
{
    return tensors->bytes;
}

/* `size` bytes from `at` of a tensor, as they are stored. */
static clipspan_status fetch(void *out, const cs_safetensors *tensors, const cs_tensor_entry *entry,
                             uint64_t at, size_t size, clipspan_error *err)
{
    if (!tensors->memory)
        return cs_file_read(out, tensors->files[entry->file], entry->offset + at, size, err);
    if (size) memcpy(out, (const unsigned char *)entry->data + at, size);
    return CLIPSPAN_OK;
}

/* Numbers of 2 or 8 bytes: read into a small buffer and converted from there. */
static clipspan_status read_converted(float *out, const cs_safetensors *tensors,
                                      const cs_tensor_entry *entry, uint64_t first, uint64_t count,
                                      clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t width = entry->dtype == CS_F64 ? 8 : 2, room = CHUNK / width;
    void *buffer;
    if (room > count) room = (size_t)count;
    buffer = cs_alloc(room, width, "a conversion buffer", err);
    if (!buffer) return CLIPSPAN_E_NOMEM;
    while (count > 0) {
        size_t n = count < room ? (size_t)count : room;
        CS_TRY_DONE(fetch(buffer, tensors, entry, first * width, n * width, err));
        if (entry->dtype == CS_F16)
            cs_widen_f16(out, buffer, n);
        else if (entry->dtype == CS_BF16)
            cs_widen_bf16(out, buffer, n);
        else
            cs_narrow_f64(out, buffer, n);
        out += n;
        first += n;
        count -= n;
    }
done:
    cs_free(buffer);
    return status;
}

/* What is asked for lies in the tensor, and the file is as it was. */
static clipspan_status check_read(const cs_safetensors *tensors, const cs_tensor_entry *entry,
                                  uint64_t first, uint64_t count, clipspan_error *err)
{
    const cs_file *file = tensors->memory ? NULL : tensors->files[entry->file];
    struct stat facts;
    if (first > entry->count || count > entry->count - first)
        return cs_fail_at(err, CLIPSPAN_E_INTERNAL, cs_safetensors_path(tensors, entry->file),
                          "numbers %llu to %llu of tensor \"%.150s\" were asked for; it has %llu",
                          (unsigned long long)first, (unsigned long long)(first + count),
                          entry->name, (unsigned long long)entry->count);
    if (file && (fstat(file->fd, &facts) != 0 || (uint64_t)facts.st_size != file->size))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "changed while in use: it had %llu bytes when it was opened and has %lld "
                          "now that tensor \"%.150s\" is read; open the model again",
                          (unsigned long long)file->size, (long long)facts.st_size, entry->name);
    return CLIPSPAN_OK;
}

clipspan_status cs_safetensors_read(float *out, const cs_safetensors *tensors,
                                    const cs_tensor_entry *entry, uint64_t first, uint64_t count,
                                    clipspan_error *err)
{
    if (entry->dtype != CS_F32 && entry->dtype != CS_F16 && entry->dtype != CS_BF16 &&
        entry->dtype != CS_F64)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, cs_safetensors_path(tensors, entry->file),
                          "tensor \"%.150s\" has dtype %s; F32, F16, BF16 and F64 are read",
                          entry->name, entry->dtype_name);
    CS_TRY(check_read(tensors, entry, first, count, err));
    if (count == 0) return CLIPSPAN_OK;
    if (entry->dtype == CS_F32)
        return fetch(out, tensors, entry, 4 * first, (size_t)(4 * count), err);
    return read_converted(out, tensors, entry, first, count, err);
}

clipspan_status cs_safetensors_read_raw(void *out, const cs_safetensors *tensors,
                                        const cs_tensor_entry *entry, uint64_t first,
                                        uint64_t count, clipspan_error *err)
{
    const unsigned bits = cs_dtype_find(entry->dtype_name)->bits;
    const uint64_t item = bits / 8;
    if (item * 8 != bits)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, cs_safetensors_path(tensors, entry->file),
                          "tensor \"%.150s\" has dtype %s, which does not fill whole bytes",
                          entry->name, entry->dtype_name);
    CS_TRY(check_read(tensors, entry, first, count, err));
    return fetch(out, tensors, entry, item * first, (size_t)(item * count), err);
}

const char *cs_safetensors_note(const cs_safetensors *tensors, const char *key)
{
    return json_string_value(json_object_get(tensors->notes, key));
}
