/* SPDX-License-Identifier: MIT */
/* The test of one head's role. */
#include "decompose/role_test.h"
#include "base/memory.h"
#include "decompose/category_texts.h"
#include "tensor/eigen.h"

#include <math.h>
#include <string.h>

#define TIE 1e-9 /* of a score, relative: far above rounding, far below what differs */

struct cs_role_test {
    const cs_role_wish *wish;
    const cs_span_pool *pool;
    cs_enrichment *enrichment;
    cs_category_texts *texts;
    size_t C, q, chunk;              /* q, chunk: of the rotations that are there */
    float *rotations;                /* [CS_ROTATIONS_KEPT, q, q], NULL before they are needed */
    double *cov, *vectors, *values;  /* [C, C], [C, C], [C]: of the head at hand */
    double *draw;                    /* [C + 1, C] */
    float *factors;                  /* [CS_ENRICHED_BATCH, C, C] */
    double *scores, *weights, *sums; /* [CS_ENRICHED_BATCH, categories], [T], [categories] */
    double *part;                    /* [categories] of the pool's texts */
};

static clipspan_status take_memory(cs_role_test *t, clipspan_error *err)
{
    static const char what[] = "the test of roles";
    const size_t C = t->C, groups = t->wish->categories->count + 1;
    t->cov = cs_alloc(C, C * sizeof *t->cov, what, err);
    t->vectors = cs_alloc(C, C * sizeof *t->vectors, what, err);
    t->values = cs_alloc(C, sizeof *t->values, what, err);
    t->draw = cs_alloc(C + 1, C * sizeof *t->draw, what, err);
    t->factors = cs_alloc(CS_ENRICHED_BATCH * C, C * sizeof *t->factors, what, err);
    t->scores = cs_alloc(CS_ENRICHED_BATCH * groups, sizeof *t->scores, what, err);
    t->weights = cs_alloc(t->pool->T, sizeof *t->weights, what, err);
    t->sums = cs_alloc(groups, sizeof *t->sums, what, err);
    t->part = cs_alloc_zero(groups, sizeof *t->part, what, err);
    return t->cov && t->vectors && t->values && t->draw && t->factors && t->scores && t->weights &&
                   t->sums && t->part
               ? CLIPSPAN_OK
               : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_role_test_new(cs_role_test **out, const cs_role_wish *wish,
                                 const cs_span_pool *pool, size_t C, clipspan_error *err)
{
    cs_role_test *t = cs_alloc_zero(1, sizeof *t, "the test of roles", err);
    const cs_categories *c = wish->categories;
    clipspan_status status = CLIPSPAN_OK;
    *out = NULL;
    if (!t) return CLIPSPAN_E_NOMEM;
    t->wish = wish;
    t->pool = pool;
    t->C = C;
    CS_TRY_DONE(take_memory(t, err));
    CS_TRY_DONE(cs_enrichment_new(&t->enrichment, pool, c, C, err));
    CS_TRY_DONE(cs_category_texts_new(&t->texts, pool, c, C, err));
    for (size_t i = 0; i < c->texts; i++)
        if (c->of[i] >= 0) t->part[c->of[i]] += 1.0 / (double)c->texts;
    *out = t;
    t = NULL;
done:
    cs_role_test_free(&t);
    return status;
}

void cs_role_test_free(cs_role_test **test)
{
    cs_role_test *t = *test;
    if (!t) return;
    cs_enrichment_free(&t->enrichment);
    cs_category_texts_free(&t->texts);
    cs_free(t->rotations);
    cs_free(t->cov);
    cs_free(t->vectors);
    cs_free(t->values);
    cs_free(t->draw);
    cs_free(t->factors);
    cs_free(t->scores);
    cs_free(t->weights);
    cs_free(t->sums);
    cs_free(t->part);
    cs_free(t);
    *test = NULL;
}

/* ---- Rotations ---- */

/* Chunk `chunk` of the rotations for heads of q directions. Few heads have not as many as
 * coefficients, so only theirs are the lane's own. */
static clipspan_status need_rotations(const float **out, cs_role_test *t, size_t q, size_t chunk,
                                      clipspan_error *err)
{
    const cs_role_wish *w = t->wish;
    const size_t kept = w->rotations < CS_ROTATIONS_KEPT ? w->rotations : CS_ROTATIONS_KEPT;
    *out = w->turned;
    if (q == w->C && chunk == 0) return CLIPSPAN_OK;
    if (!t->rotations)
        t->rotations = cs_alloc(kept, t->C * t->C * sizeof *t->rotations, "random rotations", err);
    if (!t->rotations) return CLIPSPAN_E_NOMEM;
    if (t->q != q || t->chunk != chunk)
        cs_role_wish_turn(t->rotations, t->draw, w, q, chunk, t->pool->simd);
    t->q = q;
    t->chunk = chunk;
    *out = t->rotations;
    return CLIPSPAN_OK;
}

/* Factors of a covariance with the head's eigenvalues along orthonormal rows. */
static void scale_rows(float *out, const cs_role_test *t, const float *rows, size_t r, size_t q,
                       double total)
{
    for (size_t j = 0; j < r; j++) {
        const float size = (float)sqrt(fmax(t->values[j], 0.0) / total);
        for (size_t i = 0; i < q; i++)
            out[j * q + i] = size * rows[j * q + i];
    }
}

static size_t index_of_largest(const double *x, size_t count, size_t but)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (i != but && (best == count || x[i] > x[best])) best = i;
    return best;
}

