/* SPDX-License-Identifier: MIT */
/* Picking: the rank rule, v of all texts screened in float32, the largest decided in float64, and
 * what came close. */
#include "decompose/span_space.h"
#include "tensor/dot.h"
#include "tensor/eigen.h"
#include "tensor/panels.h"

#include <math.h>
#include <string.h>

#define SMALLEST_EIGENVALUE 1e-12 /* of the largest: directions below hold rounding noise */
#define SMALLEST_VARIANCE   1e-12 /* of tr C: below, a head is used up */
#define NEAR_DUPLICATE      0.9   /* cosine */
#define LOOKED_AT                                                                                  \
    24 /* texts next to the winner that may be runners-up or
                                     near-duplicates */

/* How far a screened v may be off, of |text| sqrt(largest v tr C). Its parts: coordinates of unit
 * texts are within about 1e-7 (float32 sums of P products), which moves v by at most
 * 2e-7 sqrt(v tr C); the kernels' own rounding and every pick add less than that. Largest seen
 * on random heads: a thirtieth of this. */
#define SCREEN_ERROR 4e-6

/* C and S to the kept span; keep holds r rows. cov = K^T (K C K^T) K. */
static void restrict_covariance(cs_span_lane *lane)
{
    const cs_simd *simd = lane->pool->simd;
    const size_t q = lane->q, r = lane->r;
    double *half = lane->second, *inner = lane->a;
    memset(half, 0, r * q * sizeof *half);
    for (size_t a = 0; a < r; a++) { /* half = (K C K^T) K : [r, q] */
        simd->rows_dot(lane->b, lane->cov, q, q, lane->keep + a * q, q);
        simd->rows_dot(inner, lane->keep, q, r, lane->b, q);
        simd->rows_add(half + a * q, lane->keep, q, r, inner, q);
    }
    memset(lane->cov, 0, q * q * sizeof *lane->cov);
    for (size_t i = 0; i < q; i++) {
        for (size_t a = 0; a < r; a++)
            inner[a] = lane->keep[a * q + i];
        simd->rows_add(lane->cov + i * q, half, q, r, inner, q);
    }
}

/* How many directions hold data, and which when not all do. When S - 1e-12 tr S has a Cholesky
 * factor, every eigenvalue is above 1e-12 of their sum, and no eigenvectors are needed. */
static clipspan_status choose_rank(cs_span_lane *lane, const cs_span_moments *m, size_t rank,
                                   clipspan_error *err)
{
    const size_t q = lane->q;
    double *second = lane->second, trace = 0.0;
    size_t limit = rank && rank < q ? rank : q, r = 0;
    lane->r = 0;
    if (m->count < (double)limit) limit = (size_t)m->count;
    if (limit == 0) return CLIPSPAN_OK;
    for (size_t i = 0; i < q; i++) {
        for (size_t j = 0; j < q; j++)
            second[i * q + j] = m->comoment[i * q + j] / m->count + m->mean[i] * m->mean[j];
        trace += second[i * q + i];
    }
    if (!isfinite(trace))
        return cs_fail(err, CLIPSPAN_E_NUMBERS,
                       "the statistics of a head hold a number that is not finite");
    /* cov is made only afterwards: scratch */
    if (limit == q && cs_cholesky(lane->cov, second, q, SMALLEST_EIGENVALUE * trace, 0.0) == q) {
        lane->r = q;
        return CLIPSPAN_OK;
    }
    CS_TRY(cs_eigen_symmetric(lane->values, lane->keep, second, q, err));
    while (r < limit && lane->values[r] > SMALLEST_EIGENVALUE * lane->values[0])
        r++;
    lane->r = r;
    return CLIPSPAN_OK;
}

/* L of C = L L^T in float32, for the screen. */
static void screen(cs_span_lane *lane)
{
    const size_t q = lane->q, ldf = CS_PANEL_STRIDE(q);
    const cs_span_pool *pool = lane->pool;
    double most = 0.0;
    for (size_t i = 0; i < q; i++)
        most = fmax(most, lane->cov[i * q + i]);
    cs_cholesky(lane->second, lane->cov, q, 0.0, SMALLEST_VARIANCE * most);
    memset(lane->factor, 0, q * ldf * sizeof *lane->factor);
    for (size_t i = 0; i < q; i++)
        for (size_t j = 0; j <= i; j++)
            lane->factor[i * ldf + j] = (float)lane->second[i * q + j];
    pool->simd->panel_squares(lane->v, lane->panels, pool->parts * pool->part / CS_PANEL, q,
                              lane->factor);
}

