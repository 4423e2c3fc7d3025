/* SPDX-License-Identifier: MIT */
/* The explain command at work, shared by the files that make it up. */
#ifndef CLIPSPAN_CLI_EXPLAIN_H
#define CLIPSPAN_CLI_EXPLAIN_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"

#define CLI_EXPLAIN_MOST    64 /* heads or patches that are listed for a text */

#define CLI_EXPLAIN_COLUMNS 4  /* texts of a head in a figure */
#define CLI_EXPLAIN_ROLES   64 /* that are told apart */

/* A row of the joint figure. */
typedef struct cli_explain_row {
    clipspan_head head;
    size_t count;                           /* texts */
    const char *texts[CLI_EXPLAIN_COLUMNS]; /* the atlas's */
    double scores[CLI_EXPLAIN_COLUMNS];     /* above the run's mean */
    double limit;                           /* of the row's colours */
} cli_explain_row;

typedef struct cli_explain_settings {
    cli_model_settings load;
    cli_image_settings images; /* how the image is read */
    cli_encoder_settings encoder;
    cli_text_settings texts;
    cli_output_settings out;
    const char *run, *heads;
    int contrast;
    uint64_t top, size;
    cli_list figure;
} cli_explain_settings;

typedef struct cli_explain_job {
    cli_session *session;
    const cli_explain_settings *x;
    clipspan_run *run;     /* NULL: none was given */
    clipspan_atlas *atlas; /* NULL: the run has none, or there is no run */
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_texts *texts, *templates;
    clipspan_bank *bank;
    clipspan_encoder *encoder;
    clipspan_explanation *explanation;
    const clipspan_explanation_info *facts; /* of it */
    clipspan_head *heads;                   /* of --heads, or NULL */
    size_t head_count, top;
    clipspan_contrast contrast;
    const char *image;
    double bytes;          /* of the page */
    cli_explain_row *rows; /* of the figure: [row_count], or NULL */
    size_t row_count;
} cli_explain_job;

/* What the atlas says about a head; NULL when it has nothing. */
const clipspan_atlas_head *cli_explain_known(const cli_explain_job *job, clipspan_head head);

/* "colour", "colour, mixed" or "". */
void cli_explain_role(char out[64], const clipspan_atlas_head *head);

/* Head number i, of layers * heads; and a sum. */
clipspan_head cli_explain_head(const cli_explain_job *job, size_t i);
size_t cli_explain_heads(const clipspan_explanation_info *x);
double cli_explain_sum(const double *numbers, size_t n);

/* What heads of one role add to a text's value together. */
typedef struct cli_explain_share {
    char role[64]; /* "": no clear role */
    size_t heads;
    double part;
} cli_explain_share;

/* By size, the largest first, in `out`, which has room for `most`; returns how many. */
size_t cli_explain_shares(cli_explain_share *out, size_t most, const cli_explain_job *job,
                          size_t text);

/* The `most` largest sizes among n numbers, the largest first; returns how many. */
size_t cli_explain_choose(size_t *out, size_t most, const double *numbers, size_t n);

/* The image, `edge` pixels at most, as the options say how to read it. */
clipspan_status cli_explain_view(clipspan_view **out, const cli_explain_job *job, int edge,
                                 clipspan_error *err);

/* The answer on standard output, in the form that was asked for. */
clipspan_status cli_explain_show(cli_explain_job *job, clipspan_error *err);

/* The tables of that. */
clipspan_status cli_explain_print(const cli_explain_job *job, clipspan_error *err);

/* The joint figure, heads by texts of theirs, in every file of --figure. */
clipspan_status cli_explain_figures(cli_explain_job *job, clipspan_error *err);

#endif
