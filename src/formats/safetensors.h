/* SPDX-License-Identifier: MIT */
/* safetensors files: an index over one or several files that together hold each name once.
 *
 * Layout: 8 bytes little-endian header length, JSON header, data. Accepted: leading and trailing
 * white space in the header, unaligned data, empty tensors, scalars. Refused before parsing: a
 * header over 4 MB; after it: more than 20,000 tensors, tensors that do not tile the data exactly
 * (holes, overlaps, tails), sizes that overflow. Values are not looked at. Data is read with
 * positioned reads, never mapped. */
#ifndef CLIPSPAN_SRC_FORMATS_SAFETENSORS_H
#define CLIPSPAN_SRC_FORMATS_SAFETENSORS_H

#include <jansson.h>

#include "base/error.h"

typedef struct clipspan_tensor clipspan_tensor; /* model.h */
typedef struct cs_file cs_file;                 /* base/file.h */

typedef enum cs_dtype {
    CS_F32 = 1,
    CS_F16,
    CS_BF16,
    CS_F64,
    CS_I64,
    CS_OTHER /* a type of the format that is not loaded: U8, F8_E4M3 … (its name is kept) */
} cs_dtype;

typedef struct cs_tensor_entry {
    char *name;
    char dtype_name[16];
    cs_dtype dtype;
    int rank;
    uint64_t shape[8];      /* a rank above 8 is refused */
    uint64_t count;         /* product of shape */
    uint64_t offset, bytes; /* absolute in the file */
    size_t file;            /* index into the files */
    const void *data;       /* of a tensor in memory, borrowed; NULL: in the file */
} cs_tensor_entry;

typedef struct cs_safetensors cs_safetensors;

/* Opens files and merges their tables; entries are sorted by name. Errors: FORMAT (with byte offset
 * or tensor name), LIMIT, NOT_FOUND, IO, NOMEM. A tensor name in two files is a FORMAT error. */
clipspan_status cs_safetensors_open(cs_safetensors **out, const char *const *paths, size_t files,
                                    clipspan_error *err);

/* One file that is open; it is the table's from here on, also after an error. header_most: bytes
 * that its header may have, checked before it is read. */
clipspan_status cs_safetensors_open_file(cs_safetensors **out, cs_file *file, uint64_t header_most,
                                         clipspan_error *err);

/* The same over tensors in memory, which are borrowed as long as the table lives; names are copied.
 * They count as one file whose path is `name`; offsets are those of a file of these tensors, less
 * its header. Errors: ARGUMENT (a tensor that is no tensor, with its name), LIMIT, NOMEM. */
clipspan_status cs_safetensors_from_memory(cs_safetensors **out, const char *name,
                                           const clipspan_tensor *tensors, size_t count,
                                           clipspan_error *err);
int cs_safetensors_in_memory(const cs_safetensors *tensors);
void cs_safetensors_close(cs_safetensors **tensors);

size_t cs_safetensors_count(const cs_safetensors *tensors);
const cs_tensor_entry *cs_safetensors_at(const cs_safetensors *tensors,
                                         size_t index); /* sorted by name */
const cs_tensor_entry *cs_safetensors_find(const cs_safetensors *tensors,
                                           const char *name); /* or NULL */
size_t cs_safetensors_files(const cs_safetensors *tensors);
const char *cs_safetensors_path(const cs_safetensors *tensors, size_t file);
uint64_t cs_safetensors_bytes(const cs_safetensors *tensors); /* of all files */

/* Reads `count` numbers from number `first` of a tensor of a loadable type as float32 (f64 is
 * rounded). The file's size is compared with that at opening first. Errors: IO, FORMAT (changed or
 * cut short; names tensor and file), NOMEM. */
clipspan_status cs_safetensors_read(float *out, const cs_safetensors *tensors,
                                    const cs_tensor_entry *entry, uint64_t first, uint64_t count,
                                    clipspan_error *err);

/* The same numbers as they are stored, in their own type: out : count * bytes / entry->count bytes
 * (a type of less than a byte is UNSUPPORTED). */
clipspan_status cs_safetensors_read_raw(void *out, const cs_safetensors *tensors,
                                        const cs_tensor_entry *entry, uint64_t first,
                                        uint64_t count, clipspan_error *err);

/* A file's header as it is on disk, `size` bytes (text: cs_free), and parsed (json_decref). */
clipspan_status cs_safetensors_header(char **text, size_t *size, json_t **header,
                                      const cs_safetensors *tensors, size_t file,
                                      clipspan_error *err);

/* SHA-256 of a file; of tensors in memory, in the order of their names, over name and type, each
 * with a NUL, the number of dimensions and each of them as 8 bytes, lowest first, and the data.
 * *bytes (may be NULL): how many the file has. Errors: IO, NOMEM, INTERRUPTED. */
clipspan_status cs_safetensors_hash(char out[65], uint64_t *bytes, const cs_safetensors *tensors,
                                    size_t file, const clipspan_progress *progress,
                                    clipspan_error *err);

/* A text of the first file's __metadata__, or NULL. Lives as long as the table. */
const char *cs_safetensors_note(const cs_safetensors *tensors, const char *key);

#endif
