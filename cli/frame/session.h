/* SPDX-License-Identifier: MIT */
/* One run of the program: its command and arguments, what is the same for all commands, terminal,
 * notes to the user, stages and progress. */
#ifndef CLIPSPAN_CLI_SESSION_H
#define CLIPSPAN_CLI_SESSION_H

#include <clipspan/clipspan.h>

#include "cli/frame/options.h"

#include <stdio.h>

typedef enum cli_form { CLI_FORM_TABLE, CLI_FORM_TSV, CLI_FORM_JSON } cli_form;
enum {
    CLI_PROGRESS_AUTO,
    CLI_PROGRESS_BAR,
    CLI_PROGRESS_PLAIN,
    CLI_PROGRESS_JSON,
    CLI_PROGRESS_NONE
};

typedef struct cli_progress {
    const char *unit; /* "images"; "bytes" are shown scaled; NULL: nothing is going on */
    double start, shown;
    int visible; /* a bar stands in the terminal's last line */
} cli_progress;

typedef struct cli_session {
    const struct cli_command *command; /* NULL when none was given */
    cli_list arguments;
    void *settings; /* the command's own; NULL without one */
    /* Options that mean the same in every command that has them. */
    int help, version, quiet, verbose, no_color, progress_form;
    int json, tsv, table, spreadsheet;
    uint64_t threads;
    const char *memory; /* NULL: what machine and limits leave */

    cli_form form;
    int out_terminal, err_terminal, bold_out, bold_err, unicode;
    int columns;     /* of tables */
    int bar_columns; /* of the terminal that a progress bar is on */
    double mark;     /* when the last stage ended */
    size_t skipped;  /* inputs that could not be used */
    int worse;       /* written, but worse than predicted */
    int keeps_files; /* files finished before an interruption stay */
    int resumable;   /* the same call goes on after an interruption */
    cli_progress progress;
} cli_session;

void cli_session_start(cli_session *session);

/* Of TSV documents: 0 for one JSON document, 1 for lines of path and value, 2 for those of a
 * spreadsheet (--spreadsheet). */
int cli_flat(const cli_session *session);

/* Seconds on a clock that never jumps. */
double cli_seconds(void);

/* A line on standard error: for everyone but -q, only with -v, always. What could steer a terminal
 * is escaped (base/escape.h). cli_error: behind "error:". */
void cli_note(cli_session *session, const char *format, ...) CS_PRINTF(2, 3);
void cli_detail(cli_session *session, const char *format, ...) CS_PRINTF(2, 3);
void cli_complain(cli_session *session, const char *format, ...) CS_PRINTF(2, 3);
void cli_error(cli_session *session, const char *format, ...) CS_PRINTF(2, 3);

/* With -v: says how long the stage took that ends here. */
void cli_stage(cli_session *session, const char *what);

/* Progress of long work. cli_progress_step fits clipspan_progress: user is the session; the result
 * is 1 when a signal asked to stop. */
void cli_progress_begin(cli_session *session, const char *unit);
int cli_progress_step(void *session, size_t done, size_t total);
void cli_progress_end(cli_session *session);

/* Takes a bar away before anything goes to standard output, which may be the same terminal. */
void cli_progress_hide(cli_session *session);

/* INTERRUPTED when a signal came or the reader of standard output has gone. */
clipspan_status cli_keep_going(cli_session *session, clipspan_error *err);

/* WRITE when standard output could not take everything. */
clipspan_status cli_flush(clipspan_error *err);

#endif
