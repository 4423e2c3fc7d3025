/* SPDX-License-Identifier: MIT */
/* What an edit came to, as a table and as documents. */
#ifndef CLIPSPAN_CLI_EDIT_OUT_H
#define CLIPSPAN_CLI_EDIT_OUT_H

#include <clipspan/clipspan.h>

#include "cli/edit/edit_work.h"
#include "cli/out/table.h"

clipspan_status cli_edit_show(const cli_edit_job *edit, clipspan_error *err);
clipspan_status cli_prune_show(const cli_edit_job *edit, clipspan_error *err);

/* With --dry-run: what would be written. */
clipspan_status cli_edit_announce(const cli_edit_job *edit, clipspan_error *err);

/* Facts of sets and images, for both commands. */
void cli_edit_emit(cli_json *json, const cli_edit_job *edit);
void cli_edit_emit_set(cli_json *json, const cli_edit_job *edit, const cli_edit_set *set);

/* Heads in one line, "and 12 more" at its end. */
void cli_edit_words(char *out, size_t room, const cli_edit_job *edit, const cli_edit_set *set);

/* Prints the sets as a table, and the lines below it. */
clipspan_status cli_edit_print_sets(const cli_edit_job *edit, clipspan_error *err);
clipspan_status cli_edit_show_rows(const cli_edit_job *edit, clipspan_error *err);

#endif
