/* SPDX-License-Identifier: MIT */
/* NumPy's .npy files (numpy.lib.format): written row by row in version 1.0 with the same bytes as
 * NumPy, read strictly in versions 1.0, 2.0 and 3.0. A header is parsed by a grammar that knows a
 * dictionary of exactly three keys and nothing else; it is never evaluated. */
#ifndef CLIPSPAN_SRC_FORMATS_NPY_H
#define CLIPSPAN_SRC_FORMATS_NPY_H

#include "base/error.h"
#include "base/file.h"

/* ---- Writing ---- */

typedef struct cs_npy_writer cs_npy_writer;

/* descr: "<f4", "<f2", "|u1", "<i4", "<i8". row_shape : [row_rank], row_rank 0 to 6; a whole array
 * is [rows, row_shape]. Errors: ARGUMENT, EXISTS unless `replace`, WRITE, NOMEM. */
clipspan_status cs_npy_writer_open(cs_npy_writer **out, const char *path, const char *descr,
                                   const uint64_t *row_shape, int row_rank, int replace,
                                   clipspan_error *err);
/* rows : [count, row_shape]. Errors: WRITE, LIMIT. */
clipspan_status cs_npy_writer_write(cs_npy_writer *writer, const void *rows, size_t count,
                                    clipspan_error *err);
/* The same at rows [first, first + count), in any order; every row has to come once before finish,
 * and cs_npy_writer_write is not used with it. */
clipspan_status cs_npy_writer_put(cs_npy_writer *writer, const void *rows, uint64_t first,
                                  size_t count, clipspan_error *err);
/* Puts the number of rows into the header and gives the file its name. */
clipspan_status cs_npy_writer_finish(cs_npy_writer *writer, clipspan_error *err);
/* Without finish, nothing remains. */
void cs_npy_writer_close(cs_npy_writer **writer);

/* ---- Reading ---- */

typedef struct cs_npy_array {
    cs_file *file;
    char kind;   /* 'f', 'i', 'u' or 'b' (bool) */
    size_t item; /* bytes of a number: 1, 2, 4 or 8 */
    int swapped; /* stored big-endian */
    int fortran; /* first dimension varies fastest */
    int rank;    /* 0 to 8 */
    uint64_t shape[8];
    uint64_t count;  /* product of shape */
    uint64_t offset; /* of the data */
} cs_npy_array;

/* Opens an array; `out` is to be given back with cs_npy_fini in any case. The file's size must be
 * what the header says. Errors: FORMAT, UNSUPPORTED (objects, structures, other types), LIMIT (a
 * header over 65,535 bytes), IO, NOT_FOUND, NOMEM. */
clipspan_status cs_npy_open(cs_npy_array *out, const char *path, clipspan_error *err);
void cs_npy_fini(cs_npy_array *array);

/* Reads all numbers, in this processor's byte order, last dimension fastest.
 *   out : count * item bytes. Errors: IO, FORMAT (the file became shorter), NOMEM. */
clipspan_status cs_npy_read(void *out, const cs_npy_array *array, clipspan_error *err);

#endif
