/* SPDX-License-Identifier: MIT */
/* Random sets of shortcut. */
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

typedef struct cli_ablation {
    uint8_t *before, *after; /* [N] answers */
    clipspan_comparison *per_group;
    cli_trial *trials;
    size_t trial_count;
} cli_ablation;

/* The best random set: by worst group, without groups by accuracy. */
size_t cli_best_trial(const cli_evaluation *ev, const cli_ablation *ablation);

#endif
