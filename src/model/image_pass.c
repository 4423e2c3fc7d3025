/* SPDX-License-Identifier: MIT */
/* The image encoder, open_clip's VisionTransformer.forward, or timm's with an attention pool:
 *
 *     x = [class token; patches W] + positions; ln_pre unless the model has none; L blocks;
 *     LN_post; P
 *
 * or, with a pool (model/pool_pass.h), x = patches W + b + positions; L blocks; LN_post; pool.
 *
 * The last block is computed for the rows that the readout needs: for the class token only, where
 * it is read (keys and values need every row, query, output projection and MLP one), for all with a
 * pool. */
#include "model/image_pass.h"
#include "base/parallel.h"
#include "model/pool_pass.h"
#include "model/pool_record.h"

#include <math.h>
#include <string.h>

struct cs_image_pass {
    cs_lane lane;
    size_t N, D, H, K; /* tokens, width, heads, head width */
    size_t first;      /* patch: 1 behind a class token, else 0 */
    int pooled;        /* 1: read out by a pool */
    int patch, grid_height, grid_width, input_width;
    float scale;       /* K^-1/2 */
    cs_rows all, one;  /* products for N rows and for the class token's */
    cs_product *embed; /* patches to tokens */
    cs_pool_pass pool;
    /* Pixel to number: (v / 255 - mean) / std in float32, as torchvision rounds. */
    float value[3][256];
    cs_arena arena;
    cs_scratch scratch;
    float *x;         /* [N, D] residual stream */
    float *patches;   /* [patches, 3 patch^2] */
    void *patches_in; /* the same in bf16, or patches */
    float *work;      /* [threads, cs_attention_work] */
    size_t work_size;
    cs_trace *trace; /* of the run at work, or NULL */
    const cs_layer_sink *sink;
    cs_pool_record *record;      /* or NULL */
    const cs_fixed_heads *fixed; /* or NULL */
};

static void plan_memory(cs_image_pass *p)
{
    size_t inputs = 3 * (size_t)p->patch * (size_t)p->patch;
    int half = p->lane.tower->precision == CLIPSPAN_BF16;
    p->x = cs_arena_carve(&p->arena, p->N * p->D, sizeof(float));
    cs_scratch_plan(&p->scratch, &p->arena, p->lane.tower, p->N, 1, p->lane.threads);
    p->patches = cs_arena_carve(&p->arena, (p->N - p->first) * inputs, sizeof(float));
    p->patches_in = half ? cs_arena_carve(&p->arena, (p->N - p->first) * inputs, sizeof(uint16_t))
                         : (void *)p->patches;
    p->work_size = (cs_attention_work(p->N, p->K) + 15) / 16 * 16;
    p->work = cs_arena_carve(&p->arena, (size_t)p->lane.threads * p->work_size, sizeof(float));
    if (p->pooled) cs_pool_pass_plan(&p->pool, &p->arena, &p->lane, p->N);
}

/* The sizes; memory and products come after. */
static void start(cs_image_pass *p, const cs_tower *tower, const cs_config *config, int threads)
{
    p->lane.tower = tower;
    p->lane.threads = threads;
    p->N = (size_t)config->tokens;
    p->first = (size_t)config->class_token;
    p->pooled = config->readout == CLIPSPAN_READ_POOL;
    p->D = (size_t)config->image.width;
    p->H = (size_t)config->image.heads;
    p->K = (size_t)config->image.head_width;
    p->patch = config->patch_size;
    p->grid_height = config->grid_height;
    p->grid_width = config->grid_width;
    p->input_width = config->input_width;
    p->scale = (float)(1.0 / sqrt((double)p->K));
}

size_t cs_image_pass_need(const cs_tower *tower, const cs_config *config, int threads)
{
    cs_image_pass p;
    memset(&p, 0, sizeof p);
    start(&p, tower, config, threads);
    plan_memory(&p);
    return p.arena.overflow ? SIZE_MAX : p.arena.used;
}

