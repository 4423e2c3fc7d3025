/* SPDX-License-Identifier: MIT */
/* Sets of components as people write them: heads, layers and MLPs by name or from a file. */
#ifndef CLIPSPAN_CLI_COMPONENT_NAMES_H
#define CLIPSPAN_CLI_COMPONENT_NAMES_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

typedef struct cli_components {
    int L, H;
    uint8_t *seen; /* [L H + L + 1] heads, then MLP contributions */
    clipspan_change *changes;
    size_t count, room;
} cli_components;

clipspan_status cli_components_init(cli_components *components, int L, int H, clipspan_error *err);
void cli_components_fini(cli_components *components);

/* One component once; what else the change says is copied. */
clipspan_status cli_components_add(cli_components *components, clipspan_change change,
                                   clipspan_error *err);

/* "L22.H11", "L22.*" (a layer's heads), "*.*" (all heads), "L22.MLP", "input" (the class token as
 * it enters the first layer), "MLPS" (all of these), joined by commas; or the name of a file with
 * such names, separated by commas, spaces and line ends, "#" to the end of a line being a comment.
 * Each gets `change`. Errors: ARGUMENT, with the nearest name; FORMAT for a file without any. */
clipspan_status cli_components_read(cli_components *components, const char *text,
                                    clipspan_change change, clipspan_error *err);

/* The same without files. */
clipspan_status cli_components_list(cli_components *components, const char *text,
                                    clipspan_change change, clipspan_error *err);

#endif
