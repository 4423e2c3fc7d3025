/* SPDX-License-Identifier: MIT */
/* Labels against classes: which class a label means, and accuracy by class and by group. */
#ifndef CLIPSPAN_CLI_SCORE_H
#define CLIPSPAN_CLI_SCORE_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/out/json_out.h"

#define CLI_NO_CLASS ((size_t)-1)

typedef struct cli_tally {
    const char *name; /* borrowed */
    uint64_t all, good;
} cli_tally;

typedef struct cli_score {
    const clipspan_texts *classes;
    size_t *order;        /* [class_count] classes sorted by key */
    cli_tally *per_class; /* [class_count] */
    cli_tally *per_group; /* [group_count], sorted by name */
    size_t class_count, group_count;
    uint64_t all, good, good5; /* images with a label; right first; right among five */
    int labelled, has5;
} cli_score;

/* Fails with ARGUMENT when labels match no class, naming them. labelled: labels were asked for. */
clipspan_status cli_score_init(cli_score *score, const clipspan_inputs *inputs,
                               const clipspan_texts *classes, int labelled, clipspan_error *err);
void cli_score_fini(cli_score *score);

/* The class that a label means, CLI_NO_CLASS for "". */
size_t cli_score_class(const cli_score *score, const char *label);

/* Counts an image of class `truth` of which `place` classes scored higher. */
void cli_score_add(cli_score *score, size_t truth, const char *group, size_t place);

void cli_score_emit(const cli_score *score, cli_json *json);
clipspan_status cli_score_print(const cli_score *score, const cli_session *session, FILE *out,
                                clipspan_error *err);

#endif
