/* SPDX-License-Identifier: MIT */
/* What effects, ablate, shortcut and surgery share: a run against classes, labels and groups of its
 * pictures, and the run whose means stand for terms. */
#ifndef CLIPSPAN_CLI_EVALUATION_H
#define CLIPSPAN_CLI_EVALUATION_H

#include "json_out.h"
#include "rows.h"
#include "session.h"

typedef struct cli_evaluation {
    cli_session *session;
    clipspan_run *run, *mean_run; /* mean_run: NULL, means are the run's own */
    clipspan_model *model;        /* NULL when a classifier was read */
    clipspan_encoder *encoder;    /* of texts, or NULL */
    clipspan_texts *classes;
    clipspan_bank *bank;
    clipspan_effects *effects, *mean_effects;
    size_t class_count, N;      /* used pictures */
    int32_t *labels, *groups;   /* [N] class, group; -1: not known */
    size_t labelled, ungrouped; /* pictures with a label; of these, without a group */
    size_t group_count;
    const char **group_names; /* [group_count], sorted */
    char *texts;              /* that they point into */
    uint32_t *predicted;      /* [N] of the unedited model */
} cli_evaluation;

/* Opens run, means, classes and, for `need_texts`, the text encoder. */
clipspan_status cli_evaluation_open(cli_evaluation *ev, cli_session *session, int need_texts,
                                    clipspan_error *err);
/* Then effects of the run and of the means, along the classes and these cues; labels and groups. */
clipspan_status cli_evaluation_start(cli_evaluation *ev, const float *cues, size_t cue_count,
                                     clipspan_error *err);
void cli_evaluation_close(cli_evaluation *ev);

/* Classes times templates through the evaluation's text encoder; templates NULL: the published. */
clipspan_status cli_classifier_make(clipspan_bank **out, cli_session *session,
                                    clipspan_encoder *encoder, const clipspan_texts *classes,
                                    const char *templates, clipspan_error *err);

/* Labels of the used pictures from the run or a CSV: class numbers of `classes`, groups. column
 * NULL: what --labels says. Fills labels, groups, names. */
clipspan_status cli_evaluation_labels(cli_evaluation *ev, clipspan_error *err);
clipspan_status cli_labels_column(int32_t *labels, size_t *labelled, const cli_evaluation *ev,
                                  const clipspan_texts *classes, const char *column,
                                  clipspan_error *err);

/* answers : [N] of predictions, by label; where nothing is labelled, agreement with the unedited
 * model, which then is right about everything. */
void cli_answers(uint8_t *answers, const cli_evaluation *ev, const uint32_t *predicted);

/* "means over RUN, the evaluated pictures themselves, as published" */
void cli_means_words(char out[512], const cli_evaluation *ev);

/* "class_names", and "labels": where labels come from, as JSON members. */
void cli_emit_labels(cli_json *json, const cli_evaluation *ev);

/* Comparison as JSON members and as cells of a row: pictures, before, low, high, after, low, high,
 * change, low, high. */
void cli_emit_comparison(cli_json *json, const clipspan_comparison *c);
void cli_comparison_cells(cli_rows *rows, const clipspan_comparison *c);

#endif