/* At least 0. Sixteen running maxima, so that no step waits for the one before. */
static double largest(const float *v, size_t count)
{
    float most[16] = {0.0f};
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (size_t j = 0; j < 16; j++)
            most[j] = v[i + j] > most[j] ? v[i + j] : most[j];
    for (; i < count; i++)
        most[0] = v[i] > most[0] ? v[i] : most[0];
    for (size_t j = 1; j < 16; j++)
        most[0] = most[j] > most[0] ? most[j] : most[0];
    return (double)most[0];
}

clipspan_status cs_span_begin(cs_span_lane *lane, const cs_span_moments *moments, size_t rank,
                              clipspan_error *err)
{
    const size_t q = lane->q;
    lane->basis_texts = 0;
    lane->total = 0.0;
    lane->largest = 0.0;
    CS_TRY(choose_rank(lane, moments, rank, err));
    if (lane->r == 0 || moments->count < 2.0) return CLIPSPAN_OK;
    for (size_t i = 0; i < q * q; i++)
        lane->cov[i] = moments->comoment[i] / (moments->count - 1.0);
    for (size_t i = 0; i < q; i++)
        lane->total += lane->cov[i * q + i];
    if (lane->r < q) restrict_covariance(lane);
    screen(lane);
    lane->largest = largest(lane->v, lane->pool->T);
    return CLIPSPAN_OK;
}

/* x into the kept span and orthogonal to all basis texts so far, twice for what rounding leaves. */
static void deflate(double *x, cs_span_lane *lane, double *along)
{
    const cs_simd *simd = lane->pool->simd;
    const size_t q = lane->q;
    if (lane->r < q) {
        double *kept = along + lane->C;
        simd->rows_dot(along, lane->keep, q, lane->r, x, q);
        memset(kept, 0, q * sizeof *kept);
        simd->rows_add(kept, lane->keep, q, lane->r, along, q);
        memcpy(x, kept, q * sizeof *x);
    }
    for (int pass = 0; pass < 2; pass++) {
        simd->rows_dot(along, lane->t, q, lane->basis_texts, x, q);
        for (size_t j = 0; j < lane->basis_texts; j++)
            along[j] = -along[j];
        simd->rows_add(x, lane->t, q, lane->basis_texts, along, q);
    }
}

/* x : [q] coordinates of a text in float64, from its own vector the first time. */
static const double *coordinates(cs_span_lane *lane, size_t text)
{
    const size_t P = lane->P;
    double *exact = lane->exact + text * lane->C;
    if (!lane->known[text]) {
        const float *vector = lane->pool->texts + text * P;
        for (size_t d = 0; d < P; d++)
            lane->a[d] = (double)vector[d];
        lane->pool->simd->rows_dot(exact, lane->Q, P, lane->q, lane->a, P);
        lane->known[text] = 1;
    }
    return exact;
}

/* v of a text as the basis texts so far left it; x : [q] comes back deflated, image : [q] is C
 * x. */
static double variance_of(double *x, double *image, cs_span_lane *lane, double *scratch)
{
    deflate(x, lane, scratch);
    lane->pool->simd->rows_dot(image, lane->cov, lane->q, lane->q, x, lane->q);
    return cs_dot(x, image, lane->q);
}

