/* SPDX-License-Identifier: MIT */
/* Equations (1) to (4) in float64 on the numbers of a float32 pass. */
#include "decompose/pool_split.h"
#include "decompose/attention_rows.h"

#include <math.h>
#include <string.h>

struct cs_pool_split {
    const cs_config *config;
    const cs_pool_record *record;
    size_t L, H, K, N, D, heads, width, M; /* heads, width: of the pool */
    int gate;
    float **out, **bias;            /* [L] W_O, b_O */
    float *v, *v_bias, *o, *o_bias; /* of the pool: [D, D], [D] */
    float *gain, *beta;             /* LN_post */
    float *y_gain, *y_beta;         /* the pool's own LayerNorm */
    float *w1, *b1, *w2, *b2;       /* its MLP */
    float *owned[16];
    size_t owned_count;
    double rho, sigma_y;
    double *rows;                 /* [pool heads, N] a[h,i] / sigma_i */
    double *gates;                /* [M] */
    double *constant;             /* [D] of y: the pool's biases and beta through it */
    double *r;                    /* [pool heads, N] */
    double *work;                 /* (K + 1) N */
    double *t;                    /* [pool heads, D] */
    double *block, *sum, *hidden; /* [D], [D], [M] */
    cs_arena arena;
};

/* ---- Weights ---- */

static clipspan_status read_part(float **out, cs_pool_split *s, const cs_checkpoint *checkpoint,
                                 cs_part part, int layer, clipspan_error *err)
{
    const cs_tensor_ref ref = cs_checkpoint_part(checkpoint, CLIPSPAN_IMAGE, part, layer);
    *out = cs_alloc_aligned((size_t)(ref.rows * ref.columns), sizeof **out, "a tensor", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    if (part < CS_LN1_WEIGHT) s->owned[s->owned_count++] = *out;
    return cs_checkpoint_read(*out, checkpoint, ref, err);
}

static clipspan_status read_weights(cs_pool_split *s, const cs_checkpoint *c, clipspan_error *err)
{
    const struct {
        float **to;
        cs_part part;
    } parts[] = {{&s->v, CS_POOL_V_WEIGHT},         {&s->v_bias, CS_POOL_V_BIAS},
                 {&s->o, CS_POOL_OUT_WEIGHT},       {&s->o_bias, CS_POOL_OUT_BIAS},
                 {&s->gain, CS_LN_POST_WEIGHT},     {&s->beta, CS_LN_POST_BIAS},
                 {&s->y_gain, CS_POOL_NORM_WEIGHT}, {&s->y_beta, CS_POOL_NORM_BIAS},
                 {&s->w1, CS_POOL_FC_WEIGHT},       {&s->b1, CS_POOL_FC_BIAS},
                 {&s->w2, CS_POOL_MLP_OUT_WEIGHT},  {&s->b2, CS_POOL_MLP_OUT_BIAS}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        CS_TRY(read_part(parts[i].to, s, c, parts[i].part, 0, err));
    for (size_t l = 0; l < s->L; l++) {
        CS_TRY(read_part(&s->out[l], s, c, CS_OUT_WEIGHT, (int)l, err));
        CS_TRY(read_part(&s->bias[l], s, c, CS_OUT_BIAS, (int)l, err));
    }
    return CLIPSPAN_OK;
}

static void plan(cs_pool_split *s)
{
    s->rows = cs_arena_carve(&s->arena, s->heads * s->N, sizeof(double));
    s->gates = cs_arena_carve(&s->arena, s->M, sizeof(double));
    s->constant = cs_arena_carve(&s->arena, s->D, sizeof(double));
    s->r = cs_arena_carve(&s->arena, s->heads * s->N, sizeof(double));
    s->work = cs_arena_carve(&s->arena, (s->K + 1) * s->N, sizeof(double));
    s->t = cs_arena_carve(&s->arena, s->heads * s->D, sizeof(double));
    s->block = cs_arena_carve(&s->arena, s->D, sizeof(double));
    s->sum = cs_arena_carve(&s->arena, s->D, sizeof(double));
    s->hidden = cs_arena_carve(&s->arena, s->M, sizeof(double));
}

clipspan_status cs_pool_split_new(cs_pool_split **out, const cs_checkpoint *checkpoint,
                                  clipspan_error *err)
{
    const cs_config *c = cs_checkpoint_config(checkpoint);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_pool_split *s = cs_alloc_zero(1, sizeof *s, "a split through a pool", err);
    *out = NULL;
    if (!s) return CLIPSPAN_E_NOMEM;
    s->config = c;
    s->L = (size_t)c->image.layers;
    s->H = (size_t)c->image.heads;
    s->K = (size_t)c->image.head_width;
    s->N = (size_t)c->tokens;
    s->D = (size_t)c->image.width;
    s->heads = (size_t)c->image_pool.heads;
    s->width = (size_t)c->image_pool.head_width;
    s->M = (size_t)c->image_pool.mlp_width;
    s->out = cs_alloc_zero(s->L, sizeof *s->out, "a split through a pool", err);
    s->bias = cs_alloc_zero(s->L, sizeof *s->bias, "a split through a pool", err);
    if (!s->out || !s->bias) goto done;
    plan(s);
    CS_TRY_DONE(cs_arena_take(&s->arena, "a split through a pool", err));
    plan(s);
    CS_TRY_DONE(read_weights(s, checkpoint, err));
    *out = s;
    s = NULL;
done:
    cs_pool_split_free(&s);
    return status;
}

void cs_pool_split_free(cs_pool_split **split)
{
    cs_pool_split *s = split ? *split : NULL;
    if (!s) return;
    for (size_t i = 0; i < s->owned_count; i++)
        cs_free(s->owned[i]);
    for (size_t l = 0; l < s->L; l++) {
        if (s->out) cs_free(s->out[l]);
        if (s->bias) cs_free(s->bias[l]);
    }
    cs_free(s->out);
    cs_free(s->bias);
    cs_arena_fini(&s->arena);
    cs_free(s);
    *split = NULL;
}

/* ---- An image ---- */

/* Mean and sqrt(variance + eps) of a row. */
static double spread_of(double *mean, const float *x, size_t n, double eps)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)x[i] - *mean) * ((double)x[i] - *mean);
    return sqrt(squares / (double)n + eps);
}

