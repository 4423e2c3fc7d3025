/* SPDX-License-Identifier: MIT */
/* The published replaced model: heads as their first texts have them (TEXTSPAN, Gandelsman et al.
 * 2024, section 4), all other heads mean-ablated. */
#ifndef CLIPSPAN_SRC_STUDY_EFFECTS_TEXTS_H
#define CLIPSPAN_SRC_STUDY_EFFECTS_TEXTS_H

#include <clipspan/span.h>

#include "study/effects.h"

/* What TEXTSPAN gave for one head: its texts, their directions and how each is read off the head's
 * coefficients, borrowed. */
typedef struct cs_head_texts {
    clipspan_head head;
    int count;
    const clipspan_basis_text *texts; /* [count] */
    const float *directions;          /* [count, P] */
    const double *readers;            /* [count, C] */
} cs_head_texts;

/* As cs_effects_run_replaced, with heads : [count] by their first `most` texts. */
clipspan_status cs_effects_run_texts(uint32_t *predicted, double *margins, cs_effects *e,
                                     cs_effects *source, const cs_head_texts *heads, size_t count,
                                     int most, const int32_t *labels, clipspan_error *err);

/* Different texts among the first `most` of all heads. Errors: NOMEM. */
clipspan_status cs_effects_count_texts(uint64_t *out, const cs_head_texts *heads, size_t count,
                                       int most, clipspan_error *err);

#endif
