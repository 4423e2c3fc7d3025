/* SPDX-License-Identifier: MIT */
/* Which format a file has, by its first bytes; names are not looked at. */
#ifndef CLIPSPAN_SRC_IMAGE_RECOGNISE_H
#define CLIPSPAN_SRC_IMAGE_RECOGNISE_H

#include <stddef.h>

typedef enum cs_image_kind {
    CS_IMAGE_JPEG,
    CS_IMAGE_PNG,
    CS_IMAGE_WEBP,
    CS_IMAGE_OTHER
} cs_image_kind;

/* *name: "a GIF file" and the like, or NULL when nothing is known about the bytes. */
cs_image_kind cs_image_recognise(const char **name, const unsigned char *bytes, size_t size);

#endif
