/* SPDX-License-Identifier: MIT */
/* Windows of the tower's size over an image that is larger, on one grid of patches for the whole
 * image, and the weights that blend their maps.
 *
 * The image is resized to an integer of patches a side, as near as that comes to `size` of
 * its pixels a window. Along a side of n patches stand the fewest windows of w patches that overlap
 * by half at least, evenly spread and at whole patches. With k the place of patch x in window i,
 *
 *     a_i(x) = sin^2(pi (k + 1/2) / w)      weight_i(x) = a_i(x) / sum over windows of a_j(x)
 *
 * so the weights of a patch add up to one, and a map of ones is blended into a map of ones. A
 * window's weight in the plane is the product of those of its two sides. */
#ifndef CLIPSPAN_SRC_IMAGE_TILES_H
#define CLIPSPAN_SRC_IMAGE_TILES_H

#include "image/geometry.h"

#define CS_TILES_MOST 4096 /* windows, unless said otherwise */

typedef struct cs_tile_side {
    int patches, window; /* of the image; of a window */
    int count;           /* windows */
    int *first;          /* [count] patch that each begins at */
    float *weight;       /* [count, window] */
} cs_tile_side;

typedef struct cs_tiles {
    cs_tile_side x, y;
    int whole;    /* the image is no larger than a window: one, seen as any image is */
    cs_plan plan; /* from the image to all windows' pixels together; of a whole one, the tower's */
    int patch;    /* pixels of the tower */
    int height, width; /* of a window, in pixels of the tower */
} cs_tiles;

/* size: pixels of the image along a window's shorter side, 0 for as many as the tower has; a
 * window is never longer than the image. most: windows, 0 for CS_TILES_MOST. Give back with
 * cs_tiles_fini in any case. Errors: LIMIT (more windows), NOMEM, as cs_geometry_plan. */
clipspan_status cs_tiles_init(cs_tiles *tiles, const cs_preprocess *preprocess, int patch,
                              int image_height, int image_width, int size, uint64_t most,
                              clipspan_error *err);
void cs_tiles_fini(cs_tiles *tiles);

/* pixels : [height, width, 3] of window `index`, row by row of windows. raster: the image, made
 * grey or RGB by cs_convert_first. Errors: NOMEM. */
clipspan_status cs_tiles_cut(uint8_t *pixels, const cs_tiles *tiles, size_t index,
                             cs_raster *raster, clipspan_error *err);

/* Adds a window's map to the image's: map : [y.patches, x.patches]
 * part : [y.window, x.window] */
void cs_tiles_add(float *map, const cs_tiles *tiles, size_t index, const float *part);

#endif
