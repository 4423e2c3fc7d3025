/* SPDX-License-Identifier: MIT */
/* What edit and prune share: a model with its run, heads that may fall silent, images to measure
 * on, and what the network says when they do. */
#ifndef CLIPSPAN_CLI_EDIT_H
#define CLIPSPAN_CLI_EDIT_H

#include <clipspan/clipspan.h>

#include "cli/frame/option_rows.h"
#include "cli/frame/session.h"
#include "cli/frame/settings.h"
#include "cli/out/json_out.h"

/* What both commands ask. Zero is every member's default. */
typedef struct cli_edit_settings {
    cli_image_settings images;
    cli_class_settings classes;
    cli_output_settings out;
    const char *heads, *role;
    uint64_t most;
} cli_edit_settings;

/* Rows that fill these members of a command's settings. */
#define CLI_OPT_EDIT_HEADS                                                                         \
    CLI_TEXT("Heads", "heads", 0, "L22.H11,...|FILE",                                              \
             "which heads: names, L22.* (a layer's), or a file with such names", heads)
#define CLI_OPT_EDIT_ROLE                                                                          \
    CLI_TEXT("Heads", "role", 0, "NAME",                                                           \
             "the heads with this role, as roles or span found it last in RUN", role)
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

/* Images to measure on; texts by offset. */
typedef struct cli_edit_images {
    char *text;
    size_t used, room;
    const char **paths; /* [count] */
    size_t *path, *label;
    int32_t *labels; /* [count] class, -1: not known */
    size_t count, labelled;
    size_t skipped, asked; /* could not be used; in the list */
} cli_edit_images;

/* A set of heads, and what was measured with them silent. */
typedef struct cli_edit_set {
    char name[48];
    size_t *members; /* [count] places among the edit's heads */
    size_t count;
    int last; /* all of them are in the last layer */
    /* L2 over images, of unit vectors: of what the network really says from the prediction
     * (mean, median, largest), and from what it said before. */
    double mean, median, most, moved;
    uint64_t predicted, real; /* right answers */
    double *distances;        /* [images] */
} cli_edit_set;

typedef struct cli_edit_job {
    cli_session *session;
    const cli_edit_settings *x;
    int prunes, zero;  /* heads are removed, or kept in the layout */
    const char *order; /* of prune: "chosen", "direct", "network" */
    clipspan_run *run;
    const clipspan_run_info *info;
    clipspan_model *model;
    clipspan_texts *classes, *templates;
    clipspan_bank *bank;  /* NULL without classes */
    clipspan_head *heads; /* [count] */
    size_t count;
    float *z;     /* [count, K] means of what they mix */
    float *means; /* [count, P] mean contributions */
    cli_edit_images images;
    cli_edit_set *sets; /* [set_count] */
    size_t set_count;
    uint64_t before;   /* right answers of the unedited network */
    double off;        /* largest difference of the written network from the first set's, -1: not
                          compared */
    size_t compared;   /* images of that */
    uint64_t bytes[2]; /* of the weight files, before and after */
    uint64_t parameters[2]; /* of the image encoder */
    double seconds[2];      /* of one core, for an image's pass; 0: not measured */
} cli_edit_job;

/* Opens run, model and classes as the options say, and checks what can be checked without the
 * images. */
clipspan_status cli_edit_open(cli_edit_job *edit, cli_session *session,
                              const cli_edit_settings *settings, clipspan_error *err);
void cli_edit_close(cli_edit_job *edit);

/* The heads of --heads or --role: ARGUMENT for anything but heads. */
clipspan_status cli_edit_heads(cli_edit_job *edit, clipspan_error *err);
/* All heads that the model has, by layer. */
clipspan_status cli_edit_all_heads(cli_edit_job *edit, clipspan_error *err);

/* z and means of the edit's heads; classes embedded; images listed. */
clipspan_status cli_edit_prepare(cli_edit_job *edit, clipspan_error *err);

/* A new empty set with room for `room` members. */
clipspan_status cli_edit_add_set(cli_edit_set **out, cli_edit_job *edit, const char *name,
                                 size_t room, clipspan_error *err);
/* Whether all members lie in the last layer. */
void cli_edit_mark_last(const cli_edit_job *edit, cli_edit_set *set);

/* Runs every image through the model as it is and with each set silent. written: the edited
 * checkpoint, which then speaks for the first set and is compared with it; or NULL. */
clipspan_status cli_edit_measure(cli_edit_job *edit, const char *written, clipspan_error *err);

/* Drops all sets and what was measured, so that other sets can be. */
void cli_edit_clear_sets(cli_edit_job *edit);

/* Measures an image's pass through the model and the written one: the least of some runs. */
clipspan_status cli_edit_time(cli_edit_job *edit, const char *written, clipspan_error *err);

/* Writes the checkpoint with the members of a set silent, or removed. */
clipspan_status cli_edit_write(cli_edit_job *edit, const cli_edit_set *set, int remove,
                               clipspan_error *err);

/* "in 440 images of run" */
void cli_edit_images_words(char out[512], const cli_edit_job *edit);

#endif
