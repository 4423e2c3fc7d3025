/* SPDX-License-Identifier: MIT */
/* As many arguments as a command takes; the one that is missing is the one that is named. */
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>
#include <string.h>

/* "INPUT" of "[INPUT...]"; whether it may be left out, and whether there may be more. */
static size_t read_name(const char **start, int *optional, int *more, const char *argument)
{
    size_t length = strlen(argument);
    *optional = *argument == '[';
    *start = argument + *optional;
    length -= 2 * (size_t)*optional;
    *more = length > 3 && strncmp(*start + length - 3, "...", 3) == 0;
    return length - 3 * (size_t)*more;
}

clipspan_status cli_arguments_check(const cli_session *s, clipspan_error *err)
{
    const cli_command *command = s->command;
    const size_t count = s->arguments.count;
    size_t i = 0, length;
    const char *name;
    int optional = 0, more = 0;
    for (; i < CLI_ARGUMENTS_MOST && command->arguments[i]; i++) {
        length = read_name(&name, &optional, &more, command->arguments[i]);
        if (i < count || optional) continue;
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT, "%.*s%s is missing; see clipspan %s --help", (int)length,
            name,
            strncmp(name, "INPUT", length) == 0 ? " (an image, folder, CSV, or - for a list)" : "",
            command->name);
    }
    if (count <= i || more) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unexpected argument \"%s\"; see clipspan %s --help",
                   s->arguments.items[i], command->name);
}
