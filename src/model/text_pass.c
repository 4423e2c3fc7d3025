/* SPDX-License-Identifier: MIT */
/* The text encoder, open_clip's TextTransformer.forward, for the nodes of a prefix tree, or of
 * whole texts where there is no causal mask:
 *
 *     x = table[token] + positions[depth]; L blocks; LN_final at the tokens that are read out;
 *     P
 *
 * The last block is computed for the end tokens only. Products are prepared for a few numbers of
 * rows; a batch takes the smallest that holds it, and the rows behind its last node are computed
 * from zeros and ignored. */
#include "model/text_pass.h"

#include <math.h>
#include <string.h>

#define SIZES 4

struct cs_text_pass {
    cs_lane lane;
    const cs_config *config;
    size_t room, D, H, K;
    float scale;
    cs_rows sizes[SIZES]; /* rising */
    cs_arena arena;
    cs_scratch scratch;
    cs_text_batch batch;
    float *x;          /* [room, D] residual stream of all nodes */
    float *ends;       /* [room, D] of the nodes that are read out */
    float *embeddings; /* [room, P] */
    float *row;        /* [D] attention output of one node, before it is rounded in a bf16 tower */
    uint32_t *path;    /* [C] a node and its ancestors */
    float *work;       /* [C], without mask cs_attention_work */
};

static void plan_memory(cs_text_pass *p)
{
    size_t context = (size_t)p->config->context_length;
    p->x = cs_arena_carve(&p->arena, p->room * p->D, sizeof(float));
    p->ends = cs_arena_carve(&p->arena, p->room * p->D, sizeof(float));
    p->embeddings = cs_arena_carve(&p->arena, p->room * p->lane.tower->embed_width, sizeof(float));
    p->row = cs_arena_carve(&p->arena, p->D, sizeof(float));
    cs_scratch_plan(&p->scratch, &p->arena, p->lane.tower, p->room, p->room, 1);
    cs_text_batch_plan(&p->batch, &p->arena, p->room);
    p->path = cs_arena_carve(&p->arena, context, sizeof *p->path);
    p->work = cs_arena_carve(&p->arena,
                             p->config->bidirectional ? cs_attention_work(context, p->K) : context,
                             sizeof(float));
}

/* The sizes; memory and products come after. */
static void start(cs_text_pass *p, const cs_tower *tower, const cs_config *config)
{
    size_t context = (size_t)config->context_length;
    p->lane.tower = tower;
    p->lane.threads = 1;
    p->config = config;
    p->room = context > CS_TEXT_ROWS ? context : CS_TEXT_ROWS;
    p->D = (size_t)config->text.width;
    p->H = (size_t)config->text.heads;
    p->K = (size_t)config->text.head_width;
    p->scale = (float)(1.0 / sqrt((double)p->K));
}

size_t cs_text_pass_need(const cs_tower *tower, const cs_config *config)
{
    cs_text_pass p;
    memset(&p, 0, sizeof p);
    start(&p, tower, config);
    plan_memory(&p);
    return p.arena.overflow ? SIZE_MAX : p.arena.used;
}

clipspan_status cs_text_pass_new(cs_text_pass **out, const cs_tower *tower, const cs_config *config,
                                 const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status;
    cs_text_pass *p = cs_alloc_zero(1, sizeof *p, "a text pass", err);
    size_t sizes[SIZES] = {16, 64, 192, 0};
    int i, use = CS_USE_QKV | CS_USE_REST | CS_USE_PROJECTION;
    *out = NULL;
    if (!p) return CLIPSPAN_E_NOMEM;
    start(p, tower, config);
    p->lane.simd = simd;
    sizes[SIZES - 1] = p->room;
    plan_memory(p);
    CS_TRY_DONE(cs_arena_take(&p->arena, "a text pass", err));
    plan_memory(p);
    for (i = 0; i < SIZES; i++)
        CS_TRY_DONE(cs_rows_init(&p->sizes[i], tower, sizes[i], use, 1, simd, err));
    *out = p;
    p = NULL;
done:
    cs_text_pass_free(&p);
    return status;
}

