/* SPDX-License-Identifier: MIT */
/* The exact split of an image through an attention pool: what every layer's heads, by source patch,
 * and MLPs add to the embedding, with the pool's attention a and all LayerNorms as they were for
 * this image. With C the centring, sigma_i of LN_post at patch i, V_h and O_h the pool's value and
 * output matrices of its head h, and a term t of the residual stream (t_i its value at patch i):
 *
 *     y[t]   = sum_h O_h V_h gain C sum_i (a[h,i] / sigma_i) t_i                               (1)
 *     e[t]   = y[t] + W_2 G W_1 (gain_y C y[t] / sigma_y)         G = g(u) / u, frozen  (2)
 *     r[h,j] = sum_i (a[h,i] / sigma_i) A[i,j]          A : attention of a layer's head         (3)
 *     head k of layer l at source patch j : sum_h O_h V_h gain C W_O^k (r[h,j] v_j)             (4)
 *
 * Constants (the pool's biases, LN_post's bias through it, a layer's b_O) are shared out as in
 * contributions.h: equally among the 2 L + 1 terms, a layer's among its heads and patches.
 * Everything is divided by the embedding's length. Without the gate the pool's MLP is one opaque
 * term more; with it that term is what (2) leaves: W_2 G (W_1 bias_y + b_1) + b_2. Sums are
 * float64. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_POOL_SPLIT_H
#define CLIPSPAN_SRC_DECOMPOSE_POOL_SPLIT_H

#include "model/checkpoint.h"
#include "model/pool_record.h"

/* Weights as stored, float32, and room for one image. Used by one thread at a time. */
typedef struct cs_pool_split cs_pool_split;

/* Reads (L + 4) D^2 weights and the pool's MLP. Errors: IO, FORMAT, NOMEM. */
clipspan_status cs_pool_split_new(cs_pool_split **out, const cs_checkpoint *checkpoint,
                                  clipspan_error *err);
void cs_pool_split_free(cs_pool_split **split);

/* An image, whose record is borrowed until the next. gate: 1: through (2). */
void cs_pool_split_start(cs_pool_split *split, const cs_pool_record *record, int gate);

/* One head: whole : [D], patches : [N, D]; either may be NULL. constants: 0 leaves them out. */
void cs_pool_split_head(float *whole, float *patches, cs_pool_split *split, size_t layer,
                        size_t head, int constants);

/* [L + 2, D]: what enters the first layer, the layers' MLPs, the pool's MLP. */
void cs_pool_split_mlps(float *mlps, cs_pool_split *split, int constants);

/* Inner products with a direction : [D] of all of the above, constants included, at K numbers a
 * head and pool head: heads : [L, H, N] by source patch, mlps : [L + 2]. */
void cs_pool_split_scores(float *heads, float *mlps, cs_pool_split *split, const float *direction);

/* What the pool's MLP carries: |e - y|^2 / |e|^2. */
double cs_pool_split_mlp_share(const cs_pool_split *split);

#endif
