/* SPDX-License-Identifier: MIT */
/* Zero-shot segmentation: masks from heatmaps; pixel accuracy, mIoU and mAP. Conventions:
 * clipspan.h. */
#ifndef CLIPSPAN_SEGMENT_H
#define CLIPSPAN_SEGMENT_H

#include <clipspan/base.h>
#include <clipspan/decompose.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Segmentation: masks from heatmaps and their accuracy ---- */

typedef enum clipspan_threshold {
    CLIPSPAN_THRESHOLD_MEAN = 0, /* of the scaled map, as published */
    CLIPSPAN_THRESHOLD_OTSU = 1  /* Otsu's, of 256 bins */
} clipspan_threshold;

/* How a mask gets to the encoder's pixels. */
typedef enum clipspan_protocol {
    CLIPSPAN_ALIGNED = 0,  /* resized and cropped as the image is */
    CLIPSPAN_PUBLISHED = 1 /* squashed whole although the image is cropped: the published
                              program's figures use such misplaced masks */
} clipspan_protocol;

/* values : [input_height, input_width] of the model, caller's: palette indices or grey levels, by
 * nearest pixel. image: the image that it belongs to, whose size it must have; NULL: not looked
 * at. options may be NULL. Errors: SHAPE (another size), UNSUPPORTED (in colours), and as
 * clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_mask_read(uint16_t *values, const clipspan_model *model,
                                                const char *path, const char *image,
                                                clipspan_protocol protocol,
                                                const clipspan_image_options *options,
                                                clipspan_error *err);

/* Writes a grey PNG of 8 bits: values : [height, width]. Errors: as clipspan_png_write. */
CLIPSPAN_API clipspan_status clipspan_mask_write(const char *path, const uint8_t *values,
                                                 int height, int width, int replace,
                                                 clipspan_error *err);

/* Counts over images; all zeros before the first. both, either: pixels of background and of
 * foreground in the intersection and in the union of truth and prediction. */
typedef struct clipspan_segment_score {
    uint64_t images, pixels, correct, both[2], either[2];
    double precision; /* average precisions of the images, added up */
} clipspan_segment_score;

/* Scores one map, at the encoder's pixels (clipspan_map_run_pixels) or any others.
 *   map, truth : [count]; truth not 0 is foreground
 *   clip: 1: what is below zero counts as zero, as published for scores of texts
 * The map is scaled to 0 ... 1 (a flat one is 0 everywhere); foreground is what lies above the
 * threshold. Adds to *score; mask : [count], 0 or 1, may be NULL. Errors: NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_segment_add(clipspan_segment_score *score, uint8_t *mask,
                                                  const float *map, const uint8_t *truth,
                                                  size_t count, int clip,
                                                  clipspan_threshold threshold,
                                                  clipspan_error *err);

/* The published figures, from 0 to 1; 0 without images. Any may be NULL.
 *   accuracy   correct pixels over all pixels of all images
 *   miou       mean of the two intersections over unions of all images
 *   map        mean over images of the average precision of background and foreground together,
 *              equal scores taken in one step */
CLIPSPAN_API void clipspan_segment_get(double *accuracy, double *miou, double *map,
                                       const clipspan_segment_score *score);

/* The same cut for another raster of the map: what is above *cut is foreground. */
CLIPSPAN_API clipspan_status clipspan_segment_run_cut(float *cut, const float *map, size_t count,
                                                      int clip, clipspan_threshold threshold,
                                                      clipspan_error *err);

/* ---- Segmentations: methods side by side, over many images ---- */

/* Masks of one set of texts by several methods, compared with ground truth image by image. For a
 * method whose maps have texts
 *
 *     map[i] = sum over targets k of  sign_k (own_k[i] - other_k[i])
 *
 * with own the map of the target's text for this image and other what the contrast subtracts: the
 * mean over the target's texts, the highest of its others at that patch, or nothing. Figures are
 * those of clipspan_segment_get, for both thresholds and both ways in which a mask gets to the
 * model's pixels. Used by one thread at a time. */
typedef struct clipspan_segmentation clipspan_segmentation;

typedef enum clipspan_segment_method { /* the map of clipspan_maps that it takes */
                                       CLIPSPAN_SEGMENT_HEADS = 0,
                                       CLIPSPAN_SEGMENT_ATTENTION = 1, /* the same for every text */
                                       CLIPSPAN_SEGMENT_ROLLOUT = 2,   /* the same for every text */
                                       CLIPSPAN_SEGMENT_PATCHES = 3,
                                       CLIPSPAN_SEGMENT_VALUES = 4
} clipspan_segment_method;

#define CLIPSPAN_NO_TEXT ((size_t)-1)

/* Texts one of which an image is asked about: numbers [first, first + count) of the bank. */
typedef struct clipspan_segment_target {
    int sign; /* 1: the map is added; -1: it is subtracted */
    size_t first, count;
} clipspan_segment_target;

typedef struct clipspan_segmentation_options {
    size_t struct_size;
    const clipspan_segment_target *targets; /* [target_count]; NULL: one of all texts, sign 1 */
    size_t target_count;
    clipspan_contrast contrast;
    unsigned methods;         /* of 1 << clipspan_segment_method; 0: HEADS */
    const char *const *roles; /* [role_count] what the maps' groups of heads are called, each one
                                 more method; NULL: none */
    size_t role_count;
    const char *pool; /* whose roles, for readers, or NULL */
    int per_text;     /* 1: figures for each text of the first target as well */
    int threads;      /* 0: clipspan_default_threads() */
} clipspan_segmentation_options;
#define CLIPSPAN_SEGMENTATION_OPTIONS_INIT                                                         \
    {                                                                                              \
        sizeof(clipspan_segmentation_options), NULL, 0, CLIPSPAN_CONTRAST_MEAN, 0, NULL, 0, NULL,  \
            0, 0                                                                                   \
    }

