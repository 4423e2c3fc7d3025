/* SPDX-License-Identifier: MIT */
/* Which heads a model can do without (include/clipspan/edit.h): an order of heads, by direct effect
 * or in rounds by what the network does or path effects say, and the sets that fractions of it
 * make. */
#ifndef CLIPSPAN_SRC_STUDY_PRUNE_H
#define CLIPSPAN_SRC_STUDY_PRUNE_H

#include <clipspan/paths.h>

#include "study/edit_check.h"

typedef struct clipspan_run_info clipspan_run_info; /* run.h */

typedef struct cs_prune {
    clipspan_model *model;
    const clipspan_run *run;
    const clipspan_run_info *facts;
    clipspan_edit_check_options options;
    clipspan_image_options image;
    clipspan_prune_info info;
    size_t count;             /* of order */
    clipspan_prune_row *rows; /* [count] in the order in which heads go */
    int known;                /* rows are in order, sets are made */
    clipspan_prune_round *rounds;
    clipspan_head_set *sets; /* [info.sets] */
    size_t set_room, round_room;
    size_t wanted;                      /* heads that the fraction is; 0 with CHOSEN */
    cs_edit_check *check;               /* once run */
    clipspan_prune_forecast *forecasts; /* [info.sets], or NULL */
    clipspan_share *shares;             /* [info.sets, 3] that they point to */
    clipspan_encoder *encoder;          /* of PATH, while it ranks */
    clipspan_paths *paths;
} cs_prune;

/* options, check: complete and checked for their ranges; run merged with coefficients. */
clipspan_status cs_prune_new(cs_prune **out, clipspan_model *model, const clipspan_run *run,
                             const clipspan_prune_options *options,
                             const clipspan_edit_check_options *check,
                             const clipspan_image_options *image, clipspan_error *err);
void cs_prune_free(cs_prune **prune);
clipspan_status cs_prune_run(cs_prune *prune, const clipspan_progress *progress,
                             clipspan_error *err);

/* Rounds of PATH: opened once the check is there; a round fills the effects of the rows behind the
 * `gone` heads that went before. Errors: UNSUPPORTED (a run in bf16), those of passes. */
clipspan_status cs_prune_path_open(cs_prune *prune, clipspan_error *err);
clipspan_status cs_prune_path_round(cs_prune *prune, size_t gone, const clipspan_progress *progress,
                                    clipspan_error *err);
void cs_prune_path_close(cs_prune *prune);

/* Forecasts of all sets, from what the check measured; none without classes, or of one image. */
clipspan_status cs_prune_forecast(cs_prune *prune, clipspan_error *err);
/* How many of `further` predictions stay at least, as edit.h says, when `kept` of `seen` did. */
uint64_t cs_prune_bound(uint64_t kept, uint64_t seen, uint64_t further);

/* How many of `heads` heads a fraction is. per_head: parameters of one. Errors: ARGUMENT (less than
 * one head, or more than there are). */
clipspan_status cs_prune_count(size_t *out, double fraction, int of_parameters, size_t heads,
                               uint64_t parameters, uint64_t per_head, clipspan_error *err);
/* The same of a pruning's options. */
clipspan_status cs_prune_wanted(size_t *out, const cs_prune *prune, clipspan_error *err);
/* Makes the sets: the chosen heads, or the chosen fraction of the order and the curve. */
clipspan_status cs_prune_sets(cs_prune *prune, clipspan_error *err);

#endif
