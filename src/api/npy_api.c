/* SPDX-License-Identifier: MIT */
/* clipspan_npy: argument checks around the writer of src/formats. */
#include "base/memory.h"
#include "formats/npy.h"

#include <clipspan/npy.h>

struct clipspan_npy {
    cs_npy_writer *writer;
};

static const char *type_name(clipspan_dtype dtype)
{
    switch (dtype) {
    case CLIPSPAN_FLOAT32: return "<f4";
    case CLIPSPAN_UINT8: return "|u1";
    case CLIPSPAN_INT32: return "<i4";
    }
    return NULL;
}

clipspan_status clipspan_npy_open(clipspan_npy **out, const char *path, clipspan_dtype dtype,
                                  const uint64_t *row_shape, int row_rank, int replace,
                                  clipspan_error *err)
{
    clipspan_npy *npy;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !path || (row_rank > 0 && !row_shape))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_npy_open: an argument is NULL");
    if (row_rank < 0 || row_rank > 6)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_npy_open: row_rank is %d where 0 to 6 was expected", row_rank);
    if (!type_name(dtype))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_npy_open: dtype %d is not known",
                       (int)dtype);
    npy = cs_alloc_zero(1, sizeof *npy, "an array", err);
    if (!npy) return CLIPSPAN_E_NOMEM;
    status =
        cs_npy_writer_open(&npy->writer, path, type_name(dtype), row_shape, row_rank, replace, err);
    if (status == CLIPSPAN_OK)
        *out = npy;
    else
        cs_free(npy);
    return status;
}

clipspan_status clipspan_npy_write(clipspan_npy *npy, const void *rows, size_t count,
                                   clipspan_error *err)
{
    cs_clear(err);
    if (!npy || (count > 0 && !rows))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_npy_write: an argument is NULL");
    return cs_npy_writer_write(npy->writer, rows, count, err);
}

clipspan_status clipspan_npy_finish(clipspan_npy *npy, clipspan_error *err)
{
    cs_clear(err);
    if (!npy) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_npy_finish: npy is NULL");
    return cs_npy_writer_finish(npy->writer, err);
}

void clipspan_npy_close(clipspan_npy **npy)
{
    if (!npy || !*npy) return;
    cs_npy_writer_close(&(*npy)->writer);
    cs_free(*npy);
    *npy = NULL;
}
