/* SPDX-License-Identifier: MIT */
/* Where documents of the library's studies go. */
#ifndef CLIPSPAN_CLI_PUT_H
#define CLIPSPAN_CLI_PUT_H

#include <stddef.h>

/* The `put` of clipspan_…_write_json; to: a FILE. */
void cli_put(void *to, const char *text, size_t size);

#endif
