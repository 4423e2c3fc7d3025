/* SPDX-License-Identifier: MIT */
/* Small JPEG files in memory, for images inside other files. */
#ifndef CLIPSPAN_SRC_DRAW_JPEG_WRITE_H
#define CLIPSPAN_SRC_DRAW_JPEG_WRITE_H

#include "base/error.h"

/* *bytes : [*size], given back with cs_free.   pixels : [height, width, 3] RGB
 * quality : 1 to 100, with colour at half the resolution. The same pixels give the same bytes with
 * the same libjpeg. Errors: ARGUMENT (no such size), NOMEM. */
clipspan_status cs_jpeg_encode(unsigned char **bytes, size_t *size, const uint8_t *pixels,
                               int height, int width, int quality, clipspan_error *err);

#endif
