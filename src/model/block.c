/* SPDX-License-Identifier: MIT */
/* Block steps: preparing products for a number of rows, LayerNorm over threads, MLP, read-out. */
#include "model/block.h"
#include "base/parallel.h"

#include <string.h>

static clipspan_status prepare(cs_product **out, const cs_matrix *like, size_t rows,
                               cs_epilogue epilogue, int bf16_out, int threads, const cs_simd *simd,
                               clipspan_error *err)
{
    cs_product_plan plan = {rows, epilogue, bf16_out, threads};
    return cs_product_new(out, like, plan, simd, err);
}

clipspan_status cs_rows_init(cs_rows *rows, const cs_tower *tower, size_t count, int use,
                             int threads, const cs_simd *simd, clipspan_error *err)
{
    const cs_block *first = &tower->blocks[0], *last = &tower->blocks[tower->config.layers - 1];
    int half = tower->precision == CLIPSPAN_BF16;
    cs_epilogue act = tower->activation == CLIPSPAN_GELU ? CS_ACT_GELU : CS_ACT_QUICK;
    memset(rows, 0, sizeof *rows);
    rows->rows = count;
    if ((use & CS_USE_QKV) && first->qkv)
        CS_TRY(prepare(&rows->qkv, first->qkv, count, CS_STORE, 0, threads, simd, err));
    if (use & CS_USE_KV)
        CS_TRY(prepare(&rows->kv, last->kv, count, CS_STORE, 0, threads, simd, err));
    if (use & CS_USE_Q) CS_TRY(prepare(&rows->q, last->q, count, CS_STORE, 0, threads, simd, err));
    if (use & CS_USE_REST) {
        CS_TRY(prepare(&rows->out, last->out, count, CS_ADD, 0, threads, simd, err));
        CS_TRY(prepare(&rows->fc, last->fc, count, act, half, threads, simd, err));
        CS_TRY(prepare(&rows->mlp_out, last->mlp_out, count, CS_ADD, 0, threads, simd, err));
    }
    if (use & CS_USE_PROJECTION)
        CS_TRY(
            prepare(&rows->projection, tower->projection, count, CS_STORE, 0, threads, simd, err));
    return CLIPSPAN_OK;
}

void cs_rows_fini(cs_rows *rows)
{
    cs_product_free(&rows->qkv);
    cs_product_free(&rows->kv);
    cs_product_free(&rows->q);
    cs_product_free(&rows->out);
    cs_product_free(&rows->fc);
    cs_product_free(&rows->mlp_out);
    cs_product_free(&rows->projection);
}

void cs_scratch_plan(cs_scratch *scratch, cs_arena *arena, const cs_tower *tower, size_t rows)
{
    size_t width = (size_t)tower->config.width, mlp = (size_t)tower->config.mlp_width;
    int half = tower->precision == CLIPSPAN_BF16;
    size_t size = half ? sizeof(uint16_t) : sizeof(float);
    scratch->h = cs_arena_carve(arena, rows * width, size);
    scratch->a = cs_arena_carve(arena, rows * width, size);
    scratch->qkv = cs_arena_carve(arena, rows * width, 3 * sizeof(float));
    scratch->m = cs_arena_carve(arena, rows * mlp, size);
    scratch->row = half ? cs_arena_carve(arena, rows * width, sizeof(float)) : scratch->a;
}

typedef struct norm_job {
    const cs_lane *lane;
    void *y;
    const float *x;
    size_t rows, share;
    const cs_norm *norm;
    clipspan_precision precision;
} norm_job;

static void norm_share(void *context, size_t index, int thread)
{
    const norm_job *j = context;
    size_t width = (size_t)j->lane->tower->config.width, first = index * j->share;
    size_t rows = j->rows - first < j->share ? j->rows - first : j->share;
    const float *x = j->x + first * width;
    (void)thread;
    if (j->precision == CLIPSPAN_BF16)
        j->lane->simd->layer_norm_bf16((uint16_t *)j->y + first * width, width, x, width, rows,
                                       width, j->norm->gain, j->norm->bias, j->norm->eps);
    else
        j->lane->simd->layer_norm((float *)j->y + first * width, width, x, width, rows, width,
                                  j->norm->gain, j->norm->bias, j->norm->eps);
}

void cs_norm_run(const cs_lane *lane, void *y, const float *x, size_t rows, const cs_norm *norm,
                 clipspan_precision precision)
{
    norm_job j = {lane, y, x, rows, rows, norm, precision};
    size_t threads = (size_t)lane->threads;
    if (threads > 1 && rows >= 16) j.share = (rows + threads - 1) / threads;
    cs_parallel_for((rows + j.share - 1) / j.share, lane->threads, norm_share, &j);
}

clipspan_status cs_block_finish(const cs_lane *lane, const cs_rows *rows, const cs_block *block,
                                float *x, cs_scratch *scratch, clipspan_error *err)
{
    CS_TRY(cs_product_run(rows->out, x, scratch->a, block->out, err));
    cs_norm_run(lane, scratch->h, x, rows->rows, &block->ln2, lane->tower->precision);
    CS_TRY(cs_product_run(rows->fc, scratch->m, scratch->h, block->fc, err));
    return cs_product_run(rows->mlp_out, x, scratch->m, block->mlp_out, err);
}

clipspan_status cs_read_out(const cs_lane *lane, const cs_rows *rows, float *embeddings, float *x,
                            int unit, clipspan_error *err)
{
    size_t p = lane->tower->embed_width, i, j;
    cs_norm_run(lane, x, x, rows->rows, &lane->tower->ln_post, CLIPSPAN_F32);
    CS_TRY(cs_product_run(rows->projection, embeddings, x, lane->tower->projection, err));
    for (i = 0; i < rows->rows && unit; i++) {
        float *e = embeddings + i * p;
        double norm = lane->simd->norm(e, p);
        float scale = (float)(1.0 / (norm > 1e-12 ? norm : 1e-12));
        for (j = 0; j < p; j++)
            e[j] *= scale;
    }
    return CLIPSPAN_OK;
}