clipspan_status cs_image_pass_new(cs_image_pass **out, const cs_tower *tower,
                                  const cs_config *config, int threads, const cs_simd *simd,
                                  clipspan_error *err)
{
    clipspan_status status;
    cs_image_pass *p = cs_alloc_zero(1, sizeof *p, "an image pass", err);
    int c, v, one = CS_USE_QKV | CS_USE_REST | CS_USE_PROJECTION;
    *out = NULL;
    if (!p) return CLIPSPAN_E_NOMEM;
    start(p, tower, config, threads);
    p->lane.simd = simd;
    for (c = 0; c < 3; c++)
        for (v = 0; v < 256; v++)
            p->value[c][v] =
                ((float)v / 255.0F - config->preprocess.mean[c]) / config->preprocess.std[c];
    plan_memory(p);
    CS_TRY_DONE(cs_arena_take(&p->arena, "an image pass", err));
    plan_memory(p);
    CS_TRY_DONE(cs_rows_init(&p->all, tower, p->N, CS_USE_QKV | CS_USE_REST, threads, simd, err));
    if (p->pooled)
        CS_TRY_DONE(cs_pool_pass_init(&p->pool, err));
    else
        CS_TRY_DONE(cs_rows_init(&p->one, tower, 1, one, threads, simd, err));
    {
        cs_product_plan plan = {p->N - p->first, CS_ADD, 0, threads};
        CS_TRY_DONE(cs_product_new(&p->embed, tower->patch, plan, simd, err));
    }
    *out = p;
    p = NULL;
done:
    cs_image_pass_free(&p);
    return status;
}

void cs_image_pass_free(cs_image_pass **pass)
{
    cs_image_pass *p = pass ? *pass : NULL;
    if (!p) return;
    cs_rows_fini(&p->all);
    cs_rows_fini(&p->one);
    cs_product_free(&p->embed);
    cs_pool_pass_fini(&p->pool);
    cs_arena_fini(&p->arena);
    cs_free(p);
    *pass = NULL;
}

size_t cs_image_pass_memory(const cs_image_pass *pass)
{
    return pass->arena.size;
}

/* patches : [patches, patch, patch, 3], patches row by row, normalised numbers. */
static void cut_patches(cs_image_pass *p, const uint8_t *pixels)
{
    size_t patch = (size_t)p->patch, run = 3 * patch, stride = 3 * (size_t)p->input_width;
    float *to = p->patches;
    int gy, gx;
    size_t y, i;
    for (gy = 0; gy < p->grid_height; gy++)
        for (gx = 0; gx < p->grid_width; gx++)
            for (y = 0; y < patch; y++, to += run) {
                const uint8_t *from = pixels + ((size_t)gy * patch + y) * stride + (size_t)gx * run;
                for (i = 0; i < run; i += 3) {
                    to[i] = p->value[0][from[i]];
                    to[i + 1] = p->value[1][from[i + 1]];
                    to[i + 2] = p->value[2][from[i + 2]];
                }
            }
}

static clipspan_status embed_patches(cs_image_pass *p, const uint8_t *pixels, clipspan_error *err)
{
    const cs_tower *t = p->lane.tower;
    size_t inputs = 3 * (size_t)p->patch * (size_t)p->patch;
    cut_patches(p, pixels);
    if (t->precision == CLIPSPAN_BF16)
        p->lane.simd->bf16_from_f32(p->patches_in, p->patches, (p->N - p->first) * inputs);
    memcpy(p->x, t->positions, p->N * p->D * sizeof(float));
    if (p->first) p->lane.simd->add(p->x, t->class_token, p->D);
    CS_TRY(cs_product_run(p->embed, p->x + p->first * p->D, p->patches_in, 0, t->patch, err));
    if (t->has_ln_pre) cs_norm_run(&p->lane, p->x, p->N, &t->ln_pre);
    return CLIPSPAN_OK;
}

/* One head a step, for the first `queries` rows. */
typedef struct attention_job {
    cs_image_pass *pass;
    const cs_block *block;
    size_t queries;
} attention_job;

