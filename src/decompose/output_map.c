/* SPDX-License-Identifier: MIT */
/* A from the weights, a layer a job: W_O^T in rows, times G. */
#include "decompose/output_map.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <string.h>

#define PANEL 64 /* numbers that one float32 sum adds up at most, where the width allows it */

cs_shape cs_shape_get(const cs_config *config)
{
    const cs_tower_config *split = cs_config_split(config);
    cs_shape s;
    s.L = (size_t)split->layers;
    s.H = (size_t)split->heads;
    s.K = (size_t)split->head_width;
    s.D = (size_t)split->width;
    s.N = (size_t)config->tokens;
    s.P = (size_t)config->embed_width;
    s.C = s.K + 3;
    return s;
}

size_t cs_output_map_panels(size_t width)
{
    size_t panel;
    for (panel = PANEL; panel >= 16; panel--)
        if (width % panel == 0) return width / panel;
    return 1;
}

const float *cs_output_map_head(const cs_output_map *output_map, size_t layer, size_t head)
{
    const cs_shape *s = &output_map->shape;
    return output_map->rows + (layer * s->H + head) * s->C * s->P;
}

/* A part as float32: [rows, columns] as stored. */
static clipspan_status read_part(float **out, const cs_checkpoint *checkpoint, cs_part part,
                                 int layer, clipspan_error *err)
{
    clipspan_status status;
    cs_tensor_ref ref = cs_checkpoint_part(checkpoint, CLIPSPAN_IMAGE, part, layer);
    float *data = cs_alloc_aligned((size_t)(ref.rows * ref.columns), sizeof *data, "a tensor", err);
    *out = NULL;
    if (!data) return CLIPSPAN_E_NOMEM;
    status = cs_checkpoint_read(data, checkpoint, ref, err);
    if (status != CLIPSPAN_OK) {
        cs_free(data);
        return status;
    }
    *out = data;
    return CLIPSPAN_OK;
}

/* ---- G, shared by all layers ---- */

typedef struct maker {
    const cs_checkpoint *checkpoint;
    cs_output_map *output_map;
    const cs_simd *simd;
    clipspan_precision precision;
    float *gain, *projection; /* [D], [D, P] or [P, D] when turned */
    int turned, pooled;
    clipspan_error *errors; /* [L] */
} maker;

static double projected(const maker *m, size_t d, size_t p)
{
    const cs_shape *s = &m->output_map->shape;
    return (double)(m->turned ? m->projection[p * s->D + d] : m->projection[d * s->P + p]);
}

/* out[p] = sum_d x[d] gain[d] P[d, p], without the gain when it is NULL. */
static void project(double *out, const maker *m, const float *x, const float *gain)
{
    const cs_shape *s = &m->output_map->shape;
    size_t d, p;
    memset(out, 0, s->P * sizeof *out);
    for (d = 0; m->pooled && d < s->D; d++)
        out[d] = (double)x[d];
    if (m->pooled) return;
    for (d = 0; d < s->D; d++) {
        double value = (x ? (double)x[d] : 1.0) * (gain ? (double)gain[d] : 1.0);
        for (p = 0; p < s->P; p++)
            out[p] += value * projected(m, d, p);
    }
}

/* G of ln_post and P; g1 and gb. */
static clipspan_status read_joint(maker *m, float *joint, clipspan_error *err)
{
    clipspan_status status;
    cs_output_map *b = m->output_map;
    const cs_shape *s = &b->shape;
    cs_tensor_ref ref = cs_checkpoint_part(m->checkpoint, CLIPSPAN_IMAGE, CS_PROJECTION, 0);
    float *beta = NULL;
    size_t d, p;
    m->turned = ref.transposed;
    CS_TRY_DONE(read_part(&m->gain, m->checkpoint, CS_LN_POST_WEIGHT, 0, err));
    CS_TRY_DONE(read_part(&m->projection, m->checkpoint, CS_PROJECTION, 0, err));
    CS_TRY_DONE(read_part(&beta, m->checkpoint, CS_LN_POST_BIAS, 0, err));
    project(b->mean_share, m, NULL, m->gain);
    project(b->beta_share, m, beta, NULL);
    for (p = 0; p < s->P; p++)
        for (d = 0; d < s->D; d++)
            joint[p * s->D + d] = (float)((double)m->gain[d] * projected(m, d, p));
done:
    cs_free(beta);
    return status;
}

