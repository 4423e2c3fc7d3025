/* SPDX-License-Identifier: MIT */
/* The streaming driver: images of a planned segment through passes, one a thread, chunk after
 * chunk; one thread beside them finishes chunks and writes. */
#ifndef CLIPSPAN_SRC_RUN_SCAN_H
#define CLIPSPAN_SRC_RUN_SCAN_H

#include "model/image_pass.h"
#include "run/image_place.h"
#include "run/index.h"
#include "run/part.h"

typedef struct clipspan_scan_result clipspan_scan_result; /* run.h */

typedef struct cs_scan_job {
    cs_part_plan plan;    /* of the segment */
    cs_part_plan whole;   /* of the run: its output maps */
    uint64_t first_place; /* of the segment in the run */
    cs_index *index;      /* used by the writing thread only */
    cs_image_place place; /* where its images are */
    const cs_checkpoint *checkpoint;
    const cs_tower *tower;
    const cs_output_map *output_map;
    const cs_simd *simd;
    clipspan_image_options image;
    uint64_t first, end; /* chunks of the shard */
    int threads, verify_sum;
    int retries;     /* of an image that is away for a moment */
    uint64_t before; /* images that this call did of segments before: progress counts them */
    const clipspan_progress *progress;
} cs_scan_job;

/* As clipspan_run_scan, for what is not done of chunks [first, end) of a segment; counts are added
 * to those in out. */
clipspan_status cs_scan_run(clipspan_scan_result *out, const cs_scan_job *job, clipspan_error *err);

#endif
