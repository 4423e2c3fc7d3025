/* SPDX-License-Identifier: MIT */
/* A sweep's way back through attention: for every direction and head
 *
 *     w[i] = G[i] W_O^T       v'[j] = sum_i a[i, j] w[i]       effect: sum_j <v[j], v'[j]>
 *
 * and G += ln1's way back of v' W_V^T. Attention weights are computed again from the pass's queries
 * and keys; sums over tokens are float64. */
#include "model/sweep_inside.h"

#include <string.h>

static void widen(double *out, const float *x, size_t ldx, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++)
            out[i * columns + k] = (double)x[i * ldx + k];
}

/* patterns : [N, rows] of one head: a[i, j] at [j, i] */
static void make_pattern(cs_sweep *s, const cs_sweep_step *step, size_t place, size_t head)
{
    const size_t at = step->l * s->N * s->D + head * s->K;
    double *pattern = s->patterns + place * s->N * step->rows, *query = s->row + s->N;
    widen(s->pairs, s->keys + at, s->D, s->N, s->K);
    for (size_t i = 0; i < step->rows; i++) {
        const float *q = s->queries + at + i * s->D;
        for (size_t k = 0; k < s->K; k++)
            query[k] = (double)(q[k] * s->scale);
        s->lane.simd->rows_dot(s->row, s->pairs, s->K, s->N, query, s->K);
        for (size_t j = 0; j < s->N; j++)
            s->line[j] = (float)s->row[j];
        s->lane.simd->softmax(s->line, s->N, 1, s->N);
        for (size_t j = 0; j < s->N; j++)
            pattern[j * step->rows + i] = (double)s->line[j];
    }
}

/* A head that has the same z for every token: a constant, which hands nothing back. */
static void fix_head(cs_sweep *s, const cs_sweep_step *step, size_t t, const cs_block *block,
                     size_t place)
{
    const size_t head = cs_block_head(block, place);
    const float *z = step->fixed->z + (step->l * s->H + head) * s->K;
    double total = 0.0;
    for (size_t i = 0; i < step->rows; i++)
        for (size_t k = 0; k < s->K; k++)
            total += s->pairs[i * s->K + k] * (double)z[k];
    step->out->head[(t * s->L + step->l) * s->H + head] = total;
    s->constant[t] += total;
    if (step->out->ablated) /* no longer a change of this network */
        step->out->ablated[(t * s->L + step->l) * s->H + head] = 0.0;
    for (size_t j = 0; j < s->N; j++)
        memset(s->way + j * block->width + place * s->K, 0, s->K * sizeof *s->way);
    if (step->out->map)
        memset(step->out->map + ((t * s->L + step->l) * s->H + head) * s->N, 0,
               s->N * sizeof *step->out->map);
}

/* One head of one direction: s->mixed holds w, v' goes into s->way. */
static void run_head(cs_sweep *s, const cs_sweep_step *step, size_t t, const cs_block *block,
                     size_t place)
{
    const size_t head = cs_block_head(block, place), width = block->width;
    const size_t at = (t * s->L + step->l) * s->H + head;
    const float *values = s->values + step->l * s->N * s->D + head * s->K;
    const double *pattern = s->patterns + place * s->N * step->rows;
    float *map = step->out->map ? step->out->map + at * s->N : NULL;
    double total = 0.0, *sum = s->row + s->N;
    widen(s->pairs, s->mixed + place * s->K, width, step->rows, s->K);
    for (size_t j = 0; j < s->N; j++) {
        float *way = s->way + j * width + place * s->K;
        double part = 0.0;
        memset(sum, 0, s->K * sizeof *sum);
        s->lane.simd->rows_add(sum, s->pairs, s->K, step->rows, pattern + j * step->rows, s->K);
        for (size_t k = 0; k < s->K; k++) {
            way[k] = (float)sum[k];
            part += sum[k] * (double)values[j * s->D + k];
        }
        if (map) map[j] = (float)part;
        total += part;
    }
    if (step->fixed && step->fixed->fixed[step->l * s->H + head]) {
        fix_head(s, step, t, block, place);
        return;
    }
    step->out->head[at] = total;
    if (!step->means || !step->out->ablated) return;
    for (size_t k = 0; k < s->K; k++) {
        double all = 0.0;
        for (size_t i = 0; i < step->rows; i++)
            all += s->pairs[i * s->K + k];
        total -= all * (double)step->means[(step->l * s->H + head) * s->K + k];
    }
    step->out->ablated[at] = -total;
}

