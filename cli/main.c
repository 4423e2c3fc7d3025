/* SPDX-License-Identifier: MIT */
/* The program: the command line, the command, one place that turns a status into an exit code. */
#define _POSIX_C_SOURCE 200809L
#include "cli/frame/command.h"
#include "cli/frame/process.h"
#include "cli/frame/signals.h"

#include <clipspan/clipspan.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

/* Exit codes of the program; the table is in the man page. */
static int exit_code(clipspan_status status)
{
    switch (status) {
    case CLIPSPAN_OK: return 0;
    case CLIPSPAN_E_ARGUMENT: return 2;
    case CLIPSPAN_E_IO:
    case CLIPSPAN_E_FORMAT:
    case CLIPSPAN_E_UNSUPPORTED:
    case CLIPSPAN_E_SHAPE:
    case CLIPSPAN_E_NOT_FOUND:
    case CLIPSPAN_E_NUMBERS: return 4;
    case CLIPSPAN_E_WRITE:
    case CLIPSPAN_E_EXISTS: return 6;
    case CLIPSPAN_E_NOMEM:
    case CLIPSPAN_E_LIMIT: return 7;
    case CLIPSPAN_E_INTERRUPTED: return cli_signal_exit();
    case CLIPSPAN_E_INTERNAL: break;
    }
    return 1;
}

static clipspan_status dispatch(cli_session *s, clipspan_error *err)
{
    if (s->version) {
        printf("clipspan %s\n", clipspan_version());
        return CLIPSPAN_OK;
    }
    if (s->help) {
        if (s->command)
            cli_print_help(stdout, s, s->command);
        else
            cli_print_overview(stdout, s);
        return CLIPSPAN_OK;
    }
    if (!s->command) {
        cli_print_overview(stderr, s);
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s", "");
    }
    CS_TRY(cli_arguments_check(s, err));
    return s->command->run(s, s->settings, err);
}

/* A standard descriptor that is closed at start would go to the first file that is opened, and
 * messages would land in an output. */
static void open_standard(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        /* To be read only: output that nobody takes is an error still. */
        fd = open("/dev/null", O_RDONLY);
        if (fd != STDERR_FILENO) continue;
        close(fd);
        fd = open("/dev/null", O_WRONLY);
    }
    if (fd > STDERR_FILENO) close(fd);
}

static void complain(cli_session *s, const clipspan_error *error)
{
    if (!*error->message) return;
    if (error->code == CLIPSPAN_E_INTERRUPTED && cli_signal()) {
        if (s->resumable)
            cli_note(s, "%s", error->message);
        else if (cli_signal() != SIGPIPE)
            cli_note(s, "interrupted; %s",
                     s->keeps_files ? "the files that were finished stay" : "nothing was written");
        return;
    }
    cli_error(s, "%s%s", error->message,
              error->code == CLIPSPAN_E_INTERNAL ? " (a defect of clipspan; please report it)"
                                                 : "");
}

int main(int argc, char **argv)
{
    static cli_session session; /* zero is the default of every setting */
    clipspan_error err = {0}, flushed;
    clipspan_status status;
    int code;
    open_standard();
    status = cli_process_start(&err);
    /* Characters as the user's terminal has them; numbers stay those of the C locale. */
    setlocale(LC_CTYPE, "");
    cli_signals_start();
    if (status == CLIPSPAN_OK) status = cli_session_read(&session, argc, argv, &err);
    cli_session_start(&session);
    if (status == CLIPSPAN_OK) status = dispatch(&session, &err);
    if (cli_flush(&flushed) != CLIPSPAN_OK && status == CLIPSPAN_OK) {
        status = flushed.code;
        err = flushed;
    }
    if (status != CLIPSPAN_OK) {
        err.code = status;
        complain(&session, &err);
    }
    code =
        status == CLIPSPAN_E_INTERRUPTED && session.resumable ? CLI_RESUMABLE : exit_code(status);
    if (code == 0 && session.skipped) code = 3;
    if ((code == 0 || code == 3) && session.worse) code = 8;
    cli_session_fini(&session);
    cli_process_finish();
    return code;
}
