/* SPDX-License-Identifier: MIT */
/* Attention rollout (Abnar, Zuidema 2020): how much of each token reaches the class token when
 * every layer passes on half by its residual and half by its attention, averaged over heads:
 *
 *     row of the class token of  prod over layers, last first, of (mean over heads of A[l] + I) / 2
 *
 * The rows of A[l] add up to 1, so those of (A + I) / 2 do. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_ROLLOUT_H
#define CLIPSPAN_SRC_DECOMPOSE_ROLLOUT_H

#include "base/memory.h"
#include "decompose/output_map.h"
#include "model/trace.h"

typedef struct cs_rollout {
    cs_shape shape;
    const cs_simd *simd;
    float *mean;  /* [L, N, N] mean over heads; of the last layer row 0 only is used */
    float *row;   /* [N] one query's weights */
    float *query; /* [K] scaled */
    float *keys;  /* [K, N] keys of one head, turned */
    double *sum;  /* [2, N] */
    cs_arena arena;
} cs_rollout;

/* Memory: L N^2 numbers. Errors: NOMEM. Give back with cs_rollout_fini in any case. */
clipspan_status cs_rollout_init(cs_rollout *rollout, cs_shape shape, const cs_simd *simd,
                                clipspan_error *err);
void cs_rollout_fini(cs_rollout *rollout);

void cs_rollout_layer(cs_rollout *rollout, const cs_layer_view *view);
void cs_rollout_get(float *out, const cs_rollout *rollout); /* [N], after all layers */

#endif
