/* SPDX-License-Identifier: MIT */
/* Images and masks of ImageNet-Segmentation, as gtsegs_ijcv.mat holds them: a MATLAB 7.3 file,
 * which is HDF5 with sides reversed.
 *
 *     /value/img[i,0]   a reference to uint8 [3, width, height]
 *     /value/gt[i,0]    a reference to references, of which [0,0] is the mask: [width, height],
 *                       numbers that are 0 or 1
 *     /value/id[i,0]    where it is there: a reference to characters, uint16 [length, 1]
 *
 * The file is not trusted: sizes, ranks and types are checked and bounded before anything is read,
 * and nothing outside of it is followed (external links, external or virtual storage, filters that
 * libhdf5 would load). */
#ifndef CLIPSPAN_TOOLS_MAT_FILE_H
#define CLIPSPAN_TOOLS_MAT_FILE_H

#include "base/error.h"

#define MAT_ID_ROOM 256

typedef struct mat_file mat_file;

/* Of one image; grown as needed, given back with mat_image_fini. */
typedef struct mat_image {
    int height, width;
    uint8_t *rgb;         /* [height, width, 3] */
    uint8_t *mask;        /* [height, width], 0 or 1 */
    char id[MAT_ID_ROOM]; /* "" without one */
    void *work[2];        /* the file's order of numbers */
    size_t room[4];
} mat_image;

/* Errors: NOT_FOUND, FORMAT (not HDF5, or not such a file), LIMIT (more than a million images),
 * NOMEM. */
clipspan_status mat_open(mat_file **out, const char *path, clipspan_error *err);
void mat_close(mat_file **file);
size_t mat_count(const mat_file *file);
int mat_has_ids(const mat_file *file);

/* Image `index`, from 0. Errors: FORMAT (says which part of it is not what it should be), LIMIT
 * (over 32 million pixels), NOMEM. */
clipspan_status mat_read(mat_image *out, const mat_file *m, size_t index, clipspan_error *err);
void mat_image_fini(mat_image *image);

#endif
