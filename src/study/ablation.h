/* SPDX-License-Identifier: MIT */
/* A set of components changed, before and after, beside random sets of heads: what
 * clipspan_ablation is. */
#ifndef CLIPSPAN_SRC_STUDY_ABLATION_H
#define CLIPSPAN_SRC_STUDY_ABLATION_H

#include "base/progress_part.h"
#include "decompose/compare.h"
#include "study/components.h"
#include "study/evaluation.h"
#include "study/random_sets.h"

typedef struct cs_ablation {
    clipspan_ablation_info info;
    cs_evaluation_facts facts; /* owns all strings */
    clipspan_change *changes;  /* [info.changes] */
    cs_comparison overall, worst, *per_class, *per_group;
    int has_worst;         /* 0: no group has an image */
    cs_random_sets random; /* info.sets 0: none */
} cs_ablation;

/* What to ablate; the options of clipspan_ablation with defaults filled in. */
typedef struct cs_ablation_wish {
    const clipspan_change *changes; /* [change_count] */
    size_t change_count;
    const clipspan_head *role_heads; /* [role_count] of that role */
    size_t role_count;
    const char *role, *pool; /* NULL without */
    int mlps, before, surgery, published;
    size_t random_sets, random_heads;
    int resamples;
    uint64_t seed;
} cs_ablation_wish;

/* One about what `facts` says, with room for comparisons; for cs_ablation_free. Errors: NOMEM. */
clipspan_status cs_ablation_new(cs_ablation **out, const clipspan_evaluation_info *facts,
                                clipspan_error *err);
void cs_ablation_free(cs_ablation **ablation);

/* part counts random sets. Errors: ARGUMENT (nothing to ablate, no such component), NOMEM, those of
 * cs_effects_run, INTERRUPTED. */
clipspan_status cs_ablation_make(cs_ablation **out, const cs_evaluation *ev,
                                 const cs_ablation_wish *wish, const cs_progress_part *part,
                                 clipspan_error *err);

/* Shows its comparisons. */
void cs_ablation_finish(cs_ablation *ablation);

#endif
