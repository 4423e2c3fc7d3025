/* SPDX-License-Identifier: MIT */
/* Stability of basis texts: blocks of images are drawn with replacement, their statistics merged,
 * and TEXTSPAN is repeated. A block weighs as much as it has images. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_BOOTSTRAP_H
#define CLIPSPAN_SRC_DECOMPOSE_BOOTSTRAP_H

#include "decompose/span_space.h"

#define CS_BOOTSTRAP_BLOCKS    16  /* fewer say too little: nothing is reported */
#define CS_BOOTSTRAP_RESAMPLES 200 /* by default */

typedef struct cs_bootstrap cs_bootstrap;

/* Room for one lane: up to `blocks` blocks of coefficients C wide. The draws depend on seed,
 * resamples and the number of blocks alone, so all heads of a run see the same images. */
clipspan_status cs_bootstrap_new(cs_bootstrap **out, size_t blocks, size_t C, int resamples,
                                 uint64_t seed, clipspan_error *err);
void cs_bootstrap_free(cs_bootstrap **bootstrap);

/* Repeats the basis texts of `span`, whose head's space the lane holds, and fills in its drawn,
 * drawn_shares and every basis text's same_place and any_place. Does nothing below
 * CS_BOOTSTRAP_BLOCKS. Errors: NUMBERS, NOMEM, INTERNAL. */
clipspan_status cs_bootstrap_run(cs_span *span, cs_bootstrap *bootstrap, cs_span_lane *lane,
                                 const cs_span_head *head, size_t rank, clipspan_error *err);

#endif
