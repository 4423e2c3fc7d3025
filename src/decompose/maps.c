/* SPDX-License-Identifier: MIT */
/* The sink, the scaling at the end, and the read-outs of patches beside it. */
#include "decompose/maps.h"
#include "base/memory.h"
#include "tensor/dot.h"

#include <math.h>
#include <string.h>

struct cs_maps {
    const cs_map_texts *texts;
    const cs_output_map *output_map;
    const cs_tower *tower;
    const cs_simd *simd;
    cs_map_plan plan;
    cs_shape shape;
    uint8_t *chosen;  /* [L, H] */
    uint8_t *group;   /* [L, H] */
    double *rest;     /* [1 + groups, 3, T] summed over the chosen heads, and over each group's */
    float *sum;       /* [1 + groups, blocks, N, CS_MAP_BLOCK] */
    float *raw;       /* [L, H, blocks, N, CS_MAP_BLOCK] with `each`, else one head's and block's */
    float *attention; /* [N] */
    float *rows;      /* [N, D] tokens that leave the last block */
    float *values;    /* [N, D] values of the last block */
    float *panels;    /* [N, D] of either in the column panels that a product wants */
    float *wide;      /* [N, max(D, P)] */
    float *written;   /* [L + 1, D] what enters the first layer and MLPs write, in column panels */
    float *components; /* [L + 1, P] the same through G */
    cs_product *joint; /* x G */
    cs_product *out;   /* W_O and b_O of the last block */
    cs_product *mlps;  /* L + 1 rows x G */
    cs_rollout rollout;
    cs_arena arena;
};

/* ---- Making ---- */

static void plan_memory(cs_maps *m)
{
    const cs_shape *s = &m->shape;
    size_t block = m->texts->blocks * CS_MAP_BLOCK, L = s->L, H = s->H;
    size_t sums = 1 + m->plan.groups;
    int reads = (m->plan.kinds & (CS_MAP_PATCHES | CS_MAP_VALUES)) != 0;
    m->chosen = cs_arena_carve(&m->arena, L * H, 1);
    m->group = cs_arena_carve(&m->arena, L * H, 1);
    m->rest = cs_arena_carve(&m->arena, sums * 3 * m->texts->T, sizeof(double));
    m->sum = cs_arena_carve(&m->arena, sums * s->N, block * sizeof(float));
    m->raw = m->plan.each ? cs_arena_carve(&m->arena, L * H * s->N, block * sizeof(float))
                          : cs_arena_carve(&m->arena, s->N, CS_MAP_BLOCK * sizeof(float));
    m->attention = cs_arena_carve(&m->arena, s->N, sizeof(float));
    if (m->plan.kinds & CS_MAP_MLPS) {
        m->written = cs_arena_carve(&m->arena, (L + 1) * s->D, sizeof(float));
        m->components = cs_arena_carve(&m->arena, (L + 1) * s->P, sizeof(float));
    }
    if (!reads) return;
    m->rows = cs_arena_carve(&m->arena, s->N * s->D, sizeof(float));
    m->values = cs_arena_carve(&m->arena, s->N * s->D, sizeof(float));
    m->panels = cs_arena_carve(&m->arena, s->N * s->D, sizeof(float));
    m->wide = cs_arena_carve(&m->arena, s->N * (s->D > s->P ? s->D : s->P), sizeof(float));
}

static void choose_heads(cs_maps *m, const cs_map_plan *plan)
{
    const cs_shape *s = &m->shape;
    const size_t size = 3 * m->texts->T;
    size_t i, r;
    for (i = 0; i < s->L * s->H; i++) {
        const double *rest = m->texts->rest + i * size;
        m->chosen[i] = !plan->chosen || plan->chosen[i];
        m->group[i] = m->chosen[i] && plan->group ? plan->group[i] : 0;
        for (r = 0; m->chosen[i] && r < size; r++)
            m->rest[r] += rest[r];
        for (r = 0; m->group[i] && r < size; r++)
            m->rest[m->group[i] * size + r] += rest[r];
    }
}

