/* SPDX-License-Identifier: MIT */
/* What effects, ablate and shortcut found stays in the run, where its report takes it from. */
#ifndef CLIPSPAN_CLI_KEEP_H
#define CLIPSPAN_CLI_KEEP_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"

typedef void cli_document(FILE *out, const cli_evaluation *ev, const void *what);

/* Keeps the document that `write` makes of `what` in the evaluated run, and in that of the means. A
 * run that may not be written keeps nothing, which is said and is no error. Errors: NOMEM. */
clipspan_status cli_keep(const cli_evaluation *ev, const char *kind, cli_document *write,
                         const void *what, clipspan_error *err);

#endif
