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

static clipspan_status init_kinds(cs_rows *rows, const cs_tower *tower, int use, int threads,
                                  const cs_simd *simd, clipspan_error *err)
{
    rows->kinds = tower->kinds;
    rows->qkv = cs_alloc_zero(tower->kinds, sizeof *rows->qkv, "products", err);
    rows->out = cs_alloc_zero(tower->kinds, sizeof *rows->out, "products", err);
    if (!rows->qkv || !rows->out) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < tower->kinds; i++) {
        const cs_block *like = tower->kind[i];
        if (use & CS_USE_QKV)
            CS_TRY(prepare(&rows->qkv[i], like->q, rows->rows, CS_STORE, 0, threads, simd, err));
        if (use & CS_USE_REST)
            CS_TRY(prepare(&rows->out[i], like->out, rows->rows, CS_ADD, 0, threads, simd, err));
    }
    return CLIPSPAN_OK;
}

cs_epilogue cs_activation_epilogue(clipspan_activation activation)
{
    return activation == CLIPSPAN_GELU        ? CS_ACT_GELU
           : activation == CLIPSPAN_TANH_GELU ? CS_ACT_TANH
                                              : CS_ACT_QUICK;
}

clipspan_status cs_rows_init(cs_rows *rows, const cs_tower *tower, size_t count, int use,
                             int threads, const cs_simd *simd, clipspan_error *err)
{
    const cs_block *like = &tower->blocks[0];
    int half = tower->precision == CLIPSPAN_BF16;
    cs_epilogue act = cs_activation_epilogue(tower->activation);
    memset(rows, 0, sizeof *rows);
    rows->rows = count;
    CS_TRY(init_kinds(rows, tower, use, threads, simd, err));
    if (use & CS_USE_REST) {
        CS_TRY(prepare(&rows->fc, like->fc[0], count, act, half, threads, simd, err));
        CS_TRY(prepare(&rows->mlp_out, like->mlp_out[0], count, CS_ADD, 0, threads, simd, err));
    }
    if ((use & CS_USE_PROJECTION) && tower->projection)
        CS_TRY(
            prepare(&rows->projection, tower->projection, count, CS_STORE, 0, threads, simd, err));
    return CLIPSPAN_OK;
}

void cs_rows_fini(cs_rows *rows)
{
    for (size_t i = 0; i < rows->kinds; i++) {
        if (rows->qkv) cs_product_free(&rows->qkv[i]);
        if (rows->out) cs_product_free(&rows->out[i]);
    }
    cs_free(rows->qkv);
    cs_free(rows->out);
    cs_product_free(&rows->fc);
    cs_product_free(&rows->mlp_out);
    cs_product_free(&rows->projection);
    memset(rows, 0, sizeof *rows);
}

void cs_scratch_plan(cs_scratch *scratch, cs_arena *arena, const cs_tower *tower, size_t rows,
                     size_t read_rows, int threads)
{
    size_t width = (size_t)tower->config.width;
    size_t slice = (size_t)(tower->config.mlp_width / tower->mlp_parts);
    size_t size = tower->precision == CLIPSPAN_BF16 ? sizeof(uint16_t) : sizeof(float);
    scratch->rows = rows;
    scratch->panel = width / tower->panels;
    scratch->stride = rows * scratch->panel;
    scratch->h = cs_arena_carve(arena, rows * width, size);
    scratch->a = cs_arena_carve(arena, rows * width, size);
    scratch->q = cs_arena_carve(arena, rows * width, sizeof(float));
    scratch->k = cs_arena_carve(arena, rows * width, sizeof(float));
    scratch->v = cs_arena_carve(arena, rows * width, sizeof(float));
    scratch->m = cs_arena_carve(arena, rows * slice, size);
    scratch->row = cs_arena_carve(arena, (size_t)threads * width, sizeof(float));
    scratch->read = cs_arena_carve(arena, read_rows * width, sizeof(float));
}

size_t cs_scratch_panel(const cs_block *block)
{
    return block->width / block->out_panels;
}

size_t cs_scratch_head(const cs_scratch *scratch, const cs_block *block, size_t row, size_t place,
                       size_t head_width)
{
    size_t heads = block->heads / block->out_panels, panel = heads * head_width; /* of one panel */
    return place / heads * scratch->rows * panel + row * panel + place % heads * head_width;
}

/* A share of the rows for each thread. scratch NULL: in place. */
typedef struct norm_job {
    const cs_lane *lane;
    cs_scratch *scratch;
    float *in_place;
    const float *x;
    size_t rows, share;
    const cs_norm *norm;
} norm_job;

