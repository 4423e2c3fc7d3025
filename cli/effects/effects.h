/* SPDX-License-Identifier: MIT */
/* effects for other commands: its table, and what it keeps in the run. */
#ifndef CLIPSPAN_CLI_EFFECTS_H
#define CLIPSPAN_CLI_EFFECTS_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"

/* Zero is every member's default. */
typedef struct cli_effects_settings {
    cli_evaluation_settings eval;
    const char *pool, *layers; /* whose texts heads become, and heads of which layers */
    uint64_t texts_per_head;
    int sequence_only; /* 1: without every layer, MLP and head alone */
} cli_effects_settings;

/* The table of an evaluation whose study is there; with a pool it was opened for texts. */
clipspan_status cli_effects_make(clipspan_effects_table **out, cli_evaluation *ev,
                                 const cli_effects_settings *given, clipspan_error *err);

/* The whole command, with nothing on standard output. */
clipspan_status cli_effects_beside(cli_session *session, const char *run,
                                   const cli_effects_settings *given, clipspan_error *err);

#endif
