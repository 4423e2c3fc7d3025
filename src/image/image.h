/* SPDX-License-Identifier: MIT */
/* From the bytes of an image file to the uint8 pixels that a tower sees, as Pillow and the
 * checkpoint's family of transforms do it (checkpoints of OpenCLIP: resize, crop, then RGB; Hugging
 * Face: RGB first). */
#ifndef CLIPSPAN_SRC_IMAGE_IMAGE_H
#define CLIPSPAN_SRC_IMAGE_IMAGE_H

#include "image/raster.h"

typedef struct cs_preprocess {
    int height, width; /* what comes out; any size up to 4096 */
    int crop_to; /* Hugging Face: shortest edge to resize to when it differs from the crop; 0: same
                  */
    clipspan_resize resize;
    clipspan_kernel kernel;
    int convert_first; /* to RGB before resizing */
    int floor_crop;    /* crop offset (H - S) / 2 rounded down, else half to even */
    int fill[3];       /* padding colour in mode longest */
    float mean[3], std[3];
} cs_preprocess;

/* pixels : [height, width, 3] uint8, overwritten. max_pixels: refuse larger images before
 * decoding, 0 for the default. name is used in messages. Errors: as clipspan_pixels_decode. */
clipspan_status cs_image_decode(uint8_t *pixels, const cs_preprocess *preprocess, const void *bytes,
                                size_t size, const char *name,
                                const clipspan_image_options *options, clipspan_error *err);
/* What 0 stands for on this machine. */
uint64_t cs_image_default_pixels(void);

/* The same from a file. */
clipspan_status cs_image_read(uint8_t *pixels, const cs_preprocess *preprocess, const char *path,
                              const clipspan_image_options *options, clipspan_error *err);

/* An image file decoded, and turned if asked to. To be given back with cs_raster_fini in any case.
 * options may be NULL. Errors: as cs_image_read. */
clipspan_status cs_image_open(cs_raster *raster, const char *path,
                              const clipspan_image_options *options, clipspan_error *err);

/* A whole image made small: the longer side has `edge` pixels, or its own when that is less, and
 * the other keeps the aspect, at least 1.
 *   pixels : room for [edge, edge, 3] uint8; [*height, *width, 3] are filled
 * options may be NULL. Errors: as cs_image_read. */
clipspan_status cs_image_shrink(uint8_t *pixels, int *height, int *width, int edge,
                                const char *path, const clipspan_image_options *options,
                                clipspan_error *err);

#endif
