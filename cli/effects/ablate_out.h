/* SPDX-License-Identifier: MIT */
/* An ablation, and how it is shown. */
#ifndef CLIPSPAN_CLI_ABLATE_OUT_H
#define CLIPSPAN_CLI_ABLATE_OUT_H

#include <clipspan/clipspan.h>

#include "base/random.h"
#include "cli/in/contributions.h"
#include "cli/in/evaluation.h"

/* A random set of as many heads. */
typedef struct cli_trial {
    clipspan_change *heads; /* [count] */
    size_t count;
    clipspan_comparison overall, worst;
} cli_trial;

/* What is put mean-ablated: heads by name or file, by role, all MLPs, all heads of the layers
 * before one. */
typedef struct cli_ablation_choice {
    const char *heads, *role;
    int mlps;
    uint64_t before;
} cli_ablation_choice;

typedef struct cli_ablation {
    int surgery;                 /* 1: components are not only mean-ablated, nothing is random */
    uint64_t first_layer;        /* that random heads are of */
    cli_components components;   /* the chosen ones first, then --mlps and --before */
    size_t chosen, chosen_heads; /* named or of the role; heads among them */
    size_t random_heads;         /* of a random set; 0: as many as were chosen */
    uint8_t *before, *after;     /* [N] answers */
    uint32_t *predicted;         /* [N] */
    uint64_t changed;            /* images whose prediction is another */
    clipspan_comparison overall, worst, *per_class, *per_group;
    cli_trial *trials;
    size_t trial_count;
} cli_ablation;

/* What a choice says of a run that is open; then, with the evaluation
 * started, figures before and after and of --random sets. cli_ablation_fini also after a failure.
 * Errors: ARGUMENT (nothing to ablate, unknown names), those of reading the run. */
clipspan_status cli_ablation_choose(cli_ablation *ablation, cli_evaluation *ev,
                                    const cli_ablation_choice *choice, clipspan_error *err);
clipspan_status cli_ablation_run(cli_ablation *ablation, cli_evaluation *ev, clipspan_error *err);
void cli_ablation_fini(cli_ablation *ablation);

/* The best random set: by worst group, without groups by accuracy. */
size_t cli_best_trial(const cli_evaluation *ev, const cli_ablation *ablation);

clipspan_status cli_ablation_show(const cli_evaluation *ev, const cli_ablation *ablation,
                                  clipspan_error *err);
/* Leaves it in the run for its report. */
clipspan_status cli_ablation_keep(const cli_evaluation *ev, const cli_ablation *ablation,
                                  clipspan_error *err);

#endif
