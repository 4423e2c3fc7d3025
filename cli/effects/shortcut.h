/* SPDX-License-Identifier: MIT */
/* shortcut for other commands: what it keeps in the run, with nothing on standard output. */
#ifndef CLIPSPAN_CLI_SHORTCUT_H
#define CLIPSPAN_CLI_SHORTCUT_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"

typedef struct cli_shortcut_settings {
    cli_evaluation_settings eval;
    const char *cue, *pool;
    cli_list also;
} cli_shortcut_settings;

clipspan_status cli_shortcut_beside(cli_session *session, const char *run,
                                    const cli_shortcut_settings *settings, clipspan_error *err);

#endif
