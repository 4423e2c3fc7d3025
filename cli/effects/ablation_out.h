/* SPDX-License-Identifier: MIT */
/* An ablation, or an experiment of surgery, as tables, rows or a document. */
#ifndef CLIPSPAN_CLI_ABLATION_OUT_H
#define CLIPSPAN_CLI_ABLATION_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

clipspan_status cli_ablation_show(const cli_session *session, const clipspan_ablation *ablation,
                                  clipspan_error *err);

/* The first `count` components that were changed, and heads, in one line of at most `room` bytes,
 * "and 12 more" at its end. */
void cli_ablation_words(char *out, size_t room, const clipspan_ablation *ablation, size_t count);
void cli_head_words(char *out, size_t room, const clipspan_head *heads, size_t count);

#endif