int cs_span_next(cs_span_found *out, cs_span_lane *lane)
{
    const cs_span_pool *pool = lane->pool;
    const size_t q = lane->q, bytes = q * sizeof(double);
    double *x = lane->second, *image = x + lane->C, *scratch = image + lane->C;
    double *t = lane->t + lane->basis_texts * q, *Ct = lane->images + lane->basis_texts * q;
    double noise = SCREEN_ERROR * pool->longest * sqrt(lane->largest * lane->total), size;
    float bound;
    int found = 0;
    if (lane->basis_texts >= lane->r || lane->basis_texts >= lane->most || !(lane->total > 0.0))
        return 0;
    noise *= 1.0 + (double)lane->basis_texts / 8.0;
    bound = nextafterf((float)(largest(lane->v, pool->T) - noise), -INFINITY);
    for (size_t i = 0; i < pool->T; i++) {
        double v;
        if (lane->v[i] < bound) continue;
        memcpy(x, coordinates(lane, i), bytes);
        v = variance_of(x, image, lane, scratch);
        if (found && !(v > out->variance)) continue;
        found = 1;
        out->text = i;
        out->variance = v;
        memcpy(t, x, bytes);
        memcpy(Ct, image, bytes);
    }
    if (!found || !(out->variance > SMALLEST_VARIANCE * lane->total)) return 0;
    size = sqrt(cs_dot(t, t, q));
    for (size_t j = 0; j < q; j++) {
        t[j] /= size;
        Ct[j] /= size;
    }
    out->share = cs_dot(t, Ct, q) / lane->total;
    return 1;
}

void cs_span_remove(cs_span_lane *lane)
{
    const cs_span_pool *pool = lane->pool;
    const size_t q = lane->q;
    const double *t = lane->t + lane->basis_texts * q, *Ct = lane->images + lane->basis_texts * q;
    double *u = lane->a, c = cs_dot(t, Ct, q);
    memcpy(u, Ct, q * sizeof *u);
    deflate(u, lane, lane->second);
    for (size_t j = 0; j < q; j++) {
        lane->t32[j] = (float)t[j];
        lane->u32[j] = (float)u[j];
    }
    lane->basis_texts++;
    if (lane->basis_texts < lane->r && lane->basis_texts < lane->most)
        pool->simd->panel_deflate(lane->v, lane->panels, pool->parts * pool->part / CS_PANEL, q,
                                  lane->t32, lane->u32, (float)c);
}

/* The texts with the largest screened v but one, largest first, lowest index of equal ones. */
static size_t next_best(uint32_t *best, const cs_span_lane *lane, size_t but)
{
    size_t count = 0;
    float least = 0.0f; /* of what is kept, once LOOKED_AT are */
    for (size_t i = 0; i < lane->pool->T; i++) {
        size_t at;
        if (!(lane->v[i] > least) || i == but) continue;
        if (count < LOOKED_AT) count++;
        for (at = count - 1; at > 0 && lane->v[best[at - 1]] < lane->v[i]; at--)
            best[at] = best[at - 1];
        best[at] = (uint32_t)i;
        if (count == LOOKED_AT) least = lane->v[best[count - 1]];
    }
    return count;
}

void cs_span_compare(clipspan_basis_text *basis_text, cs_span_others *others, cs_span_lane *lane,
                     const cs_span_found *found)
{
    const size_t q = lane->q;
    double *x = lane->second, *image = x + lane->C, *scratch = image + lane->C;
    const double *t = lane->t + lane->basis_texts * q;
    uint32_t best[LOOKED_AT];
    size_t count = next_best(best, lane, found->text);
    basis_text->runners_up = basis_text->near_duplicates = 0;
    basis_text->runner_up = others->runner_up;
    basis_text->near_duplicate = others->near_duplicate;
    for (size_t k = 0; k < count && basis_text->runners_up < CLIPSPAN_RUNNERS_UP; k++) {
        const float *panel = lane->panels + best[k] / CS_PANEL * CS_PANEL * q + best[k] % CS_PANEL;
        clipspan_runner_up runner_up = {best[k], 0.0};
        double size;
        for (size_t j = 0; j < q; j++)
            x[j] = (double)panel[j * CS_PANEL];
        runner_up.ratio = fmin(variance_of(x, image, lane, scratch) / found->variance, 1.0);
        size = sqrt(cs_dot(x, x, q));
        if (cs_dot(x, t, q) <= NEAR_DUPLICATE * size)
            others->runner_up[basis_text->runners_up++] = runner_up;
        else if (basis_text->near_duplicates < CLIPSPAN_RUNNERS_UP)
            others->near_duplicate[basis_text->near_duplicates++] = runner_up;
    }
}