/* Direct effects: the readout's row through W_O^T, with the class token's z. */
static clipspan_status run_direct(cs_sweep *s, const cs_sweep_step *step, size_t t,
                                  const cs_block *block, clipspan_error *err)
{
    const cs_sweep_layer *w = &s->weights->layers[step->l];
    for (size_t d = 0; d < s->D; d++)
        s->back[d] = (float)s->readout[t * s->D + d];
    CS_TRY(cs_product_run(s->mixed_back[1][block->kind], s->way, s->back, 0, w->mixed, err));
    for (size_t place = 0; place < block->heads; place++) {
        const size_t head = cs_block_head(block, place), to = step->l * s->D + head * s->K;
        const size_t at = (t * s->L + step->l) * s->H + head;
        const float *row = s->way + place * s->K;
        const double own = cs_sweep_dot(row, step->trace->z + to, s->K);
        step->out->head_direct[at] = own;
        if (step->means && step->out->ablated_direct)
            step->out->ablated_direct[at] = cs_sweep_dot(row, step->means + to, s->K) - own;
    }
    return CLIPSPAN_OK;
}

/* Heads that were removed have no effect. */
static void clear_heads(const cs_sweep *s, const cs_sweep_step *step, size_t t)
{
    const size_t at = (t * s->L + step->l) * s->H, bytes = s->H * sizeof(double);
    memset(step->out->head + at, 0, bytes);
    memset(step->out->head_direct + at, 0, bytes);
    if (step->out->ablated) memset(step->out->ablated + at, 0, bytes);
    if (step->out->ablated_direct) memset(step->out->ablated_direct + at, 0, bytes);
    if (step->out->map) memset(step->out->map + at * s->N, 0, s->H * s->N * sizeof *step->out->map);
}

static clipspan_status run_text(cs_sweep *s, const cs_sweep_step *step, size_t t,
                                clipspan_error *err)
{
    const cs_block *block = &s->tower->blocks[step->l];
    const cs_sweep_layer *w = &s->weights->layers[step->l];
    float *gamma = s->gamma + t * s->N * s->D;
    double constant = 0.0;
    clear_heads(s, step, t);
    CS_TRY(run_direct(s, step, t, block, err));
    CS_TRY(cs_product_run(s->mixed_back[step->rows == 1][block->kind], s->mixed, gamma, 0, w->mixed,
                          err));
    for (size_t i = 0; i < step->rows; i++)
        constant += cs_sweep_dot(gamma + i * s->D, w->out_bias, s->D);
    step->out->bias[t * s->L + step->l] = constant;
    for (size_t place = 0; place < block->heads; place++)
        run_head(s, step, t, block, place);
    for (size_t j = 0; j < s->N; j++)
        constant += cs_sweep_dot(s->way + j * block->width, w->value_constant, block->width);
    s->constant[t] += constant;
    CS_TRY(cs_product_run(s->values_back[block->kind], s->back, s->way, 0, w->values, err));
    cs_sweep_norm_back(gamma, s->back, s->enter + step->l * s->N * s->D, s->N, s->D, &block->ln1);
    return CLIPSPAN_OK;
}

clipspan_status cs_sweep_attention(cs_sweep *s, const cs_sweep_step *step, clipspan_error *err)
{
    const cs_block *block = &s->tower->blocks[step->l];
    for (size_t place = 0; place < block->heads; place++)
        make_pattern(s, step, place, cs_block_head(block, place));
    for (size_t t = 0; t < step->T; t++)
        CS_TRY(run_text(s, step, t, err));
    return CLIPSPAN_OK;
}
