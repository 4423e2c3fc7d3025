/* SPDX-License-Identifier: MIT */
/* Progress of one part of a call as progress of all of it. */
#ifndef CLIPSPAN_SRC_BASE_PROGRESS_PART_H
#define CLIPSPAN_SRC_BASE_PROGRESS_PART_H

#include "base/error.h"

/* Units of the part are told as before + done of total. */
typedef struct cs_progress_part {
    const clipspan_progress *whole; /* NULL, or without a step: nobody is told */
    size_t before, total;
    clipspan_progress own; /* of the part */
} cs_progress_part;

/* What the part's callee gets; lives as long as `part`. NULL where nobody is told. */
const clipspan_progress *cs_progress_of(cs_progress_part *part);

/* Tells progress, which may be NULL or have no function, that `done` of `total` units are finished.
 * Errors: INTERRUPTED with the sentence, or the code that it returned (base/error.h). */
clipspan_status cs_progress_step(const clipspan_progress *progress, size_t done, size_t total,
                                 const char *stopped, clipspan_error *err);

/* Tells that `done` of the part's units are finished. Error: INTERRUPTED. */
clipspan_status cs_progress_tell(const cs_progress_part *part, size_t done, clipspan_error *err);

#endif
