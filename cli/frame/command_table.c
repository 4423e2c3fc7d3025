/* SPDX-License-Identifier: MIT */
/* The list of commands as a table. */
#include "base/nearest.h"
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define ADD_HEADING(text) {text, NULL},
#define ADD_COMMAND(name) {NULL, &cli_##name},

static const cli_command_line table[] = {CLI_COMMANDS(ADD_HEADING, ADD_COMMAND)};

#define ROWS (sizeof table / sizeof *table)

const cli_command_line *cli_command_lines(size_t *count)
{
    *count = ROWS;
    return table;
}

const cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].command && strcmp(table[i].command->name, name) == 0) return table[i].command;
    return NULL;
}

clipspan_status cli_command_unknown(const char *name, clipspan_error *err)
{
    const char *names[ROWS], *meant;
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].command) names[count++] = table[i].command->name;
    meant = cs_nearest(name, names, count);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown command \"%s\"%s%s%s; see clipspan --help",
                   name, meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}