/* g(u) / u of the encoder's activation; at 0 its limit. */
static double gate_of(clipspan_activation activation, double u)
{
    switch (activation) {
    case CLIPSPAN_QUICK_GELU: return 1.0 / (1.0 + exp(-1.702 * u));
    case CLIPSPAN_TANH_GELU:
        return 1.0 / (1.0 + exp(-1.59576912160573071176 * (u + 0.044715 * u * u * u)));
    default: return 0.5 * erfc(u * -0.70710678118654752440);
    }
}

static void find_gates(cs_pool_split *s)
{
    double mean;
    s->sigma_y = spread_of(&mean, s->record->y, s->D, (double)s->config->image_pool.eps);
    for (size_t d = 0; d < s->D; d++)
        s->block[d] = ((double)s->record->y[d] - mean) / s->sigma_y * (double)s->y_gain[d] +
                      (double)s->y_beta[d];
    for (size_t m = 0; m < s->M; m++) {
        double u = (double)s->b1[m];
        for (size_t d = 0; d < s->D; d++)
            u += (double)s->w1[m * s->D + d] * s->block[d];
        s->gates[m] = gate_of(s->config->activation, u);
    }
}

/* sum = O block + bias, bias NULL: none. */
static void put_out(const cs_pool_split *s, double *sum, const double *block, const float *bias)
{
    for (size_t d = 0; d < s->D; d++) {
        sum[d] = bias ? (double)bias[d] : 0.0;
        for (size_t i = 0; i < s->D; i++)
            sum[d] += (double)s->o[d * s->D + i] * block[i];
    }
}

void cs_pool_split_start(cs_pool_split *s, const cs_pool_record *record, int gate)
{
    double squares = 0.0, mean;
    s->record = record;
    s->gate = gate;
    for (size_t d = 0; d < s->D; d++)
        squares += (double)record->embedding[d] * (double)record->embedding[d];
    s->rho = squares > 0.0 ? sqrt(squares) : 1e-12;
    for (size_t i = 0; i < s->N; i++) {
        const double sigma =
            spread_of(&mean, record->last + i * s->D, s->D, (double)s->config->image.eps);
        for (size_t h = 0; h < s->heads; h++)
            s->rows[h * s->N + i] = (double)record->attention[h * s->N + i] / sigma;
    }
    find_gates(s);
    for (size_t i = 0; i < s->D; i++) {
        s->block[i] = (double)s->v_bias[i];
        for (size_t d = 0; d < s->D; d++)
            s->block[i] += (double)s->v[i * s->D + d] * (double)s->beta[d];
    }
    put_out(s, s->constant, s->block, s->o_bias);
}

