/* SPDX-License-Identifier: MIT */
/* Pillow's conversions between modes, on rows of pixels. */
#ifndef CLIPSPAN_SRC_IMAGE_CONVERT_H
#define CLIPSPAN_SRC_IMAGE_CONVERT_H

#include "image/raster.h"

/* convert("RGB"): out : [count, 3]   in : [count] pixels of raster's mode (a row of the raster or
 * of a resized one; the palette is the raster's). Alpha is dropped. */
void cs_convert_rgb(uint8_t *out, const unsigned char *in, size_t count, const cs_raster *raster);

/* Changes a whole raster to RGB, or to grey where that is the same image, in its own memory or in
 * new memory. Errors: NOMEM. */
clipspan_status cs_convert_first(cs_raster *raster, clipspan_error *err);

/* RGBA to and from colours multiplied by alpha, in place: [count, 4]. */
void cs_premultiply(unsigned char *pixels, size_t count);
void cs_unpremultiply(unsigned char *pixels, size_t count);

/* The raster turned and mirrored as EXIF orientation 1 to 8 says; 1 does nothing. Errors: NOMEM. */
clipspan_status cs_orient(cs_raster *raster, int orientation, clipspan_error *err);

#endif
