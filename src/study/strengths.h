/* SPDX-License-Identifier: MIT */
/* Shares of the embedding's variance, from a run's statistics, without a class. */
#ifndef CLIPSPAN_SRC_STUDY_STRENGTHS_H
#define CLIPSPAN_SRC_STUDY_STRENGTHS_H

#include <clipspan/effects.h>

#include "run/run_open.h"

/* heads : [L, H]   layers : [L] attention   mlps : [L + 1], the first of the class token as it
 * enters   class_part : [L]; any may be NULL. Errors: NOT_FOUND (not merged), FORMAT, IO, NOMEM. */
clipspan_status cs_strengths_read(clipspan_strength *heads, clipspan_strength *layers,
                                  clipspan_strength *mlps, clipspan_strength *class_part,
                                  const cs_run *run, clipspan_error *err);

#endif
