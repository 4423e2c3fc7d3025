/* SPDX-License-Identifier: MIT */
/* What the network says when heads are mean-ablated, beside the direct-effect prediction
 * (include/clipspan/edit.h has the equations): means of heads from a run, images with their labels,
 * sets of heads, passes. Runs through the public calls of models, encoders and runs. */
#ifndef CLIPSPAN_SRC_STUDY_EDIT_CHECK_H
#define CLIPSPAN_SRC_STUDY_EDIT_CHECK_H

#include <clipspan/decompose.h>
#include <clipspan/edit.h>

#include "base/error.h"

typedef struct clipspan_run_info clipspan_run_info; /* run.h */

#define CS_EDIT_BATCH         ((size_t)CLIPSPAN_DECOMPOSITION_MOST)
#define CS_EDIT_REASONS       ((size_t)20)

/* Whether an image keeps its prediction: by direct effects, in the network. */
#define CS_EDIT_STAYS_DIRECT  1U
#define CS_EDIT_STAYS_NETWORK 2U

/* Images to measure on; texts by offset. */
typedef struct cs_edit_images {
    char *text;
    size_t used, room;
    const char **paths; /* [count] */
    size_t *path, *label;
    int32_t *labels; /* [count] class, -1: not known */
    size_t count;
    int has_labels; /* 1: some image has one */
} cs_edit_images;

typedef struct cs_edit_check {
    clipspan_model *model;
    const clipspan_run *run;
    const clipspan_run_info *facts;
    const clipspan_bank *bank;
    clipspan_image_options image; /* of the run */
    int threads;
    clipspan_head *heads; /* [count] those that means are known of */
    size_t count;
    size_t *slot; /* [L H] place among heads, or SIZE_MAX */
    float *z;     /* [count, K] means of what they mix */
    float *means; /* [count, P] mean contributions */
    cs_edit_images images;
    const clipspan_weight_change *changes; /* [change_count] in place of mean-ablation */
    size_t change_count;
    clipspan_edit_check_info info;
    clipspan_share before;
    clipspan_edit_check_row *rows; /* [info.sets] */
    unsigned char *stays; /* [info.sets, stride] of used images, in turn: CS_EDIT_STAYS; NULL
                             without classes */
    size_t stride;
    size_t skip;    /* images at the list's start that are not measured on */
    char **reasons; /* [info.reason_count] */
} cs_edit_check;

/* heads: all that a set may have. image: how the run's images were decoded. Errors: as
 * clipspan_edit_check_new. */
clipspan_status cs_edit_check_new(cs_edit_check **out, clipspan_model *model,
                                  const clipspan_run *run, const clipspan_head *heads, size_t count,
                                  const clipspan_edit_check_options *options,
                                  const clipspan_image_options *image,
                                  const clipspan_progress *progress, clipspan_error *err);
void cs_edit_check_free(cs_edit_check **check);

/* One more set, of heads whose means are known; and none any more. */
clipspan_status cs_edit_check_add(cs_edit_check *edit_check, const char *name,
                                  const clipspan_head *heads, size_t count, clipspan_error *err);
void cs_edit_check_clear(cs_edit_check *edit_check);

/* z : [count, K] of a set's heads. */
void cs_edit_check_mixed(float *z, const cs_edit_check *edit_check, const clipspan_head *heads,
                         size_t count);

/* Passes over the images [first, first + most), all of the rest with SIZE_MAX. accuracy 0: classes
 * are not looked at. */
clipspan_status cs_edit_check_run(cs_edit_check *edit_check, const char *written, size_t first,
                                  size_t most, int accuracy, const clipspan_progress *progress,
                                  clipspan_error *err);
clipspan_status cs_edit_check_time(cs_edit_check *edit_check, const char *written,
                                   clipspan_error *err);

/* What passes gather: nothing at first; an image that could not be read; then figures of every set
 * from the distances of used images, in any order: [sets, stride], of which info.used are there. */
void cs_edit_figures_clear(cs_edit_check *edit_check);
clipspan_status cs_edit_figures_unreadable(cs_edit_check *edit_check, const clipspan_error *reason,
                                           clipspan_error *err);
void cs_edit_figures_finish(cs_edit_check *edit_check, double *distances, size_t stride);

/* Used images of the run or those of a list, every so many-th where there are more; labels by class
 * of the bank (-1: none). Errors: ARGUMENT (a label that no class has), those of reading the run,
 * NOMEM. */
clipspan_status cs_edit_images_list(cs_edit_images *images, const clipspan_run *run,
                                    const clipspan_edit_check_options *options,
                                    clipspan_error *err);
/* Another order, the same for the same count. */
void cs_edit_images_shuffle(cs_edit_images *images);
void cs_edit_images_fini(cs_edit_images *images);

#endif
