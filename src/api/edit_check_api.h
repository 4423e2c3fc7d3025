/* SPDX-License-Identifier: MIT */
/* What the handles of edit checks and prunings share. */
#ifndef CLIPSPAN_SRC_API_EDIT_CHECK_API_H
#define CLIPSPAN_SRC_API_EDIT_CHECK_API_H

#include "api/handles.h"
#include "study/edit_check.h"

struct clipspan_edit_check {
    cs_edit_check *check;
};

/* A run that means of heads come from, and its own model. Errors: NOT_FOUND, FORMAT. */
clipspan_status cs_edit_check_handles(const clipspan_model *model, const clipspan_run *run,
                                      clipspan_error *err);

/* Options of any size, checked. */
clipspan_status cs_edit_check_options(clipspan_edit_check_options *out,
                                      const clipspan_edit_check_options *options,
                                      const clipspan_run *run, clipspan_error *err);

/* How the images of a run were decoded. */
clipspan_status cs_run_image(clipspan_image_options *out, const cs_run *run, clipspan_error *err);

#endif
