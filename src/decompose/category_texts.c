/* SPDX-License-Identifier: MIT */
/* TEXTSPAN of one head among few texts, in float64. */
#include "decompose/category_texts.h"
#include "tensor/dot.h"

#include <math.h>
#include <string.h>

#define SMALLEST      1e-12 /* of the variance */
#define MOST_ENTERING 5

struct cs_category_texts {
    const cs_span_pool *pool;
    const cs_categories *categories;
    size_t C, most;    /* texts of the largest category */
    double *x;         /* [most, C] coordinates */
    double *v, *a, *b; /* [most] */
    double *t, *u;     /* [MOST_ENTERING, C], [C] */
    double *vector;    /* [P] */
};

clipspan_status cs_category_texts_new(cs_category_texts **out, const cs_span_pool *pool,
                                      const cs_categories *c, size_t C, clipspan_error *err)
{
    static const char what[] = "the texts of a category";
    cs_category_texts *s = cs_alloc_zero(1, sizeof *s, what, err);
    size_t *counts = cs_alloc_zero(c->count, sizeof *counts, what, err);
    *out = s;
    if (!s || !counts) goto fail;
    s->pool = pool;
    s->categories = c;
    s->C = C;
    for (size_t i = 0; i < c->texts; i++)
        if (c->of[i] >= 0 && ++counts[c->of[i]] > s->most) s->most = counts[c->of[i]];
    s->x = cs_alloc(s->most + 1, C * sizeof *s->x, what, err);
    s->v = cs_alloc(s->most, sizeof *s->v, what, err);
    s->a = cs_alloc(s->most, sizeof *s->a, what, err);
    s->b = cs_alloc(s->most, sizeof *s->b, what, err);
    s->t = cs_alloc(MOST_ENTERING, C * sizeof *s->t, what, err);
    s->u = cs_alloc(C, sizeof *s->u, what, err);
    s->vector = cs_alloc(pool->P, sizeof *s->vector, what, err);
    if (!s->x || !s->v || !s->a || !s->b || !s->t || !s->u || !s->vector) goto fail;
    cs_free(counts);
    return CLIPSPAN_OK;
fail:
    cs_free(counts);
    cs_category_texts_free(out);
    return CLIPSPAN_E_NOMEM;
}

void cs_category_texts_free(cs_category_texts **texts)
{
    cs_category_texts *s = *texts;
    if (!s) return;
    cs_free(s->x);
    cs_free(s->v);
    cs_free(s->a);
    cs_free(s->b);
    cs_free(s->t);
    cs_free(s->u);
    cs_free(s->vector);
    cs_free(s);
    *texts = NULL;
}

/* Coordinates of the texts of a category; returns how many there are. */
static size_t take_texts(cs_category_texts *s, const cs_span_lane *lane, const float *vectors,
                         int32_t category)
{
    const size_t P = lane->P, q = lane->q;
    size_t count = 0;
    for (size_t i = 0; i < s->categories->texts; i++) {
        if (s->categories->of[i] != category) continue;
        for (size_t d = 0; d < P; d++)
            s->vector[d] = (double)vectors[i * P + d];
        s->pool->simd->rows_dot(s->x + count++ * q, lane->Q, P, q, s->vector, P);
    }
    return count;
}

/* x without the first `count` directions. */
static void clear(double *x, const double *t, int count, size_t q)
{
    for (int k = 0; k < count; k++) {
        const double along = cs_dot(t + (size_t)k * q, x, q);
        for (size_t j = 0; j < q; j++)
            x[j] -= along * t[(size_t)k * q + j];
    }
}

double cs_category_texts_explain(cs_category_texts *s, const cs_span_lane *lane,
                                 const float *vectors, int32_t category, const double *cov,
                                 double total, int entering)
{
    const cs_simd *simd = s->pool->simd;
    const size_t q = lane->q;
    const size_t n = take_texts(s, lane, vectors ? vectors : s->pool->texts, category);
    double share = 0.0;
    for (size_t i = 0; i < n; i++) {
        simd->rows_dot(s->u, cov, q, q, s->x + i * q, q);
        s->v[i] = cs_dot(s->u, s->x + i * q, q);
    }
    for (int k = 0; k < entering; k++) {
        double *t = s->t + (size_t)k * q, c, size;
        size_t best = 0;
        for (size_t i = 1; i < n; i++)
            if (s->v[i] > s->v[best]) best = i;
        if (n == 0 || !(s->v[best] > SMALLEST * total)) break;
        memcpy(t, s->x + best * q, q * sizeof *t);
        clear(t, s->t, k, q);
        clear(t, s->t, k, q);
        size = sqrt(cs_dot(t, t, q));
        for (size_t j = 0; j < q; j++)
            t[j] /= size;
        simd->rows_dot(s->u, cov, q, q, t, q);
        c = cs_dot(t, s->u, q);
        share += c / total;
        clear(s->u, s->t, k, q);
        simd->rows_dot(s->a, s->x, q, n, t, q);
        simd->rows_dot(s->b, s->x, q, n, s->u, q);
        for (size_t i = 0; i < n; i++)
            s->v[i] += s->a[i] * (c * s->a[i] - 2.0 * s->b[i]);
    }
    return share;
}