/* The heads of an attention pool write into the embedding itself: G is 1, nothing is shared out. */
static void make_one(cs_output_map *b, float *joint)
{
    const size_t D = b->shape.D;
    memset(joint, 0, D * D * sizeof *joint);
    for (size_t d = 0; d < D; d++) {
        joint[d * D + d] = 1.0F;
        b->mean_share[d] = b->beta_share[d] = 0.0;
    }
}

static clipspan_status make_joint(maker *m, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_output_map *b = m->output_map;
    const cs_shape *s = &b->shape;
    float *joint = cs_alloc_aligned(s->P * s->D, sizeof *joint, "the projection", err);
    b->mean_share = cs_alloc(s->P, sizeof *b->mean_share, "a output map", err);
    b->beta_share = cs_alloc(s->P, sizeof *b->beta_share, "a output map", err);
    if (!joint || !b->mean_share || !b->beta_share) goto done;
    if (m->pooled)
        make_one(b, joint);
    else
        CS_TRY_DONE(read_joint(m, joint, err));
    b->panels = cs_output_map_panels(s->D);
    status = cs_matrix_new(&b->joint, joint, NULL, s->P, s->D, b->panels, CLIPSPAN_F32, err);
done:
    cs_free(joint);
    return status;
}

/* ---- One layer ---- */

/* x : [panels][K, D / panels] = rows of W_O^T of the layer's `place`-th head; W_O : [D, width],
 * rows are outputs. */
static void turn_head(float *x, const float *weights, const cs_output_map *b, size_t width,
                      size_t place)
{
    const cs_shape *s = &b->shape;
    size_t panel = s->D / b->panels, d, k;
    for (d = 0; d < s->D; d++)
        for (k = 0; k < s->K; k++)
            x[(d / panel * s->K + k) * panel + d % panel] = weights[d * width + place * s->K + k];
}

/* The three rows below the weights' rows: shared by the `count` heads of a layer. */
static void put_shares(float *rows, const cs_output_map *b, size_t layer, size_t count)
{
    const cs_shape *s = &b->shape;
    double heads = (double)count, components = 2.0 * (double)s->L + 1.0;
    size_t p;
    for (p = 0; p < s->P; p++) {
        rows[p] = (float)(b->bias[layer * s->P + p] / heads);
        rows[s->P + p] = (float)(b->mean_share[p] / (components * heads));
        rows[2 * s->P + p] = (float)(b->beta_share[p] / (components * heads));
    }
}

/* The weights as a bf16 pass multiplies them. */
static clipspan_status round_weights(float *weights, size_t count, const cs_simd *simd,
                                     clipspan_error *err)
{
    uint16_t *half = cs_alloc_aligned(count, sizeof *half, "rounded weights", err);
    if (!half) return CLIPSPAN_E_NOMEM;
    simd->bf16_from_f32(half, weights, count);
    simd->f32_from_bf16(weights, half, count);
    cs_free(half);
    return CLIPSPAN_OK;
}

