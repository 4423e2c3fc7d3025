/* SPDX-License-Identifier: MIT */
/* An ablation, and how it is shown. */
#ifndef CLIPSPAN_CLI_ABLATE_OUT_H
#define CLIPSPAN_CLI_ABLATE_OUT_H

#include "base/random.h"
#include "evaluation.h"
#include "term_names.h"

/* A random set of as many heads. */
typedef struct cli_trial {
    clipspan_change *heads; /* [count] */
    size_t count;
    clipspan_comparison overall, worst;
} cli_trial;

typedef struct cli_ablation {
    int surgery;                 /* 1: terms are not only at their means, nothing is random */
    cli_terms terms;             /* the chosen ones first, then --mlps and --before */
    size_t chosen, chosen_heads; /* named or of the role; heads among them */
    uint8_t *before, *after;     /* [N] answers */
    uint32_t *predicted;         /* [N] */
    uint64_t changed;            /* pictures whose prediction is another */
    clipspan_comparison overall, worst, *per_class, *per_group;
    cli_trial *trials;
    size_t trial_count;
} cli_ablation;

/* The best random set: by worst group, without groups by accuracy. */
size_t cli_best_trial(const cli_evaluation *ev, const cli_ablation *ablation);

clipspan_status cli_ablation_show(const cli_evaluation *ev, const cli_ablation *ablation,
                                  clipspan_error *err);

#endif
