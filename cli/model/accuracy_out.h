/* SPDX-License-Identifier: MIT */
/* Accuracies of a classification for people. */
#ifndef CLIPSPAN_CLI_ACCURACY_OUT_H
#define CLIPSPAN_CLI_ACCURACY_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

#include <stdio.h>

/* By class and by group, the lowest first, and of all images; nothing without labels. */
clipspan_status cli_accuracy_print(const clipspan_classification *classification,
                                   const cli_session *session, FILE *out, clipspan_error *err);

#endif