/* The head at hand, its covariance in factors. */
typedef struct subject {
    cs_span_lane *lane;
    size_t r, q;
    double total;
} subject;

/* Enrichments of rotations from `first` on, at most a batch and at most `most`; how many. */
static clipspan_status run_batch(size_t *some, cs_role_test *t, const subject *s, size_t first,
                                 size_t most, clipspan_error *err)
{
    const size_t at = first % CS_ROTATIONS_KEPT, r = s->r, q = s->q;
    const float *turned;
    *some = CS_ROTATIONS_KEPT - at;
    if (*some > CS_ENRICHED_BATCH) *some = CS_ENRICHED_BATCH;
    if (*some > most) *some = most;
    CS_TRY(need_rotations(&turned, t, q, first / CS_ROTATIONS_KEPT, err));
    for (size_t b = 0; b < *some; b++)
        scale_rows(t->factors + b * r * q, t, turned + (at + b) * q * q, r, q, s->total);
    return cs_enrichment_run(t->scores, NULL, t->enrichment, t->factors, r, *some,
                             cs_roles_entering(t->C - 3), err);
}

/* p of a largest enrichment of `own`. */
static clipspan_status place_rotated(double *p, cs_role_test *t, double own, const subject *s,
                                     clipspan_error *err)
{
    const size_t groups = t->wish->categories->count, R = t->wish->rotations;
    size_t made = 0, reached = 0, some;
    while (made < R && reached < CS_ROTATIONS_REACH) {
        CS_TRY(run_batch(&some, t, s, made, R - made, err));
        for (size_t b = 0; b < some && reached < CS_ROTATIONS_REACH; b++, made++) {
            const double *scores = t->scores + b * groups;
            reached += scores[index_of_largest(scores, groups, groups)] >= own;
        }
    }
    *p = made < R ? (double)reached / (double)made : (1.0 + (double)reached) / (1.0 + (double)R);
    return CLIPSPAN_OK;
}

/* The same when the pool's labels are dealt: enrichments are sums of weights, so only these
 * move. Sums in another order round otherwise, and a tie counts. */
static double place_dealt(cs_role_test *t, double own)
{
    const cs_categories *c = t->wish->categories;
    size_t reached = 0;
    for (size_t d = 0; d < CS_RELABELLINGS; d++) {
        const int32_t *deck = t->wish->dealt + d * c->texts;
        double most = 0.0;
        memset(t->sums, 0, c->count * sizeof *t->sums);
        for (size_t i = 0; i < c->texts; i++)
            if (deck[i] >= 0) t->sums[deck[i]] += t->weights[i];
        for (size_t g = 0; g < c->count; g++)
            most = fmax(most, t->sums[g] / t->part[g]);
        reached += most >= own * (1.0 - TIE);
    }
    return (1.0 + (double)reached) / (1.0 + CS_RELABELLINGS);
}

/* ---- One head ---- */

