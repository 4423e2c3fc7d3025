/* SPDX-License-Identifier: MIT */
/* Edits as a caller states them (clipspan_edit), checked, turned into additions to scores, run. */
#ifndef CLIPSPAN_SRC_STUDY_EFFECTS_ITEMS_H
#define CLIPSPAN_SRC_STUDY_EFFECTS_ITEMS_H

#include <clipspan/effects.h>

#include "study/effects.h"

/* `source`, or the effects themselves where it is NULL; checked to go together. Errors: FORMAT
 * (another model), ARGUMENT (other classes or cues). */
clipspan_status cs_effects_source(cs_effects **out, cs_effects *e, cs_effects *source,
                                  clipspan_error *err);

/* As clipspan_effects_run; source as cs_effects_source gave it, NULL: the effects themselves. */
clipspan_status cs_effects_run_changes(uint32_t *predicted, double *margins, double *scores,
                                       cs_effects *e, cs_effects *source,
                                       const clipspan_edit *edits, size_t count,
                                       const int32_t *labels, clipspan_error *err);

#endif
