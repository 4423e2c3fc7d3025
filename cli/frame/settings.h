/* SPDX-License-Identifier: MIT */
/* What several commands ask in the same words: parts of a command's own settings. Zero is every
 * option's default. The rows that fill them are in cli/frame/option_rows.h. */
#ifndef CLIPSPAN_CLI_SETTINGS_H
#define CLIPSPAN_CLI_SETTINGS_H

#include "cli/frame/options.h"

enum { CLI_QUICK_GELU_AUTO, CLI_QUICK_GELU_YES, CLI_QUICK_GELU_NO };
enum { CLI_SINGLE_AUTO, CLI_SINGLE_YES, CLI_SINGLE_NO };

/* How a checkpoint is opened. */
typedef struct cli_model_settings {
    const char *config;
    int quick_gelu, allow_nonfinite;
} cli_model_settings;

/* A list of images, and how they are read. */
typedef struct cli_image_settings {
    const char *root, *path_column, *labels, *groups;
    cli_list where;
    int exif_orient;
    uint64_t max_pixels;
} cli_image_settings;

/* How an encoder computes. */
typedef struct cli_encoder_settings {
    int precision, single, raw;
} cli_encoder_settings;

typedef struct cli_class_settings {
    const char *list; /* LIST, FILE or the name of a set */
    cli_list names;   /* of --class */
    const char *templates, *classifier;
} cli_class_settings;

typedef struct cli_text_settings {
    cli_list text;
    const char *file, *templates;
} cli_text_settings;

typedef struct cli_output_settings {
    const char *output;
    int force, dry_run;
} cli_output_settings;

#endif
