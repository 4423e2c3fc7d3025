/* SPDX-License-Identifier: MIT */
/* ablate for other commands: its choice of components, and their ablation. */
#ifndef CLIPSPAN_CLI_ABLATE_H
#define CLIPSPAN_CLI_ABLATE_H

#include <clipspan/clipspan.h>

#include "cli/in/contributions.h"
#include "cli/in/evaluation.h"

/* What is mean-ablated: heads by name or file, by role, all MLPs, all heads of the layers before
 * one. Zero is every member's default. */
typedef struct cli_ablate_settings {
    cli_evaluation_settings eval;
    const char *heads, *role;
    int mlps;
    uint64_t before;
    size_t random_heads; /* of a random set; 0: as many as are named */
} cli_ablate_settings;

/* What the settings say of a run that is open. To be given back in any case. Errors: ARGUMENT
 * (nothing to ablate, unknown names), NOT_FOUND (no roles yet), those of reading roles. */
typedef struct cli_ablate_choice {
    cli_components components; /* by name */
    clipspan_atlas *atlas;     /* that roles are of, or NULL */
} cli_ablate_choice;
clipspan_status cli_ablate_choose(cli_ablate_choice *choice, const cli_evaluation *ev,
                                  const cli_ablate_settings *given, clipspan_error *err);
void cli_ablate_choice_fini(cli_ablate_choice *choice);

/* The ablation of an evaluation whose study is there. */
clipspan_status cli_ablate_make(clipspan_ablation **out, const cli_evaluation *ev,
                                const cli_ablate_choice *choice, const cli_ablate_settings *given,
                                clipspan_error *err);

#endif
