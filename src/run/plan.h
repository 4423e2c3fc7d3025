/* SPDX-License-Identifier: MIT */
/* Planning a run: the order of its images and the facts that make it this run, in its index. */
#ifndef CLIPSPAN_SRC_RUN_PLAN_H
#define CLIPSPAN_SRC_RUN_PLAN_H

#include "run/identity.h"

/* As clipspan_run_plan, with the facts of model and options in `identity`, to which those of the
 * list are added. While another process plans the run it waits, and asks progress whether to
 * stop. */
clipspan_status cs_plan_make(int *found, const char *path, cs_identity *identity,
                             const clipspan_inputs *inputs, int replace,
                             const clipspan_progress *progress, clipspan_error *err);

/* As clipspan_run_extend: one more segment. identity: the facts of the model. */
clipspan_status cs_plan_extend(const char *path, const cs_identity *identity,
                               const clipspan_inputs *inputs, clipspan_error *err);

#endif
