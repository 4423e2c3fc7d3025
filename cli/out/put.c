/* SPDX-License-Identifier: MIT */
/* Pieces of a document into a stream; cli_flush says when it could not take them. */
#include "cli/out/put.h"

#include <stdio.h>

void cli_put(void *to, const char *text, size_t size)
{
    fwrite(text, 1, size, to);
}
