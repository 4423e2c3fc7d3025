/* SPDX-License-Identifier: MIT */
/* Whether a remedy is better than leaving the model as it is, from unlabelled images: docs/math.md,
 * "Shortcuts". */
#ifndef CLIPSPAN_SRC_STUDY_REMEDY_CHOICE_H
#define CLIPSPAN_SRC_STUDY_REMEDY_CHOICE_H

#include <clipspan/effects.h>

#include "base/error.h"

/* Of every image of the statistics. */
typedef struct cs_choice_images {
    const double *before;  /* [N] margin */
    const double *reading; /* [N] of the cue, by the embedding */
    const uint8_t *side;   /* [N] 0: predicted a, 1: predicted b, 2: another class */
    size_t N;
} cs_choice_images;

/* Remedies that may be recommended: margins [N] after them, and their number among candidates; 0:
 * there is no such. */
typedef struct cs_choice_offers {
    const double *projected, *operated;
    size_t projection, surgery;
} cs_choice_offers;

/* What is known of the images, in `decision` but for what the caller fills in before: lean and
 * explained. Then what to do. Errors: NOMEM. */
clipspan_status cs_choose_remedy(clipspan_decision *decision, const cs_choice_images *images,
                                 const cs_choice_offers *offers, clipspan_error *err);

/* gain, low, high of a remedy with margins after : [N]. Errors: NOMEM. */
clipspan_status cs_predict_gain(clipspan_decision *decision, const cs_choice_images *images,
                                const double *after, clipspan_error *err);

/* |correlation| of x with the reading over images predicted `which`, or, 2, either. */
double cs_choice_correlation(const double *x, const cs_choice_images *images, int which);

#endif
