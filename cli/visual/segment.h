/* SPDX-License-Identifier: MIT */
/* The segment command at work, shared by the files that make it up. */
#ifndef CLIPSPAN_CLI_SEGMENT_H
#define CLIPSPAN_CLI_SEGMENT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"
#include "cli/out/rows.h"

#define CLI_METHODS    5
#define CLI_ROLES_MOST 16 /* of a run that have a row each */

typedef struct cli_segment_settings {
    cli_model_settings load;
    cli_image_settings images;
    cli_encoder_settings encoder;
    cli_class_settings classes;
    cli_output_settings out;
    int contrast, method, threshold, multi;
    cli_list target, against;
    const char *masks, *mask_value;
    const char *heads, *layers, *run, *role;
    uint64_t back;
} cli_segment_settings;

typedef struct cli_segment_job {
    cli_session *session;
    const cli_segment_settings *x;
    const char *model_path;     /* as given */
    const char *const *sources; /* [source_count] of images */
    size_t source_count;
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_inputs *inputs, *mask_inputs, *value_inputs;
    clipspan_texts *classes, *texts, *templates;
    clipspan_bank *bank; /* of the texts, or the classes; blank with --dry-run */
    clipspan_encoder *encoder;
    clipspan_maps *maps;
    clipspan_head *heads;
    size_t head_count;
    clipspan_segment_target *targets;
    size_t target_count;
    size_t **text_of; /* [target_count] of each image the text; [0] NULL: the likeliest */
    int has_masks;
    uint16_t mask_value; /* when there is no column; 0: any but 0 */
    clipspan_run *run;   /* whose roles are groups of the maps */
    clipspan_atlas *atlas;
    const char *roles[CLI_ROLES_MOST];
    size_t role_count;
    int *groups; /* [head_count] place of a head's role among roles, or -1 */
    clipspan_segmentation *segmentation;
    size_t at_once;
    uint64_t written;
    cli_rows *rows;
    /* Of the image at work. */
    size_t *chosen;      /* [target_count] texts */
    uint16_t *values[2]; /* [pixels] of its mask, by protocol */
} cli_segment_job;

/* Opens the model; with --run as the run's, and its roles. Chooses heads. */
clipspan_status cli_segment_open(cli_segment_job *job, clipspan_error *err);

/* Fills targets and texts from --target and --against, or from the classes. */
clipspan_status cli_segment_targets(cli_segment_job *job, clipspan_error *err);
void cli_segment_targets_free(cli_segment_job *job);

/* A column of the list, as labels. Errors: ARGUMENT (no such column, or a list that can be read
 * only once). */
clipspan_status cli_segment_column(clipspan_inputs **out, const cli_segment_job *job,
                                   const char *labels, const char *path_column,
                                   clipspan_error *err);

/* Image `image`, number `at` of the last run of the maps: figures and files. An image whose mask
 * cannot be used fills *error and is left out of the figures. */
clipspan_status cli_segment_image(cli_segment_job *job, size_t image, size_t at,
                                  clipspan_error *error, clipspan_error *err);

/* The command's work, of a job that has session, x, model_path and sources: all masks, all figures.
 * cli_segment_fini also after a failure. */
clipspan_status cli_segment_run(cli_segment_job *job, clipspan_error *err);
void cli_segment_fini(cli_segment_job *job);

/* Figures, in the session's form. */
clipspan_status cli_segment_show(const cli_segment_job *job, clipspan_error *err);

#endif
