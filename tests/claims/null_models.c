/* SPDX-License-Identifier: MIT */
/* Turned heads, dealt categories, and what is claimed of them. */
#include "null_models.h"
#include "base/memory.h"
#include "decompose/rotation_null.h"

#include <math.h>
#include <string.h>

#define DEPENDENT 1e-9

/* Orthonormal rows that span those of A; returns how many. */
static size_t span_rows(double *Q, double *along, const float *map, size_t C, size_t P)
{
    const cs_simd *simd = cs_simd_best();
    size_t q = 0;
    for (size_t i = 0; i < C; i++) {
        double *row = Q + q * P, whole = 0.0, left = 0.0;
        for (size_t d = 0; d < P; d++) {
            row[d] = (double)map[i * P + d];
            whole += row[d] * row[d];
        }
        for (int pass = 0; pass < 2; pass++) {
            simd->rows_dot(along, Q, P, q, row, P);
            for (size_t j = 0; j < q; j++)
                along[j] = -along[j];
            simd->rows_add(row, Q, P, q, along, P);
        }
        for (size_t d = 0; d < P; d++)
            left += row[d] * row[d];
        if (!(left > DEPENDENT * DEPENDENT * whole) || q == P) continue;
        for (size_t d = 0; d < P; d++)
            row[d] /= sqrt(left);
        q++;
    }
    return q;
}

clipspan_status cs_null_turn(float *out, const float *map, size_t C, size_t P, cs_random *random,
                             clipspan_error *err)
{
    const cs_simd *simd = cs_simd_best();
    double *Q = cs_alloc((C + 1) * P + (C + 2) * C + P, sizeof *Q, "a turned head", err);
    double *U, *along, *x;
    size_t q;
    if (!Q) return CLIPSPAN_E_NOMEM;
    U = Q + (C + 1) * P;
    along = U + C * C;
    x = along + 2 * C;
    q = span_rows(Q, along, map, C, P);
    cs_rotation_draw(U, along, q, random, simd);
    for (size_t i = 0; i < C; i++) {
        for (size_t d = 0; d < P; d++)
            x[d] = (double)map[i * P + d];
        simd->rows_dot(along, Q, P, q, x, P);
        memset(along + C, 0, q * sizeof *along);
        simd->rows_add(along + C, U, q, q, along, q);
        memset(x, 0, P * sizeof *x);
        simd->rows_add(x, Q, P, q, along + C, P);
        for (size_t d = 0; d < P; d++)
            out[i * P + d] = (float)x[d];
    }
    cs_free(Q);
    return CLIPSPAN_OK;
}

void cs_null_deal(cs_categories *c, cs_random *random)
{
    for (size_t i = c->texts; i > 1; i--) {
        const size_t j = (size_t)cs_random_below(random, i);
        const int32_t dealt = c->of[i - 1];
        c->of[i - 1] = c->of[j];
        c->of[j] = dealt;
    }
}

clipspan_status cs_null_claims(int claims[5], const cs_span_pool *pool, const cs_span_head *heads,
                               size_t count, size_t C, const cs_role_wish *wish, int threads,
                               clipspan_error *err)
{
    const cs_span_options options = {5, 0, 0, 1, threads, wish};
    cs_span **spans = cs_alloc_zero(count, sizeof *spans, "heads", err);
    clipspan_role *roles = cs_alloc(count, sizeof *roles, "roles", err);
    clipspan_status status = spans && roles ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    memset(claims, 0, 5 * sizeof *claims);
    if (status == CLIPSPAN_OK)
        status = cs_span_run(spans, pool, heads, count, C, &options, NULL, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        roles[i] = spans[i]->role;
    if (status == CLIPSPAN_OK) status = cs_roles_judge(roles, NULL, count, CS_ROLES_FDR, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        claims[roles[i].outcome]++;
    for (size_t i = 0; spans && i < count; i++)
        cs_span_free(&spans[i]);
    cs_free(spans);
    cs_free(roles);
    return status;
}
