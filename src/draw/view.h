/* SPDX-License-Identifier: MIT */
/* An image as people see it, whole and at a size for a screen, with the way from its pixels to the
 * tower's: so that a map over the tower's patches can be drawn where it belongs, with crop and
 * aspect undone. */
#ifndef CLIPSPAN_SRC_DRAW_VIEW_H
#define CLIPSPAN_SRC_DRAW_VIEW_H

#include <clipspan/draw.h>

#include "image/geometry.h"
#include "study/map_pixels.h"

#define CS_VIEW_LEAST 256 /* an image whose longer side has less is enlarged by an integer */
#define CS_VIEW_MOST  4096

typedef struct cs_view {
    int image_height, image_width;
    int height, width;        /* shown */
    uint8_t *rgb;             /* [height, width, 3] */
    cs_plan plan;             /* from the image to the tower */
    int patch, rows, columns; /* of the grid of patches */
} cs_view;

/* edge: most pixels of the longer side, 1 to CS_VIEW_MOST; 0: the image's own size, whatever it
 * is. Give back with cs_view_fini in any case. Errors: as cs_image_read. */
clipspan_status cs_view_init(cs_view *view, const cs_preprocess *preprocess, int patch,
                             const char *path, int edge, const clipspan_image_options *options,
                             clipspan_error *err);
void cs_view_fini(cs_view *view);

/* The same of an image that is decoded already, which is made grey or RGB, and of a tower of any
 * size: fills what is shown, given view->plan, patch, rows and columns. Errors: NOMEM. */
clipspan_status cs_view_show(cs_view *view, cs_raster *raster, int edge, clipspan_error *err);

/* Left, top, right, bottom of what the tower sees, in pixels of the image, within it. */
void cs_view_window(double window[4], const cs_view *view);

/* out : [height, width] of the view. map : [rows, columns], between whose centres is interpolated.
 * NaN where the tower sees nothing. */
void cs_view_map(float *out, const cs_view *view, const float *map);

/* Draws rgb : [height, width, 3] of the view.
 *   IMAGE   as it is      MAP   colours alone      OVERLAY   colours over the image in grey
 * Values are divided by `limit` (above 0) first. Where the tower sees nothing there are slanting
 * lines. values : [height, width] as cs_view_map gives them; not looked at for IMAGE. */
void cs_view_draw(uint8_t *rgb, const cs_view *view, const float *values, clipspan_drawing drawing,
                  double limit, int is_signed);

#endif
