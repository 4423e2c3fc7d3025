/* SPDX-License-Identifier: MIT */
/* Signal handlers that only set a flag or leave. */
#define _XOPEN_SOURCE 700
#include "cli/frame/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t caught, held, resumable;

static int exit_code(int number)
{
    return number == SIGINT ? 130 : 143;
}

static void on_signal(int number)
{
    const int again = resumable && !(caught && number == SIGINT);
    if (caught || !held) _exit(again ? CLI_RESUMABLE : exit_code(number));
    caught = number;
}

void cli_signals_start(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {0}, before;
    size_t i;
    sigemptyset(&action.sa_mask);
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        /* What was ignored on purpose (nohup, a background job of a plain shell) stays ignored. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART;
        sigaction(numbers[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* a write over the limit of ulimit -f says so */
}

void cli_signals_hold(void)
{
    held = 1;
}

void cli_signals_resumable(void)
{
    resumable = 1;
}

int cli_signal(void)
{
    return caught;
}

void cli_signal_pipe(void)
{
    if (!caught) caught = SIGPIPE;
}

int cli_signal_exit(void)
{
    int number = caught;
    if (number == SIGPIPE) {
        struct sigaction action = {0};
        sigemptyset(&action.sa_mask);
        action.sa_handler = SIG_DFL;
        sigaction(SIGPIPE, &action, NULL);
        raise(SIGPIPE);
    }
    return exit_code(number);
}
