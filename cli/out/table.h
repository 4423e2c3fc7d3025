/* SPDX-License-Identifier: MIT */
/* Tables for people: aligned, at most as wide as the terminal; and cells of tables for programs. */
#ifndef CLIPSPAN_CLI_TABLE_H
#define CLIPSPAN_CLI_TABLE_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

#define CLI_COLUMNS_MOST 12

/* A cell of tab-separated values: what could steer a terminal escaped (base/escape.h), backslashes
 * doubled; with --spreadsheet no formula. */
void cli_print_tsv_cell(FILE *out, const cli_session *session, const char *text);

/* Terminal cells that a text takes, with its escapes. */
size_t cli_text_cells(const cli_session *session, const char *text);

/* The text with escapes of what could steer a terminal, in lines of at most the session's columns:
 * broken at spaces, behind slashes, or where a line is full; nothing is left out. The first line
 * starts at column `at`, the others at `indent`. Returns the column behind the last character. */
size_t cli_print_text(FILE *out, const cli_session *session, const char *text, size_t at,
                      size_t indent);

/* The same of one line of formatted text, on standard output, with a line end behind it; an
 * indented command of clipspan can be copied. */
void cli_say(const cli_session *session, const char *format, ...) CS_PRINTF(2, 3);
void cli_say_to(FILE *out, const cli_session *session, const char *format, ...) CS_PRINTF(3, 4);

/* A command line, in lines of the session's columns that break between words, quotes and brackets
 * kept whole; `turn` ends a line that goes on, such as " \\". */
size_t cli_print_command(FILE *out, const cli_session *session, const char *text, size_t at,
                         size_t indent, const char *turn);

/* Text of the program's own, its words put into lines of `width` columns, counted in characters;
 * the first line starts at column `at`, the others at `indent`. A line break begins a paragraph; a
 * number and its " %" stay together. */
void cli_print_wrapped(FILE *out, const char *text, int at, int indent, int width);

/* A bar of `cells` cells, at most 32, full to `share`; the second as a text. */
void cli_print_bar(FILE *out, const cli_session *session, double share, int cells);
#define CLI_BAR_ROOM 128
void cli_bar(char out[CLI_BAR_ROOM], const cli_session *session, double share, int cells);

#define CLI_HEADERS_ROOM 256

typedef struct cli_table {
    char headers[CLI_HEADERS_ROOM];  /* one after the other, each with its NUL */
    size_t header[CLI_COLUMNS_MOST]; /* where each begins */
    int right[CLI_COLUMNS_MOST];     /* numbers: aligned to the right */
    size_t columns, count, room;     /* count: cells */
    char **cells;
} cli_table;

/* headers: separated by "|"; one that begins with ">" is a column of numbers. They are copied. */
void cli_table_init(cli_table *table, const char *headers);
void cli_table_fini(cli_table *table);

/* The next cell, copied; a row is full after as many as there are columns. Errors: NOMEM. */
clipspan_status cli_table_add(cli_table *table, const char *text, clipspan_error *err);

/* Prints what was added, indented by two, in the session's columns: where a row is wider, headers
 * and texts go on below themselves, and where not even words have room, further columns follow in
 * panels of their own, each with the first column. */
void cli_table_print(const cli_table *table, const cli_session *session, FILE *out);

#endif
