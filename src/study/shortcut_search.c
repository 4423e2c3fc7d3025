/* SPDX-License-Identifier: MIT */
/* Cues nobody named: contrasts of a pool's texts, by how much they explain of the margin. For one
 * head, q^T S m = q . (A^T Cov(y) A m) is a product of P numbers a text, and q^T S q one of C x
 * P. */
#include "base/memory.h"
#include "base/parallel.h"
#include "study/shortcut.h"
#include "tensor/moments.h"

#include <string.h>

typedef struct search_job {
    const cs_effects *e;
    const float *output_map; /* [L H, C, P] */
    const double *stats;     /* of the run */
    const float *cues;       /* [count, P] */
    const double *mix;       /* [Q] of the margin */
    double *explained;       /* [L H, count] Vq */
    double *variance;        /* [L H] V */
    size_t count;
    double *room; /* [threads, 2 C + P + C C] */
} search_job;

static void search_head(void *context, size_t h, int lane)
{
    const search_job *j = context;
    const cs_shape s = cs_effects_shape(j->e);
    const size_t C = s.C, P = s.P, Q = cs_effects_columns(j->e);
    double *spread = j->room + (size_t)lane * (2 * C + P + C * C), *u = spread + C, *joint = u + C,
           *cov = joint + P;
    const double *reader = cs_effects_reader(j->e, h);
    const float *A = j->output_map + h * C * P;
    cs_effects_spread(spread, j->e, h, j->mix);
    cs_moments_get_covariance(cov, cs_head_stats_head(j->stats, s, h / s.H, h % s.H), C);
    memset(joint, 0, P * sizeof *joint);
    j->variance[h] = 0.0;
    for (size_t i = 0; i < C; i++) {
        for (size_t c = 0; c < Q; c++)
            j->variance[h] += spread[i] * reader[i * Q + c] * j->mix[c];
        for (size_t p = 0; p < P; p++)
            joint[p] += spread[i] * (double)A[i * P + p];
    }
    for (size_t t = 0; t < j->count; t++) {
        const float *q = j->cues + t * P;
        double both = 0.0, own = 0.0;
        for (size_t p = 0; p < P; p++)
            both += (double)q[p] * joint[p];
        for (size_t i = 0; i < C; i++) {
            u[i] = 0.0;
            for (size_t p = 0; p < P; p++)
                u[i] += (double)A[i * P + p] * (double)q[p];
        }
        for (size_t i = 0; i < C; i++)
            for (size_t k = 0; k < C; k++)
                own += u[i] * cov[i * C + k] * u[k];
        j->explained[h * j->count + t] = own > 0.0 ? both * both / own : 0.0;
    }
}

/* Texts less the mean of their category.   cues : [count, P]; texts without one give zeros. */
static clipspan_status contrasts(float *cues, const float *vectors, const int32_t *category,
                                 size_t count, size_t P, clipspan_error *err)
{
    int32_t most = -1;
    double *means;
    size_t *held, i, p;
    for (i = 0; i < count; i++)
        if (category[i] > most) most = category[i];
    means = cs_alloc_zero((size_t)(most + 1) * P, sizeof *means, "categories", err);
    held = cs_alloc_zero((size_t)(most + 1), sizeof *held, "categories", err);
    if (!means || !held) {
        cs_free(means);
        cs_free(held);
        return CLIPSPAN_E_NOMEM;
    }
    for (i = 0; i < count; i++) {
        if (category[i] < 0) continue;
        held[category[i]]++;
        for (p = 0; p < P; p++)
            means[(size_t)category[i] * P + p] += (double)vectors[i * P + p];
    }
    for (i = 0; i < count; i++)
        for (p = 0; p < P; p++)
            cues[i * P + p] =
                category[i] < 0
                    ? 0.0F
                    : (float)((double)vectors[i * P + p] -
                              means[(size_t)category[i] * P + p] / (double)held[category[i]]);
    cs_free(means);
    cs_free(held);
    return CLIPSPAN_OK;
}

/* The `most` texts with the largest sums, the first of equal ones first. */
static void take_best(size_t *best, double *strength, size_t *found, size_t most,
                      const search_job *j, const int32_t *category, size_t LH)
{
    double whole = 0.0;
    *found = 0;
    for (size_t h = 0; h < LH; h++)
        whole += j->variance[h];
    for (size_t t = 0; t < j->count; t++) {
        double sum = 0.0;
        size_t at = *found < most ? *found : most - 1;
        if (category[t] < 0) continue;
        for (size_t h = 0; h < LH; h++)
            sum += j->explained[h * j->count + t];
        if (whole > 0.0) sum /= whole;
        if (*found == most && sum <= strength[most - 1]) continue;
        if (*found < most) ++*found;
        for (; at > 0 && sum > strength[at - 1]; at--) {
            best[at] = best[at - 1];
            strength[at] = strength[at - 1];
        }
        best[at] = t;
        strength[at] = sum;
    }
}

clipspan_status cs_shortcut_search(size_t *best, double *strength, size_t *found, size_t most,
                                   const cs_effects *effects, size_t a, size_t b,
                                   const float *vectors, const int32_t *category, size_t count,
                                   clipspan_error *err)
{
    const cs_shape s = cs_effects_shape(effects);
    const size_t LH = s.L * s.H, lanes = (size_t)cs_effects_threads(effects);
    search_job j = {.e = effects, .count = count};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    float *output_map = cs_alloc(LH, s.C * s.P * sizeof *output_map, "output maps", err);
    float *cues = cs_alloc(count, s.P * sizeof *cues, "cues", err);
    double *stats = cs_alloc(cs_head_stats_size(s), sizeof *stats, "statistics", err);
    double *mix = cs_alloc_zero(cs_effects_columns(effects), sizeof *mix, "a margin", err);
    *found = 0;
    j.explained = cs_alloc(LH, count * sizeof *j.explained, "variances", err);
    j.variance = cs_alloc(LH, sizeof *j.variance, "variances", err);
    j.room = cs_alloc(lanes, (2 * s.C + s.P + s.C * s.C) * sizeof *j.room, "covariances", err);
    if (!output_map || !cues || !stats || !mix || !j.explained || !j.variance || !j.room) goto done;
    mix[a] = 1.0;
    mix[b] = -1.0;
    CS_TRY_DONE(cs_run_output_map(output_map, cs_effects_run_of(effects), err));
    CS_TRY_DONE(cs_run_statistics(stats, cs_effects_run_of(effects), err));
    CS_TRY_DONE(contrasts(cues, vectors, category, count, s.P, err));
    j.output_map = output_map;
    j.stats = stats;
    j.cues = cues;
    j.mix = mix;
    cs_parallel_for(LH, (int)lanes, search_head, &j);
    take_best(best, strength, found, most, &j, category, LH);
done:
    cs_free(output_map);
    cs_free(cues);
    cs_free(stats);
    cs_free(mix);
    cs_free(j.explained);
    cs_free(j.variance);
    cs_free(j.room);
    return status;
}
