/* SPDX-License-Identifier: MIT */
/* The space that a head writes into: an orthonormal output map of the rows of A, coefficients and
 * texts in its coordinates. */
#include "decompose/span_space.h"
#include "tensor/moments.h"
#include "tensor/panels.h"

#include <math.h>
#include <string.h>

/* A row of A of which less than this is left by the rows before it adds no direction. Twenty times
 * what float64 leaves of a row that is a sum of 100 others. */
#define DEPENDENT 1e-12

/* Lays out everything but the product; the first time only to learn the size. */
static void plan(cs_span_lane *lane)
{
    const cs_span_pool *pool = lane->pool;
    const size_t C = lane->C, P = lane->P, all = pool->parts * pool->part;
    cs_arena *arena = &lane->arena;
    lane->Q = cs_arena_carve(arena, C * P, sizeof(double));
    lane->map = cs_arena_carve(arena, C * C, sizeof(double));
    lane->panels = cs_arena_carve(arena, all * C, sizeof(float));
    lane->exact = cs_arena_carve(arena, pool->T * C, sizeof(double));
    lane->known = cs_arena_carve(arena, pool->T, 1);
    lane->moments.mean = cs_arena_carve(arena, C, sizeof(double));
    lane->moments.comoment = cs_arena_carve(arena, C * C, sizeof(double));
    lane->keep = cs_arena_carve(arena, C * C, sizeof(double));
    lane->cov = cs_arena_carve(arena, C * C, sizeof(double));
    lane->t = cs_arena_carve(arena, lane->most * C, sizeof(double));
    lane->images = cs_arena_carve(arena, lane->most * C, sizeof(double));
    lane->v = cs_arena_carve(arena, all, sizeof(float));
    lane->a = cs_arena_carve(arena, P + C, sizeof(double));
    lane->b = cs_arena_carve(arena, P + C, sizeof(double));
    lane->second = cs_arena_carve(arena, C * C, sizeof(double));
    lane->values = cs_arena_carve(arena, C, sizeof(double));
    lane->rows = cs_arena_carve(arena, C * P, sizeof(float));
    lane->part = cs_arena_carve(arena, C * pool->part, sizeof(float));
    lane->factor = cs_arena_carve(arena, C * CS_PANEL_STRIDE(C), sizeof(float));
    lane->t32 = cs_arena_carve(arena, C, sizeof(float));
    lane->u32 = cs_arena_carve(arena, C, sizeof(float));
}

clipspan_status cs_span_lane_new(cs_span_lane **out, const cs_span_pool *pool, size_t C,
                                 size_t basis_texts, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_product_plan product = {C, CS_STORE, 0, 1};
    cs_span_lane *lane = cs_alloc_zero(1, sizeof *lane, "the workspace of TEXTSPAN", err);
    *out = NULL;
    if (!lane) return CLIPSPAN_E_NOMEM;
    lane->pool = pool;
    lane->C = C;
    lane->P = pool->P;
    lane->most = basis_texts;
    plan(lane);
    CS_TRY_DONE(cs_arena_take(&lane->arena, "the workspace of TEXTSPAN", err));
    plan(lane);
    CS_TRY_DONE(cs_product_new(&lane->product, pool->packed[0], product, pool->simd, err));
    *out = lane;
done:
    if (status != CLIPSPAN_OK) cs_span_lane_free(&lane);
    return status;
}

void cs_span_lane_free(cs_span_lane **lane)
{
    if (!*lane) return;
    cs_product_free(&(*lane)->product);
    cs_arena_fini(&(*lane)->arena);
    cs_free(*lane);
    *lane = NULL;
}

