/* SPDX-License-Identifier: MIT */
/* What scan leaves to a command that goes on with the run. */
#ifndef CLIPSPAN_CLI_SCAN_COMMAND_H
#define CLIPSPAN_CLI_SCAN_COMMAND_H

#include "session.h"

/* As `scan MODEL INPUT... -o RUN` without a word on standard output: the merged run and its model.
 * With --dry-run the plan is shown and *run is NULL. Both are the caller's, also after a failure.
 */
clipspan_status cli_scan_open(clipspan_run **run, clipspan_model **model, cli_session *session,
                              clipspan_error *err);

#endif