/* ---- Terms to the embedding ---- */

/* sum : [D], a term of y, becomes one of e. */
static void through_gate(cs_pool_split *s, double *sum)
{
    double mean = 0.0;
    for (size_t d = 0; d < s->D; d++)
        mean += sum[d] / (double)s->D;
    for (size_t d = 0; d < s->D; d++)
        s->block[d] = (sum[d] - mean) / s->sigma_y * (double)s->y_gain[d];
    for (size_t m = 0; m < s->M; m++) {
        s->hidden[m] = 0.0;
        for (size_t d = 0; d < s->D; d++)
            s->hidden[m] += (double)s->w1[m * s->D + d] * s->block[d];
        s->hidden[m] *= s->gates[m];
    }
    for (size_t d = 0; d < s->D; d++)
        for (size_t m = 0; m < s->M; m++)
            sum[d] += (double)s->w2[d * s->M + m] * s->hidden[m];
}

/* Adds `share` of the constants to a term of y, takes it through the gate, and divides. */
static void finish(float *out, cs_pool_split *s, double share)
{
    for (size_t d = 0; d < s->D; d++)
        s->sum[d] += share * s->constant[d];
    if (s->gate) through_gate(s, s->sum);
    for (size_t d = 0; d < s->D; d++)
        out[d] = (float)(s->sum[d] / s->rho);
}

/* block of pool head h += factor V_h gain C t */
static void add_head(cs_pool_split *s, size_t h, const double *t, double factor)
{
    double mean = 0.0;
    for (size_t d = 0; d < s->D; d++)
        mean += t[d] / (double)s->D;
    for (size_t i = h * s->width; i < (h + 1) * s->width; i++) {
        const float *v = s->v + i * s->D;
        double sum = 0.0;
        for (size_t d = 0; d < s->D; d++)
            sum += (double)v[d] * (t[d] - mean) * (double)s->gain[d];
        s->block[i] += factor * sum;
    }
}

/* (1) for t : [pool heads, D], sums over patches already weighted by rows. */
static void to_y(cs_pool_split *s)
{
    memset(s->block, 0, s->D * sizeof *s->block);
    for (size_t h = 0; h < s->heads; h++)
        add_head(s, h, s->t + h * s->D, 1.0);
    put_out(s, s->sum, s->block, NULL);
}

/* t[h,:] = sum_i rows[h,i] x[i,:] */
static void weigh_rows(cs_pool_split *s, const float *x)
{
    memset(s->t, 0, s->heads * s->D * sizeof *s->t);
    for (size_t h = 0; h < s->heads; h++)
        for (size_t i = 0; i < s->N; i++) {
            const double w = s->rows[h * s->N + i];
            for (size_t d = 0; d < s->D; d++)
                s->t[h * s->D + d] += w * (double)x[i * s->D + d];
        }
}

/* The layer's b_O, `share` of it, at every patch: t[h,:] += share b_O sum_i rows[h,i] */
static void add_bias(cs_pool_split *s, size_t layer, double share)
{
    for (size_t h = 0; h < s->heads; h++) {
        double sum = 0.0;
        for (size_t i = 0; i < s->N; i++)
            sum += s->rows[h * s->N + i];
        for (size_t d = 0; d < s->D; d++)
            s->t[h * s->D + d] += share * sum * (double)s->bias[layer][d];
    }
}

/* (3) of a layer's head. */
static void find_rows(cs_pool_split *s, size_t layer, size_t head)
{
    const size_t at = layer * s->N * s->D + head * s->K;
    cs_attention_rows(s->r, s->rows, s->heads, s->record->q + at, s->record->k + at, s->D, s->N,
                      s->K, 1.0 / sqrt((double)s->K), s->work);
}

/* t[h,:] = W_O^k z, z : [K] */
static void put_head_out(const cs_pool_split *s, double *t, size_t layer, size_t head,
                         const double *z)
{
    for (size_t d = 0; d < s->D; d++) {
        const float *w = s->out[layer] + d * s->D + head * s->K;
        t[d] = 0.0;
        for (size_t k = 0; k < s->K; k++)
            t[d] += (double)w[k] * z[k];
    }
}

