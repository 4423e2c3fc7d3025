/* SPDX-License-Identifier: MIT */
/* Memory of a sweep, what it keeps of a pass, and the way back over all layers. */
#include "model/sweep_inside.h"

#include <math.h>
#include <string.h>

/* ---- Making room ---- */

static void plan(cs_sweep *s)
{
    const size_t rows = s->N * s->D, slice = s->M / (size_t)s->tower->mlp_parts;
    const size_t kept = s->L * rows;
    float **const passed[] = {&s->enter, &s->middle, &s->queries, &s->keys, &s->values};
    size_t squares;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        *passed[i] = cs_arena_carve(&s->arena, kept, sizeof(float));
    if (!cs_size_mul(&squares, s->H * s->N, s->N)) squares = SIZE_MAX;
    cs_scratch_plan(&s->scratch, &s->arena, s->tower, s->N, 1, s->lane.threads);
    s->act = cs_arena_carve(&s->arena, s->N * s->M, sizeof(float));
    s->gate = cs_arena_carve(&s->arena, s->N * s->M, sizeof(float));
    s->patterns = cs_arena_carve(&s->arena, squares, sizeof(double));
    s->gamma = cs_arena_carve(&s->arena, s->texts * rows, sizeof(float));
    s->hidden = cs_arena_carve(&s->arena, s->N * slice, sizeof(float));
    s->back = cs_arena_carve(&s->arena, rows, sizeof(float));
    s->mixed = cs_arena_carve(&s->arena, rows, sizeof(float));
    s->way = cs_arena_carve(&s->arena, rows, sizeof(float));
    s->pairs = cs_arena_carve(&s->arena, s->N * s->K, sizeof(double));
    s->row = cs_arena_carve(&s->arena, s->N + s->K, sizeof(double));
    s->line = cs_arena_carve(&s->arena, s->N, sizeof(float));
    s->readout = cs_arena_carve(&s->arena, s->texts * s->D, sizeof(double));
    s->constant = cs_arena_carve(&s->arena, s->texts, sizeof(double));
}

static clipspan_status prepare(cs_product **out, const cs_sweep *s, const cs_matrix *like,
                               size_t rows, cs_epilogue epilogue, clipspan_error *err)
{
    const cs_product_plan plan = {rows, epilogue, 0, s->lane.threads};
    return cs_product_new(out, like, plan, s->lane.simd, err);
}

