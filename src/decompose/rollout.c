/* SPDX-License-Identifier: MIT */
/* Whole attention matrices, averaged over heads as layers go by; then one row through them. */
#include "decompose/rollout.h"

#include <math.h>
#include <string.h>

static void plan(cs_rollout *r)
{
    const cs_shape *s = &r->shape;
    size_t square;
    if (!cs_size_mul(&square, s->N, s->N)) square = SIZE_MAX;
    r->mean = cs_arena_carve(&r->arena, square, s->L * sizeof(float));
    r->row = cs_arena_carve(&r->arena, s->N, sizeof(float));
    r->query = cs_arena_carve(&r->arena, s->K, sizeof(float));
    r->keys = cs_arena_carve(&r->arena, s->N * s->K, sizeof(float));
    r->sum = cs_arena_carve(&r->arena, 2 * s->N, sizeof(double));
}

clipspan_status cs_rollout_init(cs_rollout *rollout, cs_shape shape, const cs_simd *simd,
                                clipspan_error *err)
{
    memset(rollout, 0, sizeof *rollout);
    rollout->shape = shape;
    rollout->simd = simd;
    plan(rollout);
    CS_TRY(cs_arena_take(&rollout->arena, "attention rollout", err));
    plan(rollout);
    return CLIPSPAN_OK;
}

void cs_rollout_fini(cs_rollout *rollout)
{
    cs_arena_fini(&rollout->arena);
}

/* row + values[0] key[0] + ... in the order of the keys: four at a time, so that row is read and
 * written a quarter as often; the sums are those of one at a time. */
static void add_keys(float *restrict row, const float *restrict values, const float *restrict keys,
                     size_t K, size_t N)
{
    size_t k = 0;
    for (; k + 4 <= K; k += 4) {
        const float *a = keys + k * N, *b = a + N, *c = b + N, *d = c + N;
        for (size_t j = 0; j < N; j++)
            row[j] = row[j] + values[k] * a[j] + values[k + 1] * b[j] + values[k + 2] * c[j] +
                     values[k + 3] * d[j];
    }
    for (; k < K; k++)
        for (size_t j = 0; j < N; j++)
            row[j] += values[k] * keys[k * N + j];
}

/* Adds a layer's head's part of softmax(scale q . k) of one query to mean : [N]. */
static void add_query(float *mean, const cs_rollout *r, const float *q, float scale, float part)
{
    const cs_shape *s = &r->shape;
    float *restrict row = r->row;
    memset(row, 0, s->N * sizeof *row);
    for (size_t k = 0; k < s->K; k++)
        r->query[k] = q[k] * scale;
    add_keys(row, r->query, r->keys, s->K, s->N);
    r->simd->softmax(row, s->N, 1, s->N);
    for (size_t j = 0; j < s->N; j++)
        mean[j] += part * row[j];
}

void cs_rollout_layer(cs_rollout *rollout, const cs_layer_view *view)
{
    const cs_shape *s = &rollout->shape;
    float *mean = rollout->mean + view->layer * s->N * s->N;
    const float scale = (float)(1.0 / sqrt((double)s->K));
    const float part = 1.0F / (float)view->heads;
    size_t place, h, i, j, k;
    memset(mean, 0, s->N * s->N * sizeof *mean);
    for (place = 0; place < view->heads; place++) {
        h = view->numbers ? (size_t)view->numbers[place] : place;
        for (j = 0; j < s->N; j++)
            for (k = 0; k < s->K; k++)
                rollout->keys[k * s->N + j] = view->keys[j * s->D + h * s->K + k];
        for (i = 0; i < view->asked; i++)
            add_query(mean + i * s->N, rollout, view->queries + i * s->D + h * s->K, scale, part);
    }
}

void cs_rollout_get(float *out, const cs_rollout *rollout)
{
    const cs_shape *s = &rollout->shape;
    double *row = rollout->sum, *next = row + s->N, *swap;
    size_t l, i, j;
    memset(row, 0, s->N * sizeof *row);
    row[0] = 1.0;
    for (l = s->L; l-- > 0;) {
        const float *mean = rollout->mean + l * s->N * s->N;
        for (j = 0; j < s->N; j++)
            next[j] = 0.5 * row[j];
        for (i = 0; i < s->N; i++) {
            const double value = 0.5 * row[i];
            if (value == 0.0) continue;
            for (j = 0; j < s->N; j++)
                next[j] += value * (double)mean[i * s->N + j];
        }
        swap = row;
        row = next;
        next = swap;
    }
    for (j = 0; j < s->N; j++)
        out[j] = (float)row[j];
}
