/* SPDX-License-Identifier: MIT */
/* Through which heads a cue reaches a decision between two classes, and what to do about it.
 * With margin m = w_a - w_b, cue direction q and S a head's covariance among images that get the
 * same answer from the model (docs/math.md):
 *
 *     V  = m^T S m                          margin variance
 *     Vq = (q^T S m)^2 / (q^T S q)          what the cue explains of it, with the sign of q^T S m
 *                                           relative to the sum over heads
 *     ratio = Vq / (V - Vq + 0.001 sum V)   the ranking; heads of the other sign are left out
 *
 * Candidates are to do nothing, mean-ablation and cue surgery of prefixes of the ranking, cue
 * surgery in all heads, and, of the embedding, the text's projection and the regression on the
 * cue. What is recommended, if anything, is study/remedy_choice.h's.
 *
 * Covariances over all images mix up the cue and the classes that go along with it; among
 * images with the same answer the choice was better in eight of eight sets of images
 * (docs/effects.md). */
#ifndef CLIPSPAN_SRC_STUDY_SHORTCUT_H
#define CLIPSPAN_SRC_STUDY_SHORTCUT_H

#include <clipspan/effects.h>

#include "study/effects.h"

typedef struct cs_shortcut {
    const cs_effects *effects; /* whose images it is */
    size_t a, b, cue;          /* b: or CLIPSPAN_THE_REST */
    clipspan_shortcut_info info;
    clipspan_shortcut_head *heads; /* [L H], best candidates first */
    clipspan_candidate *candidates;
} cs_shortcut;

/* effects: outlives it. Errors: LIMIT, NOMEM, those of reading. */
clipspan_status cs_shortcut_new(cs_shortcut **out, cs_effects *effects, size_t a, size_t b,
                                size_t cue, clipspan_error *err);
/* of what a component says along the classes : [classes], score of a less that of b. */
double cs_shortcut_margin(const cs_shortcut *shortcut, const double *said);
void cs_shortcut_free(cs_shortcut **shortcut);

/* changes : [L H] that make a remedy with the first `heads` heads of the ranking; how many. */
size_t cs_shortcut_changes(clipspan_change *changes, const cs_shortcut *shortcut,
                           clipspan_remedy_kind remedy, size_t heads);

/* A text's contrast to its category's mean, as a cue: cues of a pool by sum of Vq over heads.
 *   vectors : [count, P]   category : [count] from 0, or -1 where the text is no candidate
 *   best : [most] numbers of texts, strongest first   strength : [most] sum Vq / sum V
 * *found gets how many. */
clipspan_status cs_shortcut_search(size_t *best, double *strength, size_t *found, size_t most,
                                   const cs_effects *effects, size_t a, size_t b,
                                   const float *vectors, const int32_t *category, size_t count,
                                   clipspan_error *err);

#endif