/* Covariance, eigenvalues and eigenvectors of the head; returns its variance. */
static clipspan_status decompose(double *total, cs_role_test *t, const cs_span_lane *lane,
                                 clipspan_error *err)
{
    const size_t q = lane->q;
    *total = 0.0;
    if (lane->moments.count < 2.0) return CLIPSPAN_OK;
    for (size_t i = 0; i < q * q; i++)
        t->cov[i] = lane->moments.comoment[i] / (lane->moments.count - 1.0);
    CS_TRY(cs_eigen_symmetric(t->values, t->vectors, t->cov, q, err));
    for (size_t i = 0; i < q; i++)
        *total += fmax(t->values[i], 0.0);
    return CLIPSPAN_OK;
}

/* How much the texts of the two categories explain, and control texts instead of the first's. */
static void explain(clipspan_role *role, cs_role_test *t, const cs_span_lane *lane,
                    const size_t best[2], double total)
{
    const cs_role_wish *w = t->wish;
    const int entering = cs_roles_entering(t->C - 3);
    double sum = 0.0;
    for (int i = 0; i < 2; i++)
        if (best[i] < w->categories->count)
            role->explained_variance[i] = cs_category_texts_explain(
                t->texts, lane, NULL, (int32_t)best[i], t->cov, total, entering);
    role->control_pools = (int)w->control_pools;
    for (size_t p = 0; p < w->control_pools; p++) {
        const double control = cs_category_texts_explain(t->texts, lane, w->controls[p],
                                                         (int32_t)best[0], t->cov, total, entering);
        sum += control;
        role->control_above += control >= role->explained_variance[0];
    }
    if (w->control_pools) role->control_variance = sum / (double)w->control_pools;
}

/* Enrichments of the head itself: the strongest category and the runner-up. */
static clipspan_status find_categories(clipspan_role *role, size_t best[2], cs_role_test *t,
                                       const subject *s, clipspan_error *err)
{
    const cs_categories *c = t->wish->categories;
    float *rows = t->factors + s->r * s->q; /* the next place of the batch: scratch */
    for (size_t i = 0; i < s->r * s->q; i++)
        rows[i] = (float)t->vectors[i];
    scale_rows(t->factors, t, rows, s->r, s->q, s->total);
    CS_TRY(cs_enrichment_run(t->scores, t->weights, t->enrichment, t->factors, s->r, 1,
                             cs_roles_entering(t->C - 3), err));
    best[0] = index_of_largest(t->scores, c->count, c->count);
    best[1] = index_of_largest(t->scores, c->count, best[0]);
    for (int i = 0; i < 2; i++) {
        if (best[i] >= c->count) continue;
        role->category[i] = c->names[best[i]];
        role->enrichment[i] = t->scores[best[i]];
    }
    return CLIPSPAN_OK;
}

static clipspan_status run_tests(clipspan_role *role, cs_role_test *t, cs_span_lane *lane,
                                 double total, clipspan_error *err)
{
    const subject s = {lane, cs_enrichment_rank(t->values, lane->q), lane->q, total};
    size_t best[2];
    CS_TRY(cs_enrichment_set(t->enrichment, lane, err));
    CS_TRY(find_categories(role, best, t, &s, err));
    explain(role, t, lane, best, total);
    if (lane->moments.count < CLIPSPAN_ROLE_IMAGES) return CLIPSPAN_OK;
    role->relabelled_p = place_dealt(t, role->enrichment[0]);
    return place_rotated(&role->p, t, role->enrichment[0], &s, err);
}

clipspan_status cs_role_test_run(clipspan_role *out, cs_role_test *t, cs_span_lane *lane,
                                 const cs_span *span, clipspan_error *err)
{
    const cs_categories *c = t->wish->categories;
    clipspan_role role = {.stability = -1.0,
                          .category_returns = -1.0,
                          .control_variance = -1.0,
                          .control_named = -1.0,
                          .p = -1.0,
                          .q = -1.0,
                          .relabelled_p = -1.0};
    double total;
    role.outcome = span->count < CLIPSPAN_ROLE_IMAGES ? CLIPSPAN_OUTCOME_TOO_FEW_IMAGES
                                                      : CLIPSPAN_OUTCOME_NONE;
    CS_TRY(decompose(&total, t, lane, err));
    if (c->count && span->basis_texts && total > 0.0) CS_TRY(run_tests(&role, t, lane, total, err));
    cs_roles_describe(&role, span, c, t->C - 3);
    *out = role;
    return CLIPSPAN_OK;
}
