/* SPDX-License-Identifier: MIT */
/* What clipspan_remedy is: remedies of a spurious cue for every pair of classes, and what comes of
 * them (include/clipspan/remedy.h, study/shortcut.h). Plain data, so that it can be computed or
 * read back from a run. */
#ifndef CLIPSPAN_SRC_STUDY_REMEDY_H
#define CLIPSPAN_SRC_STUDY_REMEDY_H

#include <clipspan/remedy.h>

#include "decompose/compare.h"
#include "study/evaluation.h"
#include "study/random_sets.h"
#include "study/shortcut.h"

#define CS_REMEDY_ROWS     8
#define CS_REMEDY_CLASSES  12
#define CS_REMEDY_FORECAST 4

typedef struct cs_remedy_row {
    clipspan_remedy_row row;
    cs_comparison overall, worst, *groups; /* [groups] */
} cs_remedy_row;

typedef struct cs_remedy_side {
    clipspan_remedy_side side;
    cs_comparison overall;
} cs_remedy_side;

typedef struct cs_remedy_pair {
    clipspan_remedy_pair pair;
    size_t a, b; /* b: or CLIPSPAN_THE_REST */
    clipspan_decision decision;
    clipspan_shortcut_head *heads;      /* [pair.heads] */
    clipspan_candidate *candidates;     /* [pair.candidates] */
    cs_remedy_row rows[CS_REMEDY_ROWS]; /* nothing first, then the chosen one */
    cs_random_sets random;              /* info.sets 0: none */
    cs_remedy_side *sides;              /* [pair.sides] */
    clipspan_remedy_forecast forecast[CS_REMEDY_FORECAST];
    uint32_t *predicted;             /* [images], or NULL */
    clipspan_weight_change *changes; /* [change_count] of the chosen remedy, in weights */
    size_t change_count, width;      /* P */
    float *vectors;                  /* [1 + change_count, P] the cue, then gains */
} cs_remedy_pair;

typedef struct cs_remedy {
    clipspan_remedy_info info;
    cs_evaluation_facts facts; /* owns all strings */
    clipspan_cues_info cue;
    clipspan_found_cue *found; /* [cue.count] */
    cs_remedy_pair *pairs;     /* [info.pairs] */
} cs_remedy;

typedef struct cs_remedy_wish {
    const clipspan_cues *cues;
    const clipspan_cues_info *cue; /* NULL: no words */
    const clipspan_found_cue *found;
    const clipspan_remedy_side_options *sides; /* [side_count] */
    size_t side_count, random_sets;
    int resamples, published;
    uint64_t seed;
} cs_remedy_wish;

/* Empty pairs about what `facts` says; for cs_remedy_free. Errors: NOMEM. */
clipspan_status cs_remedy_new(cs_remedy **out, const clipspan_evaluation_info *facts, size_t pairs,
                              clipspan_error *err);
void cs_remedy_free(cs_remedy **remedy);
/* Words of a cue and what was found, copied. */
clipspan_status cs_remedy_cue(cs_remedy *remedy, const clipspan_cues_info *cue,
                              const clipspan_found_cue *found, clipspan_error *err);
/* Room of a pair for its lists, whose lengths pair->pair has. */
clipspan_status cs_remedy_pair_room(cs_remedy *remedy, cs_remedy_pair *pair, clipspan_error *err);
/* The next row of a pair, its pointers set; worst is shown once its group is known. */
cs_remedy_row *cs_remedy_add_row(cs_remedy_pair *pair, clipspan_remedy_role role);
/* Shows what comparisons know, also of the worst group. */
void cs_remedy_finish_pair(cs_remedy_pair *pair, size_t groups);

/* Points to the decision, and says why; chosen among the candidates. Errors: NOMEM. */
clipspan_status cs_remedy_decide(cs_remedy *remedy, cs_remedy_pair *pair,
                                 const clipspan_decision *decision, clipspan_error *err);
/* Room for the changes of weights of a pair, which then point to the cue and their gains. */
clipspan_status cs_remedy_change_room(cs_remedy_pair *pair, size_t count, size_t P,
                                      clipspan_error *err);
/* "the cue explains too little …" for a decision; out : [room]. */
void cs_decision_words(char *out, size_t room, const clipspan_decision *decision,
                       const clipspan_candidate *chosen);
/* "no_gain" */
const char *cs_verdict_name(clipspan_verdict verdict);

/* "best in hindsight" */
const char *cs_remedy_role_name(clipspan_remedy_role role);
/* "cue_surgery" */
const char *cs_remedy_kind_name(clipspan_remedy_kind kind);

/* ev: with a cue. Errors: as clipspan_remedy_new. */
clipspan_status cs_remedy_make(cs_remedy **out, const cs_evaluation *ev, const cs_remedy_wish *wish,
                               const clipspan_progress *progress, clipspan_error *err);

/* What its files share. */
typedef struct cs_remedy_work {
    const cs_evaluation *ev;
    const cs_remedy_wish *wish;
    cs_remedy *remedy;
    cs_shortcut *shortcut;    /* of the pair at work */
    clipspan_change *changes; /* [CS_REMEDY_EDITS, L H] */
    uint32_t *predicted;      /* [CS_REMEDY_EDITS, N] */
    uint8_t *before, *after;  /* [N] answers */
    cs_comparison *per_group; /* [groups] */
    size_t LH, N;
} cs_remedy_work;

#define CS_REMEDY_EDITS ((size_t)64) /* at a time */

/* The chosen remedy as changes of weights. Errors: NOMEM. */
clipspan_status cs_remedy_weights(cs_remedy_work *work, cs_remedy_pair *pair, clipspan_error *err);
clipspan_status cs_remedy_forecast(cs_remedy_work *work, cs_remedy_pair *pair, clipspan_error *err);
clipspan_status cs_remedy_side_effect(cs_remedy_work *work, cs_remedy_pair *pair, size_t index,
                                      clipspan_error *err);

#endif
