/* SPDX-License-Identifier: MIT */
/* How remedies for a spurious cue are shown. */
#ifndef CLIPSPAN_CLI_SHORTCUT_OUT_H
#define CLIPSPAN_CLI_SHORTCUT_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

/* As table, rows or document, whichever is asked for. */
clipspan_status cli_remedy_show(const cli_session *session, const clipspan_remedy *remedy,
                                clipspan_error *err);

/* As a table for people. */
clipspan_status cli_remedy_print(const cli_session *session, const clipspan_remedy *remedy,
                                 clipspan_error *err);

/* "mean-ablate 4 heads", of a model of LH heads. */
void cli_remedy_words(char out[64], clipspan_remedy_kind kind, size_t heads, size_t LH);

/* A standard error line for a cue that names a class, and for each of the cues that were found. */
void cli_remedy_warn(cli_session *session, const clipspan_cues *cues);

#endif
