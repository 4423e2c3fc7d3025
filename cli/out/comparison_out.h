/* SPDX-License-Identifier: MIT */
/* Comparisons of accuracy, before and after, for people and programs. */
#ifndef CLIPSPAN_CLI_COMPARISON_OUT_H
#define CLIPSPAN_CLI_COMPARISON_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"

/* "what|>images|>before|>after|>change|>95 % of resamples": headers, and the cells of a row. */
void cli_comparison_table(cli_table *table, char *headers, size_t room, const char *what);
clipspan_status cli_comparison_add(cli_table *table, const char *name,
                                   const clipspan_comparison *comparison, clipspan_error *err);

/* Cells of a row for programs: images, before, low, high, after, low, high, change, low, high. */
void cli_comparison_cells(cli_rows *rows, const clipspan_comparison *comparison);

#endif
