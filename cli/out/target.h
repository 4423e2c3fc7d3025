/* SPDX-License-Identifier: MIT */
/* What a command opens and writes: the model, and output paths that are checked before any work. */
#ifndef CLIPSPAN_CLI_TARGET_H
#define CLIPSPAN_CLI_TARGET_H

#include <clipspan/clipspan.h>

#include "cli/frame/command.h"

/* Opens the model that `path` names. */
clipspan_status cli_model_open(clipspan_model **out, cli_session *session, const char *path,
                               const cli_model_settings *settings, clipspan_error *err);

/* Threads to use: -j, or all. */
int cli_threads(const cli_session *session);

/* Whether `path` may be written: nothing there (or force), its folder is, and it is none of the
 * files that arguments and options say to read. Errors: EXISTS, WRITE, ARGUMENT. */
clipspan_status cli_target_check(const cli_session *session, const char *path, int force,
                                 clipspan_error *err);

/* "FILE.rows.csv" for "FILE.npy"; give back with cs_free. Errors: ARGUMENT for another ending. */
clipspan_status cli_rows_path(char **out, const char *path, clipspan_error *err);

int cli_ends_in(const char *text, const char *ending);

#endif
