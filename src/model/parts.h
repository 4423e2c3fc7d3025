/* SPDX-License-Identifier: MIT */
/* Which tensor plays which part: every part of the configured model is looked up, its shape and
 * type are checked, and nothing may be left over. */
#ifndef CLIPSPAN_SRC_MODEL_PARTS_H
#define CLIPSPAN_SRC_MODEL_PARTS_H

#include "model/checkpoint.h"

typedef struct cs_parts {
    cs_tensor_ref once[2][CS_LN1_WEIGHT];                 /* by tower and part */
    cs_tensor_ref (*layers[2])[CS_PARTS - CS_LN1_WEIGHT]; /* by tower, layer and part */
    uint64_t parameters[2];                               /* numbers in a tower's tensors */
} cs_parts;

/* source: the configuration's file or architecture, for messages. `out` is to be given back with
 * cs_parts_fini in any case. Errors: NOT_FOUND (missing tensors), FORMAT (tensors left over),
 * SHAPE, UNSUPPORTED (type), NOMEM. */
clipspan_status cs_parts_find(cs_parts *out, const cs_config *config, const cs_safetensors *tensors,
                              const char *before, const char *source, clipspan_error *err);
void cs_parts_fini(cs_parts *parts);

#endif
