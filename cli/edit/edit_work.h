/* SPDX-License-Identifier: MIT */
/* What edit and prune share: a model with its run, chosen heads, images to measure on, and the
 * checkpoint that is written. */
#ifndef CLIPSPAN_CLI_EDIT_H
#define CLIPSPAN_CLI_EDIT_H

#include <clipspan/clipspan.h>

#include "cli/frame/option_rows.h"
#include "cli/frame/session.h"
#include "cli/frame/settings.h"

/* What both commands ask. Zero is every member's default. */
typedef struct cli_edit_settings {
    cli_image_settings images;
    cli_class_settings classes;
    cli_output_settings out;
    const char *heads, *role;
    uint64_t most;
    uint64_t ranked;    /* prune: images that heads are ranked on */
    int each;           /* edit: each head alone too */
    const char *remedy; /* edit: a document of shortcut */
    uint64_t pair;      /* edit: of remedy, from 1 */
    double fraction;    /* prune: of all heads; 0: heads are named */
    int by, zero, images_anywhere;
} cli_edit_settings;

/* Rows that fill these members. */
#define CLI_OPT_EDIT_HEADS                                                                         \
    CLI_TEXT("Heads", "heads", 0, "L22.H11,...|FILE",                                              \
             "which heads: names, L22.* (a layer's), or a file with such names", heads)
#define CLI_OPT_EDIT_ROLE                                                                          \
    CLI_TEXT("Heads", "role", 0, "NAME", "the heads with this role, by the main text pool of RUN", \
             role)
#define CLI_OPT_EDIT_IMAGES                                                                        \
    CLI_WHOLE("Images", "images", 0, "N",                                                          \
              "measure on so many of them at most, a sample of the list (default 256)", most, 1,   \
              1000000)
#define CLI_OPT_EDIT_OUTPUT                                                                        \
    CLI_TEXT(                                                                                      \
        "Output", "output", 'o', "FOLDER",                                                         \
        "the folder of the new checkpoint: new, empty, or, with --force, one that such a command " \
        "wrote",                                                                                   \
        out.output)

/* Behind these, for both: what is measured on, and where it goes. */
#define CLI_OPT_EDIT_REST                                                                          \
    CLI_OPT_EDIT_IMAGES, CLI_OPT_LABELS, CLI_OPT_ROOT,                                             \
        CLI_IMAGES_ANYWHERE("Images", images_anywhere), CLI_OPT_PATH_COLUMN, CLI_OPT_WHERE,        \
        CLI_OPT_CLASSES, CLI_OPT_CLASSIFIER, CLI_OPT_THREADS, CLI_OPT_EDIT_OUTPUT, CLI_OPT_WRITES, \
        CLI_OPT_FORM

typedef struct cli_edit_job {
    cli_session *session;
    const cli_edit_settings *x;
    clipspan_run *run;
    const clipspan_run_info *info;
    clipspan_model *model;
    clipspan_texts *classes;
    clipspan_atlas *atlas; /* that --role was looked for in, or NULL */
    clipspan_head *heads;  /* [count] of --heads and --role */
    size_t count;
    clipspan_remedy *remedy;               /* or NULL */
    const clipspan_weight_change *changes; /* [change_count] of it, in place of mean-ablation */
    size_t change_count;
    clipspan_bank *bank;                 /* NULL without classes */
    clipspan_inputs *inputs;             /* NULL: the run's images */
    clipspan_edit_check_options options; /* once images are there */
} cli_edit_job;

/* Opens run, model and classes as the options say, and checks what can be checked without the
 * images. cli_edit_close also after a failure. */
clipspan_status cli_edit_open(cli_edit_job *edit, cli_session *session,
                              const cli_edit_settings *settings, clipspan_error *err);
void cli_edit_close(cli_edit_job *edit);

/* The heads of --heads and --role. Errors: ARGUMENT for anything but heads; NOT_FOUND (no roles
 * yet). */
clipspan_status cli_edit_heads(cli_edit_job *edit, clipspan_error *err);

/* Lists images and embeds classes: options. */
clipspan_status cli_edit_images(cli_edit_job *edit, clipspan_error *err);

/* Whether these heads can be written to --output, before any work. */
clipspan_status cli_edit_check_output(const cli_edit_job *edit, const clipspan_head *heads,
                                      size_t count, int removes, clipspan_error *err);

/* Writes the checkpoint of the check's first set, and runs every image through both networks. */
clipspan_status cli_edit_run(cli_edit_job *edit, clipspan_edit_check *check, int removes,
                             clipspan_error *err);

#endif
