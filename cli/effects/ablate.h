/* SPDX-License-Identifier: MIT */
/* ablate for other commands: what it keeps in the run, with nothing on standard output. */
#ifndef CLIPSPAN_CLI_ABLATE_H
#define CLIPSPAN_CLI_ABLATE_H

#include <clipspan/clipspan.h>

#include "cli/effects/ablate_out.h"

typedef struct cli_ablate_settings {
    cli_evaluation_settings eval;
    cli_ablation_choice choice;
} cli_ablate_settings;

clipspan_status cli_ablate_beside(cli_session *session, const char *run,
                                  const cli_ablate_settings *settings, clipspan_error *err);

#endif