static double share_of(const cs_pool_split *s, int constants)
{
    return constants ? 1.0 / (2.0 * (double)s->L + 1.0) : 0.0;
}

void cs_pool_split_head(float *whole, float *patches, cs_pool_split *s, size_t layer, size_t head,
                        int constants)
{
    const float *v = s->record->v + layer * s->N * s->D + head * s->K;
    const double heads = (double)s->H, share = share_of(s, constants) / heads;
    double *z = s->work;
    find_rows(s, layer, head);
    for (size_t h = 0; whole && h < s->heads; h++) {
        memset(z, 0, s->K * sizeof *z);
        for (size_t j = 0; j < s->N; j++)
            for (size_t k = 0; k < s->K; k++)
                z[k] += s->r[h * s->N + j] * (double)v[j * s->D + k];
        put_head_out(s, s->t + h * s->D, layer, head, z);
    }
    if (whole) {
        if (constants) add_bias(s, layer, 1.0 / heads);
        to_y(s);
        finish(whole, s, share);
    }
    for (size_t j = 0; patches && j < s->N; j++) {
        for (size_t k = 0; k < s->K; k++)
            z[k] = (double)v[j * s->D + k];
        put_head_out(s, s->sum, layer, head, z);
        for (size_t h = 0; h < s->heads; h++)
            for (size_t d = 0; d < s->D; d++)
                s->t[h * s->D + d] = s->r[h * s->N + j] * s->sum[d];
        if (constants) add_bias(s, layer, 1.0 / (heads * (double)s->N));
        to_y(s);
        finish(patches + j * s->D, s, share / (double)s->N);
    }
}

/* What the pool's MLP adds that no other term holds. */
static void finish_pool_mlp(float *out, cs_pool_split *s)
{
    const cs_pool_record *r = s->record;
    for (size_t d = 0; d < s->D && !s->gate; d++)
        out[d] = (float)(((double)r->embedding[d] - (double)r->y[d]) / s->rho);
    if (!s->gate) return;
    for (size_t m = 0; m < s->M; m++) {
        s->hidden[m] = (double)s->b1[m];
        for (size_t d = 0; d < s->D; d++)
            s->hidden[m] += (double)s->w1[m * s->D + d] * (double)s->y_beta[d];
        s->hidden[m] *= s->gates[m];
    }
    for (size_t d = 0; d < s->D; d++) {
        double sum = (double)s->b2[d];
        for (size_t m = 0; m < s->M; m++)
            sum += (double)s->w2[d * s->M + m] * s->hidden[m];
        out[d] = (float)(sum / s->rho);
    }
}

void cs_pool_split_mlps(float *mlps, cs_pool_split *s, int constants)
{
    for (size_t l = 0; l <= s->L; l++) {
        weigh_rows(s, l ? s->record->mlp + (l - 1) * s->N * s->D : s->record->input);
        to_y(s);
        finish(mlps + l * s->D, s, share_of(s, constants));
    }
    finish_pool_mlp(mlps + (s->L + 1) * s->D, s);
}

double cs_pool_split_mlp_share(const cs_pool_split *s)
{
    double squares = 0.0;
    for (size_t d = 0; d < s->D; d++) {
        const double added = (double)s->record->embedding[d] - (double)s->record->y[d];
        squares += added * added;
    }
    return squares / (s->rho * s->rho);
}

/* ---- Directions ---- */

/* sum = the direction of y whose inner product with a term of y is that of `direction` with its
 * part of the embedding: the transpose of (2). */
static void turn_direction(cs_pool_split *s, const float *direction)
{
    double mean = 0.0;
    for (size_t d = 0; d < s->D; d++)
        s->sum[d] = (double)direction[d];
    if (!s->gate) return;
    memset(s->hidden, 0, s->M * sizeof *s->hidden);
    for (size_t d = 0; d < s->D; d++)
        for (size_t m = 0; m < s->M; m++)
            s->hidden[m] += (double)s->w2[d * s->M + m] * (double)direction[d];
    memset(s->block, 0, s->D * sizeof *s->block);
    for (size_t m = 0; m < s->M; m++)
        for (size_t d = 0; d < s->D; d++)
            s->block[d] += (double)s->w1[m * s->D + d] * s->gates[m] * s->hidden[m];
    for (size_t d = 0; d < s->D; d++) {
        s->block[d] *= (double)s->y_gain[d] / s->sigma_y;
        mean += s->block[d] / (double)s->D;
    }
    for (size_t d = 0; d < s->D; d++)
        s->sum[d] += s->block[d] - mean;
}

