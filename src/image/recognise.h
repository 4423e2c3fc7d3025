/* SPDX-License-Identifier: MIT */
/* Which format a file has, by its first bytes; names are not looked at. */
#ifndef CLIPSPAN_SRC_IMAGE_RECOGNISE_H
#define CLIPSPAN_SRC_IMAGE_RECOGNISE_H

#include <stddef.h>

typedef enum cs_picture_kind {
    CS_PICTURE_JPEG,
    CS_PICTURE_PNG,
    CS_PICTURE_WEBP,
    CS_PICTURE_OTHER
} cs_picture_kind;

/* *name: "a GIF file" and the like, or NULL when nothing is known about the bytes. */
cs_picture_kind cs_picture_recognise(const char **name, const unsigned char *bytes, size_t size);

#endif
