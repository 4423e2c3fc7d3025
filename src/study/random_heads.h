/* SPDX-License-Identifier: MIT */
/* Random sets of heads: what a chosen set is held against. Sets are drawn uniformly from all that
 * match it (clipspan_matching); so the place of a set that was drawn the same way among others is
 * uniform, which is what makes a p value of it. */
#ifndef CLIPSPAN_SRC_STUDY_RANDOM_HEADS_H
#define CLIPSPAN_SRC_STUDY_RANDOM_HEADS_H

#include "base/random.h"
#include "run/run_open.h"

#include <clipspan/effects.h>

/* Sets are drawn from the heads of layers from `first_layer` on that write something that varies: a
 * pruned head does not, and would make a set look harmless. */
typedef struct cs_random_heads {
    size_t L, H;
    clipspan_head *heads; /* [count] that sets are drawn from, by layer */
    double *effect;       /* [count] tr Var(c) / tr Var(m) */
    size_t count;
    size_t *order; /* [count] of the last draw */
    size_t *quota; /* [L] LAYERS: heads of a set */
    clipspan_matching matching;
    size_t some;      /* heads of a set */
    double low, high; /* EFFECT: of a set's total */
    double different; /* sets that there are, about */
    cs_random random;
} cs_random_heads;

/* Of a run, or by strengths : [L, H] of heads; then matched. To be given back in any case. Errors:
 * NOT_FOUND (not merged), NOMEM, IO, FORMAT. */
clipspan_status cs_random_heads_init(cs_random_heads *draw, const cs_run *run, int first_layer,
                                     uint64_t seed, clipspan_error *err);
clipspan_status cs_random_heads_from(cs_random_heads *draw,
                                     const clipspan_variance_share *variance_shares, size_t L,
                                     size_t H, int first_layer, uint64_t seed, clipspan_error *err);
void cs_random_heads_fini(cs_random_heads *draw);

/* Sets like chosen : [count]; those of them that sets cannot have (pruned, of earlier layers) do
 * not count. By layer, or by effect where that leaves too few sets. */
void cs_random_heads_match(cs_random_heads *draw, const clipspan_head *chosen, size_t count);
/* The same, by effect. */
void cs_random_heads_match_effect(cs_random_heads *draw, const clipspan_head *chosen, size_t count);
/* Sets of `some` heads, or all. */
void cs_random_heads_match_number(cs_random_heads *draw, size_t some);

/* The next set, without replacement: out : [draw->some], by layer and head. 0 when none was found
 * that matches. Same seed, same sets. */
int cs_random_heads_next(clipspan_head *out, cs_random_heads *draw);

#endif