/* bank: the texts that maps are made with, copied. options may be NULL. Errors: ARGUMENT (a bank of
 * another width, targets beyond its texts, no method), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_segmentation_new(clipspan_segmentation **out,
                                                       const clipspan_model *model,
                                                       const clipspan_bank *bank,
                                                       const clipspan_segmentation_options *options,
                                                       clipspan_error *err);
CLIPSPAN_API void clipspan_segmentation_free(clipspan_segmentation **segmentation);

/* Adds one image: number `image` of the maps' last run. maps: made with the bank, with the kinds
 * of the methods and, for roles, their groups of heads.
 *   texts : [targets] the text of each for this image, a number of the bank; CLIPSPAN_NO_TEXT in
 *           one of them leaves the image out and counts it. NULL: the likeliest of each
 *   aligned, published : [input_height, input_width] values of its mask (clipspan_mask_read) in
 *           either protocol; NULL: not judged in it
 *   value: that is foreground; 0: any but 0
 * Nothing is added when it fails. Errors: ARGUMENT (maps without what a method takes, texts outside
 * of their target), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_segmentation_add(clipspan_segmentation *segmentation,
                                                       const clipspan_maps *maps, size_t image,
                                                       const size_t *texts, const uint16_t *aligned,
                                                       const uint16_t *published, uint16_t value,
                                                       clipspan_error *err);

/* The same from arrays: maps : [methods], in the order of clipspan_segmentation_get_last, each
 * [texts, tokens], the class token first, or [tokens] for methods without texts; embedding : [P]
 * unit, looked at when texts is NULL. */
CLIPSPAN_API clipspan_status clipspan_segmentation_add_arrays(
    clipspan_segmentation *segmentation, const float *const *maps, const float *embedding,
    const size_t *texts, const uint16_t *aligned, const uint16_t *published, uint16_t value,
    clipspan_error *err);

/* One method of the last image. */
typedef struct clipspan_segmentation_last {
    size_t text;        /* of the first target, a number of the bank; CLIPSPAN_NO_TEXT: left out */
    const char *method; /* "clipspan", "attention", "rollout", "patch", "value", "role" */
    const char *role;   /* NULL without */
    const float *grid;  /* [grid_height, grid_width] */
    const float *map;   /* [input_height, input_width] */
    float cut[2];       /* by threshold: what is above it is foreground, at any size of the map */
    double accuracy, miou, map_precision; /* aligned, threshold at the mean; 0 without a mask */
} clipspan_segmentation_last;

/* Errors: ARGUMENT (no such method, no image yet), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_segmentation_get_last(
    clipspan_segmentation_last *out, const clipspan_segmentation *segmentation, size_t method,
    clipspan_error *err);

typedef struct clipspan_segmentation_row {
    const char *method, *role; /* as above */
    const char *text;          /* NULL: all images; else those whose first text it is */
    clipspan_protocol protocol;
    clipspan_threshold threshold;
    uint64_t images, pixels;
    double accuracy, miou, map; /* 0 to 1, as clipspan_segment_get */
    double iou[2];              /* of background and foreground */
    uint64_t pointed;           /* images whose highest pixel is foreground of the aligned mask */
    double pointing, pointing_low, pointing_high; /* as a share, with Wilson's 95 % interval; not a
                                                     number without aligned masks */
    uint64_t runners_up, nearer; /* images whose mask shows something else as well; of them, those
                                whose highest pixel lies nearer to the foreground */
} clipspan_segmentation_row;

typedef struct clipspan_segmentation_info {
    const char *model, *pool; /* pool: NULL without */
    const char *contrast;     /* in words */
    uint64_t images;          /* added */
    uint64_t left_out;        /* without a text */
    int predicted;            /* 1: texts of some image were */
    size_t texts, targets, methods, rows;
} clipspan_segmentation_info;

/* Figures of all images added so far; rows : [info.rows], methods by protocols by thresholds, first
 * of all images, then of each text with images. They live until the next call that adds. Errors:
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_segmentation_run(clipspan_segmentation *segmentation,
                                                       clipspan_error *err);
CLIPSPAN_API const clipspan_segmentation_info *
clipspan_segmentation_get_info(const clipspan_segmentation *segmentation);
CLIPSPAN_API const clipspan_segmentation_row *
clipspan_segmentation_get_row(const clipspan_segmentation *segmentation, size_t number);

/* What a document says beside a segmentation; any may be NULL or 0. */
typedef struct clipspan_segmentation_document {
    size_t struct_size;
    int dry_run; /* 1: nothing was computed */
    const char *output, *masks, *run, *role;
    size_t heads; /* whose maps were added up */
    uint64_t skipped;
    uint64_t images; /* 0: those that were added */
    int predicted;   /* 1: texts are chosen by what is likeliest, or would be */
} clipspan_segmentation_document;
#define CLIPSPAN_SEGMENTATION_DOCUMENT_INIT                                                        \
    {                                                                                              \
        sizeof(clipspan_segmentation_document), 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0              \
    }

/* The document clipspan.segment.v1 (docs/json.md), in pieces to `put`, of the figures that the last
 * clipspan_segmentation_run made; flat: 1 for lines of path and value, 2 for those of a
 * spreadsheet (--spreadsheet). document may be NULL. */
CLIPSPAN_API clipspan_status clipspan_segmentation_write_json(
    const clipspan_segmentation *segmentation, const clipspan_segmentation_document *document,
    int flat, void (*put)(void *to, const char *text, size_t size), void *to, clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