void cs_text_pass_free(cs_text_pass **pass)
{
    cs_text_pass *p = pass ? *pass : NULL;
    int i;
    if (!p) return;
    for (i = 0; i < SIZES; i++)
        cs_rows_fini(&p->sizes[i]);
    cs_arena_fini(&p->arena);
    cs_free(p);
    *pass = NULL;
}

size_t cs_text_pass_memory(const cs_text_pass *pass)
{
    return pass->arena.size;
}

size_t cs_text_pass_cut(cs_text_pass *pass, const int32_t *tokens, size_t count)
{
    size_t context = (size_t)pass->config->context_length, i;
    cs_text_batch_clear(&pass->batch);
    for (i = 0; i < count; i++)
        if (!cs_text_batch_add(&pass->batch, tokens + i * context, pass->config)) break;
    return i;
}

static const cs_rows *rows_for(const cs_text_pass *p, size_t rows)
{
    int i = 0;
    while (p->sizes[i].rows < rows)
        i++;
    return &p->sizes[i];
}

/* x = table[token] + positions[depth]; the padding rows become zero. */
static void embed_tokens(cs_text_pass *p, size_t rows)
{
    const cs_tower *t = p->lane.tower;
    size_t i;
    for (i = 0; i < p->batch.nodes; i++) {
        float *x = p->x + i * p->D;
        memcpy(x, t->table + (size_t)p->batch.token[i] * p->D, p->D * sizeof *x);
        p->lane.simd->add(x, t->positions + p->batch.depth[i] * p->D, p->D);
    }
    memset(p->x + i * p->D, 0, (rows - i) * p->D * sizeof(float));
}

/* Attention of the query in row `from` of q, which is `node`'s, into row `from` of a, all heads. */
static void attend_node(cs_text_pass *p, size_t from, uint32_t node)
{
    const cs_scratch *s = &p->scratch;
    size_t n = p->batch.depth[node] + 1, i = n, h, D = p->D;
    int half = p->lane.tower->precision == CLIPSPAN_BF16;
    while (i-- > 0) {
        p->path[i] = node;
        node = p->batch.parent[node];
    }
    for (h = 0; h < p->H; h++) {
        size_t at = h * p->K;
        float *out = half
                         ? p->row + at
                         : (float *)s->a + cs_scratch_head(s, p->lane.tower->blocks, from, h, p->K);
        p->lane.simd->attention_path(out, s->q + from * D + at, s->k + at, D, s->v + at, D, p->path,
                                     n, p->K, p->scale, p->work);
    }
    if (half) p->lane.simd->bf16_from_f32((uint16_t *)s->a + from * D, p->row, D);
}

/* Attention of the `count` queries from row `from` of q on over all keys of the text that begins at
 * node `first`, into the same rows of a. */
static void attend_text(cs_text_pass *p, size_t from, size_t count, size_t first)
{
    const cs_scratch *s = &p->scratch;
    const cs_block *block = p->lane.tower->blocks;
    const size_t D = p->D, C = (size_t)p->config->context_length, panel = cs_scratch_panel(block);
    for (size_t h = 0; h < p->H; h++) {
        const size_t to = cs_scratch_head(s, block, from, h, p->K), at = h * p->K;
        if (p->lane.tower->precision == CLIPSPAN_BF16)
            p->lane.simd->attention_bf16((uint16_t *)s->a + to, panel, s->q + from * D + at, D,
                                         s->k + first * D + at, D, s->v + first * D + at, D, count,
                                         C, p->K, p->scale, NULL, p->work);
        else
            p->lane.simd->attention((float *)s->a + to, panel, s->q + from * D + at, D,
                                    s->k + first * D + at, D, s->v + first * D + at, D, count, C,
                                    p->K, p->scale, NULL, p->work);
    }
}

/* Rows [first, end) of a become zero: what the products compute from them is ignored, but must not
 * be left to chance. */
static void clear_rows(cs_text_pass *p, size_t first, size_t end)
{
    const cs_scratch *s = &p->scratch;
    size_t size = p->lane.tower->precision == CLIPSPAN_BF16 ? sizeof(uint16_t) : sizeof(float), i;
    for (i = 0; i < p->lane.tower->panels; i++)
        memset((unsigned char *)s->a + (i * s->stride + first * s->panel) * size, 0,
               (end - first) * s->panel * size);
}

