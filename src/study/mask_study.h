/* SPDX-License-Identifier: MIT */
/* Zero-shot masks by several methods, held against right ones, image by image:
 *
 *     map[i]  = sum over targets k of  sign_k (own_k[i] - other_k[i])      for a method with texts
 *
 * where own is the map of the target's text for this image and other what the contrast takes off.
 * Maps are enlarged to what the model sees and scored as in study/segmentation.h, for two
 * thresholds and two ways in which a mask gets there. Beside them, on aligned masks: how often the
 * highest pixel is foreground (pointing), and, of images whose mask shows something else as well,
 * how often that pixel lies nearer to the foreground. */
#ifndef CLIPSPAN_SRC_STUDY_MASK_STUDY_H
#define CLIPSPAN_SRC_STUDY_MASK_STUDY_H

#include "study/segmentation.h"

typedef struct clipspan_model_info clipspan_model_info; /* model.h */

#define CS_MASK_METHODS 5
#define CS_MASK_MOST    (CS_MASK_METHODS + CLIPSPAN_GROUPS_MOST)

/* Figures of one method over some images: [protocol][threshold]. */
typedef struct cs_mask_sums {
    clipspan_segment_score score[2][2];
    uint64_t pointed, runners_up, nearer;
} cs_mask_sums;

/* What an image adds to the sums of one method. */
typedef struct cs_mask_method {
    clipspan_segment_method kind;
    const char *role;  /* NULL: no role; belongs to the study */
    size_t group;      /* of the maps, with a role */
    float *grid, *map; /* of the last image: [rows columns], [pixels] */
    cs_mask_sums one;  /* of the last image */
} cs_mask_method;

typedef struct cs_mask_shape {
    size_t P, N; /* numbers of an embedding; tokens */
    int height, width, rows, columns, patch;
    size_t first; /* patch: 1 behind a class token, else 0 */
} cs_mask_shape;

typedef struct cs_mask_study {
    clipspan_segmentation_info info;
    cs_mask_shape shape;
    size_t T, pixels;
    float *vectors; /* [T, P] */
    char **names;   /* [T] */
    char *pool, *model;
    char **role_names;
    clipspan_segment_target *targets;
    clipspan_contrast contrast;
    int threads;
    cs_mask_method methods[CS_MASK_MOST];
    cs_mask_sums sums[CS_MASK_MOST];
    cs_mask_sums *per_text;          /* [texts of the first target, methods], or NULL */
    size_t *chosen;                  /* [targets] texts of the last image */
    uint8_t *truth[2];               /* [pixels] of the last image, by protocol */
    uint16_t *values;                /* [pixels] of its aligned mask */
    int judged[2];                   /* protocols that some image was judged in */
    clipspan_segmentation_row *rows; /* made by cs_mask_rows */
    size_t row_room;
} cs_mask_study;

/* What an image brings. */
typedef struct cs_mask_image {
    const float *const *maps;           /* [methods] [T, N], or [N] without texts */
    const float *embedding;             /* [P] */
    const size_t *texts;                /* [targets], or NULL: predicted */
    const uint16_t *aligned, *squashed; /* [pixels] values of its mask, either may be NULL */
    uint16_t value;                     /* that is foreground; 0: any but 0 */
} cs_mask_image;

/* options: checked, with threads at least 1. Errors: NOMEM. */
clipspan_status cs_mask_study_new(cs_mask_study **out, const clipspan_model_info *model,
                                  const clipspan_bank *bank,
                                  const clipspan_segmentation_options *options,
                                  clipspan_error *err);
void cs_mask_study_free(cs_mask_study **study);

/* Maps of attention have no text, and nothing below zero to clip. */
int cs_mask_has_text(const cs_mask_method *method);

/* Chooses texts (study->chosen) and makes grid and map of every method. Returns 0 when the image
 * has no text: it is left out. */
int cs_mask_make_maps(cs_mask_study *study, const cs_mask_image *image);

/* Adds an image. Nothing is added when it fails. Errors: NOMEM, those of cs_segment_add. */
clipspan_status cs_mask_add(cs_mask_study *study, const cs_mask_image *image, clipspan_error *err);

/* study->rows : [info.rows] of what was added so far. Errors: NOMEM. */
clipspan_status cs_mask_rows(cs_mask_study *study, clipspan_error *err);

const char *cs_mask_method_name(clipspan_segment_method method);

#endif
