/* SPDX-License-Identifier: MIT */
/* What the terminal can do, and lines on standard error that do not collide with the bar. */
#define _POSIX_C_SOURCE 200809L
#include "cli/frame/session.h"
#include "base/escape.h"
#include "cli/frame/signals.h"

#include <clipspan/clipspan.h>
#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LINE_ROOM     8192 /* bytes of a line on standard error */
#define COLUMNS       80   /* of tables where there is no terminal */
#define COLUMNS_LEAST 40
#define COLUMNS_MOST  80 /* lines that are longer are hard to follow */

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Columns of the terminal on a stream, or `otherwise`. */
static int width(int stream, int otherwise)
{
    struct winsize size;
    return ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : otherwise;
}

void cli_session_start(cli_session *s)
{
    const char *component = getenv("TERM"), *no_color = getenv("NO_COLOR");
    int dumb = !component || strcmp(component, "dumb") == 0;
    int plain = dumb || s->no_color || (no_color && *no_color);
    s->out_terminal = isatty(STDOUT_FILENO);
    s->err_terminal = isatty(STDERR_FILENO);
    s->bold_out = s->out_terminal && !plain;
    s->bold_err = s->err_terminal && !plain;
    s->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    s->columns = width(STDOUT_FILENO, COLUMNS);
    if (s->columns < COLUMNS_LEAST) s->columns = COLUMNS_LEAST;
    if (s->columns > COLUMNS_MOST) s->columns = COLUMNS_MOST;
    s->bar_columns = width(STDERR_FILENO, 80);
    s->form = s->json                       ? CLI_FORM_JSON
              : s->tsv                      ? CLI_FORM_TSV
              : s->table || s->out_terminal ? CLI_FORM_TABLE
                                            : CLI_FORM_TSV;
    if (s->progress_form == CLI_PROGRESS_AUTO)
        s->progress_form = s->err_terminal && !dumb ? CLI_PROGRESS_BAR : CLI_PROGRESS_PLAIN;
    if (s->quiet) s->progress_form = CLI_PROGRESS_NONE;
    s->mark = cli_seconds();
}

void cli_progress_hide(cli_session *s)
{
    if (!s->progress.visible) return;
    fputs("\r\033[K", stderr);
    s->progress.visible = 0;
    s->progress.shown = 0;
}

int cli_flat(const cli_session *s)
{
    return s->form != CLI_FORM_TSV ? 0 : s->spreadsheet ? 2 : 1;
}

static void put(void *stream, const char *text, size_t size)
{
    fwrite(text, 1, size, stream);
}

static void say(cli_session *s, const char *mark, const char *format, va_list arguments)
    CS_PRINTF(3, 0);

static void say(cli_session *s, const char *mark, const char *format, va_list arguments)
{
    char text[LINE_ROOM];
    vsnprintf(text, sizeof text, format, arguments);
    cli_progress_hide(s);
    fprintf(stderr, "clipspan: %s", mark);
    cs_escape_put(put, stderr, text, 0);
    fputc('\n', stderr);
}

void cli_note(cli_session *s, const char *format, ...)
{
    va_list arguments;
    if (s->quiet) return;
    va_start(arguments, format);
    say(s, "", format, arguments);
    va_end(arguments);
}

void cli_detail(cli_session *s, const char *format, ...)
{
    va_list arguments;
    if (!s->verbose) return;
    va_start(arguments, format);
    say(s, "", format, arguments);
    va_end(arguments);
}

void cli_complain(cli_session *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(s, "", format, arguments);
    va_end(arguments);
}

void cli_error(cli_session *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(s, s->bold_err ? "\033[1;31merror:\033[0m " : "error: ", format, arguments);
    va_end(arguments);
}

void cli_stage(cli_session *s, const char *what)
{
    double now = cli_seconds();
    cli_detail(s, "%9.1f ms  %s", 1e3 * (now - s->mark), what);
    s->mark = now;
}

clipspan_status cli_flush(clipspan_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return CLIPSPAN_OK;
    if (errno == EPIPE) {
        cli_signal_pipe();
        return cs_fail(err, CLIPSPAN_E_INTERRUPTED, "standard output was closed by its reader");
    }
    return cs_fail(err, CLIPSPAN_E_WRITE, "standard output cannot be written: %s",
                   strerror(errno ? errno : EIO));
}

clipspan_status cli_keep_going(cli_session *s, clipspan_error *err)
{
    (void)s;
    CS_TRY(cli_flush(err));
    if (cli_signal()) return cs_fail(err, CLIPSPAN_E_INTERRUPTED, "interrupted");
    return CLIPSPAN_OK;
}