static clipspan_status run_block(cs_text_pass *p, const cs_rows *all, const cs_block *block,
                                 clipspan_error *err)
{
    cs_scratch *s = &p->scratch;
    const size_t C = (size_t)p->config->context_length;
    size_t i;
    cs_norm_hand_over(&p->lane, s, p->x, all->rows, &block->ln1);
    CS_TRY(cs_product_run(all->qkv[0], s->q, s->h, s->stride, block->q, err));
    CS_TRY(cs_product_run(all->qkv[0], s->k, s->h, s->stride, block->k, err));
    CS_TRY(cs_product_run(all->qkv[0], s->v, s->h, s->stride, block->v, err));
    for (i = 0; p->config->bidirectional && i < p->batch.nodes; i += C)
        attend_text(p, i, C, i);
    for (; i < p->batch.nodes; i++)
        attend_node(p, i, (uint32_t)i);
    clear_rows(p, i, all->rows);
    return cs_block_finish(&p->lane, all, block, p->x, s, err);
}

/* Keys and values of all nodes, the rest for the ends; leaves p->ends. */
static clipspan_status run_last_block(cs_text_pass *p, const cs_rows *all, const cs_rows *ends,
                                      const cs_block *block, clipspan_error *err)
{
    cs_scratch *s = &p->scratch;
    const size_t C = (size_t)p->config->context_length;
    size_t i;
    cs_norm_hand_over(&p->lane, s, p->x, all->rows, &block->ln1);
    CS_TRY(cs_product_run(all->qkv[0], s->k, s->h, s->stride, block->k, err));
    CS_TRY(cs_product_run(all->qkv[0], s->v, s->h, s->stride, block->v, err));
    for (i = 0; i < p->batch.texts; i++)
        memcpy(p->ends + i * p->D, p->x + p->batch.end[i] * p->D, p->D * sizeof(float));
    memset(p->ends + i * p->D, 0, (ends->rows - i) * p->D * sizeof(float));
    cs_norm_hand_over(&p->lane, s, p->ends, ends->rows, &block->ln1);
    CS_TRY(cs_product_run(ends->qkv[0], s->q, s->h, s->stride, block->q, err));
    for (i = 0; p->config->bidirectional && i < p->batch.texts; i++)
        attend_text(p, i, 1, i * C);
    for (; i < p->batch.texts; i++)
        attend_node(p, i, p->batch.end[i]);
    clear_rows(p, i, ends->rows);
    return cs_block_finish(&p->lane, ends, block, p->ends, s, err);
}

clipspan_status cs_text_pass_run(float *embeddings, cs_text_pass *pass, const int32_t *tokens,
                                 size_t count, int unit, clipspan_error *err)
{
    cs_text_pass *p = pass;
    const cs_tower *t = p->lane.tower;
    const cs_rows *all, *ends;
    size_t texts = count * t->embed_width;
    uint64_t odd[3] = {0, 0, 0};
    int l;
    if (cs_text_pass_cut(p, tokens, count) != count)
        return cs_fail(err, CLIPSPAN_E_INTERNAL, "a text batch was cut wrongly");
    all = rows_for(p, p->batch.nodes);
    ends = rows_for(p, p->batch.texts);
    embed_tokens(p, all->rows);
    for (l = 0; l + 1 < t->config.layers; l++)
        CS_TRY(run_block(p, all, &t->blocks[l], err));
    CS_TRY(run_last_block(p, all, ends, &t->blocks[l], err));
    CS_TRY(cs_read_out(&p->lane, ends, p->embeddings, p->ends, &p->scratch, unit, err));
    p->lane.simd->count_odd(odd, p->embeddings, texts);
    if (odd[0] + odd[1] > 0)
        return cs_fail(err, CLIPSPAN_E_NUMBERS,
                       "a text embedding is not finite: the weights overflow in %s",
                       t->precision == CLIPSPAN_BF16 ? "bf16; try f32" : "float32");
    memcpy(embeddings, p->embeddings, texts * sizeof *embeddings);
    return CLIPSPAN_OK;
}
