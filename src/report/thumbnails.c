/* SPDX-License-Identifier: MIT */
/* Images shrunk whole and packed as JPEG, some at a time on every thread. */
#include "report/thumbnails.h"

#include <clipspan/run.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress_part.h"
#include "draw/jpeg_write.h"
#include "image/image.h"

#define QUALITY 75
#define BATCH   32 /* images between two looks at whether to stop */

typedef struct thumbnail_job {
    cs_thumbnail *thumbnails;
    const cs_atlas *atlas;
    const cs_image_place *place;
    size_t first;
    clipspan_status status[BATCH];
    clipspan_error errors[BATCH];
} thumbnail_job;

/* An image that is gone or damaged has no thumbnail; one that is only away for a moment (its disk,
 * a share) would be missing on the page for ever, and ends it. */
static int ends_page(clipspan_status status, const clipspan_error *err)
{
    return status == CLIPSPAN_E_NOMEM ||
           (status != CLIPSPAN_OK && err->detail == CLIPSPAN_DETAIL_AWAY);
}

static clipspan_status read_one(cs_thumbnail *thumbnail, const cs_atlas *atlas,
                                const clipspan_atlas_image *image, const cs_image_place *place,
                                clipspan_error *err)
{
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    uint8_t pixels[3 * CS_THUMBNAIL_EDGE * CS_THUMBNAIL_EDGE];
    clipspan_status status;
    char *path;
    status = cs_image_place_find(&path, place, image->path, err);
    if (status != CLIPSPAN_OK) return status == CLIPSPAN_E_NOMEM ? status : CLIPSPAN_OK;
    options.exif_orient = atlas->info.run->exif_orient;
    options.max_pixels = atlas->info.run->max_pixels;
    status = cs_image_shrink(pixels, &thumbnail->height, &thumbnail->width, CS_THUMBNAIL_EDGE, path,
                             &options, err);
    cs_free(path);
    if (status == CLIPSPAN_OK)
        status = cs_jpeg_encode(&thumbnail->jpeg, &thumbnail->size, pixels, thumbnail->height,
                                thumbnail->width, QUALITY, err);
    return ends_page(status, err) ? status : CLIPSPAN_OK;
}

static void read_job(void *context, size_t index, int lane)
{
    thumbnail_job *job = context;
    const size_t image = job->first + index;
    (void)lane;
    job->status[index] = read_one(&job->thumbnails[image], job->atlas, &job->atlas->images[image],
                                  job->place, &job->errors[index]);
}

clipspan_status cs_thumbnails_read(cs_thumbnail *out, const cs_atlas *atlas,
                                   const cs_image_place *place, int threads,
                                   const clipspan_progress *progress, clipspan_error *err)
{
    const size_t count = atlas->info.images;
    clipspan_status status = CLIPSPAN_OK;
    thumbnail_job *job = cs_alloc_zero(1, sizeof *job, "a report's images", err);
    size_t i, some;
    if (!job) return CLIPSPAN_E_NOMEM;
    job->thumbnails = out;
    job->atlas = atlas;
    job->place = place;
    for (; job->first < count && status == CLIPSPAN_OK; job->first += some) {
        some = count - job->first < BATCH ? count - job->first : BATCH;
        status =
            cs_progress_step(progress, job->first, count, "interrupted while reading images", err);
        if (status != CLIPSPAN_OK) break;
        cs_parallel_for(some, threads, read_job, job);
        for (i = 0; i < some && status == CLIPSPAN_OK; i++) {
            status = job->status[i];
            if (status != CLIPSPAN_OK && err) *err = job->errors[i];
        }
    }
    cs_free(job);
    return status;
}

void cs_thumbnails_free(cs_thumbnail **thumbnails, size_t count)
{
    size_t i;
    if (!*thumbnails) return;
    for (i = 0; i < count; i++)
        cs_free((*thumbnails)[i].jpeg);
    cs_free(*thumbnails);
    *thumbnails = NULL;
}