clipspan_status cs_maps_new(cs_maps **out, const cs_map_texts *texts,
                            const cs_output_map *output_map, const cs_tower *tower,
                            const cs_map_plan *plan, const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status;
    cs_maps *m = cs_alloc_zero(1, sizeof *m, "maps", err);
    cs_product_plan rows = {output_map->shape.N, CS_STORE, 0, 1};
    cs_product_plan components = {output_map->shape.L + 1, CS_STORE, 0, 1};
    *out = NULL;
    if (!m) return CLIPSPAN_E_NOMEM;
    m->texts = texts;
    m->output_map = output_map;
    m->tower = tower;
    m->simd = simd;
    m->plan = *plan;
    m->shape = output_map->shape;
    plan_memory(m);
    CS_TRY_DONE(cs_arena_take(&m->arena, "maps", err));
    plan_memory(m);
    choose_heads(m, plan);
    if (plan->kinds & (CS_MAP_PATCHES | CS_MAP_VALUES))
        CS_TRY_DONE(cs_product_new(&m->joint, output_map->joint, rows, simd, err));
    if (plan->kinds & CS_MAP_VALUES)
        CS_TRY_DONE(cs_product_new(&m->out, tower->split[m->shape.L - 1].out, rows, simd, err));
    if (plan->kinds & CS_MAP_MLPS)
        CS_TRY_DONE(cs_product_new(&m->mlps, output_map->joint, components, simd, err));
    if (plan->kinds & CS_MAP_ROLLOUT)
        CS_TRY_DONE(cs_rollout_init(&m->rollout, m->shape, simd, err));
    *out = m;
    m = NULL;
done:
    cs_maps_free(&m);
    return status;
}

void cs_maps_free(cs_maps **maps)
{
    cs_maps *m = maps ? *maps : NULL;
    if (!m) return;
    cs_product_free(&m->joint);
    cs_product_free(&m->out);
    cs_product_free(&m->mlps);
    cs_rollout_fini(&m->rollout);
    cs_arena_fini(&m->arena);
    cs_free(m);
    *maps = NULL;
}

/* ---- While layers run ---- */

/* out[j,i] = a[j] (v[j] . u(i)) for a block of texts, added to sum.   u : [K, CS_MAP_BLOCK] */
static void score_block(float *restrict out, float *restrict sum, const float *a, const float *v,
                        const float *restrict u, const cs_shape *s)
{
    size_t j, k, i;
    for (j = 0; j < s->N; j++, v += s->D, out += CS_MAP_BLOCK, sum += CS_MAP_BLOCK) {
        float even[CS_MAP_BLOCK] = {0}, odd[CS_MAP_BLOCK] = {0};
        for (k = 0; k + 1 < s->K; k += 2)
            for (i = 0; i < CS_MAP_BLOCK; i++) {
                even[i] += v[k] * u[k * CS_MAP_BLOCK + i];
                odd[i] += v[k + 1] * u[(k + 1) * CS_MAP_BLOCK + i];
            }
        for (i = 0; k < s->K && i < CS_MAP_BLOCK; i++)
            even[i] += v[k] * u[k * CS_MAP_BLOCK + i];
        for (i = 0; i < CS_MAP_BLOCK; i++) {
            out[i] = a[j] * (even[i] + odd[i]);
            sum[i] += out[i];
        }
    }
}

static void add_block(float *restrict sum, const float *restrict raw, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++)
        sum[i] += raw[i];
}

static void score_layer(cs_maps *m, const cs_layer_view *view)
{
    const cs_shape *s = &m->shape;
    size_t piece = s->N * CS_MAP_BLOCK, blocks = m->texts->blocks, h, b;
    for (h = 0; h < s->H; h++) {
        size_t head = view->layer * s->H + h;
        if (!m->chosen[head]) continue;
        for (b = 0; b < blocks; b++) {
            float *raw = m->raw + (m->plan.each ? (head * blocks + b) * piece : 0);
            score_block(raw, m->sum + b * piece, view->attention + h * s->N,
                        view->values + h * s->K,
                        m->texts->u + (head * blocks + b) * s->K * CS_MAP_BLOCK, s);
            if (m->group[head])
                add_block(m->sum + (m->group[head] * blocks + b) * piece, raw, piece);
        }
    }
}