/* Rows [first, first + rows) into float32 panels, one row at a time. */
static void norm_into_panels(const norm_job *j, size_t first, size_t rows, float *row)
{
    const cs_scratch *s = j->scratch;
    size_t width = (size_t)j->lane->tower->config.width, i, p;
    for (i = first; i < first + rows; i++) {
        j->lane->simd->layer_norm(row, width, j->x + i * width, width, 1, width, j->norm->gain,
                                  j->norm->bias, j->norm->eps);
        for (p = 0; p < j->lane->tower->panels; p++)
            memcpy((float *)s->h + p * s->stride + i * s->panel, row + p * s->panel,
                   s->panel * sizeof *row);
    }
}

static void norm_share(void *context, size_t index, int thread)
{
    const norm_job *j = context;
    const cs_tower *t = j->lane->tower;
    const cs_simd *simd = j->lane->simd;
    size_t width = (size_t)t->config.width, first = index * j->share;
    size_t rows = j->rows - first < j->share ? j->rows - first : j->share;
    const float *x = j->x + first * width, *gain = j->norm->gain, *bias = j->norm->bias;
    (void)thread;
    if (!j->scratch)
        simd->layer_norm(j->in_place + first * width, width, x, width, rows, width, gain, bias,
                         j->norm->eps);
    else if (t->precision == CLIPSPAN_BF16)
        simd->layer_norm_bf16((uint16_t *)j->scratch->h + first * width, width, x, width, rows,
                              width, gain, bias, j->norm->eps);
    else if (t->panels > 1)
        norm_into_panels(j, first, rows, j->scratch->row + index * width);
    else
        simd->layer_norm((float *)j->scratch->h + first * width, width, x, width, rows, width, gain,
                         bias, j->norm->eps);
}

static void share_rows(norm_job *j)
{
    size_t threads = (size_t)j->lane->threads;
    j->share = threads > 1 && j->rows >= 16 ? (j->rows + threads - 1) / threads : j->rows;
    cs_parallel_for((j->rows + j->share - 1) / j->share, j->lane->threads, norm_share, j);
}

void cs_norm_run(const cs_lane *lane, float *x, size_t rows, const cs_norm *norm)
{
    norm_job j = {lane, NULL, x, x, rows, rows, norm};
    share_rows(&j);
}

void cs_norm_hand_over(const cs_lane *lane, cs_scratch *scratch, const float *x, size_t rows,
                       const cs_norm *norm)
{
    norm_job j = {lane, scratch, NULL, x, rows, rows, norm};
    share_rows(&j);
}

clipspan_status cs_block_add_attention(const cs_rows *rows, const cs_block *block, float *x,
                                       const cs_scratch *scratch, clipspan_error *err)
{
    return cs_product_run(rows->out[block->kind], x, scratch->a,
                          scratch->rows * cs_scratch_panel(block), block->out, err);
}

clipspan_status cs_block_add_mlp(const cs_lane *lane, const cs_rows *rows, const cs_block *block,
                                 float *x, cs_scratch *scratch, clipspan_error *err)
{
    size_t stride = scratch->stride;
    int part;
    cs_norm_hand_over(lane, scratch, x, rows->rows, &block->ln2);
    for (part = 0; part < lane->tower->mlp_parts; part++) {
        CS_TRY(cs_product_run(rows->fc, scratch->m, scratch->h, stride, block->fc[part], err));
        CS_TRY(cs_product_run(rows->mlp_out, x, scratch->m, 0, block->mlp_out[part], err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_block_finish(const cs_lane *lane, const cs_rows *rows, const cs_block *block,
                                float *x, cs_scratch *scratch, clipspan_error *err)
{
    CS_TRY(cs_block_add_attention(rows, block, x, scratch, err));
    return cs_block_add_mlp(lane, rows, block, x, scratch, err);
}

double cs_unit_run(const cs_simd *simd, float *vector, size_t width)
{
    double norm = simd->norm(vector, width);
    double scale;
    size_t i;
    if (!(norm > 1e-12)) norm = 1e-12;
    scale = 1.0 / norm;
    for (i = 0; i < width; i++)
        vector[i] = (float)((double)vector[i] * scale);
    return norm;
}

clipspan_status cs_read_out(const cs_lane *lane, const cs_rows *rows, float *embeddings, float *x,
                            cs_scratch *scratch, int unit, clipspan_error *err)
{
    const cs_tower *t = lane->tower;
    size_t P = t->embed_width, panel = (size_t)t->config.width / t->read_panels, i, j;
    size_t stride = rows->rows * panel;
    cs_norm_run(lane, x, rows->rows, &t->ln_post);
    if (!t->projection) memcpy(embeddings, x, rows->rows * P * sizeof *embeddings);
    for (i = 0; i < rows->rows && t->projection; i++)
        for (j = 0; j < t->read_panels; j++, x += panel)
            memcpy(scratch->read + j * stride + i * panel, x, panel * sizeof *x);
    if (t->projection)
        CS_TRY(cs_product_run(rows->projection, embeddings, scratch->read, stride, t->projection,
                              err));
    for (i = 0; i < rows->rows && unit; i++)
        cs_unit_run(lane->simd, embeddings + i * P, P);
    return CLIPSPAN_OK;
}
