/* SPDX-License-Identifier: MIT */
/* What a command is: a file of its name defines one, cli/frame/command_list.h lists it. */
#ifndef CLIPSPAN_CLI_COMMAND_H
#define CLIPSPAN_CLI_COMMAND_H

#include <clipspan/clipspan.h>

#include "cli/frame/command_list.h"
#include "cli/frame/option_rows.h"
#include "cli/frame/session.h"
#include "cli/frame/settings.h"

#define CLI_ARGUMENTS_MOST 3

typedef struct cli_command {
    const char *name;
    const char *usage;    /* behind the name; one form a line */
    const char *summary;  /* one line */
    const char *about;    /* paragraphs, separated by a line break */
    const char *examples; /* one a line: command, tab, what it does */
    const char
        *columns; /* of its tables, one or some a line: header, tab, what it holds; or NULL */
    /* "MODEL"; "[NAME]" may be left out; the last one may be "INPUT...", one or more, or
     * "[INPUT...]", any number. */
    const char *arguments[CLI_ARGUMENTS_MOST];
    const cli_option *options;
    size_t option_count;
    size_t settings_size; /* of what the options fill; `run` gets it */
    clipspan_status (*run)(cli_session *session, const void *settings, clipspan_error *err);
} cli_command;

#define CLI_NO_HEADING(text)
#define CLI_DECLARE(name) extern const cli_command cli_##name;
CLI_COMMANDS(CLI_NO_HEADING, CLI_DECLARE)

/* Lines of `clipspan help`: a heading, or a command. */
typedef struct cli_command_line {
    const char *heading; /* NULL: a command */
    const cli_command *command;
} cli_command_line;
const cli_command_line *cli_command_lines(size_t *count);

const cli_command *cli_command_find(const char *name); /* or NULL */

/* ARGUMENT: no such command, with the nearest. */
clipspan_status cli_command_unknown(const char *name, clipspan_error *err);

/* The option of that name or letter: of the command (NULL: none), or a general one; or NULL. */
const cli_option *cli_option_find(const cli_command *command, const char *name, size_t length,
                                  char letter);

/* The options that every command has. */
const cli_option *cli_general_options(size_t *count);

/* Fills session and the command's settings from argv, then from the environment (CLIPSPAN_OUTPUT
 * for --output, and so on) for options that argv leaves out. Strings are borrowed. Errors: ARGUMENT
 * with what was meant. */
clipspan_status cli_session_read(cli_session *session, int argc, char **argv, clipspan_error *err);
void cli_session_fini(cli_session *session);

/* Whether the arguments are as many as the command takes. Errors: ARGUMENT naming the one that is
 * missing, or the first that is not expected. */
clipspan_status cli_arguments_check(const cli_session *session, clipspan_error *err);

/* Usage of all commands, or of one; and what the package installs. */
void cli_print_overview(FILE *out, const cli_session *session);
void cli_print_help(FILE *out, const cli_session *session, const cli_command *command);
void cli_print_manual(FILE *out);     /* man page, troff */
void cli_print_completion(FILE *out); /* bash */

#endif
