/* SPDX-License-Identifier: MIT */
/* A safetensors file copied with some of its tensors changed. What is not changed keeps its bytes,
 * its name, its type and its notes; where no type and no shape changes, the header too, so that the
 * two files differ in the changed numbers alone. */
#ifndef CLIPSPAN_SRC_FORMATS_SAFETENSORS_COPY_H
#define CLIPSPAN_SRC_FORMATS_SAFETENSORS_COPY_H

#include "formats/safetensors.h"

/* A tensor that the copy has otherwise: its type, "F32" for example, shape and bytes there. */
typedef struct cs_tensor_change {
    const cs_tensor_entry *entry;
    char dtype[16];
    int rank;
    uint64_t shape[8];
    uint64_t bytes;
} cs_tensor_change;

typedef struct cs_tensor_changes {
    const cs_tensor_change *items;
    size_t count;
    /* Fills the bytes of one of them. */
    clipspan_status (*make)(void *out, void *context, size_t index, clipspan_error *err);
    void *context;
} cs_tensor_changes;

/* Counts bytes over several copies. */
typedef struct cs_copy_progress {
    const clipspan_progress *caller; /* or NULL */
    uint64_t done, total;
} cs_copy_progress;

/* Copies file `file` of `from` to `path`, which must not be there. Changes of other files are left
 * aside. Memory: a mebibyte, and the largest changed tensor. When types or shapes change, tensors
 * are laid out widest type first, so that each lies at a multiple of its own size. Errors: EXISTS,
 * WRITE, IO, FORMAT (the file changed), INTERRUPTED, NOMEM, and those of `make`. */
clipspan_status cs_safetensors_copy(const char *path, const cs_safetensors *from, size_t file,
                                    const cs_tensor_changes *changes, cs_copy_progress *progress,
                                    clipspan_error *err);

#endif
