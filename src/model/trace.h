/* SPDX-License-Identifier: MIT */
/* What one image's pass leaves behind for the class token, beside the embedding: cheap
 * by-products, nothing P-wide a head.
 *
 *     r = z0 + sum_l sum_h (z[l,h] W_O^h) + sum_l b_O^l + sum_l m[l]     the class token at the end
 *     z[l,h] = sum_j a[j] v[j]        over tokens j, a : attention of the class token, v : values
 *
 * A trace belongs to the caller and is filled by cs_image_pass_trace (model/image_pass.h); it can
 * be used again for the next image. Used by one thread at a time. */
#ifndef CLIPSPAN_SRC_MODEL_TRACE_H
#define CLIPSPAN_SRC_MODEL_TRACE_H

#include "base/memory.h"
#include "model/config.h"

typedef struct cs_trace {
    size_t L, H, N, K, D, P;
    float *z;         /* [L, H, K] what goes into the output projection; bf16-rounded in bf16 */
    float *z_class;   /* [L, H, K] the class-token self-attention of it: a[0] v[0] */
    float *written;   /* [L + 1, D] row 0: z0, the class token as it enters block 0 (after ln_pre);
                         row l + 1: m[l], what the MLP of layer l adds to it, bias included, as a
                         difference of two float32 residual rows: within 1.2e-7 of their size */
    float *embedding; /* [P] unit vector, the same bytes as a plain pass gives */
    double mean;      /* mu: mean of r */
    double sigma;     /* sqrt(var(r) + eps), biased variance */
    double norm;      /* rho: length of the embedding before it was made a unit vector */
    float *weights;   /* [H, N] attention of the class token in the layer at work */
    cs_arena arena;
} cs_trace;

/* Takes memory for traces of this model's image encoder. Give back with cs_trace_fini, in any case.
 * Errors: NOMEM. */
clipspan_status cs_trace_init(cs_trace *trace, const cs_config *config, clipspan_error *err);
void cs_trace_fini(cs_trace *trace);
size_t cs_trace_memory(const cs_trace *trace); /* bytes */

/* One layer while it is warm: borrowed, gone when the sink returns.
 * In bf16 the products round weights and values once more, so that sum_j a[j] v[j] is within 2^-7
 * of z; in float32 within 2e-6 (tensor/simd.h, `attention`). */
typedef struct cs_layer_view {
    size_t layer, H, N, K;
    const float *attention; /* [H, N] of the class token; rows sum to 1 */
    const float *values;    /* [N, H, K] biases included */
    const float *queries;   /* [asked, H, K] of the first tokens: all, of the last layer one */
    const float *keys;      /* [N, H, K] */
    size_t asked;
    size_t heads; /* that the layer has: H, or those that pruning left; the others are zeros */
    const int *numbers; /* [heads] which ones; NULL: all */
} cs_layer_view;

/* Whoever wants more than the trace: called once a layer, in order, after its attention, on the
 * thread that runs the pass. Must not run the same pass. */
typedef struct cs_layer_sink {
    void (*layer)(void *user, const cs_layer_view *view);
    void *user;
    float *rows; /* [N, D] or NULL: gets every token as it leaves the last block, for which that
                    block is run once more, for all of them; the embedding keeps its bytes */
    /* Or NULL: the residual stream x : [rows, D] as it enters a layer, rows = N, and between its
     * attention and its MLP, where the last layer has one row. */
    void (*stream)(void *user, size_t layer, int after_attention, const float *x, size_t rows);
    int fixed; /* 1: heads that cs_image_pass_fix gave stay fixed in this pass */
    struct cs_pool_record *record; /* or NULL: filled, of a model with an attention pool */
} cs_layer_sink;

#endif