static double length(const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* Q from the rows of A, by Gram-Schmidt done twice, and R. */
static clipspan_status orthonormal(cs_span_lane *lane, const float *output_map, clipspan_error *err)
{
    const cs_simd *simd = lane->pool->simd;
    const size_t P = lane->P;
    double *row = lane->a, *along = lane->b;
    lane->q = 0;
    for (size_t i = 0; i < lane->C; i++) {
        double whole, left;
        for (size_t d = 0; d < P; d++)
            row[d] = (double)output_map[i * P + d];
        whole = length(row, P);
        if (!isfinite(whole))
            return cs_fail(err, CLIPSPAN_E_NUMBERS,
                           "row %zu of a head's output map holds a number that is not finite", i);
        for (int pass = 0; pass < 2; pass++) {
            simd->rows_dot(along, lane->Q, P, lane->q, row, P);
            for (size_t j = 0; j < lane->q; j++)
                along[j] = -along[j];
            simd->rows_add(row, lane->Q, P, lane->q, along, P);
        }
        left = length(row, P);
        if (!(left > DEPENDENT * whole) || lane->q == P) continue;
        for (size_t d = 0; d < P; d++)
            lane->Q[lane->q * P + d] = row[d] / left;
        lane->q++;
    }
    for (size_t i = 0; i < lane->C; i++) {
        for (size_t d = 0; d < P; d++)
            row[d] = (double)output_map[i * P + d];
        simd->rows_dot(lane->map + i * lane->C, lane->Q, P, lane->q, row, P);
    }
    return CLIPSPAN_OK;
}

/* All texts in coordinates, by the wide product, a part of the pool at a time: part : [q, part] is
 * cut into panels. */
static clipspan_status project(cs_span_lane *lane, clipspan_error *err)
{
    const cs_span_pool *pool = lane->pool;
    float *panel = lane->panels;
    memset(lane->rows, 0, lane->C * lane->P * sizeof *lane->rows);
    for (size_t i = 0; i < lane->q * lane->P; i++)
        lane->rows[i] = (float)lane->Q[i];
    for (size_t p = 0; p < pool->parts; p++) {
        CS_TRY(cs_product_run(lane->product, lane->part, lane->rows, 0, pool->packed[p], err));
        for (size_t first = 0; first < pool->part; first += CS_PANEL)
            for (size_t i = 0; i < lane->q; i++, panel += CS_PANEL)
                memcpy(panel, lane->part + i * pool->part + first, CS_PANEL * sizeof *panel);
    }
    memset(lane->known, 0, pool->T);
    return CLIPSPAN_OK;
}

clipspan_status cs_span_space_make(cs_span_lane *lane, const float *output_map, clipspan_error *err)
{
    CS_TRY(orthonormal(lane, output_map, err));
    return project(lane, err);
}

/* mean R and R^T M R. */
void cs_span_space_moments(cs_span_moments *out, cs_span_lane *lane, const double *moments)
{
    const cs_simd *simd = lane->pool->simd;
    const size_t C = lane->C, q = lane->q;
    const double *mean = cs_moments_mean(moments), *packed = cs_moments_comoments(moments, C);
    double *product = lane->second, *row = lane->a; /* M R : [C, q] */
    out->count = cs_moments_count(moments);
    memset(out->mean, 0, q * sizeof *out->mean);
    simd->rows_add(out->mean, lane->map, C, C, mean, q);
    memset(product, 0, C * C * sizeof *product);
    for (size_t i = 0; i < C; i++) {
        for (size_t j = 0; j < C; j++)
            row[j] = packed[cs_moments_at(i, j, C)];
        simd->rows_add(product + i * C, lane->map, C, C, row, q);
    }
    memset(out->comoment, 0, q * q * sizeof *out->comoment);
    for (size_t a = 0; a < q; a++) {
        for (size_t i = 0; i < C; i++)
            row[i] = lane->map[i * C + a];
        simd->rows_add(out->comoment + a * q, product, C, C, row, q);
    }
    for (size_t a = 0; a < q; a++) /* symmetric to the last bit */
        for (size_t b = 0; b < a; b++)
            out->comoment[a * q + b] = out->comoment[b * q + a];
}
