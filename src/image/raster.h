/* SPDX-License-Identifier: MIT */
/* A decoded image in memory, in the modes that Pillow gives the same file, and the three decoders
 * that make one. */
#ifndef CLIPSPAN_SRC_IMAGE_RASTER_H
#define CLIPSPAN_SRC_IMAGE_RASTER_H

#include "base/error.h"

/* Bytes that may be read, not used, behind the last row: a vector load of the last pixel. */
#define CS_RASTER_SLACK 64

typedef enum cs_mode {
    CS_MODE_BIT,    /* Pillow's "1": 1 byte, 0 or 255 */
    CS_MODE_INDEX,  /* "P": 1 byte into palette */
    CS_MODE_GREY,   /* "L": 1 byte */
    CS_MODE_GREY16, /* "I;16": 2 bytes, in the machine's order */
    CS_MODE_RGB,    /* "RGB": 4 bytes, the last is 255 */
    CS_MODE_RGBA,   /* "RGBA" and, with three equal colours, "LA": 4 bytes */
    CS_MODE_CMYK    /* "CMYK", 255 is full ink: 4 bytes */
} cs_mode;

/* Row y starts at data + y * width * cs_mode_bytes(mode). */
typedef struct cs_raster {
    cs_mode mode;
    int width, height;
    unsigned char *data;
    unsigned char palette[256][3]; /* CS_MODE_INDEX; colours beyond the file's palette are black */
    uint64_t taken; /* bytes of the pool that threads share (base/memory_budget.h), given back with
                       the raster */
} cs_raster;

/* What a decoder is given. */
typedef struct cs_image_source {
    const unsigned char *bytes;
    size_t size;
    const char *name;    /* for messages */
    uint64_t max_pixels; /* refused before memory for them is taken */
    int pooled; /* wait for a share of the memory that all threads decode with; the raster is given
                   back before the thread decodes another image */
} cs_image_source;

int cs_mode_bytes(cs_mode mode); /* of one pixel */

/* Checks the size that a file declares against the ceiling (LIMIT, FORMAT when it is 0) and takes
 * memory for it, in which nothing is written yet but the slack behind it, zeros. */
clipspan_status cs_raster_init(cs_raster *raster, cs_mode mode, uint64_t width, uint64_t height,
                               const cs_image_source *source, clipspan_error *err);
void cs_raster_fini(cs_raster *raster);

/* Each fills *raster, to be given back with cs_raster_fini also after a failure. Errors: FORMAT
 * (damaged, cut short), LIMIT, UNSUPPORTED, NOMEM. */
clipspan_status cs_jpeg_decode(cs_raster *raster, const cs_image_source *source,
                               clipspan_error *err);
clipspan_status cs_png_decode(cs_raster *raster, const cs_image_source *source,
                              clipspan_error *err);
clipspan_status cs_webp_decode(cs_raster *raster, const cs_image_source *source,
                               clipspan_error *err);

#endif