static void attend_head(void *context, size_t place, int thread)
{
    const attention_job *j = context;
    cs_image_pass *p = j->pass;
    const cs_scratch *s = &p->scratch;
    const size_t width = j->block->width, panel = cs_scratch_panel(j->block), at = place * p->K;
    const size_t to = cs_scratch_head(s, j->block, 0, place, p->K);
    float *work = p->work + (size_t)thread * p->work_size;
    float *row = p->trace ? p->trace->weights + cs_block_head(j->block, place) * p->N : NULL;
    if (p->lane.tower->precision == CLIPSPAN_BF16)
        p->lane.simd->attention_bf16((uint16_t *)s->a + to, panel, s->q + at, width, s->k + at,
                                     width, s->v + at, width, j->queries, p->N, p->K, p->scale, row,
                                     work);
    else
        p->lane.simd->attention((float *)s->a + to, panel, s->q + at, width, s->k + at, width,
                                s->v + at, width, j->queries, p->N, p->K, p->scale, row, work);
}

/* Puts the given z of a layer's fixed heads in place of what attention left, in the first `rows`
 * rows. */
static void put_fixed(cs_image_pass *p, const cs_block *block, size_t l, size_t rows)
{
    const cs_scratch *s = &p->scratch;
    size_t place, r;
    for (place = 0; place < block->heads; place++) {
        const size_t head = l * p->H + cs_block_head(block, place);
        const float *z = p->fixed->z + head * p->K;
        if (!p->fixed->fixed[head]) continue;
        for (r = 0; r < rows; r++) {
            size_t to = cs_scratch_head(s, block, r, place, p->K);
            if (p->lane.tower->precision == CLIPSPAN_BF16)
                p->lane.simd->bf16_from_f32((uint16_t *)s->a + to, z, p->K);
            else
                memcpy((float *)s->a + to, z, p->K * sizeof *z);
        }
    }
}

/* Rows [rows, h K] become [rows, D] in place, each head where it has its number, zeros between. */
static void spread_heads(const cs_image_pass *p, const cs_block *block, float *x, size_t rows)
{
    size_t r, head;
    for (r = rows; r-- > 0;) {
        size_t place = block->heads;
        for (head = p->H; head-- > 0;) {
            float *to = x + (r * p->H + head) * p->K;
            if (place > 0 && cs_block_head(block, place - 1) == head)
                memmove(to, x + r * block->width + --place * p->K, p->K * sizeof *x);
            else
                memset(to, 0, p->K * sizeof *x);
        }
    }
}

static void show_layer(cs_image_pass *p, const cs_block *block, size_t l, size_t asked)
{
    const cs_scratch *s = &p->scratch;
    cs_layer_view view = {l,    p->H, p->N,  p->K,         p->trace->weights, s->v,
                          s->q, s->k, asked, block->heads, block->numbers};
    if (block->numbers) {
        spread_heads(p, block, s->v, p->N);
        spread_heads(p, block, s->k, p->N);
        spread_heads(p, block, s->q, asked);
    }
    p->sink->layer(p->sink->user, &view);
}

/* What the attention of layer l did for the class token, into the trace and to the sink. Heads that
 * were removed leave zeros. */
static void keep_attention(cs_image_pass *p, const cs_block *block, size_t l, size_t asked)
{
    const cs_scratch *s = &p->scratch;
    cs_trace *t = p->trace;
    float *z = t->z + l * p->D, *own = t->z_class + l * p->D;
    size_t place, k;
    for (place = 0; place < block->heads; place++) {
        size_t from = cs_scratch_head(s, block, 0, place, p->K), head = cs_block_head(block, place);
        size_t at = head * p->K;
        if (p->lane.tower->precision == CLIPSPAN_BF16)
            p->lane.simd->f32_from_bf16(z + at, (const uint16_t *)s->a + from, p->K);
        else
            memcpy(z + at, (const float *)s->a + from, p->K * sizeof *z);
        for (k = 0; k < p->K; k++)
            own[at + k] = t->weights[head * p->N] * s->v[place * p->K + k];
    }
    if (p->sink) show_layer(p, block, l, asked);
}

static void show_stream(const cs_image_pass *p, size_t l, int after_attention, size_t rows)
{
    if (p->trace && p->sink && p->sink->stream)
        p->sink->stream(p->sink->user, l, after_attention, p->x, rows);
}

