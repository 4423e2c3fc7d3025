/* SPDX-License-Identifier: MIT */
/* Heads and layers as people write them: L22.H11, last4, 8-11. */
#ifndef CLIPSPAN_CLI_HEAD_NAMES_H
#define CLIPSPAN_CLI_HEAD_NAMES_H

#include <clipspan/clipspan.h>

#include "base/error.h"

#define CLI_HEAD_ROOM 32

/* "L22.H11" */
void cli_head_name(char out[CLI_HEAD_ROOM], clipspan_head head);

/* "L22.H11,L3.H0" of a model with L layers of H heads; *heads is given back with cs_free. Errors:
 * ARGUMENT, with the nearest head. */
clipspan_status cli_heads_read(clipspan_head **heads, size_t *count, const char *text, int L, int H,
                               clipspan_error *err);

/* "all", "last4" (any number), "11", "8-11". Errors: ARGUMENT. */
clipspan_status cli_layers_read(int *first, int *count, const char *text, int L,
                                clipspan_error *err);

#endif
