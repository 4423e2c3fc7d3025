/* SPDX-License-Identifier: MIT */
/* What every part of the image encoder is worth to a similarity through all later layers, by one
 * sweep from the embedding back to the tokens of layer 0. For one image its attention weights, the
 * scale of every LayerNorm and the gate of every hidden number (g(u) / u; Phi(u) for GELU, the
 * sigmoid for QuickGELU) are held at what the pass made them, and the similarity becomes affine in
 * the residual stream x_l : [N, D] that enters layer l:
 *
 *     t . m = sum_i <G_l[i], x_l[i]> + constant_l                                        at every l
 *
 * G of the last row is the readout's (gain of ln_post and P times t, centred, over sigma rho); per
 * block, last to first, it gains what comes back through the MLP (W_mlp^T, gate, W_fc^T, gain,
 * centring and scale of ln2) and through attention (W_O^T by head, transposed attention weights,
 * W_V^T, ln1). Queries and keys carry nothing. A component that writes o[i] has the effect
 * sum_i <G[i], o[i]>, G just above it: its direct effect <readout, o[0]>, and what later layers
 * pass on. With detached patterns, scales and gates this is autograd's gradient times output;
 * ref/clip_paths.py. float32 passes only.
 *
 *     cs_sweep_sink(sweep) goes to cs_image_pass_trace, then cs_sweep_run for any directions.
 *
 * A sweep is used by one thread at a time. */
#ifndef CLIPSPAN_SRC_MODEL_SWEEP_H
#define CLIPSPAN_SRC_MODEL_SWEEP_H

#include "model/image_pass.h"
#include "model/sweep_weights.h"

/* For T directions; arrays that are NULL are not filled. M: width of the hidden layers. */
typedef struct cs_sweep_result {
    double *similarity;               /* [T] direction . embedding */
    double *head, *head_direct;       /* [T, L, H] of z W_O, without b_O */
    double *mlp, *mlp_direct;         /* [T, L] */
    double *bias;                     /* [T, L] of b_O, through and direct together */
    double *token;                    /* [T, N] of a token as it enters layer 0 */
    double *constant;                 /* [T, L + 1] row l: constant_l above */
    double *off;                      /* [T] largest |both sides' difference| over all l */
    double *ablated, *ablated_direct; /* [T, L, H] change when z of the head is `means` at every
                                         token */
    float *neuron;                    /* [T, L, M] of hidden numbers; with the MLP's bias they add
                                         up to the MLP */
    float *map;                       /* [T, L, H, N] of head, by the token that it reads */
} cs_sweep_result;

typedef struct cs_sweep cs_sweep;

/* weights, tower and config must outlive the sweep. texts: directions in one cs_sweep_run, at most.
 * threads: that share a product. Errors: NOMEM. */
clipspan_status cs_sweep_new(cs_sweep **out, const cs_sweep_weights *weights, const cs_tower *tower,
                             const cs_config *config, size_t texts, int threads,
                             const cs_simd *simd, clipspan_error *err);
void cs_sweep_free(cs_sweep **sweep);
size_t cs_sweep_memory(const cs_sweep *sweep); /* bytes, weights not counted */

/* Keeps what a pass shows. */
cs_layer_sink cs_sweep_sink(cs_sweep *sweep);

/* After the pass that filled `trace`.   directions : [T, P], of any length   means : [L, H, K] for
 * ablated, or NULL   fixed: those of the pass (a fixed head has its effect, and hands nothing
 * back), or NULL. No allocation. Errors: INTERNAL. */
clipspan_status cs_sweep_run(const cs_sweep_result *out, cs_sweep *sweep, const cs_trace *trace,
                             const float *directions, size_t T, const float *means,
                             const cs_fixed_heads *fixed, clipspan_error *err);

#endif
