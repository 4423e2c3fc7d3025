/* SPDX-License-Identifier: MIT */
/* From a map over pixels to a mask, and how good masks are, as published (Gandelsman, Efros,
 * Steinhardt, ICLR 2024, the protocol of Chefer, Gur, Wolf 2021):
 *
 *     r = clip(map, 0, max) if asked to, then (r - min) / (max - min); 0 everywhere for a flat map
 *     foreground  = r > threshold, which is the mean of r, or Otsu's (1979) of 256 equal bins
 *     accuracy    = right pixels / pixels, over all images together
 *     mIoU        = mean over background and foreground of intersection / union, each summed over
 *                   all images; 0 for one that is nowhere, as published
 *     mAP         = mean over images of the average precision of (1 - r, r) for (background,
 *                   foreground) together: sum of (R[k] - R[k-1]) P[k] over distinct scores, with
 *                   equal ones in one step
 */
#ifndef CLIPSPAN_SRC_STUDY_SEGMENTATION_H
#define CLIPSPAN_SRC_STUDY_SEGMENTATION_H

#include <clipspan/segment.h>

#include "base/error.h"

/* r : [n] from map : [n], n at least 1. NaN counts as 0. */
void cs_segment_scale(float *r, const float *map, size_t n, int clip);

/* Of r : [n], numbers from 0 to 1. */
double cs_segment_threshold(const float *r, size_t n, clipspan_threshold threshold);

/* The threshold in the map's own units: what is above *cut is foreground. Errors: NOMEM. */
clipspan_status cs_segment_cut(float *cut, const float *map, size_t n, int clip,
                               clipspan_threshold threshold, clipspan_error *err);

/* out : the average precision of scores : [n] for labels : [n], 0 or 1; 0 without a positive one.
 * Errors: NOMEM. */
clipspan_status cs_average_precision(double *out, const float *scores, const uint8_t *labels,
                                     size_t n, clipspan_error *err);

/* Adds an image: r : [n], truth : [n], not 0 is foreground. Errors: NOMEM. */
clipspan_status cs_segment_add(clipspan_segment_score *score, const float *r, const uint8_t *truth,
                               size_t n, clipspan_threshold threshold, clipspan_error *err);

#endif
