/* SPDX-License-Identifier: MIT */
/* What an edit came to, as a table and as rows; what prune prints of it. */
#ifndef CLIPSPAN_CLI_EDIT_OUT_H
#define CLIPSPAN_CLI_EDIT_OUT_H

#include <clipspan/clipspan.h>

#include "cli/edit/edit_work.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"

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
clipspan_status cli_edit_show_rows(const cli_session *s, const clipspan_edit_check *check,
                                   clipspan_error *err);

/* Cells of both commands: a share, empty where it is of no image; role and pool; a distance. */
void cli_edit_put_share(cli_rows *rows, const clipspan_share *share);
void cli_edit_put_role(cli_rows *rows, const clipspan_edit_check_info *info);
clipspan_status cli_edit_add_distance(cli_table *table, double value, clipspan_error *err);

/* "5 of the 6 images of run"; how many could not be read. */
void cli_edit_name_images(char *out, size_t room, const cli_edit_job *edit,
                          const clipspan_edit_check_info *info);
void cli_edit_say_left_out(const cli_edit_job *edit, const clipspan_edit_check_info *info);

#endif
