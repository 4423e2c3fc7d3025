/* SPDX-License-Identifier: MIT */
/* The steps of a transformer block over R rows of the residual stream, shared by both towers:
 *
 *     qkv = LN1(x) W_qkv + b        attention (the tower's own)        x += a W_O + b_O
 *     x  += act(LN2(x) W_fc + b) W_mlp + b
 *
 * A cs_rows holds the products prepared for one number of rows; a cs_scratch the activations. In
 * bf16 the inputs of products (h, a, m) are bf16; residual stream, attention and sums stay
 * float32. */
#ifndef CLIPSPAN_SRC_MODEL_BLOCK_H
#define CLIPSPAN_SRC_MODEL_BLOCK_H

#include "base/memory.h"
#include "model/tower.h"

/* Which products a pass needs for this number of rows. */
typedef enum cs_use {
    CS_USE_QKV = 1,       /* queries, keys or values */
    CS_USE_REST = 2,      /* output projection and MLP */
    CS_USE_PROJECTION = 4 /* to the joint image-text embedding space */
} cs_use;

typedef struct cs_rows {
    size_t rows, kinds;
    cs_product **qkv, **out; /* [kinds] of the tower's blocks */
    cs_product *fc, *mlp_out, *projection;
} cs_rows;

/* What a product does for an activation. */
cs_epilogue cs_activation_epilogue(clipspan_activation activation);

/* use: cs_use flags. threads: that share each product. */
clipspan_status cs_rows_init(cs_rows *rows, const cs_tower *tower, size_t count, int use,
                             int threads, const cs_simd *simd, clipspan_error *err);
void cs_rows_fini(cs_rows *rows);

/* Activations of up to R rows. h and a are float32 or bf16 as the tower is; h lies in its column
 * panels, [panels][R, D / panels], `stride` numbers apart, a in those of the block's W_O; m has
 * one.   h : normalised   q, k, v : [R, h K] of a block with h heads   a : attention output,
 * [R, h K]   m : [R, M / mlp_parts] */
typedef struct cs_scratch {
    void *h, *a, *m;
    float *q, *k, *v;
    size_t rows, panel, stride; /* R, width of a panel, R * panel */
    float *row;                 /* [threads, D] one normalised row before it goes into panels */
    float *read; /* [read_panels][R', D / read_panels] for R' rows that are read out */
} cs_scratch;

/* read_rows: that cs_read_out gets at most. */
void cs_scratch_plan(cs_scratch *scratch, cs_arena *arena, const cs_tower *tower, size_t rows,
                     size_t read_rows, int threads);

/* Where row `row` of a block's `place`-th head of a begins; rows lie cs_scratch_panel(block)
 * numbers apart. In numbers, not bytes. */
size_t cs_scratch_head(const cs_scratch *scratch, const cs_block *block, size_t row, size_t place,
                       size_t head_width);
size_t cs_scratch_panel(const cs_block *block);

/* What a pass computes with: one lane of an encoder. */
typedef struct cs_lane {
    const cs_tower *tower;
    const cs_simd *simd;
    int threads; /* inside this lane: 1, or all for a lone image */
} cs_lane;

/* LayerNorm of rows x : [rows, D] in place. */
void cs_norm_run(const cs_lane *lane, float *x, size_t rows, const cs_norm *norm);

/* LayerNorm of rows x : [rows, D] into the scratch's h. */
void cs_norm_hand_over(const cs_lane *lane, cs_scratch *scratch, const float *x, size_t rows,
                       const cs_norm *norm);

/* x += a W_O + b_O; x += MLP(LN2(x)).   x : [rows->rows, D]
 * The hidden layer is computed a slice at a time and added to x: a slice stays in the second-level
 * cache, and the long sums over it are cut into short ones, which rounds better
 * (bench/RESULTS.md). */
clipspan_status cs_block_finish(const cs_lane *lane, const cs_rows *rows, const cs_block *block,
                                float *x, cs_scratch *scratch, clipspan_error *err);

/* The two halves of cs_block_finish, for whoever looks at x between them. */
clipspan_status cs_block_add_attention(const cs_rows *rows, const cs_block *block, float *x,
                                       const cs_scratch *scratch, clipspan_error *err);
clipspan_status cs_block_add_mlp(const cs_lane *lane, const cs_rows *rows, const cs_block *block,
                                 float *x, cs_scratch *scratch, clipspan_error *err);

/* Divides a vector by its length, which is returned; lengths below 1e-12 count as that. */
double cs_unit_run(const cs_simd *simd, float *vector, size_t width);

/* embedding = LN_post(x) P (LN_post(x) without a projection), divided by its norm when `unit`;
 * [rows->rows, P]. x is overwritten. */
clipspan_status cs_read_out(const cs_lane *lane, const cs_rows *rows, float *embeddings, float *x,
                            cs_scratch *scratch, int unit, clipspan_error *err);

#endif
