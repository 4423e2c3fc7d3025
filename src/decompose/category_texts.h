/* SPDX-License-Identifier: MIT */
/* How much of a head a few texts of one category explain, and as many control texts in their
 * places. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_CATEGORY_TEXTS_H
#define CLIPSPAN_SRC_DECOMPOSE_CATEGORY_TEXTS_H

#include "decompose/roles.h"
#include "decompose/span_space.h"

typedef struct cs_category_texts cs_category_texts;

/* Room for one lane, for the largest category. Errors: NOMEM. */
clipspan_status cs_category_texts_new(cs_category_texts **out, const cs_span_pool *pool,
                                      const cs_categories *categories, size_t C,
                                      clipspan_error *err);
void cs_category_texts_free(cs_category_texts **texts);

/* TEXTSPAN among the texts of one category alone: share of the variance that its first `entering`
 * basis texts explain.
 *   vectors : [T, P] whose rows of that category count; NULL: the pool's own
 *   cov : [q, q] in the lane's coordinates, trace total */
double cs_category_texts_explain(cs_category_texts *texts, const cs_span_lane *lane,
                                 const float *vectors, int32_t category, const double *cov,
                                 double total, int entering);

#endif