static void keep_attention(cs_maps *m, const cs_layer_view *view)
{
    const cs_shape *s = &m->shape;
    size_t h, j;
    memset(m->attention, 0, s->N * sizeof *m->attention);
    for (h = 0; h < s->H; h++)
        for (j = 0; j < s->N; j++)
            m->attention[j] += view->attention[h * s->N + j] / (float)view->heads;
}

static void take_layer(void *user, const cs_layer_view *view)
{
    cs_maps *m = user;
    const cs_shape *s = &m->shape;
    if (view->layer == 0)
        memset(m->sum, 0,
               (1 + m->plan.groups) * m->texts->blocks * s->N * CS_MAP_BLOCK * sizeof *m->sum);
    score_layer(m, view);
    if (view->layer == m->plan.layer) keep_attention(m, view);
    if (m->plan.kinds & CS_MAP_ROLLOUT) cs_rollout_layer(&m->rollout, view);
    if ((m->plan.kinds & CS_MAP_VALUES) && view->layer == s->L - 1)
        memcpy(m->values, view->values, s->N * s->D * sizeof *m->values);
}

cs_layer_sink cs_maps_sink(cs_maps *maps)
{
    cs_layer_sink sink = {.layer = take_layer, .user = maps};
    if (maps->plan.kinds & CS_MAP_PATCHES) sink.rows = maps->rows;
    return sink;
}

/* ---- At the end ---- */

/* out : [T, N] = raw scale[0] + an N-th of the constants.   raw : [blocks, N, CS_MAP_BLOCK]
 * rest : [3, T] */
static void scale_scores(float *out, const float *raw, const double *rest, const double *scale,
                         const cs_maps *m)
{
    size_t T = m->texts->T, N = m->shape.N, t, j;
    for (t = 0; t < T; t++) {
        const float *from = raw + t / CS_MAP_BLOCK * N * CS_MAP_BLOCK + t % CS_MAP_BLOCK;
        double constant =
            (rest[t] * scale[0] + rest[T + t] * scale[1] + rest[2 * T + t] * scale[2]) / (double)N;
        for (j = 0; j < N; j++)
            out[t * N + j] = (float)((double)from[j * CS_MAP_BLOCK] * scale[0] + constant);
    }
}

/* Rows [N, D] into column panels [panels][N, D / panels]. */
static void to_panels(float *to, const float *from, size_t N, size_t D, size_t panels)
{
    size_t width = D / panels, p, j;
    for (p = 0; p < panels; p++)
        for (j = 0; j < N; j++, to += width)
            memcpy(to, from + j * D + p * width, width * sizeof *to);
}

