/* SPDX-License-Identifier: MIT */
/* Coefficients of a chunk: what cs_coder_put makes of one image, and what cs_coder_finish makes of
 * all of them, a layer a job. */
#include "decompose/coefficients.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "formats/widen.h"

#include <math.h>
#include <string.h>

#define F16_MOST 65520.0 /* from here on a number rounds to infinity */

/* ---- The chunk ---- */

static void plan_coefficients(cs_coefficients *c)
{
    const cs_shape *s = &c->shape;
    size_t B = c->room;
    c->used = cs_arena_carve(&c->arena, B, 1);
    c->z = cs_arena_carve(&c->arena, s->L * s->D * B, sizeof(float));
    c->z_class = cs_arena_carve(&c->arena, s->L * s->D * B, sizeof(float));
    c->scale = cs_arena_carve(&c->arena, 3 * B, sizeof(double));
    c->embedding = cs_arena_carve(&c->arena, B * s->P, sizeof(float));
    c->mlp = cs_arena_carve(&c->arena, (s->L + 1) * B * s->P, sizeof(float));
    c->class_self_attention = cs_arena_carve(&c->arena, s->L * B * s->P, sizeof(float));
    c->attention = cs_arena_carve(&c->arena, s->L * B * s->P, sizeof(float));
}

clipspan_status cs_coefficients_new(cs_coefficients **out, cs_shape shape, size_t room,
                                    clipspan_error *err)
{
    clipspan_status status;
    cs_coefficients *c = cs_alloc_zero(1, sizeof *c, "coefficients", err);
    *out = NULL;
    if (!c) return CLIPSPAN_E_NOMEM;
    c->shape = shape;
    c->room = room;
    plan_coefficients(c);
    CS_TRY_DONE(cs_arena_take(&c->arena, "coefficients", err));
    plan_coefficients(c);
    *out = c;
    c = NULL;
done:
    cs_coefficients_free(&c);
    return status;
}

void cs_coefficients_free(cs_coefficients **coefficients)
{
    cs_coefficients *c = coefficients ? *coefficients : NULL;
    if (!c) return;
    cs_arena_fini(&c->arena);
    cs_free(c);
    *coefficients = NULL;
}

void cs_coefficients_clear(cs_coefficients *coefficients)
{
    memset(coefficients->arena.base, 0, coefficients->arena.size);
}

size_t cs_coefficients_memory(const cs_coefficients *coefficients)
{
    return coefficients->arena.size;
}

size_t cs_coefficients_count(const cs_coefficients *coefficients)
{
    size_t i, count = 0;
    for (i = 0; i < coefficients->room; i++)
        count += coefficients->used[i] != 0;
    return count;
}

void cs_coefficients_get(double *y, const cs_coefficients *coefficients, size_t slot, size_t layer,
                         size_t head)
{
    const cs_shape *s = &coefficients->shape;
    const float *z = coefficients->z + ((layer * s->H + head) * coefficients->room + slot) * s->K;
    const double *scale = coefficients->scale + 3 * slot;
    size_t k;
    for (k = 0; k < s->K; k++)
        y[k] = (double)z[k] * scale[0];
    memcpy(y + s->K, scale, 3 * sizeof *y);
}

/* ---- The coder ---- */

/* What one thread works with. */
typedef struct coder_lane {
    cs_product *mlp;      /* L + 1 rows to the joint image-text embedding space */
    cs_product **out;     /* [kinds] B rows through W_O of a layer */
    cs_product *joint;    /* B rows to the joint image-text embedding space */
    float *x, *y, *panel; /* [B or L + 1, D] */
    void *narrow;         /* x in bf16, or x */
    float *result;        /* [B or L + 1, P] */
    uint16_t *half;       /* as many */
    clipspan_error error;
} coder_lane;

struct cs_coder {
    const cs_output_map *output_map;
    const cs_tower *tower;
    const cs_simd *simd;
    cs_shape shape;
    cs_coefficient_format format;
    size_t room;
    int lanes;
    coder_lane *lane; /* [lanes] */
    cs_arena arena;
};

