/* SPDX-License-Identifier: MIT */
/* Enrichment: how much more of a head the texts of a category get than their part of the pool.
 *
 *     v_i  = t_i^T C t_i, the variance of the head along text i
 *     w_i  = 1/2 v_i / sum v                                  over all texts, and
 *          + 1/2 sum over basis texts k of  s_k v_ki / sum v_k   over the texts with the largest
 *                                           remaining variance v_k at basis text k, s_k its share
 *     enrichment of g = (sum of w_i over the texts of g) / (part of the pool's texts in g)
 *
 * The first half sees roles that many texts share a little of, the second those that a few texts
 * stand out with; either alone misses heads that the other finds (docs/evidence.md).
 *
 * C = sum_j f_j f_j^T with r factors: those of the largest eigenvalues that hold 90 % of the
 * variance. Many covariances are scored side by side, so that the work is three wide products. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_ENRICHMENT_H
#define CLIPSPAN_SRC_DECOMPOSE_ENRICHMENT_H

#include "decompose/roles.h"
#include "decompose/span_space.h"

#define CS_ENRICHED_BATCH 8   /* covariances side by side */
#define CS_ENRICHED_TEXTS 20  /* at a basis text; a seventh of the pool where that is less */
#define CS_ENRICHED_PART  0.9 /* of the variance that factors hold */

typedef struct cs_enrichment cs_enrichment;

/* Room for one lane. categories outlive it; C: coefficients of a head. Errors: NOMEM. */
clipspan_status cs_enrichment_new(cs_enrichment **out, const cs_span_pool *pool,
                                  const cs_categories *categories, size_t C, clipspan_error *err);
void cs_enrichment_free(cs_enrichment **enrichment);

/* Takes the texts of the head whose space the lane holds. Errors: NOMEM, INTERNAL. */
clipspan_status cs_enrichment_set(cs_enrichment *enrichment, const cs_span_lane *lane,
                                  clipspan_error *err);
const float *cs_enrichment_texts(const cs_enrichment *enrichment); /* [T, q] coordinates */

/* Scores `count` covariances of the head's space, at most CS_ENRICHED_BATCH.
 *   factors : [count, r, q], scaled so that the squares of a covariance's factors add up to 1
 *   entering: basis texts that enter, 1 to 5
 *   scores : [count, categories]   weights : [T] w_i of the first, or NULL
 * Errors: NOMEM, INTERNAL. */
clipspan_status cs_enrichment_run(double *scores, double *weights, cs_enrichment *enrichment,
                                  const float *factors, size_t r, size_t count, int entering,
                                  clipspan_error *err);

/* How many of n eigenvalues, largest first, the factors are made of: 1 to n. */
size_t cs_enrichment_rank(const double *values, size_t n);

#endif
