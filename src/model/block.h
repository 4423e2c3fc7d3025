/* SPDX-License-Identifier: MIT */
/* The steps of a transformer block over R rows of the residual stream, shared by both towers:
 *
 *     qkv = LN1(x) W_qkv + b        attention (the tower's own)        x += a W_O + b_O
 *     x  += act(LN2(x) W_fc + b) W_mlp + b
 *
 * A cs_rows holds the products prepared for one number of rows; a cs_scratch the activations. In bf16
 * the inputs of products (h, a, m) are bf16; residual stream, attention and sums stay float32. */
#ifndef CLIPSPAN_SRC_MODEL_BLOCK_H
#define CLIPSPAN_SRC_MODEL_BLOCK_H

#include "base/memory.h"
#include "model/tower.h"

/* Which products of a block a pass needs for this number of rows. */
typedef enum cs_use {
    CS_USE_QKV = 1,  /* all blocks but the last */
    CS_USE_KV = 2,   /* last block, all rows */
    CS_USE_Q = 4,    /* last block, the rows that are read out */
    CS_USE_REST = 8, /* output projection and MLP */
    CS_USE_PROJECTION = 16
} cs_use;

typedef struct cs_rows {
    size_t rows;
    cs_product *qkv, *kv, *q, *out, *fc, *mlp_out, *projection;
} cs_rows;

/* use: cs_use flags. threads: that share each product. */
clipspan_status cs_rows_init(cs_rows *rows, const cs_tower *tower, size_t count, int use,
                             int threads, const cs_simd *simd, clipspan_error *err);
void cs_rows_fini(cs_rows *rows);

/* Activations of up to R rows. h, a, m are float32 or bf16 as the tower is.
 * h : [R, D] normalised   qkv : [R, 3D]   a : [R, D] attention output   m : [R, M] */
typedef struct cs_scratch {
    void *h, *a, *m;
    float *qkv;
    float *row; /* [R, D] float32 attention output in bf16 towers, before rounding */
} cs_scratch;

void cs_scratch_plan(cs_scratch *scratch, cs_arena *arena, const cs_tower *tower, size_t rows);

/* What a pass computes with: one lane of an encoder. */
typedef struct cs_lane {
    const cs_tower *tower;
    const cs_simd *simd;
    int threads; /* inside this lane: 1, or all for a lone picture */
} cs_lane;

/* LayerNorm of rows x : [rows, D] into y, float32 or bf16 as `precision` says; y = x is allowed in float32. */
void cs_norm_run(const cs_lane *lane, void *y, const float *x, size_t rows, const cs_norm *norm,
                 clipspan_precision precision);

/* x += a W_O + b_O; x += MLP(LN2(x)).   x : [rows->rows, D] */
clipspan_status cs_block_finish(const cs_lane *lane, const cs_rows *rows, const cs_block *block,
                                float *x, cs_scratch *scratch, clipspan_error *err);

/* embedding = LN_post(x) P, divided by its norm when `unit`; [rows->rows, P]. x is overwritten. */
clipspan_status cs_read_out(const cs_lane *lane, const cs_rows *rows, float *embeddings, float *x,
                            int unit, clipspan_error *err);

#endif
