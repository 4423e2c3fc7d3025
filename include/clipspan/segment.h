/* SPDX-License-Identifier: MIT */
/* Masks from maps, and how good they are. Conventions: clipspan.h. */
#ifndef CLIPSPAN_SEGMENT_H
#define CLIPSPAN_SEGMENT_H

#include <clipspan/encode.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Segmentation: masks from maps, and how good they are ---- */

typedef enum clipspan_threshold {
    CLIPSPAN_THRESHOLD_MEAN = 0, /* of the scaled map, as published */
    CLIPSPAN_THRESHOLD_OTSU = 1  /* Otsu's, of 256 bins */
} clipspan_threshold;

/* How a mask gets to the tower's pixels. */
typedef enum clipspan_protocol {
    CLIPSPAN_ALIGNED = 0,  /* resized and cropped as the picture is */
    CLIPSPAN_PUBLISHED = 1 /* stretched whole, whatever the picture goes through: the published
                              program's figures are of masks that do not lie where they should */
} clipspan_protocol;

/* values : [image_height, image_width] of the model, caller's: of a palette its places, of a grey
 * PNG its levels, nearest pixels. picture: the picture that it belongs to, whose size it must have;
 * NULL: not looked at. options may be NULL. Errors: SHAPE (another size), UNSUPPORTED (in colours),
 * and as clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_mask_read(uint16_t *values, const clipspan_model *model,
                                                const char *path, const char *picture,
                                                clipspan_protocol protocol,
                                                const clipspan_picture_options *options,
                                                clipspan_error *err);

/* Writes a grey PNG of 8 bits: values : [height, width]. Errors: as clipspan_png_write. */
CLIPSPAN_API clipspan_status clipspan_mask_write(const char *path, const uint8_t *values,
                                                 int height, int width, int replace,
                                                 clipspan_error *err);

/* Counts over pictures; all zeros before the first. both, either: pixels of background and
 * foreground in intersection and union of what is and what was said. */
typedef struct clipspan_segment_score {
    uint64_t pictures, pixels, correct, both[2], either[2];
    double precision; /* average precisions of the pictures, added up */
} clipspan_segment_score;

/* Scores one map, at the tower's pixels (clipspan_map_run_pixels) or any others.
 *   map, truth : [count]; truth not 0 is foreground
 *   clip: 1: what is below zero counts as zero, as published for scores of texts
 * The map is scaled to 0 ... 1 (a flat one is 0 everywhere); foreground is what lies above the
 * threshold. Adds to *score; mask : [count], 0 or 1, may be NULL. Errors: NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_segment_add(clipspan_segment_score *score, uint8_t *mask,
                                                  const float *map, const uint8_t *truth,
                                                  size_t count, int clip,
                                                  clipspan_threshold threshold,
                                                  clipspan_error *err);

/* The published figures, from 0 to 1; 0 without pictures. Any may be NULL.
 *   accuracy   right pixels over all pixels of all pictures
 *   miou       mean of the two intersections over unions of all pictures
 *   map        mean over pictures of the average precision of background and foreground together,
 *              equal scores taken in one step */
CLIPSPAN_API void clipspan_segment_get(double *accuracy, double *miou, double *map,
                                       const clipspan_segment_score *score);

/* The same cut for another raster of the map: what is above *cut is foreground. */
CLIPSPAN_API clipspan_status clipspan_segment_run_cut(float *cut, const float *map, size_t count,
                                                      int clip, clipspan_threshold threshold,
                                                      clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
