/* SPDX-License-Identifier: MIT */
/* A sweep's way back through an MLP: its gates from the pass, then for every direction
 *
 *     s = G W_mlp^T,  neuron n: sum_i act[i, n] s[i, n],  G += ln2's way back of (gate s) W_fc^T */
#include "model/sweep_inside.h"

#include <math.h>
#include <string.h>

#define SMALL 0.25F /* where g(u) / u is computed as a series, to within 1e-7 */

/* gate = act / u : [count]; act is g(u) and gate comes in as u. */
static void make_gates(float *gate, const float *act, size_t count, clipspan_activation kind)
{
    for (size_t i = 0; i < count; i++) {
        const float u = gate[i];
        if (fabsf(u) >= SMALL)
            gate[i] = act[i] / u;
        else if (kind == CLIPSPAN_GELU) /* 1/2 + phi(0) (u - u^3/6 + u^5/40) */
            gate[i] =
                0.5F + 0.398942280F * u * (1.0F - u * u * (1.0F / 6.0F - u * u * (1.0F / 40.0F)));
        else { /* 1/2 + x/4 - x^3/48 + x^5/480 */
            const float x = 1.702F * u;
            gate[i] = 0.5F + x * (0.25F - x * x * (1.0F / 48.0F - x * x * (1.0F / 480.0F)));
        }
    }
}

/* Hidden numbers of the pass once more, and their gates. */
static clipspan_status open_gates(cs_sweep *s, const cs_sweep_step *step, clipspan_error *err)
{
    const cs_block *block = &s->tower->blocks[step->l];
    const cs_product *product = s->hidden_in[step->rows == 1];
    const size_t parts = (size_t)s->tower->mlp_parts, count = step->rows * (s->M / parts);
    cs_norm_hand_over(&s->lane, &s->scratch, s->middle + step->l * s->N * s->D, step->rows,
                      &block->ln2);
    for (size_t p = 0; p < parts; p++) {
        float *u = s->gate + p * count, *act = s->act + p * count;
        CS_TRY(cs_product_run(product, u, s->scratch.h, s->scratch.stride, block->fc[p], err));
        (s->tower->activation == CLIPSPAN_GELU ? s->lane.simd->gelu
                                               : s->lane.simd->quick_gelu)(act, u, count);
        make_gates(u, act, count, s->tower->activation);
    }
    return CLIPSPAN_OK;
}

/* One slice of the hidden layer: what its numbers are worth, and back into s->back. */
static clipspan_status run_slice(cs_sweep *s, const cs_sweep_step *step, size_t t, size_t p,
                                 double *total, clipspan_error *err)
{
    const size_t width = s->M / (size_t)s->tower->mlp_parts, one = step->rows == 1;
    const cs_sweep_layer *w = &s->weights->layers[step->l];
    const float *act = s->act + p * step->rows * width, *gate = s->gate + p * step->rows * width;
    const float *constant = w->hidden_constant + p * width;
    float *neuron =
        step->out->neuron ? step->out->neuron + (t * s->L + step->l) * s->M + p * width : NULL;
    double *constants = &s->constant[t];
    CS_TRY(cs_product_run(s->hidden_back[one], s->hidden, s->gamma + t * s->N * s->D, 0,
                          w->hidden[p], err));
    if (neuron) memset(neuron, 0, width * sizeof *neuron);
    for (size_t i = 0; i < step->rows; i++) {
        float *h = s->hidden + i * width;
        const float *a = act + i * width, *g = gate + i * width;
        *total += cs_sweep_dot(a, h, width);
        for (size_t n = 0; neuron && n < width; n++)
            neuron[n] += a[n] * h[n];
        for (size_t n = 0; n < width; n++)
            h[n] *= g[n];
        *constants += cs_sweep_dot(h, constant, width);
    }
    return cs_product_run(s->fc_back[one], s->back, s->hidden, 0, w->fc[p], err);
}

clipspan_status cs_sweep_mlp(cs_sweep *s, const cs_sweep_step *step, clipspan_error *err)
{
    const cs_block *block = &s->tower->blocks[step->l];
    const float *written = step->trace->written + (step->l + 1) * s->D;
    const float *bias = s->weights->layers[step->l].mlp_bias;
    CS_TRY(open_gates(s, step, err));
    for (size_t t = 0; t < step->T; t++) {
        const size_t at = t * s->L + step->l;
        float *gamma = s->gamma + t * s->N * s->D;
        double total = 0.0, direct = 0.0, constant = 0.0;
        for (size_t i = 0; i < step->rows; i++)
            constant += cs_sweep_dot(gamma + i * s->D, bias, s->D);
        for (size_t d = 0; d < s->D; d++)
            direct += s->readout[t * s->D + d] * (double)written[d];
        s->constant[t] += constant;
        memset(s->back, 0, step->rows * s->D * sizeof *s->back);
        for (size_t p = 0; p < (size_t)s->tower->mlp_parts; p++)
            CS_TRY(run_slice(s, step, t, p, &total, err));
        cs_sweep_norm_back(gamma, s->back, s->middle + step->l * s->N * s->D, step->rows, s->D,
                           &block->ln2);
        step->out->mlp[at] = total + constant;
        step->out->mlp_direct[at] = direct;
    }
    return CLIPSPAN_OK;
}
