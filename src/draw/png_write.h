/* SPDX-License-Identifier: MIT */
/* Writing small images. */
#ifndef CLIPSPAN_SRC_DRAW_PNG_WRITE_H
#define CLIPSPAN_SRC_DRAW_PNG_WRITE_H

#include "base/error.h"

/* Writes an 8-bit PNG, RGB (channels 3) or grey (channels 1), that appears under its name whole or
 * not at all.  pixels : [height, width, channels]. The same pixels give the same bytes with the
 * same libpng and zlib. Errors: EXISTS unless `replace`, WRITE, NOMEM, ARGUMENT. */
clipspan_status cs_png_write(const char *path, const uint8_t *pixels, int height, int width,
                             int channels, int replace, clipspan_error *err);

#endif
