/* SPDX-License-Identifier: MIT */
/* One table of options gives parsing, --help, the man page and the shell completion. */
#ifndef CLIPSPAN_CLI_OPTIONS_H
#define CLIPSPAN_CLI_OPTIONS_H

#include "base/error.h"

#include <clipspan/clipspan.h>

struct cli_command;

typedef enum cli_option_kind {
    CLI_FLAG,   /* int: 1 */
    CLI_TEXT,   /* const char * */
    CLI_TEXTS,  /* cli_list: may be repeated */
    CLI_CHOICE, /* int: place of the value in the |-separated choices */
    CLI_WHOLE   /* uint64_t: least to most */
} cli_option_kind;

typedef struct cli_option {
    const char *group; /* heading in --help */
    const char *name;  /* without dashes */
    char letter;       /* short form, or 0 */
    cli_option_kind kind;
    unsigned commands; /* bits of the commands that have it */
    const char *value; /* what stands behind it; the choices of a CLI_CHOICE, first the default */
    const char *help;
    size_t offset;        /* in cli_settings */
    uint64_t least, most; /* of a CLI_WHOLE */
} cli_option;

typedef struct cli_list {
    const char **items;
    size_t count, room;
} cli_list;

enum { CLI_QUICK_GELU_AUTO, CLI_QUICK_GELU_YES, CLI_QUICK_GELU_NO };
enum { CLI_SINGLE_AUTO, CLI_SINGLE_YES, CLI_SINGLE_NO };
enum {
    CLI_PROGRESS_AUTO,
    CLI_PROGRESS_BAR,
    CLI_PROGRESS_PLAIN,
    CLI_PROGRESS_JSON,
    CLI_PROGRESS_NONE
};

/* What the command line and the environment ask for. Zero is every option's default. */
typedef struct cli_settings {
    const struct cli_command *command; /* NULL when none was given */
    cli_list arguments;
    int help, version, quiet, verbose, no_color, progress;
    int json, tsv, table, force, dry_run;
    const char *output, *data;
    const char *config;
    int quick_gelu, allow_nonfinite;
    uint64_t threads;
    int precision, single, raw;
    cli_list text;
    const char *texts;
    const char *root, *path_column, *labels, *groups;
    int exif_orient;
    uint64_t max_pixels;
    const char *classes, *templates;
    cli_list class_names;
    uint64_t top;
    int codes, verify_sum;
    int contrast, method, segment_method, threshold, multi, tiles;
    uint64_t size, back, tile_size;
    const char *masks, *mask_value;
    cli_list target, against, like, unlike;
    const char *region;
    cli_list figure;
    int explain_contrast;
    int compare;
    const char *shard, *model;
    const char *layers, *rank, *heads, *official, *pool;
    uint64_t picks;
    int no_pictures;
    const char *classifier, *mean, *from, *role, *cue, *run;
    cli_list also, sets;
    uint64_t before, random, resamples, seed;
    int mlps, each, zero, by;
    uint64_t pictures, share;
    int tensors, hash, check;
    int man, bash;
} cli_settings;

#define CLI_OPTION_MOST 128 /* rows of the table, for arrays that mark them */

const cli_option *cli_options(size_t *count);

/* Fills settings from argv, then from the environment (CLIPSPAN_OUTPUT for --output, and so on) for
 * options that argv leaves out. Strings are borrowed. Errors: ARGUMENT with what was meant. */
clipspan_status cli_settings_read(cli_settings *settings, int argc, char **argv,
                                  clipspan_error *err);
void cli_settings_fini(cli_settings *settings);

#endif
