/* SPDX-License-Identifier: MIT */
/* Image files made in memory, whole or damaged, for the tests of src/image/. */
#ifndef CLIPSPAN_TESTS_IMAGE_CRAFT_H
#define CLIPSPAN_TESTS_IMAGE_CRAFT_H

#include "image/image.h"
#include "image/raster.h"

/* Bytes that grow; memory that cannot be had ends the test program. */
typedef struct craft {
    unsigned char *data;
    size_t size, room;
} craft;

void craft_free(craft *file);
void craft_add(craft *file, const void *data, size_t size);
/* Takes out `cut` bytes at `at` and puts `size` others in their place. */
void craft_replace(craft *file, size_t at, size_t cut, const void *data, size_t size);
/* Offset of the first such bytes at or behind `from`; the test fails when there are none. */
size_t craft_find(const craft *file, const void *data, size_t size, size_t from);
void craft_number(unsigned char *out, uint64_t value, int bytes, int big);

/* PNG: signature and header; a chunk with its checksum; a whole file from packed rows, each with
 * its filter byte, with `extra` chunks before the data. */
void craft_png_start(craft *file, uint32_t width, uint32_t height, int depth, int colour,
                     int interlace);
void craft_png_chunk(craft *file, const char *type, const void *data, size_t size);
void craft_png(craft *file, uint32_t width, uint32_t height, int depth, int colour, int interlace,
               const craft *extra, const void *rows, size_t size);

typedef struct craft_jpeg_options {
    int progressive, arithmetic, no_adobe, quality; /* quality 0: 95, colours not subsampled */
} craft_jpeg_options;

/* JPEG from samples [height, width, channels], channels 1, 3 or 4 (CMYK as stored). */
void craft_jpeg(craft *file, const unsigned char *samples, int width, int height, int channels,
                const craft_jpeg_options *options);
/* A marker segment (length added) right behind the start marker. */
void craft_jpeg_segment(craft *file, int marker, const void *data, size_t size);

/* WebP from RGBA samples. */
void craft_webp(craft *file, const unsigned char *rgba, int width, int height, int lossless);
/* A RIFF chunk, padded; and the size in the RIFF header set right. */
void craft_riff_chunk(craft *file, const char *type, const void *data, size_t size);
void craft_riff_close(craft *file);

/* EXIF data (a TIFF block) that holds just an orientation. */
size_t craft_exif(unsigned char out[26], int orientation, int big);

/* Smooth samples with an edge, the same each time. */
void craft_scene(unsigned char *samples, int width, int height, int channels);

/* Decodes with one of the three decoders and no ceiling worth the name. */
typedef clipspan_status craft_decoder(cs_raster *, const cs_image_source *, clipspan_error *);
clipspan_status craft_decode(craft_decoder *decoder, cs_raster *raster, const craft *file,
                             clipspan_error *err);

/* Preprocesses to height x width as OpenCLIP's squash does, bicubic. */
clipspan_status craft_squash(uint8_t *pixels, int height, int width, const craft *file,
                             const clipspan_image_options *options, clipspan_error *err);

#endif