static void plan_coder(cs_coder *c)
{
    const cs_shape *s = &c->shape;
    size_t rows = c->room > s->L + 1 ? c->room : s->L + 1;
    size_t wide = s->P > s->K ? s->P : s->K;
    int i, bf16 = c->tower->split_precision == CLIPSPAN_BF16;
    for (i = 0; i < c->lanes; i++) {
        coder_lane *l = &c->lane[i];
        l->x = cs_arena_carve(&c->arena, rows * s->D, sizeof(float));
        l->narrow = bf16 ? cs_arena_carve(&c->arena, rows * s->D, sizeof(uint16_t)) : (void *)l->x;
        l->y = cs_arena_carve(&c->arena, rows * s->D, sizeof(float));
        l->panel = cs_arena_carve(&c->arena, rows * s->D, sizeof(float));
        l->result = cs_arena_carve(&c->arena, rows * s->P, sizeof(float));
        l->half = cs_arena_carve(&c->arena, wide, sizeof(uint16_t));
    }
}

clipspan_status cs_coder_new(cs_coder **out, const cs_output_map *output_map, const cs_tower *tower,
                             size_t room, cs_coefficient_format format, int lanes,
                             const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_coder *c = cs_alloc_zero(1, sizeof *c, "a coder", err);
    size_t k;
    int i;
    *out = NULL;
    if (!c) return CLIPSPAN_E_NOMEM;
    c->output_map = output_map;
    c->tower = tower;
    c->simd = simd;
    c->shape = output_map->shape;
    c->format = format;
    c->room = room;
    c->lanes = lanes;
    c->lane = cs_alloc_zero((size_t)lanes, sizeof *c->lane, "a coder", err);
    if (!c->lane) goto done;
    plan_coder(c);
    CS_TRY_DONE(cs_arena_take(&c->arena, "a coder", err));
    plan_coder(c);
    for (i = 0; i < lanes; i++) {
        cs_product_plan one = {c->shape.L + 1, CS_STORE, 0, 1}, all = {room, CS_STORE, 0, 1};
        coder_lane *l = &c->lane[i];
        CS_TRY_DONE(cs_product_new(&l->mlp, output_map->joint, one, simd, err));
        CS_TRY_DONE(cs_product_new(&l->joint, output_map->joint, all, simd, err));
        l->out = cs_alloc_zero(tower->split_kinds, sizeof(cs_product *), "a coder", err);
        status = CLIPSPAN_E_NOMEM;
        if (!l->out) goto done;
        for (k = 0; k < tower->split_kinds; k++)
            CS_TRY_DONE(cs_product_new(&l->out[k], tower->split_kind[k]->out, all, simd, err));
    }
    *out = c;
    c = NULL;
done:
    cs_coder_free(&c);
    return status;
}

void cs_coder_free(cs_coder **coder)
{
    cs_coder *c = coder ? *coder : NULL;
    size_t k;
    int i;
    if (!c) return;
    for (i = 0; c->lane && i < c->lanes; i++) {
        cs_product_free(&c->lane[i].mlp);
        cs_product_free(&c->lane[i].joint);
        for (k = 0; c->lane[i].out && k < c->tower->split_kinds; k++)
            cs_product_free(&c->lane[i].out[k]);
        cs_free(c->lane[i].out);
    }
    cs_free(c->lane);
    cs_arena_fini(&c->arena);
    cs_free(c);
    *coder = NULL;
}

size_t cs_coder_memory(const cs_coder *coder)
{
    return coder->arena.size;
}

/* As the numbers will be kept; 0 when one is beyond what that can hold. */
static int keep(float *x, size_t count, cs_coefficient_format format, uint16_t *half)
{
    size_t i;
    if (format == CS_COEFFICIENTS_F32) return 1;
    for (i = 0; i < count; i++)
        if (!(fabs((double)x[i]) < F16_MOST)) return 0;
    cs_narrow_f16(half, x, count);
    cs_widen_f16(x, half, count);
    return 1;
}