/* t[h,:] = C gain V_h^T O_h^T sum, so that (1) . sum is sum_h t[h] . (weighted rows) */
static void turn_through_pool(cs_pool_split *s)
{
    for (size_t i = 0; i < s->D; i++) {
        s->block[i] = 0.0;
        for (size_t d = 0; d < s->D; d++)
            s->block[i] += (double)s->o[d * s->D + i] * s->sum[d];
    }
    memset(s->t, 0, s->heads * s->D * sizeof *s->t);
    for (size_t h = 0; h < s->heads; h++) {
        double *t = s->t + h * s->D, mean = 0.0;
        for (size_t i = h * s->width; i < (h + 1) * s->width; i++)
            for (size_t d = 0; d < s->D; d++)
                t[d] += (double)s->v[i * s->D + d] * s->block[i];
        for (size_t d = 0; d < s->D; d++) {
            t[d] *= (double)s->gain[d];
            mean += t[d] / (double)s->D;
        }
        for (size_t d = 0; d < s->D; d++)
            t[d] -= mean;
    }
}

/* sum over patches and pool heads of rows[h,i] (t[h] . x[i]); x rows D apart, or one for all. */
static double score_rows(const cs_pool_split *s, const float *x, size_t step)
{
    double score = 0.0;
    for (size_t h = 0; h < s->heads; h++)
        for (size_t i = 0; i < s->N; i++) {
            double dot = 0.0;
            for (size_t d = 0; d < s->D; d++)
                dot += s->t[h * s->D + d] * (double)x[i * step + d];
            score += s->rows[h * s->N + i] * dot;
        }
    return score;
}

static void score_head(float *out, cs_pool_split *s, size_t layer, size_t head, double constant)
{
    const float *v = s->record->v + layer * s->N * s->D + head * s->K;
    double *u = s->work;
    find_rows(s, layer, head);
    for (size_t j = 0; j < s->N; j++)
        s->work[s->K + j] = 0.0;
    for (size_t h = 0; h < s->heads; h++) {
        memset(u, 0, s->K * sizeof *u);
        for (size_t d = 0; d < s->D; d++)
            for (size_t k = 0; k < s->K; k++)
                u[k] += (double)s->out[layer][d * s->D + head * s->K + k] * s->t[h * s->D + d];
        for (size_t j = 0; j < s->N; j++) {
            double dot = 0.0;
            for (size_t k = 0; k < s->K; k++)
                dot += u[k] * (double)v[j * s->D + k];
            s->work[s->K + j] += s->r[h * s->N + j] * dot;
        }
    }
    for (size_t j = 0; j < s->N; j++)
        out[j] = (float)((s->work[s->K + j] + constant) / s->rho);
}

void cs_pool_split_scores(float *heads, float *mlps, cs_pool_split *s, const float *direction)
{
    const double tokens = (double)s->H * (double)s->N;
    double constant = 0.0;
    float *last = mlps + s->L + 1;
    turn_direction(s, direction);
    for (size_t d = 0; d < s->D; d++)
        constant += s->sum[d] * s->constant[d] * share_of(s, 1);
    turn_through_pool(s);
    for (size_t l = 0; l <= s->L; l++)
        mlps[l] =
            (float)((score_rows(s, l ? s->record->mlp + (l - 1) * s->N * s->D : s->record->input,
                                s->D) +
                     constant) /
                    s->rho);
    for (size_t l = 0; l < s->L; l++) {
        const double bias = score_rows(s, s->bias[l], 0);
        for (size_t h = 0; h < s->H; h++)
            score_head(heads + (l * s->H + h) * s->N, s, l, h, (bias + constant) / tokens);
    }
    {
        /* One row of D numbers is in `sum`'s place from here on. */
        float *row = (float *)(void *)s->sum;
        double score = 0.0;
        finish_pool_mlp(row, s);
        for (size_t d = 0; d < s->D; d++)
            score += (double)row[d] * (double)direction[d];
        *last = (float)score;
    }
}
