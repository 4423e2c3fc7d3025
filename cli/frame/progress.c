/* SPDX-License-Identifier: MIT */
/* Progress: a bar with rate and time left on a terminal, a line every ten seconds elsewhere, or one
 * JSON object a line for programs. Work that ends before it would be shown leaves no trace. */
#define _POSIX_C_SOURCE 200809L
#include "cli/frame/session.h"
#include "cli/frame/signals.h"
#include "cli/out/numbers.h"

#include <string.h>

#define BAR_CELLS   24
#define BAR_LEAST   6 /* a shorter bar says nothing */
#define BAR_EVERY   0.1
#define PLAIN_EVERY 10.0
#define JSON_EVERY  1.0

void cli_progress_begin(cli_session *s, const char *unit)
{
    memset(&s->progress, 0, sizeof s->progress);
    s->progress.unit = unit;
    s->progress.start = cli_seconds();
}

static void amount(char out[CLI_NUMBER_ROOM], const cli_progress *p, double value)
{
    if (strcmp(p->unit, "bytes") == 0)
        cli_format_bytes(out, value);
    else
        cli_format_count(out, (uint64_t)value);
}

/* "1,234 of 50,000 images, 45.3 a second, 18 min left" */
static void describe(char *out, size_t room, const cli_progress *p, size_t done, size_t total,
                     double elapsed)
{
    char at[CLI_NUMBER_ROOM], of[CLI_NUMBER_ROOM], rate[CLI_NUMBER_ROOM], left[CLI_NUMBER_ROOM];
    int bytes = strcmp(p->unit, "bytes") == 0;
    double speed = elapsed > 0 ? (double)done / elapsed : 0;
    amount(at, p, (double)done);
    amount(of, p, (double)total);
    if (bytes)
        cli_format_bytes(rate, speed);
    else
        cli_format_real(rate, speed);
    if (speed > 0) {
        cli_format_duration(left, (double)(total - done) / speed);
        snprintf(out, room, "%s of %s%s%s, %s a second, %s left", at, of, bytes ? "" : " ",
                 bytes ? "" : p->unit, rate, left);
    } else {
        snprintf(out, room, "%s of %s%s%s", at, of, bytes ? "" : " ", bytes ? "" : p->unit);
    }
}

static void show_bar(cli_session *s, size_t done, size_t total, const char *words)
{
    /* A line that reaches the last column would go on in the next, and "\r" not back to it. */
    int room = s->bar_columns - 1, cells = room - 2 - (int)strlen(words), full, i;
    if (cells > BAR_CELLS) cells = BAR_CELLS;
    if (cells < BAR_LEAST) cells = 0;
    full = total ? (int)((double)done / (double)total * cells) : 0;
    fputs("\r", stderr);
    for (i = 0; i < cells; i++)
        fputs(s->unicode ? (i < full ? "\xE2\x96\x88" : "\xE2\x96\x91") : (i < full ? "#" : "."),
              stderr);
    fprintf(stderr, "%s%.*s\033[K", cells ? "  " : "", room, words);
    fflush(stderr);
    s->progress.visible = 1;
}

int cli_progress_step(void *session, size_t done, size_t total)
{
    cli_session *s = session;
    cli_progress *p = &s->progress;
    double now = cli_seconds(), every;
    char words[256];
    if (done > total) done = total;
    if (!p->unit || s->progress_form == CLI_PROGRESS_NONE) return cli_signal() != 0;
    every = s->progress_form == CLI_PROGRESS_BAR    ? BAR_EVERY
            : s->progress_form == CLI_PROGRESS_JSON ? JSON_EVERY
                                                    : PLAIN_EVERY;
    if (now - (p->shown > 0 ? p->shown : p->start) < every) return cli_signal() != 0;
    p->shown = now;
    describe(words, sizeof words, p, done, total, now - p->start);
    if (s->progress_form == CLI_PROGRESS_BAR)
        show_bar(s, done, total, words);
    else if (s->progress_form == CLI_PROGRESS_PLAIN)
        fprintf(stderr, "clipspan: %s\n", words);
    else
        fprintf(stderr,
                "{\"schema\": \"clipspan.progress.v1\", \"unit\": \"%s\", \"done\": %zu, "
                "\"total\": %zu, \"seconds\": %.3f}\n",
                p->unit, done, total, now - p->start);
    return cli_signal() != 0;
}

void cli_progress_end(cli_session *s)
{
    cli_progress_hide(s);
    memset(&s->progress, 0, sizeof s->progress);
}