static clipspan_status make_layer(maker *m, size_t layer, clipspan_error *err)
{
    clipspan_status status;
    cs_output_map *b = m->output_map;
    const cs_shape *s = &b->shape;
    cs_product_plan plan = {s->K, CS_STORE, 0, 1};
    cs_product *product = NULL;
    float *weights = NULL, *bias = NULL, *x = NULL;
    const cs_config *config = cs_checkpoint_config(m->checkpoint);
    const size_t count = m->pooled ? s->H : (size_t)cs_config_heads(config, (int)layer);
    size_t place;
    CS_TRY_DONE(read_part(&weights, m->checkpoint, m->pooled ? CS_POOL_OUT_WEIGHT : CS_OUT_WEIGHT,
                          (int)layer, err));
    CS_TRY_DONE(read_part(&bias, m->checkpoint, m->pooled ? CS_POOL_OUT_BIAS : CS_OUT_BIAS,
                          (int)layer, err));
    if (m->precision == CLIPSPAN_BF16 && !m->pooled) /* a pool is never rounded */
        CS_TRY_DONE(round_weights(weights, s->D * count * s->K, m->simd, err));
    x = cs_alloc_aligned(s->K * s->D, sizeof *x, "a head's weights", err);
    status = CLIPSPAN_E_NOMEM;
    if (!x) goto done;
    CS_TRY_DONE(cs_product_new(&product, b->joint, plan, m->simd, err));
    project(b->bias + layer * s->P, m, bias, m->gain);
    memset(b->rows + layer * s->H * s->C * s->P, 0, s->H * s->C * s->P * sizeof *b->rows);
    for (place = 0; place < count; place++) {
        const size_t head =
            m->pooled ? place : (size_t)cs_config_head(config, (int)layer, (int)place);
        float *rows = b->rows + (layer * s->H + head) * s->C * s->P;
        turn_head(x, weights, b, count * s->K, place);
        CS_TRY_DONE(cs_product_run(product, rows, x, s->K * (s->D / b->panels), b->joint, err));
        put_shares(rows + s->K * s->P, b, layer, count);
    }
done:
    cs_product_free(&product);
    cs_free(weights);
    cs_free(bias);
    cs_free(x);
    return status;
}

static void run_layer(void *context, size_t layer, int lane)
{
    maker *m = context;
    (void)lane;
    cs_clear(&m->errors[layer]);
    make_layer(m, layer, &m->errors[layer]);
}

clipspan_status cs_output_map_new(cs_output_map **out, const cs_checkpoint *checkpoint,
                                  clipspan_precision precision, int threads, const cs_simd *simd,
                                  clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_output_map *b = cs_alloc_zero(1, sizeof *b, "a output map", err);
    maker m = {checkpoint, b, simd, precision, NULL, NULL, 0, 0, NULL};
    size_t count, l;
    *out = NULL;
    if (!b) return CLIPSPAN_E_NOMEM;
    b->shape = cs_shape_get(cs_checkpoint_config(checkpoint));
    m.pooled = cs_checkpoint_config(checkpoint)->readout == CLIPSPAN_READ_POOL;
    if (!cs_size_mul(&count, b->shape.L * b->shape.H, b->shape.C * b->shape.P)) count = SIZE_MAX;
    b->rows = cs_alloc_aligned(count, sizeof *b->rows, "the output maps of all heads", err);
    b->bias = cs_alloc(b->shape.L * b->shape.P, sizeof *b->bias, "a output map", err);
    m.errors = cs_alloc_zero(b->shape.L, sizeof *m.errors, "a output map", err);
    if (!b->rows || !b->bias || !m.errors) goto done;
    CS_TRY_DONE(make_joint(&m, err));
    cs_parallel_for(b->shape.L, threads, run_layer, &m);
    for (l = 0; l < b->shape.L; l++)
        if (m.errors[l].code != CLIPSPAN_OK) {
            if (err) *err = m.errors[l];
            status = m.errors[l].code;
            goto done;
        }
    *out = b;
    b = NULL;
done:
    cs_free(m.gain);
    cs_free(m.projection);
    cs_free(m.errors);
    cs_output_map_free(&b);
    return status;
}

void cs_output_map_free(cs_output_map **output_map)
{
    cs_output_map *b = output_map ? *output_map : NULL;
    if (!b) return;
    cs_free(b->rows);
    cs_free(b->bias);
    cs_free(b->mean_share);
    cs_free(b->beta_share);
    cs_matrix_free(&b->joint);
    cs_free(b);
    *output_map = NULL;
}
