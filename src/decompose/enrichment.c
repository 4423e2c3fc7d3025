/* SPDX-License-Identifier: MIT */
/* Enrichment of many covariances side by side. Texts stay as they are: after basis text t the
 * variance of text x becomes v + a (c a - 2 b) with a = x . t, b = x . u, c = t^T C t, where t is
 * the text orthogonal to earlier basis texts and u = C t likewise, so that a basis text costs two
 * more rows of a product. */
#include "decompose/enrichment.h"
#include "base/memory.h"
#include "tensor/dot.h"
#include "tensor/panels.h"
#include "tensor/product.h"

#include <math.h>
#include <string.h>

#define MOST_ENTERING 5
#define BLOCK         16    /* texts that are looked over at once */
#define SMALLEST      1e-5f /* of the largest variance: below lies rounding */

/* Where one covariance of a batch stands. */
typedef struct column {
    const float *factors;          /* [r, q] */
    float *v;                      /* [padded] remaining variances */
    double *t;                     /* [MOST_ENTERING, q] */
    double *scores;                /* [categories] */
    size_t top[CS_ENRICHED_TEXTS]; /* largest first */
    size_t found, taken;
    double c;
    float largest; /* before the first basis text */
    int done;
} column;

struct cs_enrichment {
    const cs_span_pool *pool;
    const cs_categories *categories;
    size_t C, T, padded, q, r, most; /* most: texts at a basis text */
    double *part;                    /* [categories] of the pool's texts */
    float *texts;                    /* [T, q] */
    cs_matrix *packed;               /* texts: q -> T */
    cs_product *factors, *pairs;     /* of r CS_ENRICHED_BATCH and 2 CS_ENRICHED_BATCH rows */
    size_t product_q, product_r;     /* that they were made for */
    float *y;                        /* [CS_ENRICHED_BATCH r, T] */
    size_t y_room;
    float *ab, *tu; /* [2 CS_ENRICHED_BATCH, T], [2 CS_ENRICHED_BATCH, q] */
    float *rows;    /* [CS_ENRICHED_BATCH r, q] */
    size_t rows_room;
    float *v;         /* [CS_ENRICHED_BATCH, padded] */
    double *t, *work; /* [CS_ENRICHED_BATCH, MOST_ENTERING, C], [3, C] */
};

size_t cs_enrichment_rank(const double *values, size_t n)
{
    double total = 0.0, sum = 0.0;
    size_t r = 0;
    for (size_t i = 0; i < n; i++)
        total += fmax(values[i], 0.0);
    while (r < n && (r == 0 || sum < CS_ENRICHED_PART * total))
        sum += fmax(values[r++], 0.0);
    r = (r + 3) / 4 * 4; /* few different shapes of products */
    return r < n ? r : n;
}

