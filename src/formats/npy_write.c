/* SPDX-License-Identifier: MIT */
/* Writer of .npy version 1.0. NumPy leaves room for 21 digits of the first dimension, so the
 * header's length does not depend on the number of rows and can be filled in at the end. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/npy.h"

#define ALIGN      64 /* data starts on such a boundary */
#define ROW_DIGITS 21
#define MAX_RANK   6

struct cs_npy_writer {
    cs_output *output;
    char descr[8];
    uint64_t shape[MAX_RANK];
    int rank;
    size_t row_bytes;
    uint64_t rows;
    char *path;
};

/* Builds magic, version, length and dictionary; returns the bytes used. */
static size_t build_header(char out[512], const cs_npy_writer *w)
{
    char digits[32];
    size_t used = 10, end;
    int shown = snprintf(digits, sizeof digits, "%llu", (unsigned long long)w->rows), i;
    memcpy(out, "\x93NUMPY\1\0", 8);
    used += (size_t)snprintf(out + used, 512 - used,
                             "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s", w->descr,
                             digits, w->rank == 0 ? "," : "");
    for (i = 0; i < w->rank; i++)
        used += (size_t)snprintf(out + used, 512 - used, ", %llu", (unsigned long long)w->shape[i]);
    used += (size_t)snprintf(out + used, 512 - used, "), }%*s", ROW_DIGITS - shown, "");
    /* At least one space and the line end, as NumPy has it. */
    end = used + 1 + (ALIGN - (used + 1) % ALIGN);
    memset(out + used, ' ', end - 1 - used);
    out[end - 1] = '\n';
    out[8] = (char)((end - 10) & 0xFF);
    out[9] = (char)((end - 10) >> 8);
    return end;
}

static size_t item_size(const char *descr)
{
    static const struct {
        const char *descr;
        size_t size;
    } known[] = {{"<f4", 4}, {"<f2", 2}, {"|u1", 1}, {"<i4", 4}, {"<i8", 8}};
    size_t i;
    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(descr, known[i].descr) == 0) return known[i].size;
    return 0;
}

clipspan_status cs_npy_writer_open(cs_npy_writer **out, const char *path, const char *descr,
                                   const uint64_t *row_shape, int row_rank, int replace,
                                   clipspan_error *err)
{
    clipspan_status status;
    char header[512];
    cs_npy_writer *w;
    int i;
    *out = NULL;
    if (row_rank < 0 || row_rank > MAX_RANK || !item_size(descr))
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, path,
                          "an array of type %s with rows of %d dimensions cannot be written", descr,
                          row_rank);
    w = cs_alloc_zero(1, sizeof *w, "an array writer", err);
    if (!w) return CLIPSPAN_E_NOMEM;
    snprintf(w->descr, sizeof w->descr, "%s", descr);
    w->rank = row_rank;
    w->row_bytes = item_size(descr);
    for (i = 0; i < row_rank; i++) {
        w->shape[i] = row_shape[i];
        if (row_shape[i] > SIZE_MAX ||
            !cs_size_mul(&w->row_bytes, w->row_bytes, (size_t)row_shape[i])) {
            status = cs_fail_at(err, CLIPSPAN_E_ARGUMENT, path,
                                "a row of the array does not fit the address space");
            goto done;
        }
    }
    CS_TRY_DONE(cs_output_open(&w->output, path, replace, err));
    CS_TRY_DONE(cs_output_write(w->output, header, build_header(header, w), err));
    status = CLIPSPAN_E_NOMEM;
    w->path = cs_strdup(path, err);
    if (!w->path) goto done;
    *out = w;
    w = NULL;
    status = CLIPSPAN_OK;
done:
    cs_npy_writer_close(&w);
    return status;
}

clipspan_status cs_npy_writer_write(cs_npy_writer *writer, const void *rows, size_t count,
                                    clipspan_error *err)
{
    size_t bytes;
    if (!cs_size_mul(&bytes, count, writer->row_bytes) || writer->rows > INT64_MAX - count)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, writer->path,
                          "%zu rows more than an array can have", count);
    CS_TRY(cs_output_write(writer->output, rows, bytes, err));
    writer->rows += count;
    return CLIPSPAN_OK;
}

clipspan_status cs_npy_writer_put(cs_npy_writer *writer, const void *rows, uint64_t first,
                                  size_t count, clipspan_error *err)
{
    char header[512];
    size_t bytes;
    if (!cs_size_mul(&bytes, count, writer->row_bytes) || first > INT64_MAX / writer->row_bytes / 2)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, writer->path,
                          "row %llu is beyond what an array can have", (unsigned long long)first);
    CS_TRY(cs_output_rewrite(writer->output,
                             build_header(header, writer) + first * writer->row_bytes, rows, bytes,
                             err));
    if (first + count > writer->rows) writer->rows = first + count;
    return CLIPSPAN_OK;
}

clipspan_status cs_npy_writer_finish(cs_npy_writer *writer, clipspan_error *err)
{
    char header[512];
    size_t size = build_header(header, writer);
    CS_TRY(cs_output_rewrite(writer->output, 0, header, size, err));
    return cs_output_commit(writer->output, err);
}

void cs_npy_writer_close(cs_npy_writer **writer)
{
    cs_npy_writer *w = writer ? *writer : NULL;
    if (!w) return;
    cs_output_close(&w->output);
    cs_free(w->path);
    cs_free(w);
    *writer = NULL;
}
