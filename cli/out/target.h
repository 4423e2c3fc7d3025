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

/* Whether `output` can be the name of a folder, which `writer` ("heatmap") fills with `what`: no
 * file, and, unless it already exists, no name with the suffix of one. Errors: ARGUMENT,
 * WRITE. */
clipspan_status cli_folder_check(const char *output, const char *writer, const char *what,
                                 clipspan_error *err);

/* Whether `output` ends as `ending` (".html") says. Errors: ARGUMENT. */
clipspan_status cli_ending_check(const char *output, const char *ending, const char *writer,
                                 const char *what, clipspan_error *err);

/* Whether a name has the suffix of a kind of file that this or another program writes. */
int cli_names_file(const char *name);

/* "FILE.rows.csv" for "FILE.npy"; give back with cs_free. Errors: ARGUMENT for another ending. */
clipspan_status cli_rows_path(char **out, const char *path, clipspan_error *err);

int cli_ends_in(const char *text, const char *ending);

#endif
