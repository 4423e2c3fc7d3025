/* SPDX-License-Identifier: MIT */
/* What plan, scan and merge share, and what they leave to a command that goes on with the run. */
#ifndef CLIPSPAN_CLI_SCAN_WORK_H
#define CLIPSPAN_CLI_SCAN_WORK_H

#include <clipspan/clipspan.h>

#include "cli/frame/option_rows.h"
#include "cli/frame/session.h"
#include "cli/frame/settings.h"

/* Zero is every member's default. */
typedef struct cli_scan_settings {
    cli_model_settings load;
    cli_image_settings images;
    cli_encoder_settings encoder;
    cli_output_settings out; /* output: the run */
    int coefficients, verify_sum, strict, images_anywhere, retry_skipped;
    const char *retries;       /* of an image that is away; NULL: the default */
    const char *layers;        /* whose coefficients are kept; NULL: all */
    const char *shard, *model; /* model: where that of a planned run is now */
} cli_scan_settings;

/* Rows that fill coefficients, verify_sum and out.output of a command's settings. */
#define CLI_OPT_RUN_COEFFICIENTS                                                                   \
    CLI_CHOICE("Run", "coefficients", 0, "f32|f16|none",                                           \
               "how to keep the coefficients of each image and head: float32 (default); float16, " \
               "half the size, to a relative error of 2^-11; or none: statistics only, which are " \
               "enough for span and roles",                                                        \
               coefficients)
#define CLI_OPT_RUN_LAYERS                                                                         \
    CLI_TEXT("Run", "layers", 0, "A-B|last4|all",                                                  \
             "layers whose coefficients are kept (default: all); with fewer, commands that need "  \
             "MLPs or other layers need another scan. Statistics always cover all layers, and "    \
             "later commands have their own --layers",                                             \
             layers)
#define CLI_OPT_RUN_VERIFY                                                                         \
    CLI_FLAG("Run", "verify-sum", 0,                                                               \
             "check for every image that its contributions add up to its embedding, within 1e-5",  \
             verify_sum)
#define CLI_OPT_RUN_OUTPUT                                                                         \
    CLI_TEXT("Output", "output", 'o', "FOLDER", "the folder of the run", out.output)

typedef struct cli_scan_job {
    cli_session *session;
    const cli_scan_settings *x;
    const char *model_path;     /* NULL: the run is planned */
    const char *const *sources; /* [source_count] of images */
    size_t source_count;
    int needs_texts;  /* the model has to have a text encoder */
    const char *path; /* of the run */
    clipspan_model *model;
    clipspan_inputs *inputs;
    clipspan_run *run;
    clipspan_plan_options plan; /* of a run that is planned here */
    clipspan_scan_options options;
    clipspan_scan_result result;
    int found; /* the plan was there already */
    int done;  /* nothing of the shard is left to scan, and no model was opened */
    double seconds;
} cli_scan_job;

/* Of a job that has session, x, model_path and sources: plans the run. */
clipspan_status cli_scan_plan(cli_scan_job *job, clipspan_error *err);

/* Plans and scans, or goes on with a planned run (path); with dry_run only says what would be. */
clipspan_status cli_scan_run(cli_scan_job *job, clipspan_error *err);

/* Merges the run at `path`. */
clipspan_status cli_scan_merge(cli_scan_job *job, clipspan_error *err);

void cli_scan_close(cli_scan_job *job);

#endif