/* x : [N, D], changed. Through ln_post and P, each row made a unit vector, scored: out : [T, N]. */
static clipspan_status read_rows(float *out, cs_maps *m, float *x, clipspan_error *err)
{
    const cs_shape *s = &m->shape;
    const cs_output_map *b = m->output_map;
    const double eps = (double)m->tower->ln_post.eps;
    const int pooled = m->tower->pool.heads > 0; /* no LayerNorm behind its heads */
    size_t j, d, p, t;
    for (j = 0; j < s->N; j++) {
        float *row = x + j * s->D;
        double mean = 0.0, squares = 0.0, over;
        for (d = 0; d < s->D && !pooled; d++)
            mean += (double)row[d] / (double)s->D;
        for (d = 0; d < s->D; d++)
            squares += ((double)row[d] - mean) * ((double)row[d] - mean);
        over = pooled ? 1.0 : 1.0 / sqrt(squares / (double)s->D + eps);
        for (d = 0; d < s->D; d++)
            row[d] = (float)(((double)row[d] - mean) * over);
    }
    to_panels(m->panels, x, s->N, s->D, b->panels);
    CS_TRY(cs_product_run(m->joint, m->wide, m->panels, s->N * (s->D / b->panels), b->joint, err));
    for (j = 0; j < s->N; j++) {
        float *row = m->wide + j * s->P;
        double squares = 0.0;
        for (p = 0; p < s->P; p++) {
            row[p] = (float)((double)row[p] + b->beta_share[p]);
            squares += (double)row[p] * (double)row[p];
        }
        for (t = 0; t < m->texts->T; t++) {
            const float *text = m->texts->vectors + t * s->P;
            double dot = 0.0;
            for (p = 0; p < s->P; p++)
                dot += (double)row[p] * (double)text[p];
            out[t * s->N + j] = squares > 0.0 ? (float)(dot / sqrt(squares)) : 0.0F;
        }
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_values(float *out, cs_maps *m, clipspan_error *err)
{
    const cs_shape *s = &m->shape;
    const cs_block *block = &m->tower->split[s->L - 1];
    size_t stride = s->N * (block->width / block->out_panels), place, j;
    for (place = 0; block->numbers && place < block->heads; place++) /* only heads that are left */
        for (j = 0; j < s->N; j++)
            memcpy(m->wide + j * block->width + place * s->K,
                   m->values + j * s->D + cs_block_head(block, place) * s->K,
                   s->K * sizeof *m->wide);
    to_panels(m->panels, block->numbers ? m->wide : m->values, s->N, block->width,
              block->out_panels);
    if (m->tower->split_precision ==
        CLIPSPAN_BF16) /* values are no longer needed: room for the halves */
        m->simd->bf16_from_f32((uint16_t *)(void *)m->values, m->panels, s->N * block->width);
    CS_TRY(cs_product_run(m->out, m->wide,
                          m->tower->split_precision == CLIPSPAN_BF16 ? m->values : m->panels,
                          stride, block->out, err));
    memcpy(m->values, m->wide, s->N * s->D * sizeof *m->values);
    return read_rows(out, m, m->values, err);
}

/* out : [T, L + 1] = (m[l] G scale[0] + (g1 scale[1] + gb scale[2]) / (2 L + 1)) . t */
static clipspan_status read_mlps(float *out, cs_maps *m, const cs_trace *trace, const double *scale,
                                 clipspan_error *err)
{
    const cs_shape *s = &m->shape;
    const cs_output_map *b = m->output_map;
    const double share = 1.0 / (2.0 * (double)s->L + 1.0);
    size_t rows = s->L + 1, t, l, p;
    to_panels(m->written, trace->written, rows, s->D, b->panels);
    CS_TRY(cs_product_run(m->mlps, m->components, m->written, rows * (s->D / b->panels), b->joint,
                          err));
    for (t = 0; t < m->texts->T; t++) {
        const float *text = m->texts->vectors + t * s->P;
        double constant = 0.0;
        for (p = 0; p < s->P; p++)
            constant += (b->mean_share[p] * scale[1] + b->beta_share[p] * scale[2]) * share *
                        (double)text[p];
        for (l = 0; l < rows; l++)
            out[t * rows + l] =
                (float)(cs_dot_f32(m->components + l * s->P, text, s->P) * scale[0] + constant);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_maps_get(const cs_map_result *out, cs_maps *m, const cs_trace *trace,
                            clipspan_error *err)
{
    const cs_shape *s = &m->shape;
    size_t T = m->texts->T, piece = m->texts->blocks * s->N * CS_MAP_BLOCK, head, group;
    double scale[3] = {1.0 / (trace->sigma * trace->norm), 0.0, 1.0 / trace->norm};
    scale[1] = -trace->mean * scale[0];
    if (out->heads) scale_scores(out->heads, m->sum, m->rest, scale, m);
    for (group = 0; out->groups && group < m->plan.groups; group++)
        scale_scores(out->groups + group * T * s->N, m->sum + (1 + group) * piece,
                     m->rest + (1 + group) * 3 * T, scale, m);
    for (head = 0; out->each && head < s->L * s->H; head++) {
        float *to = out->each + head * T * s->N;
        if (m->chosen[head])
            scale_scores(to, m->raw + head * piece, m->texts->rest + head * 3 * T, scale, m);
        else
            memset(to, 0, T * s->N * sizeof *to);
    }
    if (out->attention) memcpy(out->attention, m->attention, s->N * sizeof *out->attention);
    if (out->rollout) cs_rollout_get(out->rollout, &m->rollout);
    if (out->mlps) CS_TRY(read_mlps(out->mlps, m, trace, scale, err));
    if (out->patches) CS_TRY(read_rows(out->patches, m, m->rows, err));
    return out->values ? read_values(out->values, m, err) : CLIPSPAN_OK;
}
