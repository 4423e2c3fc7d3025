/* SPDX-License-Identifier: MIT */
/* Random sets of heads: what a chosen set is held against. */
#ifndef CLIPSPAN_SRC_STUDY_RANDOM_HEADS_H
#define CLIPSPAN_SRC_STUDY_RANDOM_HEADS_H

#include "base/random.h"
#include "run/run_open.h"

/* Sets are drawn from the heads of layers from `first_layer` on that write something that varies: a
 * pruned head does not, and would make a set look harmless. */
typedef struct cs_random_heads {
    clipspan_head *heads; /* [count] that sets are drawn from */
    size_t count;
    size_t *order; /* [count] the last draw */
    cs_random random;
} cs_random_heads;

/* Of a run, or by strengths : [L, H] of heads. To be given back in any case. Errors: NOT_FOUND (not
 * merged), NOMEM, IO, FORMAT. */
clipspan_status cs_random_heads_init(cs_random_heads *draw, const cs_run *run, int first_layer,
                                     uint64_t seed, clipspan_error *err);
clipspan_status cs_random_heads_from(cs_random_heads *draw,
                                     const clipspan_variance_share *variance_shares, size_t L,
                                     size_t H, int first_layer, uint64_t seed, clipspan_error *err);
void cs_random_heads_fini(cs_random_heads *draw);

/* The next set, without replacement: out : [some], fewer where there are not as many; how many.
 * Same seed, same sets; a set of fewer heads is the beginning of one of more. */
size_t cs_random_heads_next(clipspan_head *out, cs_random_heads *draw, size_t some);

#endif