/* What follows the attention of layer l; the trace keeps what the MLP added to the class token. */
static clipspan_status finish_traced(cs_image_pass *p, const cs_rows *rows, const cs_block *block,
                                     size_t l, clipspan_error *err)
{
    float *added = p->trace->written + (l + 1) * p->D;
    size_t i;
    CS_TRY(cs_block_add_attention(rows, block, p->x, &p->scratch, err));
    memcpy(added, p->x, p->D * sizeof *added);
    show_stream(p, l, 1, rows->rows);
    CS_TRY(cs_block_add_mlp(&p->lane, rows, block, p->x, &p->scratch, err));
    for (i = 0; i < p->D; i++)
        added[i] = p->x[i] - added[i];
    return CLIPSPAN_OK;
}

/* The same for a record, of every row. */
static clipspan_status finish_recorded(cs_image_pass *p, const cs_rows *rows, const cs_block *block,
                                       size_t l, clipspan_error *err)
{
    const size_t count = p->N * p->D, size = count * sizeof(float);
    cs_pool_record *r = p->record;
    float *added = r->mlp + l * count;
    memcpy(r->q + l * count, p->scratch.q, size);
    memcpy(r->k + l * count, p->scratch.k, size);
    memcpy(r->v + l * count, p->scratch.v, size);
    CS_TRY(cs_block_add_attention(rows, block, p->x, &p->scratch, err));
    memcpy(added, p->x, size);
    CS_TRY(cs_block_add_mlp(&p->lane, rows, block, p->x, &p->scratch, err));
    for (size_t i = 0; i < count; i++)
        added[i] = p->x[i] - added[i];
    return CLIPSPAN_OK;
}

/* One block. last: queries and all that follows them for the class token, row 0, only. */
static clipspan_status run_block(cs_image_pass *p, size_t l, int last, clipspan_error *err)
{
    const cs_block *block = &p->lane.tower->blocks[l];
    cs_scratch *s = &p->scratch;
    const cs_rows *asked = last ? &p->one : &p->all;
    attention_job job = {p, block, asked->rows};
    show_stream(p, l, 0, p->N);
    cs_norm_hand_over(&p->lane, s, p->x, p->N, &block->ln1);
    CS_TRY(cs_product_run(asked->qkv[block->kind], s->q, s->h, s->stride, block->q, err));
    CS_TRY(cs_product_run(p->all.qkv[block->kind], s->k, s->h, s->stride, block->k, err));
    CS_TRY(cs_product_run(p->all.qkv[block->kind], s->v, s->h, s->stride, block->v, err));
    if (p->trace && block->numbers) memset(p->trace->weights, 0, p->H * p->N * sizeof(float));
    cs_parallel_for(block->heads, p->lane.threads, attend_head, &job);
    if (p->fixed) put_fixed(p, block, l, asked->rows);
    if (p->record) return finish_recorded(p, asked, block, l, err);
    if (!p->trace) return cs_block_finish(&p->lane, asked, block, p->x, s, err);
    keep_attention(p, block, l, asked->rows);
    return finish_traced(p, asked, block, l, err);
}

/* The last block for every token, beside the pass: rows : [N, D]. */
static clipspan_status run_whole(cs_image_pass *p, float *rows, clipspan_error *err)
{
    cs_trace *trace = p->trace;
    float *x = p->x;
    clipspan_status status;
    memcpy(rows, x, p->N * p->D * sizeof *rows);
    p->x = rows;
    p->trace = NULL;
    status = run_block(p, (size_t)p->lane.tower->config.layers - 1, 0, err);
    p->x = x;
    p->trace = trace;
    return status;
}

/* mu and sigma of the class token before ln_post. */
static void measure_end(cs_trace *t, const float *x, double eps)
{
    double sum = 0.0, squares = 0.0;
    size_t i;
    for (i = 0; i < t->D; i++)
        sum += (double)x[i];
    t->mean = sum / (double)t->D;
    for (i = 0; i < t->D; i++)
        squares += ((double)x[i] - t->mean) * ((double)x[i] - t->mean);
    t->sigma = sqrt(squares / (double)t->D + eps);
}

