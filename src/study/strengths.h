/* SPDX-License-Identifier: MIT */
/* Shares of the embedding's variance, from a run's statistics, without a class. */
#ifndef CLIPSPAN_SRC_STUDY_STRENGTHS_H
#define CLIPSPAN_SRC_STUDY_STRENGTHS_H

#include "run/run_open.h"

/* heads : [L, H]   layers : [L] attention   mlps : [L + 1], the first of the class token as it
 * enters   class_self_attention : [L]; any may be NULL. Errors: NOT_FOUND (not merged), FORMAT, IO,
 * NOMEM. */
clipspan_status cs_strengths_read(clipspan_variance_share *heads, clipspan_variance_share *layers,
                                  clipspan_variance_share *mlps,
                                  clipspan_variance_share *class_self_attention, const cs_run *run,
                                  clipspan_error *err);

#endif
