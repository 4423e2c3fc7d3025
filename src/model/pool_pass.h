/* SPDX-License-Identifier: MIT */
/* An attention pool at work: the rows that leave the last block to an embedding, and what its
 * decomposition needs (model/tower.h has the equations). */
#ifndef CLIPSPAN_SRC_MODEL_POOL_PASS_H
#define CLIPSPAN_SRC_MODEL_POOL_PASS_H

#include "model/block.h"
#include "model/trace.h"

/* Products and memory for one image at a time. */
typedef struct cs_pool_pass {
    const cs_lane *lane;
    size_t N, D;
    cs_product *rows;               /* N rows, keys or values */
    cs_product *out, *fc, *mlp_out; /* one row */
    float *n;                       /* [panels][N, D / panels] LN_post(x) */
    float *k, *v;                   /* [N, D] */
    float *a, *y;                   /* [D] mixed values; what leaves attention */
    float *h, *m;                   /* [D] LN(y); [M / parts] */
    float *weights;                 /* [heads, N] */
    float *work;
} cs_pool_pass;

/* Room in the pass's arena, then products. lane: of the pass, which it belongs to. */
void cs_pool_pass_plan(cs_pool_pass *pool, cs_arena *arena, const cs_lane *lane, size_t tokens);
clipspan_status cs_pool_pass_init(cs_pool_pass *pool, clipspan_error *err);
void cs_pool_pass_fini(cs_pool_pass *pool);

/* embedding : [D] from x : [N, D], which is overwritten. trace, sink: as cs_image_pass_trace, or
 * NULL; the trace is that of a layer of its own. */
clipspan_status cs_pool_pass_run(float *embedding, cs_pool_pass *pool, float *x, cs_trace *trace,
                                 const cs_layer_sink *sink, clipspan_error *err);

#endif
