/* SPDX-License-Identifier: MIT */
/* Comparisons of accuracy for people. */
#ifndef CLIPSPAN_CLI_COMPARISON_OUT_H
#define CLIPSPAN_CLI_COMPARISON_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/out/table.h"

/* "what|>images|>before|>after|>change|>95 % of resamples": headers, and the cells of a row. */
void cli_comparison_table(cli_table *table, char *headers, size_t room, const char *what);
clipspan_status cli_comparison_add(cli_table *table, const char *name,
                                   const clipspan_comparison *comparison, clipspan_error *err);

/* Prints rows of names and comparisons, `most` of them. */
clipspan_status cli_comparison_print(const cli_session *session, const char *what,
                                     const char *const *names, const clipspan_comparison *rows,
                                     size_t count, size_t most, clipspan_error *err);

#endif
