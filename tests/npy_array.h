/* SPDX-License-Identifier: MIT */
/* Arrays of the golden files. A wrong file ends the test. */
#ifndef CLIPSPAN_TESTS_NPY_ARRAY_H
#define CLIPSPAN_TESTS_NPY_ARRAY_H

#include <stddef.h>

typedef struct cs_npy_array {
    unsigned char *bytes; /* the file; give back with cs_free */
    const void *data;
    size_t rows, row_size; /* numbers of one row */
} cs_npy_array;

/* Reads folder/name, an array of `descr` ("'<f8'") of `item` bytes as NumPy writes it (version
 * 1.0); 0 when it isn't there. */
int cs_npy_array_read(cs_npy_array *out, const char *folder, const char *name, const char *descr,
                      size_t item);

#endif
