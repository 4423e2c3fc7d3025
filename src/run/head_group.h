/* SPDX-License-Identifier: MIT */
/* What TEXTSPAN reads of a run: output map, statistics and blocks of a few heads at a time. */
#ifndef CLIPSPAN_SRC_RUN_HEAD_GROUP_H
#define CLIPSPAN_SRC_RUN_HEAD_GROUP_H

#include "decompose/span.h"
#include "run/run_open.h"

#define CS_HEAD_GROUP 32 /* heads at a time: with 64 blocks 40 MB at K = 64 */

typedef struct cs_head_group {
    const cs_run *run;
    cs_shape shape;
    size_t blocks, size;               /* size: numbers of one head's moments */
    double *moments;                   /* [CS_HEAD_GROUP, 1 + blocks, size], the whole first */
    float *output_map;                 /* [CS_HEAD_GROUP, C, P] */
    cs_span_head known[CS_HEAD_GROUP]; /* of the heads read last */
} cs_head_group;

/* blocks: 1 to read the run's blocks too. To be given back with cs_head_group_fini in any case.
 * Errors: NOMEM. */
clipspan_status cs_head_group_init(cs_head_group *group, const cs_run *run, size_t most, int blocks,
                                   clipspan_error *err);
void cs_head_group_fini(cs_head_group *group);

/* Reads `count` heads, at most `most` and CS_HEAD_GROUP, into known. Errors: those of the run. */
clipspan_status cs_head_group_read(cs_head_group *group, const clipspan_head *heads, size_t count,
                                   clipspan_error *err);

#endif
