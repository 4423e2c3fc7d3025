/* SPDX-License-Identifier: MIT */
/* Tables for programs, row by row: CSV (RFC 4180) or TSV, to a file that appears when it is whole
 * or to standard output. */
#ifndef CLIPSPAN_CLI_ROWS_H
#define CLIPSPAN_CLI_ROWS_H

#include "cli/frame/session.h"

#include <stdio.h>

typedef struct cli_rows cli_rows;

/* path NULL: TSV on standard output. Otherwise a file; TSV when its name ends in .tsv. Cells of TSV
 * have control characters and backslashes escaped (base/escape.h); those of CSV are as they are, in
 * quotes where needed. With --spreadsheet a cell that could be a formula begins with an apostrophe.
 * Errors: EXISTS unless `replace`, WRITE, NOMEM. */
clipspan_status cli_rows_open(cli_rows **out, const cli_session *session, const char *path,
                              int replace, clipspan_error *err);

/* The next cells of a row; cli_rows_next ends it. Errors of writing come up in cli_rows_next. */
void cli_rows_text(cli_rows *rows, const char *text);
void cli_rows_whole(cli_rows *rows, uint64_t value);
void cli_rows_real(cli_rows *rows, double value); /* nine significant digits */
clipspan_status cli_rows_next(cli_rows *rows, clipspan_error *err);

/* A whole row of texts, joined by "|". */
clipspan_status cli_rows_header(cli_rows *rows, const char *names, clipspan_error *err);

clipspan_status cli_rows_finish(cli_rows *rows, clipspan_error *err);

/* Rows that describe a file `main`, in place of finish: lead, then the main file gets its name,
 * then settle (base/file.h: cs_output_lead). close without settle puts everything back. */
clipspan_status cli_rows_lead(cli_rows *rows, const char *main, clipspan_error *err);
void cli_rows_settle(cli_rows *rows);
void cli_rows_close(cli_rows **rows); /* without finish: the file is removed */

#endif
