/* SPDX-License-Identifier: MIT */
/* What effects, ablate and shortcut found stays in the run, where its report takes it from; and the
 * same computed by commands that write a report. */
#ifndef CLIPSPAN_CLI_KEEP_H
#define CLIPSPAN_CLI_KEEP_H

#include "evaluation.h"

typedef void cli_document(FILE *out, const cli_evaluation *ev, const void *what);

/* Keeps the document that `write` makes of `what` in the evaluated run, and in that of the means. A
 * run that may not be written keeps nothing, which is said and is no error. Errors: NOMEM. */
clipspan_status cli_keep(const cli_evaluation *ev, const char *kind, cli_document *write,
                         const void *what, clipspan_error *err);

/* A session as if a command were called for a run: the same classes, threads and progress. *run and
 * mean (NULL: the run itself) are borrowed. */
cli_session cli_session_for_run(const cli_session *session, const char **run, const char *mean);

/* What effects, ablate and shortcut keep, with nothing on standard output. */
clipspan_status cli_effects_beside(const cli_session *session, clipspan_error *err);
clipspan_status cli_ablate_beside(const cli_session *session, clipspan_error *err);
clipspan_status cli_shortcut_beside(const cli_session *session, clipspan_error *err);

#endif