/* All rows through every block, then the pool, whose heads are what a trace and a sink get. */
static clipspan_status run_pooled(float *embedding, cs_image_pass *p, int unit, clipspan_error *err)
{
    cs_trace *trace = p->trace;
    const cs_layer_sink *sink = p->sink;
    p->trace = NULL;
    p->sink = NULL;
    p->record = sink ? sink->record : NULL;
    if (p->record) memcpy(p->record->input, p->x, p->N * p->D * sizeof(float));
    for (size_t l = 0; l < (size_t)p->lane.tower->config.layers; l++)
        CS_TRY(run_block(p, l, 0, err));
    if (p->record) memcpy(p->record->last, p->x, p->N * p->D * sizeof(float));
    if (sink && sink->rows) memcpy(sink->rows, p->x, p->N * p->D * sizeof *sink->rows);
    CS_TRY(cs_pool_pass_run(embedding, &p->pool, p->x, trace, sink, err));
    if (p->record) {
        memcpy(p->record->attention, p->pool.weights, p->record->pool_heads * p->N * sizeof(float));
        memcpy(p->record->y, p->pool.y, p->D * sizeof(float));
        memcpy(p->record->embedding, embedding, p->D * sizeof(float));
    }
    if (trace)
        trace->norm = cs_unit_run(p->lane.simd, embedding, p->D);
    else if (unit)
        cs_unit_run(p->lane.simd, embedding, p->D);
    return CLIPSPAN_OK;
}

/* All rows through all blocks but the last, which only the class token goes through, and on. */
static clipspan_status run_class(float *embedding, cs_image_pass *pass, int unit,
                                 clipspan_error *err)
{
    const cs_tower *t = pass->lane.tower;
    cs_trace *trace = pass->trace;
    const size_t layers = (size_t)t->config.layers;
    if (trace) memcpy(trace->written, pass->x, pass->D * sizeof(float));
    for (size_t l = 0; l < layers; l++) {
        int last = l + 1 == layers;
        if (last && pass->sink && pass->sink->rows) CS_TRY(run_whole(pass, pass->sink->rows, err));
        CS_TRY(run_block(pass, l, last, err));
    }
    if (trace) measure_end(trace, pass->x, (double)t->ln_post.eps);
    CS_TRY(cs_read_out(&pass->lane, &pass->one, embedding, pass->x, &pass->scratch, unit && !trace,
                       err));
    if (trace) trace->norm = cs_unit_run(pass->lane.simd, embedding, t->embed_width);
    return CLIPSPAN_OK;
}

static clipspan_status run(float *embedding, cs_image_pass *pass, const uint8_t *pixels, int unit,
                           clipspan_error *err)
{
    const cs_tower *t = pass->lane.tower;
    uint64_t odd[3] = {0, 0, 0};
    CS_TRY(embed_patches(pass, pixels, err));
    CS_TRY((pass->pooled ? run_pooled : run_class)(embedding, pass, unit, err));
    pass->lane.simd->count_odd(odd, embedding, t->embed_width);
    if (odd[0] + odd[1] > 0)
        return cs_fail(err, CLIPSPAN_E_NUMBERS,
                       "the embedding is not finite: the weights overflow in %s",
                       t->precision == CLIPSPAN_BF16 ? "bf16; try f32" : "float32");
    return CLIPSPAN_OK;
}

void cs_image_pass_fix(cs_image_pass *pass, const cs_fixed_heads *heads)
{
    pass->fixed = heads;
}

const cs_fixed_heads *cs_image_pass_fixed(const cs_image_pass *pass)
{
    return pass->fixed;
}

clipspan_status cs_image_pass_run(float *embedding, cs_image_pass *pass, const uint8_t *pixels,
                                  int unit, clipspan_error *err)
{
    pass->trace = NULL;
    pass->sink = NULL;
    return run(embedding, pass, pixels, unit, err);
}

clipspan_status cs_image_pass_trace(cs_trace *trace, cs_image_pass *pass, const uint8_t *pixels,
                                    const cs_layer_sink *sink, clipspan_error *err)
{
    const cs_fixed_heads *fixed = pass->fixed;
    clipspan_status status;
    if (!sink || !sink->fixed) pass->fixed = NULL;
    pass->trace = trace;
    pass->sink = sink;
    status = run(trace->embedding, pass, pixels, 1, err);
    pass->trace = NULL;
    pass->sink = NULL;
    pass->fixed = fixed;
    return status;
}
