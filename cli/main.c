/* SPDX-License-Identifier: MIT */
/* The program: settings, the command, one place that turns a status into an exit code. */
#define _POSIX_C_SOURCE 200809L
#include "commands.h"
#include "process.h"
#include "signals.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

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

static clipspan_status check_count(const cli_settings *settings, clipspan_error *err)
{
    const cli_command *command = settings->command;
    size_t count = settings->arguments.count;
    if (count >= command->least && count <= command->most) return CLIPSPAN_OK;
    if (count > command->most)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "one argument too many: \"%s\"; see clipspan %s --help",
                       settings->arguments.items[command->most], command->name);
    if (count > 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "INPUT (a picture, folder, CSV, or - for a list) is missing; see clipspan "
                       "%s --help",
                       command->name);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%.*s is missing; see clipspan %s --help",
                   (int)strcspn(command->usage, " \n"), command->usage, command->name);
}

static clipspan_status dispatch(cli_session *s, clipspan_error *err)
{
    const cli_command *command = s->settings.command;
    if (s->settings.version) {
        printf("clipspan %s\n", clipspan_version());
        return CLIPSPAN_OK;
    }
    if (s->settings.help) {
        if (command)
            cli_print_help(command, s->bold_out, stdout);
        else
            cli_print_overview(stdout);
        return CLIPSPAN_OK;
    }
    if (!command) {
        cli_print_overview(stderr);
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s", "");
    }
    CS_TRY(check_count(&s->settings, err));
    return command->run(s, err);
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
    cli_complain(s, "%serror:%s %s%s", s->bold_err ? "\033[1;31m" : "",
                 s->bold_err ? "\033[0m" : "", error->message,
                 error->code == CLIPSPAN_E_INTERNAL ? " (a defect of clipspan; please report it)"
                                                    : "");
}

int main(int argc, char **argv)
{
    static cli_session session; /* zero is the default of every setting */
    clipspan_error err = {0}, flushed;
    clipspan_status status;
    int code;
    cli_process_start();
    /* Characters as the user's terminal has them; numbers stay those of the C locale. */
    setlocale(LC_CTYPE, "");
    cli_signals_start();
    status = cli_settings_read(&session.settings, argc, argv, &err);
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
    cli_settings_fini(&session.settings);
    code = status == CLIPSPAN_E_INTERRUPTED && session.resumable ? 75 : exit_code(status);
    return code == 0 && session.skipped ? 3 : code;
}
