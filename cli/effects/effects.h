/* SPDX-License-Identifier: MIT */
/* effects for other commands: what it keeps in the run, with nothing on standard output. */
#ifndef CLIPSPAN_CLI_EFFECTS_H
#define CLIPSPAN_CLI_EFFECTS_H

#include <clipspan/clipspan.h>

#include "cli/effects/effects_rows.h"

typedef struct cli_effects_settings {
    cli_evaluation_settings eval;
    cli_effect_texts texts;
} cli_effects_settings;

clipspan_status cli_effects_beside(cli_session *session, const char *run,
                                   const cli_effects_settings *settings, clipspan_error *err);

#endif
