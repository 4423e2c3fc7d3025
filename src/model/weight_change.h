/* SPDX-License-Identifier: MIT */
/* Changes of contributions to the embedding as changes of weights (include/clipspan/edit.h). */
#ifndef CLIPSPAN_SRC_MODEL_WEIGHT_CHANGE_H
#define CLIPSPAN_SRC_MODEL_WEIGHT_CHANGE_H

#include <clipspan/edit.h>

#include "model/checkpoint_edit.h"

typedef struct cs_weight_changes {
    cs_head_change *heads; /* [head_count] */
    size_t head_count;
    cs_projection_change projection;
    int has_projection;
    double *room; /* all vectors */
} cs_weight_changes;

/* To be given back in any case; out must be zero. Errors: ARGUMENT (no such head, another
 * component, not finite, a constant where ln_post has no bias), IO, FORMAT, NOMEM. */
clipspan_status cs_weight_changes_make(cs_weight_changes *out, const cs_checkpoint *checkpoint,
                                       const clipspan_weight_change *changes, size_t count,
                                       clipspan_error *err);
void cs_weight_changes_fini(cs_weight_changes *changes);

#endif