static clipspan_status too_large(const char *what, size_t layer, clipspan_error *err)
{
    return cs_fail(
        err, CLIPSPAN_E_NUMBERS,
        "%s of layer %zu holds numbers beyond 65,504, the range of f16; keep coefficients in "
        "f32",
        what, layer);
}

/* x : [rows, D] to the column panels of products to the joint image-text embedding space. */
static void into_panels(float *to, const float *x, size_t rows, const cs_output_map *b)
{
    size_t D = b->shape.D, panel = D / b->panels, p, i;
    for (p = 0; p < b->panels; p++)
        for (i = 0; i < rows; i++, to += panel)
            memcpy(to, x + i * D + p * panel, panel * sizeof *to);
}

/* A component from x G : [P], in place: (x G + bias_part b_O G - mu share g1) / (sigma rho)
 * + share gb / rho. bias NULL: without. */
static void finish_component(float *component, const cs_output_map *b, const double *scale,
                             double share, const double *bias, double bias_part)
{
    size_t p;
    for (p = 0; p < b->shape.P; p++)
        component[p] =
            (float)(((double)component[p] + (bias ? bias_part * bias[p] : 0.0)) * scale[0] +
                    share * (b->mean_share[p] * scale[1] + b->beta_share[p] * scale[2]));
}

/* All that cs_coder_put writes. */
static void empty_slot(cs_coefficients *coefficients, size_t slot)
{
    const cs_shape *s = &coefficients->shape;
    size_t i, B = coefficients->room;
    coefficients->used[slot] = 0;
    for (i = 0; i < s->L * s->H; i++) {
        memset(coefficients->z + (i * B + slot) * s->K, 0, s->K * sizeof(float));
        memset(coefficients->z_class + (i * B + slot) * s->K, 0, s->K * sizeof(float));
    }
    memset(coefficients->scale + 3 * slot, 0, 3 * sizeof(double));
    memset(coefficients->embedding + slot * s->P, 0, s->P * sizeof(float));
    for (i = 0; i <= s->L; i++)
        memset(coefficients->mlp + (i * B + slot) * s->P, 0, s->P * sizeof(float));
}

