/* SPDX-License-Identifier: MIT */
/* What the files of the tensor table share: safetensors.c opens files, safetensors_memory.c tensors
 * in memory, safetensors_read.c reads either. */
#ifndef CLIPSPAN_SRC_FORMATS_SAFETENSORS_INSIDE_H
#define CLIPSPAN_SRC_FORMATS_SAFETENSORS_INSIDE_H

#include "base/file.h"
#include "formats/safetensors.h"

#define CS_MAX_TENSORS 20000

struct cs_safetensors {
    cs_file **files; /* NULL: tensors in memory */
    size_t file_count;
    char *memory; /* their name for messages, or NULL: files */
    cs_tensor_entry *entries;
    size_t count, room;
    uint64_t bytes;
    json_t *notes; /* __metadata__ of the first file, or NULL */
};

typedef struct cs_dtype_facts {
    const char *name;
    unsigned bits;
    cs_dtype dtype;
} cs_dtype_facts;

/* A type of the format by its name, or NULL. */
const cs_dtype_facts *cs_dtype_find(const char *name);

/* Fills in count, the product of the shape, and the bytes that it takes; 0 when either does not fit
 * 64 bits or the bits do not fill whole bytes. */
int cs_tensor_size(cs_tensor_entry *entry, unsigned bits);

/* Entries by name, as the table is looked up. */
void cs_safetensors_sort(cs_safetensors *tensors);

/* cs_safetensors_header for tensors in memory. */
clipspan_status cs_safetensors_describe(char **text, size_t *size, json_t **header,
                                        const cs_safetensors *tensors, clipspan_error *err);

#endif
