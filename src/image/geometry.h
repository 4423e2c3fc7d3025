/* SPDX-License-Identifier: MIT */
/* Sizes and crops of the preprocessing families. */
#ifndef CLIPSPAN_SRC_IMAGE_GEOMETRY_H
#define CLIPSPAN_SRC_IMAGE_GEOMETRY_H

#include "image/image.h"

/* One direction of the way from an image to the tower. Of the `in` pixels of the image, resized
 * to `out`, those from `first` to first + count - 1 are kept and stand at `at` in the `want` pixels
 * of the result; the rest is padding. */
typedef struct cs_span {
    int in, out;
    int first, count;
    int at, want;
} cs_span;

typedef struct cs_plan {
    cs_span x, y;
    clipspan_kernel kernel;
} cs_plan;

/* Lays out how an image of width x height pixels becomes what the tower sees. Errors: ARGUMENT
 * (sizes out of range), LIMIT (the resized image would have more than 2^31 - 1 pixels a side). */
clipspan_status cs_geometry_plan(cs_plan *plan, const cs_preprocess *preprocess, int width,
                                 int height, clipspan_error *err);

/* Left, top, right, bottom of what the tower sees in its first `width` columns and `height` rows
 * (whole patches), in pixels of the image, within it. */
void cs_geometry_window(double window[4], const cs_plan *plan, int width, int height);

#endif
