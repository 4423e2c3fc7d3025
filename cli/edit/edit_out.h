/* SPDX-License-Identifier: MIT */
/* What an edit came to, as a table and as rows; what prune prints of it. */
#ifndef CLIPSPAN_CLI_EDIT_OUT_H
#define CLIPSPAN_CLI_EDIT_OUT_H

#include <clipspan/clipspan.h>

#include "cli/edit/edit_work.h"

clipspan_status cli_edit_show(const cli_edit_job *edit, const clipspan_edit_check *check,
                              clipspan_error *err);
clipspan_status cli_prune_show(const cli_edit_job *edit, clipspan_prune *prune,
                               clipspan_error *err);

/* With --dry-run: what would be written, of heads that are `done`. */
clipspan_status cli_edit_announce(const cli_edit_job *edit, const clipspan_head *heads,
                                  size_t count, const char *done, clipspan_error *err);

/* Heads in one line, "and 12 more" at its end. */
void cli_edit_words(char *out, size_t room, const clipspan_head *heads, size_t count);

/* The pool that --role was looked for in, when it was given. */
void cli_edit_say_role(const cli_edit_job *edit);

/* Prints the sets as a table, and the lines below it; or as rows. */
clipspan_status cli_edit_print_sets(const cli_edit_job *edit, const clipspan_edit_check *check,
                                    clipspan_error *err);
clipspan_status cli_edit_show_rows(const clipspan_edit_check *check, clipspan_error *err);

#endif