static clipspan_status put_image(cs_coder *coder, coder_lane *lane, cs_coefficients *coefficients,
                                 size_t slot, const cs_trace *trace, clipspan_error *err)
{
    const cs_shape *s = &coder->shape;
    const cs_output_map *b = coder->output_map;
    double *scale = coefficients->scale + 3 * slot, share = 1.0 / (2.0 * (double)s->L + 1.0);
    size_t l, h, B = coefficients->room;
    scale[0] = 1.0 / (trace->sigma * trace->norm);
    scale[1] = -trace->mean / (trace->sigma * trace->norm);
    scale[2] = 1.0 / trace->norm;
    for (l = 0; l < s->L; l++)
        for (h = 0; h < s->H; h++) {
            size_t from = l * s->D + h * s->K, to = ((l * s->H + h) * B + slot) * s->K;
            memcpy(coefficients->z + to, trace->z + from, s->K * sizeof(float));
            memcpy(coefficients->z_class + to, trace->z_class + from, s->K * sizeof(float));
            if (!keep(coefficients->z + to, s->K, coder->format, lane->half))
                return too_large("attention", l, err);
        }
    memcpy(coefficients->embedding + slot * s->P, trace->embedding, s->P * sizeof(float));
    into_panels(lane->panel, trace->written, s->L + 1, b);
    CS_TRY(cs_product_run(lane->mlp, lane->result, lane->panel, (s->L + 1) * (s->D / b->panels),
                          b->joint, err));
    for (l = 0; l <= s->L; l++) {
        float *to = coefficients->mlp + (l * B + slot) * s->P;
        memcpy(to, lane->result + l * s->P, s->P * sizeof *to);
        finish_component(to, b, scale, share, NULL, 0.0);
        if (!keep(to, s->P, coder->format, lane->half))
            return too_large("the MLP contribution", l, err);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_coder_put(cs_coder *coder, int lane_number, cs_coefficients *coefficients,
                             size_t slot, const cs_trace *trace, clipspan_error *err)
{
    clipspan_status status =
        put_image(coder, &coder->lane[lane_number], coefficients, slot, trace, err);
    if (status != CLIPSPAN_OK)
        empty_slot(coefficients, slot);
    else
        coefficients->used[slot] = 1;
    return status;
}

/* ---- The end of a chunk ---- */

typedef struct finish_job {
    cs_coder *coder;
    cs_coefficients *coefficients;
} finish_job;

/* result : [B, P] = (z W_O + b_O) G of a layer; z : [H, B, K], head-major. */
static clipspan_status through_layer(cs_coder *c, coder_lane *lane, const float *z, size_t layer,
                                     clipspan_error *err)
{
    const cs_shape *s = &c->shape;
    const cs_tower *t = c->tower;
    const cs_output_map *b = c->output_map;
    const cs_block *block = &t->split[layer];
    size_t panel = block->width / block->out_panels, heads = panel / s->K, B = c->room, h, i;
    for (h = 0; h < block->heads; h++)
        for (i = 0; i < B; i++)
            memcpy(lane->x + (h / heads * B + i) * panel + h % heads * s->K,
                   z + (cs_block_head(block, h) * B + i) * s->K, s->K * sizeof *z);
    if (t->split_precision == CLIPSPAN_BF16)
        c->simd->bf16_from_f32(lane->narrow, lane->x, B * block->width);
    CS_TRY(
        cs_product_run(lane->out[block->kind], lane->y, lane->narrow, B * panel, block->out, err));
    into_panels(lane->panel, lane->y, B, b);
    return cs_product_run(lane->joint, lane->result, lane->panel, B * (s->D / b->panels), b->joint,
                          err);
}

static clipspan_status finish_layer(const finish_job *j, coder_lane *lane, size_t l,
                                    clipspan_error *err)
{
    cs_coder *c = j->coder;
    cs_coefficients *coefficients = j->coefficients;
    const cs_shape *s = &c->shape;
    const double *bias = c->output_map->bias + l * s->P;
    double tokens = (double)s->N, share = 1.0 / (2.0 * (double)s->L + 1.0);
    size_t B = c->room, i, at = l * B * s->D;
    float *to = coefficients->attention + l * B * s->P;
    CS_TRY(through_layer(c, lane, coefficients->z + at, l, err));
    memcpy(to, lane->result, B * s->P * sizeof *to);
    for (i = 0; i < B; i++)
        finish_component(to + i * s->P, c->output_map, coefficients->scale + 3 * i, share, NULL,
                         0.0);
    to = coefficients->class_self_attention + l * B * s->P;
    if (!c->tower->class_token) { /* nothing attends to itself */
        memset(to, 0, B * s->P * sizeof *to);
        return CLIPSPAN_OK;
    }
    CS_TRY(through_layer(c, lane, coefficients->z_class + at, l, err));
    memcpy(to, lane->result, B * s->P * sizeof *to);
    for (i = 0; i < B; i++, to += s->P) {
        finish_component(to, c->output_map, coefficients->scale + 3 * i, share / tokens, bias,
                         1.0 / tokens - 1.0);
        if (!keep(to, s->P, c->format, lane->half))
            return too_large("the class-token self-attention", l, err);
    }
    return CLIPSPAN_OK;
}

static void run_finish(void *context, size_t layer, int lane_number)
{
    const finish_job *j = context;
    coder_lane *lane = &j->coder->lane[lane_number];
    if (lane->error.code == CLIPSPAN_OK) finish_layer(j, lane, layer, &lane->error);
}

clipspan_status cs_coder_finish(cs_coder *coder, cs_coefficients *coefficients, int threads,
                                clipspan_error *err)
{
    finish_job job = {coder, coefficients};
    int i;
    for (i = 0; i < coder->lanes; i++)
        cs_clear(&coder->lane[i].error);
    cs_parallel_for(coder->shape.L, threads, run_finish, &job);
    for (i = 0; i < coder->lanes; i++)
        if (coder->lane[i].error.code != CLIPSPAN_OK) {
            if (err) *err = coder->lane[i].error;
            return coder->lane[i].error.code;
        }
    return CLIPSPAN_OK;
}
