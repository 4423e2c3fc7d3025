/* SPDX-License-Identifier: MIT */
/* One tower's weights, read from a checkpoint tensor by tensor and packed for the products.
 * Read-only once loaded, shared by all passes. */
#ifndef CLIPSPAN_SRC_MODEL_TOWER_H
#define CLIPSPAN_SRC_MODEL_TOWER_H

#include "model/checkpoint.h"
#include "tensor/product.h"

/* LayerNorm: gain, bias : [D] */
typedef struct cs_norm {
    float *gain, *bias;
    float eps;
} cs_norm;

/* One transformer block. Matrices from D take x in the tower's column panels. A block of a pruned
 * image encoder has h of the H heads left, and its products are that much narrower. */
typedef struct cs_block {
    size_t heads, width; /* h, h K */
    const int *numbers;  /* [h] which of the H heads they are, rising; NULL: all */
    size_t out_panels;   /* column panels of W_O: whole heads each */
    size_t kind;         /* blocks of one number of heads are of one kind: products fit all */
    cs_norm ln1, ln2;
    cs_matrix *q, *k, *v; /* D -> h K */
    cs_matrix *out;       /* h K -> D */
    cs_matrix **fc;       /* [mlp_parts] D -> M / mlp_parts */
    cs_matrix **mlp_out;  /* [mlp_parts] M / mlp_parts -> D */
} cs_block;

/* An attention pool: one query over all rows of LN_post(x), then an MLP. Always float32, as the
 * projection is:
 *
 *     y = sum over heads h of W_O^h sum_i a[h,i] (W_V^h n_i + b_V^h) + b_O      n = LN_post(x)
 *     embedding = y + W_2 act(W_1 LN(y) + b_1) + b_2 */
typedef struct cs_pool_weights {
    size_t heads, head_width, panels; /* panels: column panels of n, and of a */
    float *query;                     /* [D] W_Q p + b_Q, the same for every image */
    cs_matrix *k, *v, *out;           /* D -> D */
    cs_norm norm;
    cs_block block; /* the same out, for decomposition */
    const cs_block *kind;
    int mlp_width, mlp_parts;
    cs_matrix **fc, **mlp_out; /* [mlp_parts] as of a block */
} cs_pool_weights;

typedef struct cs_tower {
    clipspan_modality which;
    clipspan_precision precision;
    clipspan_activation activation;
    cs_tower_config config;
    size_t embed_width; /* P */
    size_t panels;    /* column panels of the blocks' inputs (tensor/product.h): whole heads each */
    int mlp_parts;    /* the hidden layer is computed in this many slices, see cs_block_finish */
    cs_block *blocks; /* [layers] */
    size_t kinds;
    const cs_block **kind; /* [kinds] the first block of each */

    cs_matrix *patch;   /* image: 3 patch^2 -> D, inputs ordered y, x, colour */
    float *class_token; /* image: [D] */
    float *table;       /* text: [vocab, D] */
    float *positions;   /* image [N, D], text [C, D] */
    int has_ln_pre;
    cs_norm ln_pre, ln_post;
    size_t read_panels; /* column panels of the read-out: many, for its rounding goes straight into
                           the embedding */
    cs_matrix *projection; /* D -> P, always float32; NULL: the embedding is what is read out */
    cs_pool_weights pool;  /* of an image encoder with an attention pool; else all zeros */

    /* What the image embedding is decomposed into: the blocks, or the pool as one of them (of which
     * only heads, width, panels and W_O are there). */
    const cs_block *split;
    const cs_block **split_kind; /* [split_kinds] */
    size_t split_kinds;
    clipspan_precision split_precision;

    size_t bytes; /* of all the above */
} cs_tower;

/* Reads and packs a tower on `threads` threads. Memory beyond the packed weights: one tensor in
 * float32 a thread, twice while it is put into another order. Errors: NUMBERS naming a tensor with
 * NaN or infinity (unless allow_nonfinite), IO, FORMAT, NOMEM, UNSUPPORTED (bf16 not to be had). */
clipspan_status cs_tower_load(cs_tower **out, const cs_checkpoint *checkpoint,
                              clipspan_modality which, clipspan_precision precision,
                              int allow_nonfinite, int threads, const cs_simd *simd,
                              clipspan_error *err);
void cs_tower_free(cs_tower **tower);

/* The number of a block's `place`-th head. */
static inline size_t cs_block_head(const cs_block *block, size_t place)
{
    return block->numbers ? (size_t)block->numbers[place] : place;
}

#endif
