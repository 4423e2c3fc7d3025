/* SPDX-License-Identifier: MIT */
/* The choices of --contrast. */
#ifndef CLIPSPAN_CLI_MAP_CONTRAST_H
#define CLIPSPAN_CLI_MAP_CONTRAST_H

#include <clipspan/clipspan.h>

enum {
    CLI_CONTRAST_AUTO, /* MEAN with several texts, else NONE */
    CLI_CONTRAST_NONE,
    CLI_CONTRAST_MEAN,
    CLI_CONTRAST_RUNNER_UP,
    CLI_CONTRAST_PAIRS
};

/* What is meant by a choice for T texts. Errors: ARGUMENT when one text is to stand against
 * others. */
clipspan_status cli_contrast_resolve(clipspan_map_contrast *out, int choice, size_t T,
                                     clipspan_error *err);

#endif
