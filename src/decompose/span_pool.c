/* SPDX-License-Identifier: MIT */
/* A pool of texts for TEXTSPAN: checked and packed for the wide product. */
#include "base/memory.h"
#include "decompose/span_space.h"
#include "tensor/panels.h"

#include <math.h>
#include <string.h>

/* Parts of equal size, whole panels, none above CS_SPAN_PART. */
static void divide(cs_span_pool *pool)
{
    pool->parts = (pool->T - 1) / CS_SPAN_PART + 1;
    pool->part = (pool->T - 1) / pool->parts + 1;
    pool->part = (pool->part + CS_PANEL - 1) / CS_PANEL * CS_PANEL;
}

static clipspan_status pack(cs_span_pool *pool, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    float *padded = cs_alloc_aligned(pool->part, pool->P * sizeof *padded, "texts", err);
    if (!padded) return CLIPSPAN_E_NOMEM;
    for (size_t p = 0; p < pool->parts && status == CLIPSPAN_OK; p++) {
        size_t first = p * pool->part, left = pool->T > first ? pool->T - first : 0;
        size_t some = left < pool->part ? left : pool->part;
        memcpy(padded, pool->texts + first * pool->P, some * pool->P * sizeof *padded);
        memset(padded + some * pool->P, 0, (pool->part - some) * pool->P * sizeof *padded);
        status = cs_matrix_new(&pool->packed[p], padded, NULL, pool->part, pool->P, 1, CLIPSPAN_F32,
                               err);
    }
    cs_free(padded);
    return status;
}

clipspan_status cs_span_pool_new(cs_span_pool **out, const float *texts, size_t T, size_t P,
                                 const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_span_pool *pool;
    *out = NULL;
    if (T == 0 || P == 0 || T > UINT32_MAX - 1)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "a pool of %zu texts of %zu numbers: expected 1 to 4,294,967,294 texts of at "
            "least 1 number",
            T, P);
    pool = cs_alloc_zero(1, sizeof *pool, "a text pool", err);
    if (!pool) return CLIPSPAN_E_NOMEM;
    pool->texts = texts;
    pool->T = T;
    pool->P = P;
    pool->simd = simd;
    for (size_t i = 0; i < T && status == CLIPSPAN_OK; i++) {
        double norm = simd->norm(texts + i * P, P);
        if (!isfinite(norm))
            status = cs_fail(err, CLIPSPAN_E_NUMBERS,
                             "the vector of text %zu holds a number that is not finite", i);
        pool->longest = fmax(pool->longest, norm);
    }
    divide(pool);
    if (status == CLIPSPAN_OK) {
        pool->packed = cs_alloc_zero(pool->parts, sizeof *pool->packed, "packed texts", err);
        status = pool->packed ? pack(pool, err) : CLIPSPAN_E_NOMEM;
    }
    if (status == CLIPSPAN_OK)
        *out = pool;
    else
        cs_span_pool_free(&pool);
    return status;
}

void cs_span_pool_free(cs_span_pool **pool)
{
    if (!*pool) return;
    for (size_t p = 0; (*pool)->packed && p < (*pool)->parts; p++)
        cs_matrix_free(&(*pool)->packed[p]);
    cs_free((*pool)->packed);
    cs_free(*pool);
    *pool = NULL;
}

size_t cs_span_pool_texts(const cs_span_pool *pool)
{
    return pool->T;
}
