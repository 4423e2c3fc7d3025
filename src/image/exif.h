/* SPDX-License-Identifier: MIT */
/* The orientation that a camera noted in an image file. */
#ifndef CLIPSPAN_SRC_IMAGE_EXIF_H
#define CLIPSPAN_SRC_IMAGE_EXIF_H

#include "image/recognise.h"

/* 1 to 8; 1 (upright) when the file holds no EXIF data, or none that can be read. */
int cs_exif_orientation(const unsigned char *bytes, size_t size, cs_image_kind kind);

#endif
