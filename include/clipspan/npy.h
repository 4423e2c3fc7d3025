/* SPDX-License-Identifier: MIT */
/* NumPy arrays on disk. Conventions: clipspan.h. */
#ifndef CLIPSPAN_NPY_H
#define CLIPSPAN_NPY_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Arrays on disk ---- */

typedef struct clipspan_npy clipspan_npy;
typedef enum clipspan_dtype {
    CLIPSPAN_FLOAT32 = 1,
    CLIPSPAN_UINT8 = 2,
    CLIPSPAN_INT32 = 3
} clipspan_dtype;

/* Writes a NumPy .npy file (version 1.0, little-endian, C order) row by row. The file grows under a
 * temporary name beside `path` and gets its own when clipspan_npy_finish is called;
 * clipspan_npy_close without finish removes it. rows : [count, row_shape], dense, of the type that
 * the file was opened with. row_shape : [row_rank] shape of one row, may be
 * NULL when row_rank, which is 0 to 6, is 0. Errors: EXISTS unless `replace`, WRITE, ARGUMENT,
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_npy_open(clipspan_npy **out, const char *path,
                                               clipspan_dtype dtype, const uint64_t *row_shape,
                                               int row_rank, int replace, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_npy_write(clipspan_npy *npy, const void *rows, size_t count,
                                                clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_npy_finish(clipspan_npy *npy, clipspan_error *err);
CLIPSPAN_API void clipspan_npy_close(clipspan_npy **npy);

#ifdef __cplusplus
}
#endif
#endif