static clipspan_status take_memory(cs_enrichment *e, clipspan_error *err)
{
    static const char what[] = "the workspace of enrichment";
    const size_t B = CS_ENRICHED_BATCH, C = e->C;
    e->part = cs_alloc_zero(e->categories->count + 1, sizeof *e->part, what, err);
    e->texts = cs_alloc_aligned(e->T, C * sizeof *e->texts, what, err);
    e->ab = cs_alloc_aligned(2 * B, e->T * sizeof *e->ab, what, err);
    e->tu = cs_alloc_aligned(2 * B, C * sizeof *e->tu, what, err);
    e->v = cs_alloc_aligned(B, e->padded * sizeof *e->v, what, err);
    e->t = cs_alloc(B * MOST_ENTERING, C * sizeof *e->t, what, err);
    e->work = cs_alloc(3, C * sizeof *e->work, what, err);
    return e->part && e->texts && e->ab && e->tu && e->v && e->t && e->work ? CLIPSPAN_OK
                                                                            : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_enrichment_new(cs_enrichment **out, const cs_span_pool *pool,
                                  const cs_categories *categories, size_t C, clipspan_error *err)
{
    cs_enrichment *e = cs_alloc_zero(1, sizeof *e, "the workspace of enrichment", err);
    *out = NULL;
    if (!e) return CLIPSPAN_E_NOMEM;
    e->pool = pool;
    e->categories = categories;
    e->C = C;
    e->T = pool->T;
    e->padded = (pool->T + BLOCK - 1) / BLOCK * BLOCK;
    e->most = e->T / 7 < CS_ENRICHED_TEXTS ? e->T / 7 : CS_ENRICHED_TEXTS;
    if (e->most == 0) e->most = 1;
    if (take_memory(e, err) != CLIPSPAN_OK) {
        cs_enrichment_free(&e);
        return CLIPSPAN_E_NOMEM;
    }
    for (size_t i = 0; i < e->T; i++)
        if (categories->of[i] >= 0) e->part[categories->of[i]] += 1.0 / (double)e->T;
    *out = e;
    return CLIPSPAN_OK;
}

void cs_enrichment_free(cs_enrichment **enrichment)
{
    cs_enrichment *e = *enrichment;
    if (!e) return;
    cs_matrix_free(&e->packed);
    cs_product_free(&e->factors);
    cs_product_free(&e->pairs);
    cs_free(e->part);
    cs_free(e->texts);
    cs_free(e->y);
    cs_free(e->ab);
    cs_free(e->tu);
    cs_free(e->rows);
    cs_free(e->v);
    cs_free(e->t);
    cs_free(e->work);
    cs_free(e);
    *enrichment = NULL;
}

const float *cs_enrichment_texts(const cs_enrichment *e)
{
    return e->texts;
}

clipspan_status cs_enrichment_set(cs_enrichment *e, const cs_span_lane *lane, clipspan_error *err)
{
    const size_t q = lane->q;
    e->q = q;
    for (size_t i = 0; i < e->T; i++) {
        const float *panel = lane->panels + i / CS_PANEL * CS_PANEL * q + i % CS_PANEL;
        for (size_t j = 0; j < q; j++)
            e->texts[i * q + j] = panel[j * CS_PANEL];
    }
    cs_matrix_free(&e->packed);
    return cs_matrix_new(&e->packed, e->texts, NULL, e->T, q, 1, CLIPSPAN_F32, err);
}

/* Products for r factors, kept while heads have as many. */
static clipspan_status make_products(cs_enrichment *e, size_t r, clipspan_error *err)
{
    static const char what[] = "the workspace of enrichment";
    const size_t B = CS_ENRICHED_BATCH;
    const cs_product_plan factors = {B * r, CS_STORE, 0, 1}, pairs = {2 * B, CS_STORE, 0, 1};
    if (e->factors && e->product_q == e->q && e->product_r == r) return CLIPSPAN_OK;
    cs_product_free(&e->factors);
    cs_product_free(&e->pairs);
    CS_TRY(cs_product_new(&e->factors, e->packed, factors, e->pool->simd, err));
    CS_TRY(cs_product_new(&e->pairs, e->packed, pairs, e->pool->simd, err));
    CS_TRY(cs_grow(&e->y, &e->y_room, B * r * e->T, sizeof *e->y, what, err));
    CS_TRY(cs_grow(&e->rows, &e->rows_room, B * r * e->C, sizeof *e->rows, what, err));
    e->product_q = e->q;
    e->product_r = r;
    return CLIPSPAN_OK;
}

/* v of all texts from their products with the factors, and the first half of the scores. */
static void begin(column *col, double *weights, cs_enrichment *e, const float *y, size_t r)
{
    const int32_t *of = e->categories->of;
    double sum = 0.0, half;
    float *v = col->v;
    memset(v, 0, e->padded * sizeof *v);
    for (size_t j = 0; j < r; j++, y += e->T)
        for (size_t i = 0; i < e->T; i++)
            v[i] += y[i] * y[i];
    for (size_t i = 0; i < e->T; i++)
        sum += (double)v[i];
    half = sum > 0.0 ? 0.5 / sum : 0.0;
    for (size_t i = 0; i < e->T; i++)
        if (of[i] >= 0) col->scores[of[i]] += half * (double)v[i];
    for (size_t i = 0; weights && i < e->T; i++)
        weights[i] = half * (double)v[i];
    col->taken = 0;
    col->done = !(sum > 0.0);
}

static void insert(column *col, size_t text, size_t most)
{
    size_t at;
    if (col->found < most) col->found++;
    for (at = col->found - 1; at > 0 && col->v[col->top[at - 1]] < col->v[text]; at--)
        col->top[at] = col->top[at - 1];
    col->top[at] = text;
}

/* The texts with the largest remaining variance, lowest index of equal ones. */
static void find_top(column *col, const cs_enrichment *e)
{
    const float *v = col->v;
    float least = 0.0f;
    col->found = 0;
    for (size_t first = 0; first < e->padded; first += BLOCK) {
        float largest[4] = {0.0f};
        for (size_t i = 0; i < BLOCK; i += 4)
            for (size_t j = 0; j < 4; j++)
                largest[j] = v[first + i + j] > largest[j] ? v[first + i + j] : largest[j];
        if (!(largest[0] > least || largest[1] > least || largest[2] > least || largest[3] > least))
            continue;
        for (size_t i = first; i < first + BLOCK; i++) {
            if (!(v[i] > least)) continue;
            insert(col, i, e->most);
            if (col->found == e->most) least = v[col->top[e->most - 1]];
        }
    }
}

/* x without the directions of earlier basis texts. */
static void clear(double *x, const column *col, size_t q)
{
    for (size_t k = 0; k < col->taken; k++) {
        const double along = cs_dot(col->t + k * q, x, q);
        for (size_t j = 0; j < q; j++)
            x[j] -= along * col->t[k * q + j];
    }
}

/* Ct = sum_j f_j (f_j . t) */
static void multiply(double *Ct, const column *col, const double *t, size_t r, size_t q)
{
    memset(Ct, 0, q * sizeof *Ct);
    for (size_t j = 0; j < r; j++) {
        const float *f = col->factors + j * q;
        double along = 0.0;
        for (size_t i = 0; i < q; i++)
            along += (double)f[i] * t[i];
        for (size_t i = 0; i < q; i++)
            Ct[i] += along * (double)f[i];
    }
}

/* The next basis text: its share goes to the categories of the texts at the top. */
static void take_text(column *col, double *weights, cs_enrichment *e, size_t r, float *tu)
{
    const size_t q = e->q;
    double *t = col->t + col->taken * q, *u = e->work, size, sum = 0.0;
    memset(tu, 0, 2 * q * sizeof *tu);
    if (col->done) return;
    find_top(col, e);
    if (col->taken == 0 && col->found) col->largest = col->v[col->top[0]];
    col->done = col->found == 0 || !(col->v[col->top[0]] > SMALLEST * col->largest);
    if (col->done) return;
    for (size_t j = 0; j < q; j++)
        t[j] = (double)e->texts[col->top[0] * q + j];
    clear(t, col, q);
    clear(t, col, q);
    size = sqrt(cs_dot(t, t, q));
    for (size_t j = 0; j < q; j++)
        t[j] /= size;
    multiply(u, col, t, r, q);
    col->c = cs_dot(t, u, q);
    for (size_t k = 0; k < col->found; k++)
        sum += (double)col->v[col->top[k]];
    for (size_t k = 0; k < col->found; k++) {
        const size_t text = col->top[k];
        const double w = 0.5 * col->c * (double)col->v[text] / sum;
        if (e->categories->of[text] >= 0) col->scores[e->categories->of[text]] += w;
        if (weights) weights[text] += w;
    }
    clear(u, col, q);
    for (size_t j = 0; j < q; j++) {
        tu[j] = (float)t[j];
        tu[q + j] = (float)u[j];
    }
    col->taken++;
}

static void deflate(column *col, const cs_enrichment *e, const float *a, const float *b)
{
    const float c = (float)col->c;
    if (col->done) return;
    for (size_t i = 0; i < e->T; i++)
        col->v[i] += a[i] * (c * a[i] - 2.0f * b[i]);
}

clipspan_status cs_enrichment_run(double *scores, double *weights, cs_enrichment *e,
                                  const float *factors, size_t r, size_t count, int entering,
                                  clipspan_error *err)
{
    const size_t groups = e->categories->count, q = e->q;
    column columns[CS_ENRICHED_BATCH] = {{0}};
    CS_TRY(make_products(e, r, err));
    memset(scores, 0, count * groups * sizeof *scores);
    memset(e->rows, 0, CS_ENRICHED_BATCH * r * q * sizeof *e->rows);
    memcpy(e->rows, factors, count * r * q * sizeof *factors);
    CS_TRY(cs_product_run(e->factors, e->y, e->rows, 0, e->packed, err));
    for (size_t b = 0; b < count; b++) {
        column *col = &columns[b];
        col->factors = e->rows + b * r * q;
        col->v = e->v + b * e->padded;
        col->t = e->t + b * MOST_ENTERING * e->C;
        col->scores = scores + b * groups;
        begin(col, b == 0 ? weights : NULL, e, e->y + b * r * e->T, r);
    }
    memset(e->tu, 0, 2 * CS_ENRICHED_BATCH * q * sizeof *e->tu);
    for (int k = 0; k < entering; k++) {
        for (size_t b = 0; b < count; b++)
            take_text(&columns[b], b == 0 ? weights : NULL, e, r, e->tu + 2 * b * q);
        if (k + 1 == entering) break;
        CS_TRY(cs_product_run(e->pairs, e->ab, e->tu, 0, e->packed, err));
        for (size_t b = 0; b < count; b++)
            deflate(&columns[b], e, e->ab + 2 * b * e->T, e->ab + (2 * b + 1) * e->T);
    }
    for (size_t b = 0; b < count; b++)
        for (size_t g = 0; g < groups; g++)
            if (e->part[g] > 0.0) scores[b * groups + g] /= e->part[g];
    return CLIPSPAN_OK;
}
