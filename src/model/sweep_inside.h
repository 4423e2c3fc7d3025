/* SPDX-License-Identifier: MIT */
/* What the files of a sweep share: what it kept of the pass, and its way back. */
#ifndef CLIPSPAN_SRC_MODEL_SWEEP_INSIDE_H
#define CLIPSPAN_SRC_MODEL_SWEEP_INSIDE_H

#include "model/sweep.h"

struct cs_sweep {
    const cs_sweep_weights *weights;
    const cs_tower *tower;
    cs_lane lane;
    size_t L, H, N, K, D, M, P, texts;
    float scale; /* K^-1/2 */

    /* Of the pass; rows of the last layer's middle and queries: one. */
    float *enter, *middle;          /* [L, N, D] */
    float *queries, *keys, *values; /* [L, N, H, K] */

    /* On the way back, for the layer at work. */
    cs_scratch scratch;                 /* h is used */
    float *act, *gate;                  /* [mlp_parts][rows, M / mlp_parts] */
    double *patterns;                   /* [heads][N, rows] transposed attention weights */
    float *gamma;                       /* [texts, N, D] G */
    float *hidden, *back, *mixed, *way; /* [N, M / mlp_parts], [N, D], [N, h K], [N, h K] */
    double *pairs;                      /* [N, K] */
    double *row;                        /* [N] */
    float *line;                        /* [N] */
    double *readout;                    /* [texts, D] G of the last row: direct effects */
    double *constant;                   /* [texts] constant_l so far */

    /* Products for N rows and for one. */
    cs_product *hidden_in[2], *hidden_back[2], *fc_back[2];
    cs_product **mixed_back[2], **values_back; /* [kinds] */
    cs_arena arena;
};

/* Where a sweep is: rows of G that are not zero above the layer, 1 in the last, and text t's. */
typedef struct cs_sweep_step {
    const cs_sweep_result *out;
    const cs_trace *trace;
    const float *means;          /* [L, H, K] or NULL */
    const cs_fixed_heads *fixed; /* or NULL */
    size_t T, l, rows;
} cs_sweep_step;

/* G += LayerNorm's way back of `from` : [rows, D], whose input was x : [rows, D]; both are
 * row-major. from is overwritten. */
void cs_sweep_norm_back(float *gamma, float *from, const float *x, size_t rows, size_t D,
                        const cs_norm *norm);

/* The layer's MLP, then its attention, for all T directions. */
clipspan_status cs_sweep_mlp(cs_sweep *sweep, const cs_sweep_step *step, clipspan_error *err);
clipspan_status cs_sweep_attention(cs_sweep *sweep, const cs_sweep_step *step, clipspan_error *err);

/* In float64. */
double cs_sweep_dot(const float *a, const float *b, size_t count);

#endif
