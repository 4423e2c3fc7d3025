/* SPDX-License-Identifier: MIT */
/* One tower's weights, read from a checkpoint tensor by tensor and packed for the products. Read-only
 * once loaded, shared by all passes. */
#ifndef CLIPSPAN_SRC_MODEL_TOWER_H
#define CLIPSPAN_SRC_MODEL_TOWER_H

#include "model/checkpoint.h"
#include "tensor/product.h"

/* LayerNorm: gain, bias : [D] */
typedef struct cs_norm {
    float *gain, *bias;
    float eps;
} cs_norm;

/* One transformer block. All blocks but the last have qkv; the last has q and kv apart, because only
 * one token's query is asked there. */
typedef struct cs_block {
    cs_norm ln1, ln2;
    cs_matrix *qkv;     /* D -> 3D: query, key, value */
    cs_matrix *q, *kv;  /* D -> D, D -> 2D */
    cs_matrix *out;     /* D -> D */
    cs_matrix *fc;      /* D -> M */
    cs_matrix *mlp_out; /* M -> D */
} cs_block;

typedef struct cs_tower {
    clipspan_tower which;
    clipspan_precision precision;
    clipspan_activation activation;
    cs_tower_config config;
    size_t embed_width; /* P */
    cs_block *blocks;   /* [layers] */

    cs_matrix *patch;   /* image: 3 patch^2 -> D, inputs ordered y, x, colour */
    float *class_token; /* image: [D] */
    float *table;       /* text: [vocab, D] */
    float *positions;   /* image [N, D], text [C, D] */
    int has_ln_pre;
    cs_norm ln_pre, ln_post;
    cs_matrix *projection; /* D -> P, always float32 */

    size_t bytes; /* of all the above */
} cs_tower;

/* Reads and packs a tower on `threads` threads. Memory beyond the packed weights: one float32 copy of one
 * tensor a thread. Errors: NUMBERS naming a tensor with NaN or infinity (unless allow_nonfinite), IO,
 * FORMAT, NOMEM, UNSUPPORTED (bf16 not to be had). */
clipspan_status cs_tower_load(cs_tower **out, const cs_checkpoint *checkpoint, clipspan_tower which,
                              clipspan_precision precision, int allow_nonfinite, int threads,
                              const cs_simd *simd, clipspan_error *err);
void cs_tower_free(cs_tower **tower);

#endif
