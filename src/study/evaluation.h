/* SPDX-License-Identifier: MIT */
/* A run's classification with labels and groups: what every study of it starts from. */
#ifndef CLIPSPAN_SRC_STUDY_EVALUATION_H
#define CLIPSPAN_SRC_STUDY_EVALUATION_H

#include "study/effects.h"
#include "study/evaluation_facts.h"

typedef struct cs_evaluation {
    cs_effects *effects, *means; /* borrowed; means: whose stand for components, the same where they
                                    are the run's own */
    cs_evaluation_facts facts;
    size_t N;                 /* used images */
    int32_t *labels, *groups; /* [N] */
    uint32_t *predicted;      /* [N] */
    clipspan_share accuracy, *per_class, *per_group;
    int32_t worst_group;
} cs_evaluation;

/* What an evaluation is told; either labels or the rest. */
typedef struct cs_evaluation_wish {
    const clipspan_inputs *inputs; /* NULL: the run's own labels */
    const int32_t *labels, *groups;
    const char *const *group_names;
    size_t group_count;
    const char *source;                                 /* NULL: words that fit */
    const char *const *class_names, *const *class_keys; /* [classes of effects] */
} cs_evaluation_wish;

/* effects and means (NULL: effects) live longer. To be given back in any case; out must be zero.
 * Errors: those of cs_labels_read, _match, _group; ARGUMENT (inputs none of whose images has a
 * label); those of cs_effects_run. */
clipspan_status cs_evaluation_make(cs_evaluation *ev, cs_effects *effects, cs_effects *means,
                                   const cs_evaluation_wish *wish, clipspan_error *err);
void cs_evaluation_fini(cs_evaluation *evaluation);

/* As clipspan_evaluation_read_answers. */
void cs_evaluation_answers(uint8_t *answers, const cs_evaluation *evaluation,
                           const uint32_t *predicted);

/* Share, with Wilson's interval; not a number where there are no images. */
clipspan_share cs_share_of(uint64_t correct, uint64_t images);

#endif
