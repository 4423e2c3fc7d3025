/* SPDX-License-Identifier: MIT */
/* timm's AttentionPoolLatent, transformers' SiglipMultiheadAttentionPoolingHead: keys and values of
 * all rows, one query, an MLP on one row. */
#include "model/pool_pass.h"

#include <math.h>
#include <string.h>

void cs_pool_pass_plan(cs_pool_pass *pool, cs_arena *arena, const cs_lane *lane, size_t tokens)
{
    const cs_pool_weights *w = &lane->tower->pool;
    pool->lane = lane;
    pool->N = tokens;
    pool->D = w->heads * w->head_width;
    pool->n = cs_arena_carve(arena, pool->N * pool->D, sizeof(float));
    pool->k = cs_arena_carve(arena, pool->N * pool->D, sizeof(float));
    pool->v = cs_arena_carve(arena, pool->N * pool->D, sizeof(float));
    pool->a = cs_arena_carve(arena, pool->D, sizeof(float));
    pool->y = cs_arena_carve(arena, pool->D, sizeof(float));
    pool->h = cs_arena_carve(arena, pool->D, sizeof(float));
    pool->m = cs_arena_carve(arena, (size_t)w->mlp_width / (size_t)w->mlp_parts, sizeof(float));
    pool->weights = cs_arena_carve(arena, w->heads * pool->N, sizeof(float));
    pool->work = cs_arena_carve(arena, cs_attention_work(pool->N, w->head_width), sizeof(float));
}

clipspan_status cs_pool_pass_init(cs_pool_pass *pool, clipspan_error *err)
{
    const cs_pool_weights *w = &pool->lane->tower->pool;
    const cs_simd *simd = pool->lane->simd;
    const int threads = pool->lane->threads;
    cs_product_plan rows = {pool->N, CS_STORE, 0, threads}, one = {1, CS_STORE, 0, 1};
    CS_TRY(cs_product_new(&pool->rows, w->k, rows, simd, err));
    CS_TRY(cs_product_new(&pool->out, w->out, one, simd, err));
    one.epilogue = cs_activation_epilogue(pool->lane->tower->activation);
    CS_TRY(cs_product_new(&pool->fc, w->fc[0], one, simd, err));
    one.epilogue = CS_ADD;
    return cs_product_new(&pool->mlp_out, w->mlp_out[0], one, simd, err);
}

void cs_pool_pass_fini(cs_pool_pass *pool)
{
    cs_product_free(&pool->rows);
    cs_product_free(&pool->out);
    cs_product_free(&pool->fc);
    cs_product_free(&pool->mlp_out);
}

/* x, normalised in place, into column panels. */
static void to_panels(cs_pool_pass *pool, float *x)
{
    const size_t panels = pool->lane->tower->pool.panels, width = pool->D / panels;
    cs_norm_run(pool->lane, x, pool->N, &pool->lane->tower->ln_post);
    for (size_t i = 0; i < pool->N; i++)
        for (size_t p = 0; p < panels; p++, x += width)
            memcpy(pool->n + (p * pool->N + i) * width, x, width * sizeof *x);
}

static void attend(cs_pool_pass *pool)
{
    const cs_pool_weights *w = &pool->lane->tower->pool;
    const size_t D = pool->D, K = w->head_width;
    const float scale = (float)(1.0 / sqrt((double)K));
    for (size_t h = 0; h < w->heads; h++)
        pool->lane->simd->attention(pool->a + h * K, D, w->query + h * K, D, pool->k + h * K, D,
                                    pool->v + h * K, D, 1, pool->N, K, scale,
                                    pool->weights + h * pool->N, pool->work);
}

/* The pool as the one layer of a trace: nothing stands beside its heads but what the MLP adds. */
static void keep(const cs_pool_pass *pool, const float *embedding, cs_trace *trace,
                 const cs_layer_sink *sink)
{
    const cs_pool_weights *w = &pool->lane->tower->pool;
    memcpy(trace->z, pool->a, pool->D * sizeof *trace->z);
    memset(trace->z_class, 0, pool->D * sizeof *trace->z_class);
    memset(trace->written, 0, pool->D * sizeof *trace->written);
    for (size_t d = 0; d < pool->D; d++)
        trace->written[pool->D + d] = embedding[d] - pool->y[d];
    trace->mean = 0.0;
    trace->sigma = 1.0;
    if (sink && sink->layer) {
        const cs_layer_view view = {
            0,        w->heads, pool->N, w->head_width, pool->weights, pool->v,
            w->query, pool->k,  1,       w->heads,      NULL};
        sink->layer(sink->user, &view);
    }
}

clipspan_status cs_pool_pass_run(float *embedding, cs_pool_pass *pool, float *x, cs_trace *trace,
                                 const cs_layer_sink *sink, clipspan_error *err)
{
    const cs_pool_weights *w = &pool->lane->tower->pool;
    const size_t panel = pool->D / w->panels;
    to_panels(pool, x);
    CS_TRY(cs_product_run(pool->rows, pool->k, pool->n, pool->N * panel, w->k, err));
    CS_TRY(cs_product_run(pool->rows, pool->v, pool->n, pool->N * panel, w->v, err));
    attend(pool);
    CS_TRY(cs_product_run(pool->out, pool->y, pool->a, panel, w->out, err));
    pool->lane->simd->layer_norm(pool->h, pool->D, pool->y, pool->D, 1, pool->D, w->norm.gain,
                                 w->norm.bias, w->norm.eps);
    memcpy(embedding, pool->y, pool->D * sizeof *embedding);
    for (int part = 0; part < w->mlp_parts; part++) {
        CS_TRY(cs_product_run(pool->fc, pool->m, pool->h, panel, w->fc[part], err));
        CS_TRY(cs_product_run(pool->mlp_out, embedding, pool->m, 0, w->mlp_out[part], err));
    }
    if (trace) keep(pool, embedding, trace, sink);
    return CLIPSPAN_OK;
}
