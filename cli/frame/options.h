/* SPDX-License-Identifier: MIT */
/* What an option is. A command has a table of them; parsing, --help, the man page and the shell
 * completion are made from it. cli/frame/option_rows.h has the ways to write a row. */
#ifndef CLIPSPAN_CLI_OPTIONS_H
#define CLIPSPAN_CLI_OPTIONS_H

#include "base/error.h"

typedef enum cli_option_kind {
    CLI_KIND_FLAG,   /* int: 1 */
    CLI_KIND_TEXT,   /* const char * */
    CLI_KIND_LIST,   /* cli_list: may be repeated */
    CLI_KIND_CHOICE, /* int: index of the value among the |-separated choices */
    CLI_KIND_WHOLE,  /* uint64_t: least to most */
    CLI_KIND_REAL    /* double: above low, high at most; 0 is the default */
} cli_option_kind;

typedef struct cli_option {
    const char *group; /* heading in --help */
    const char *name;  /* without dashes */
    char letter;       /* short form, or 0 */
    cli_option_kind kind;
    const char *value; /* what stands behind it; the choices of a CLI_KIND_CHOICE, first the
                          default */
    const char *help;
    size_t offset;        /* in the command's settings; of_session: in the session */
    uint64_t least, most; /* of a CLI_KIND_WHOLE */
    int of_session;
    int is_read;      /* names a file that is read: no output may be written over it */
    double low, high; /* of a CLI_KIND_REAL */
} cli_option;

typedef struct cli_list {
    const char **items;
    size_t count, room;
} cli_list;

#define CLI_OPTIONS_MOST 64 /* rows of a command, the general ones included */

#endif
