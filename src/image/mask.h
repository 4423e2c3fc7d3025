/* SPDX-License-Identifier: MIT */
/* Masks: PNG images of one channel or a palette whose numbers say what a pixel shows. */
#ifndef CLIPSPAN_SRC_IMAGE_MASK_H
#define CLIPSPAN_SRC_IMAGE_MASK_H

#include "image/image.h"

/* values : [height, width] of the preprocessing. Of a palette its places, of a grey image its
 * levels, of an image of one bit 0 and 1; nearest pixels, as Pillow takes them.
 * squash: the whole mask is stretched to the tower's size, as published, which is not what the
 * image goes through; otherwise it is resized and cropped as the image is (what is padding then
 * has value 0). want_height, want_width: the image's own size, which the mask must have; 0: any.
 * Errors: SHAPE (another size), UNSUPPORTED (colours), and as cs_image_read. */
clipspan_status cs_mask_read(uint16_t *values, const cs_preprocess *preprocess, const char *path,
                             int squash, int want_height, int want_width,
                             const clipspan_image_options *options, clipspan_error *err);

#endif
