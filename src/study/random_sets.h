/* SPDX-License-Identifier: MIT */
/* What becomes of an evaluation with random sets of heads changed as a chosen set was: the one
 * computation behind ablate, shortcut, demo and reproduce. */
#ifndef CLIPSPAN_SRC_STUDY_RANDOM_SETS_H
#define CLIPSPAN_SRC_STUDY_RANDOM_SETS_H

#include "base/progress_part.h"
#include "decompose/compare.h"
#include "study/evaluation.h"
#include "study/random_heads.h"

#define CS_RANDOM_SETS      ((size_t)200) /* by default */
#define CS_RANDOM_PUBLISHED ((size_t)5)

typedef struct cs_random_sets {
    clipspan_random_sets info; /* points to the rest */
    clipspan_head *heads;      /* [info.sets, info.heads_of_set], or NULL */
    clipspan_head *best_heads; /* [info.heads_of_set] */
    double *accuracy, *worst;  /* [info.sets] */
    clipspan_random_figure overall, worst_group;
    cs_comparison best_overall, best_worst;
} cs_random_sets;

typedef struct cs_random_wish {
    const clipspan_head *chosen; /* [count] that sets are matched with */
    size_t count;
    clipspan_change change;        /* what is done to every head of a set: kind and cue */
    const clipspan_change *around; /* [around_count] what else is changed, of other components or
                                      the same, in which case the set's change counts */
    size_t around_count;
    size_t sets;
    int published;   /* matched by number alone; the best is kept */
    size_t some;     /* published: heads of a set */
    int first_layer; /* of sets */
    uint64_t seed;
    const cs_comparison *overall, *worst; /* of the chosen set; worst: NULL without groups */
} cs_random_wish;

/* No sets where there is no head to draw. To be given back in any case; out must be zero. part
 * counts sets, or NULL. Errors: NOMEM, those of cs_effects_run_changes, INTERRUPTED. */
clipspan_status cs_random_sets_make(cs_random_sets *out, const cs_evaluation *ev,
                                    const cs_random_wish *wish, const cs_progress_part *part,
                                    clipspan_error *err);
void cs_random_sets_fini(cs_random_sets *sets);

/* Room for `sets` sets of unknown heads, with or without groups: what a document is read into.
 * best: as published. Errors: NOMEM. */
clipspan_status cs_random_sets_new(cs_random_sets *out, size_t sets, size_t heads_of_set,
                                   int groups, int best, clipspan_error *err);

/* Mean, range and place of values : [count] against `chosen`. Equal values are put in order by lot,
 * the same for every call with this seed. Errors: NOMEM. */
clipspan_status cs_random_figure_make(clipspan_random_figure *out, const double *values,
                                      size_t count, double chosen, uint64_t seed,
                                      clipspan_error *err);

/* "as many heads of each layer" */
const char *cs_matching_words(clipspan_matching matching);
/* "layers" */
const char *cs_matching_name(clipspan_matching matching);

#endif
