/* SPDX-License-Identifier: MIT */
/* Ctrl-C and friends. Until there is something to tidy up, a signal ends the program at once; then
 * the first one asks to stop and the second ends it at once. */
#ifndef CLIPSPAN_CLI_SIGNALS_H
#define CLIPSPAN_CLI_SIGNALS_H

/* Installs the handlers: SIGINT, SIGTERM, SIGHUP; SIGPIPE is ignored so that writing says EPIPE. */
void cli_signals_start(void);

/* From here on the first signal only asks to stop. */
void cli_signals_hold(void);

/* From here on whatever is stopped goes on with the same command: a signal that ends the program at
 * once ends it with CLI_RESUMABLE, the second SIGINT excepted. */
#define CLI_RESUMABLE 75 /* EX_TEMPFAIL: batch systems take it for "again" */
void cli_signals_resumable(void);

/* The signal that asked to stop, or 0. */
int cli_signal(void);

/* Notes that the reader of standard output has gone; then cli_signal() is SIGPIPE. */
void cli_signal_pipe(void);

/* 130 for SIGINT, 143 for SIGTERM and SIGHUP. After SIGPIPE the program ends by that signal, as
 * every filter does, and this does not return. */
int cli_signal_exit(void);

#endif
