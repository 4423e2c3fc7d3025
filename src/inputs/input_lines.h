/* SPDX-License-Identifier: MIT */
/* Paths from a stream (standard input), one a line or NUL-separated. */
#ifndef CLIPSPAN_SRC_INPUTS_INPUT_LINES_H
#define CLIPSPAN_SRC_INPUTS_INPUT_LINES_H

#include "inputs/input_list.h"

/* Appends the paths read from descriptor fd up to its end. separator: '\n' (a byte order mark and
 * CRLF are accepted, empty lines skipped) or '\0'. Relative paths start at `root` when it is not
 * NULL. Errors: FORMAT (a NUL byte in lines, with the line), LIMIT, IO, NOMEM. */
clipspan_status cs_input_lines_list(cs_input_list *list, int fd, char separator, const char *root,
                                    int label_by_folder, clipspan_error *err);

#endif
