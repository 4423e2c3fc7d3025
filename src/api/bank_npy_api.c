/* SPDX-License-Identifier: MIT */
/* Classifiers as the published programs keep them: [P, classes], a class a column. */
#include "api/model_handles.h"
#include "base/memory.h"
#include "formats/npy.h"

#include <math.h>

clipspan_status clipspan_bank_write(const char *path, const clipspan_bank *bank, int replace,
                                    clipspan_error *err)
{
    const size_t count = clipspan_bank_get_count(bank), P = clipspan_bank_get_width(bank);
    const float *vectors = clipspan_bank_get_vectors(bank);
    const uint64_t shape = count;
    clipspan_status status = CLIPSPAN_OK;
    cs_npy_writer *writer;
    float *row;
    cs_clear(err);
    if (!path || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_bank_write: an argument is NULL");
    CS_TRY(cs_npy_writer_open(&writer, path, "<f4", &shape, 1, replace, err));
    row = cs_alloc(count, sizeof *row, "a classifier", err);
    if (!row) status = CLIPSPAN_E_NOMEM;
    for (size_t p = 0; p < P && status == CLIPSPAN_OK; p++) {
        for (size_t c = 0; c < count; c++)
            row[c] = vectors[c * P + p];
        status = cs_npy_writer_write(writer, row, 1, err);
    }
    if (status == CLIPSPAN_OK) status = cs_npy_writer_finish(writer, err);
    cs_npy_writer_close(&writer);
    cs_free(row);
    return status;
}

static clipspan_status check_array(const cs_npy_array *a, const char *path, size_t classes,
                                   clipspan_error *err)
{
    if (a->kind != 'f' || a->item != 4 || a->rank != 2)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "expected a classifier, a float32 array [width, classes]; found kind %c, "
                          "%zu bytes a number, %d dimensions",
                          a->kind, a->item, a->rank);
    if (a->shape[1] != classes || a->shape[0] == 0 || a->shape[0] > 65536)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "expected [width, %zu], a column a class; found [%llu, %llu]", classes,
                          (unsigned long long)a->shape[0], (unsigned long long)a->shape[1]);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_bank_read(clipspan_bank **out, const char *path,
                                   const clipspan_texts *classes, clipspan_error *err)
{
    const size_t count = clipspan_texts_get_count(classes);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_npy_array array;
    float *columns = NULL, *vectors = NULL;
    size_t P = 0, p, c;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !path || !classes)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_bank_read: an argument is NULL");
    CS_TRY_DONE(cs_npy_open(&array, path, err));
    CS_TRY_DONE(check_array(&array, path, count, err));
    P = (size_t)array.shape[0];
    status = CLIPSPAN_E_NOMEM;
    columns = cs_alloc(P, count * sizeof *columns, "a classifier", err);
    vectors = cs_alloc(P, count * sizeof *vectors, "a classifier", err);
    if (!columns || !vectors) goto done;
    CS_TRY_DONE(cs_npy_read(columns, &array, err));
    for (c = 0; c < count; c++)
        for (p = 0; p < P; p++) {
            vectors[c * P + p] = columns[p * count + c];
            if (isfinite(vectors[c * P + p])) continue;
            status = cs_fail_at(err, CLIPSPAN_E_NUMBERS, path,
                                "row %zu of column %zu, the vector of \"%s\", is not finite", p, c,
                                clipspan_texts_get_text(classes, c));
            goto done;
        }
    status = clipspan_bank_new_vectors(out, classes, vectors, P, err);
done:
    cs_npy_fini(&array);
    cs_free(columns);
    cs_free(vectors);
    return status;
}
