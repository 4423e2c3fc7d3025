/* SPDX-License-Identifier: MIT */
/* The images of an atlas, small enough to carry along. */
#ifndef CLIPSPAN_SRC_REPORT_THUMBNAILS_H
#define CLIPSPAN_SRC_REPORT_THUMBNAILS_H

#include "atlas/atlas.h"
#include "run/image_place.h"

#define CS_THUMBNAIL_EDGE 64 /* pixels of the longer side */

typedef struct cs_thumbnail {
    unsigned char *jpeg; /* NULL: the image is gone, or cannot be read any more */
    size_t size;
    int height, width;
} cs_thumbnail;

/* out : [atlas->info.images], zeros before, given back with cs_thumbnails_free. place:
 * where they are; what it does not let be opened stays without. Files are read as the
 * run read them, turned by EXIF or not. threads: at least 1. progress, which counts images, may
 * be NULL. Errors: NOMEM, INTERRUPTED. */
clipspan_status cs_thumbnails_read(cs_thumbnail *out, const cs_atlas *atlas,
                                   const cs_image_place *place, int threads,
                                   const clipspan_progress *progress, clipspan_error *err);
void cs_thumbnails_free(cs_thumbnail **thumbnails, size_t count);

#endif
