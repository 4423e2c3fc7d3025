/* SPDX-License-Identifier: MIT */
/* All that one image's pass through an encoder with an attention pool leaves, for its exact split
 * by layer, head and patch (decompose/pool_split.h): (1 + 4 L) N D numbers and a few (B/16 at 224:
 * 30 MB, SO400M/14 at 384: 366 MB). */
#ifndef CLIPSPAN_SRC_MODEL_POOL_RECORD_H
#define CLIPSPAN_SRC_MODEL_POOL_RECORD_H

#include "base/memory.h"
#include "model/config.h"

typedef struct cs_pool_record {
    size_t L, N, D, pool_heads;
    float *input;     /* [N, D] what enters the first block */
    float *q, *k, *v; /* [L, N, D] of every layer, biases included */
    float *mlp;       /* [L, N, D] what a layer's MLP adds, as a difference of two float32 rows */
    float *last;      /* [N, D] what leaves the last block */
    float *attention; /* [pool heads, N] of the pool; rows sum to 1 */
    float *y;         /* [D] what leaves the pool's attention */
    float *embedding; /* [D] before it is made a unit vector */
    cs_arena arena;
} cs_pool_record;

/* Of a model with an attention pool. Errors: NOMEM. */
clipspan_status cs_pool_record_init(cs_pool_record *record, const cs_config *config,
                                    clipspan_error *err);
void cs_pool_record_fini(cs_pool_record *record);

#endif
