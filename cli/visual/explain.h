/* SPDX-License-Identifier: MIT */
/* The explain command at work, shared by the files that make it up. */
#ifndef CLIPSPAN_CLI_EXPLAIN_H
#define CLIPSPAN_CLI_EXPLAIN_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"

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
    int through;
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
    const clipspan_explanation_info *facts; /* of it; NULL: nothing was computed */
    clipspan_findings *findings;
    clipspan_joint *joint; /* NULL without --figure */
    clipspan_paths *paths; /* NULL without --through */
    clipspan_head *heads;  /* of --heads, or NULL */
    size_t head_count;
    clipspan_contrast contrast;
    const char *image;
    char *demo_image; /* path of an image that was named among the demo's, or NULL */
    double bytes;     /* of the page */
} cli_explain_job;

/* "colour", "colour, leaning" or "". */
void cli_explain_role(char out[64], const char *role, int leaning);

/* The image, `edge` pixels at most, as the options say how to read it. */
clipspan_status cli_explain_view(clipspan_view **out, const cli_explain_job *job, int edge,
                                 clipspan_error *err);

/* The answer on standard output, in the form that was asked for. */
clipspan_status cli_explain_show(cli_explain_job *job, clipspan_error *err);

/* The tables of that. */
clipspan_status cli_explain_print(const cli_explain_job *job, clipspan_error *err);

/* Effects through later layers, and what is printed of those of text t. */
clipspan_status cli_explain_through(cli_explain_job *job, clipspan_error *err);
clipspan_status cli_explain_print_through(const cli_explain_job *job, size_t t,
                                          clipspan_error *err);

/* The joint figure, heads by texts of theirs, in every file of --figure. */
clipspan_status cli_explain_figures(cli_explain_job *job, clipspan_error *err);

#endif