/* which 0: N rows, 1: one. */
static clipspan_status prepare_rows(cs_sweep *s, int which, clipspan_error *err)
{
    const cs_tower *t = s->tower;
    const cs_sweep_layer *like = &s->weights->layers[0];
    const size_t rows = which ? 1 : s->N;
    CS_TRY(prepare(&s->hidden_in[which], s, t->blocks[0].fc[0], rows, CS_STORE, err));
    CS_TRY(prepare(&s->hidden_back[which], s, like->hidden[0], rows, CS_STORE, err));
    CS_TRY(prepare(&s->fc_back[which], s, like->fc[0], rows, CS_ADD, err));
    s->mixed_back[which] = cs_alloc_zero(t->kinds, sizeof(cs_product *), "products", err);
    if (!s->mixed_back[which]) return CLIPSPAN_E_NOMEM;
    for (size_t k = 0; k < t->kinds; k++) {
        const size_t first = (size_t)(t->kind[k] - t->blocks);
        CS_TRY(prepare(&s->mixed_back[which][k], s, s->weights->layers[first].mixed, rows, CS_STORE,
                       err));
        if (!which)
            CS_TRY(prepare(&s->values_back[k], s, s->weights->layers[first].values, rows, CS_STORE,
                           err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_sweep_new(cs_sweep **out, const cs_sweep_weights *weights, const cs_tower *tower,
                             const cs_config *config, size_t texts, int threads,
                             const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status;
    cs_sweep *s = cs_alloc_zero(1, sizeof *s, "a sweep", err);
    *out = NULL;
    if (!s) return CLIPSPAN_E_NOMEM;
    s->weights = weights;
    s->tower = tower;
    s->lane = (cs_lane){tower, simd, threads};
    s->L = (size_t)config->image.layers;
    s->H = (size_t)config->image.heads;
    s->K = (size_t)config->image.head_width;
    s->D = (size_t)config->image.width;
    s->M = (size_t)config->image.mlp_width;
    s->N = (size_t)config->tokens;
    s->P = (size_t)config->embed_width;
    s->texts = texts;
    s->scale = (float)(1.0 / sqrt((double)s->K));
    plan(s);
    CS_TRY_DONE(cs_arena_take(&s->arena, "a sweep", err));
    plan(s);
    s->values_back = cs_alloc_zero(tower->kinds, sizeof(cs_product *), "products", err);
    status = CLIPSPAN_E_NOMEM;
    if (!s->values_back) goto done;
    CS_TRY_DONE(prepare_rows(s, 0, err));
    CS_TRY_DONE(prepare_rows(s, 1, err));
    *out = s;
    s = NULL;
done:
    cs_sweep_free(&s);
    return status;
}

void cs_sweep_free(cs_sweep **sweep)
{
    cs_sweep *s = sweep ? *sweep : NULL;
    if (!s) return;
    for (int which = 0; which < 2; which++) {
        cs_product_free(&s->hidden_in[which]);
        cs_product_free(&s->hidden_back[which]);
        cs_product_free(&s->fc_back[which]);
        for (size_t k = 0; s->mixed_back[which] && k < s->tower->kinds; k++)
            cs_product_free(&s->mixed_back[which][k]);
        cs_free(s->mixed_back[which]);
    }
    for (size_t k = 0; s->values_back && k < s->tower->kinds; k++)
        cs_product_free(&s->values_back[k]);
    cs_free(s->values_back);
    cs_arena_fini(&s->arena);
    cs_free(s);
    *sweep = NULL;
}

size_t cs_sweep_memory(const cs_sweep *sweep)
{
    return sweep->arena.size;
}

/* ---- What a pass shows ---- */

static void keep_layer(void *user, const cs_layer_view *view)
{
    const cs_sweep *s = user;
    const size_t at = view->layer * s->N * s->D;
    memcpy(s->queries + at, view->queries, view->asked * s->D * sizeof(float));
    memcpy(s->keys + at, view->keys, s->N * s->D * sizeof(float));
    memcpy(s->values + at, view->values, s->N * s->D * sizeof(float));
}

static void keep_stream(void *user, size_t layer, int after_attention, const float *x, size_t rows)
{
    const cs_sweep *s = user;
    float *to = (after_attention ? s->middle : s->enter) + layer * s->N * s->D;
    memcpy(to, x, rows * s->D * sizeof *to);
}

cs_layer_sink cs_sweep_sink(cs_sweep *sweep)
{
    const cs_layer_sink sink = {
        .layer = keep_layer, .user = sweep, .stream = keep_stream, .fixed = 1};
    return sink;
}

/* ---- The way back ---- */

double cs_sweep_dot(const float *a, const float *b, size_t count)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (size_t k = 0; k < 4; k++)
            sum[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < count; i++)
        sum[0] += (double)a[i] * (double)b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* d y / d x of y = (x - mean x) / sigma gain, sigma held: centred(gain from) / sigma */
void cs_sweep_norm_back(float *gamma, float *from, const float *x, size_t rows, size_t D,
                        const cs_norm *norm)
{
    for (size_t i = 0; i < rows; i++, gamma += D, from += D, x += D) {
        double mean = 0.0, squares = 0.0, centre = 0.0, scale;
        for (size_t d = 0; d < D; d++)
            mean += (double)x[d];
        mean /= (double)D;
        for (size_t d = 0; d < D; d++) {
            squares += ((double)x[d] - mean) * ((double)x[d] - mean);
            from[d] *= norm->gain[d];
            centre += (double)from[d];
        }
        centre /= (double)D;
        scale = 1.0 / sqrt(squares / (double)D + (double)norm->eps);
        for (size_t d = 0; d < D; d++)
            gamma[d] += (float)(((double)from[d] - centre) * scale);
    }
}

/* G of the last row, and what the end's bias adds. */
static void start(cs_sweep *s, const cs_sweep_step *step, const float *directions)
{
    const cs_sweep_weights *w = s->weights;
    const double length = step->trace->sigma * step->trace->norm;
    memset(s->gamma, 0, step->T * s->N * s->D * sizeof *s->gamma);
    for (size_t t = 0; t < step->T; t++) {
        const float *v = directions + t * s->P;
        double *readout = s->readout + t * s->D, mean = 0.0, bias = 0.0;
        for (size_t d = 0; d < s->D; d++) {
            readout[d] = cs_sweep_dot(w->readout + d * s->P, v, s->P);
            mean += readout[d] / (double)s->D;
        }
        for (size_t d = 0; d < s->D; d++) {
            readout[d] = (readout[d] - mean) / length;
            s->gamma[t * s->N * s->D + d] = (float)readout[d];
        }
        for (size_t p = 0; p < s->P; p++)
            bias += w->constant[p] * (double)v[p];
        s->constant[t] = bias / step->trace->norm;
        step->out->similarity[t] = cs_sweep_dot(step->trace->embedding, v, s->P);
        step->out->constant[t * (s->L + 1) + s->L] = s->constant[t];
        step->out->off[t] = 0.0;
    }
}

/* The identity where layer l begins. */
static void check(const cs_sweep *s, const cs_sweep_step *step, size_t l)
{
    const size_t size = s->N * s->D;
    for (size_t t = 0; t < step->T; t++) {
        double sum = s->constant[t];
        for (size_t i = 0; i < s->N; i++) {
            const double part =
                cs_sweep_dot(s->gamma + t * size + i * s->D, s->enter + l * size + i * s->D, s->D);
            if (l == 0) step->out->token[t * s->N + i] = part;
            sum += part;
        }
        step->out->constant[t * (s->L + 1) + l] = s->constant[t];
        sum = fabs(sum - step->out->similarity[t]);
        if (!(sum <= step->out->off[t])) step->out->off[t] = sum;
    }
}

clipspan_status cs_sweep_run(const cs_sweep_result *out, cs_sweep *sweep, const cs_trace *trace,
                             const float *directions, size_t T, const float *means,
                             const cs_fixed_heads *fixed, clipspan_error *err)
{
    cs_sweep_step step = {out, trace, means, fixed, T, 0, 0};
    if (T > sweep->texts)
        return cs_fail(err, CLIPSPAN_E_INTERNAL, "a sweep got more directions than it has room");
    start(sweep, &step, directions);
    for (size_t l = sweep->L; l-- > 0;) {
        step.l = l;
        step.rows = l + 1 == sweep->L ? 1 : sweep->N;
        CS_TRY(cs_sweep_mlp(sweep, &step, err));
        CS_TRY(cs_sweep_attention(sweep, &step, err));
        check(sweep, &step, l);
    }
    return CLIPSPAN_OK;
}
