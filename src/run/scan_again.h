/* SPDX-License-Identifier: MIT */
/* Makes the chunks of skipped images undone, so that a scan does them again. */
#ifndef CLIPSPAN_SRC_RUN_SCAN_AGAIN_H
#define CLIPSPAN_SRC_RUN_SCAN_AGAIN_H

#include "run/image_place.h"
#include "run/run_facts.h"

/* *images: how many were skipped; 0 changes nothing. root: of the run. The folder
 * is locked exclusively; who has the index open must open it again. Errors: those of
 * cs_image_place_find; FORMAT (a part of another run), IO, WRITE, INTERRUPTED, NOMEM; the same call
 * goes on after any of them. */
clipspan_status cs_scan_again(uint64_t *images, const cs_run_facts *facts, cs_root *root,
                              const cs_image_place *place, const clipspan_progress *progress,
                              clipspan_error *err);

#endif
