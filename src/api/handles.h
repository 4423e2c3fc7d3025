/* SPDX-License-Identifier: MIT */
/* The handles of models and encoders, and those that stand on a run. */
#ifndef CLIPSPAN_SRC_API_HANDLES_H
#define CLIPSPAN_SRC_API_HANDLES_H

#include "api/model_handles.h"
#include "atlas/atlas.h"
#include "run/identity.h"
#include "run/run_open.h"

struct clipspan_run {
    cs_run *run;
};

struct clipspan_atlas {
    cs_atlas *atlas;
};

/* Facts of the model for a run, its weights hashed by the first caller. */
clipspan_status cs_model_identity(const cs_identity **out, clipspan_model *model,
                                  const clipspan_progress *progress, clipspan_error *err);

#endif
