/* SPDX-License-Identifier: MIT */
/* Transposing and packing an encoder's matrices, a layer a job. */
#include "model/sweep_weights.h"
#include "base/memory.h"
#include "base/parallel.h"

#define TILE 32 /* rows and columns that are transposed together */

static clipspan_status read_part(float **out, const cs_checkpoint *checkpoint, cs_part part,
                                 int layer, clipspan_error *err)
{
    const cs_tensor_ref ref = cs_checkpoint_part(checkpoint, CLIPSPAN_IMAGE, part, layer);
    *out = cs_alloc_aligned((size_t)(ref.rows * ref.columns), sizeof **out, "a tensor", err);
    return *out ? cs_checkpoint_read(*out, checkpoint, ref, err) : CLIPSPAN_E_NOMEM;
}

/* out : [columns, rows] of x : [rows, columns] with row stride ldx */
static void transpose(float *out, const float *x, size_t ldx, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i += TILE)
        for (size_t j = 0; j < columns; j += TILE)
            for (size_t r = i; r < rows && r < i + TILE; r++)
                for (size_t c = j; c < columns && c < j + TILE; c++)
                    out[c * rows + r] = x[r * ldx + c];
}

/* Packs the transpose of x : [rows, columns] with row stride ldx. */
static clipspan_status pack(cs_matrix **out, size_t *bytes, float *room, const float *x, size_t ldx,
                            size_t rows, size_t columns, clipspan_error *err)
{
    transpose(room, x, ldx, rows, columns);
    CS_TRY(cs_matrix_new(out, room, NULL, columns, rows, 1, CLIPSPAN_F32, err));
    *bytes += cs_matrix_bytes(*out);
    return CLIPSPAN_OK;
}

typedef struct maker {
    const cs_checkpoint *checkpoint;
    const cs_tower *tower;
    cs_sweep_weights *weights;
    size_t *bytes;          /* [L] */
    clipspan_error *errors; /* [L] */
} maker;

/* out[r] = bias[r] + sum_d x[r, d] shift[d] */
static clipspan_status make_constant(float **out, const float *x, const float *shift,
                                     const cs_checkpoint *checkpoint, cs_part bias, int layer,
                                     size_t rows, size_t columns, clipspan_error *err)
{
    CS_TRY(read_part(out, checkpoint, bias, layer, err));
    for (size_t r = 0; r < rows; r++) {
        double sum = (double)(*out)[r];
        for (size_t d = 0; d < columns; d++)
            sum += (double)x[r * columns + d] * (double)shift[d];
        (*out)[r] = (float)sum;
    }
    return CLIPSPAN_OK;
}

/* One matrix of a layer: read, packed in slices, and freed again. */
static clipspan_status make_part(const maker *m, size_t l, cs_part part, clipspan_error *err)
{
    const cs_tower *t = m->tower;
    const cs_block *b = &t->blocks[l];
    cs_sweep_layer *to = &m->weights->layers[l];
    const size_t D = m->weights->D, M = (size_t)t->config.mlp_width, slices = (size_t)t->mlp_parts,
                 slice = M / slices;
    size_t *bytes = &m->bytes[l];
    const size_t wide = part == CS_FC_WEIGHT || part == CS_MLP_OUT_WEIGHT ? slice : b->width;
    float *x = NULL, *room = cs_alloc_aligned(D * wide, sizeof *room, "a turned matrix", err);
    clipspan_status status = room ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) status = read_part(&x, m->checkpoint, part, (int)l, err);
    if (status == CLIPSPAN_OK && part == CS_OUT_WEIGHT) /* [D, h K] */
        status = pack(&to->mixed, bytes, room, x, b->width, D, b->width, err);
    if (status == CLIPSPAN_OK && part == CS_V_WEIGHT) { /* [h K, D] */
        status = pack(&to->values, bytes, room, x, D, b->width, D, err);
        if (status == CLIPSPAN_OK)
            status = make_constant(&to->value_constant, x, b->ln1.bias, m->checkpoint, CS_V_BIAS,
                                   (int)l, b->width, D, err);
    }
    for (size_t p = 0; p < slices && status == CLIPSPAN_OK; p++) {
        if (part == CS_FC_WEIGHT) /* [M, D] */
            status = pack(&to->fc[p], bytes, room, x + p * slice * D, D, slice, D, err);
        if (part == CS_MLP_OUT_WEIGHT) /* [D, M] */
            status = pack(&to->hidden[p], bytes, room, x + p * slice, M, D, slice, err);
    }
    if (status == CLIPSPAN_OK && part == CS_FC_WEIGHT)
        status = make_constant(&to->hidden_constant, x, b->ln2.bias, m->checkpoint, CS_FC_BIAS,
                               (int)l, M, D, err);
    cs_free(x);
    cs_free(room);
    return status;
}

static clipspan_status make_layer(const maker *m, size_t l, clipspan_error *err)
{
    static const cs_part parts[] = {CS_FC_WEIGHT, CS_MLP_OUT_WEIGHT, CS_OUT_WEIGHT, CS_V_WEIGHT};
    cs_sweep_layer *to = &m->weights->layers[l];
    const size_t slices = (size_t)m->tower->mlp_parts;
    to->hidden = cs_alloc_zero(slices, sizeof(cs_matrix *), "turned matrices", err);
    to->fc = cs_alloc_zero(slices, sizeof(cs_matrix *), "turned matrices", err);
    if (!to->hidden || !to->fc) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        CS_TRY(make_part(m, l, parts[i], err));
    CS_TRY(read_part(&to->mlp_bias, m->checkpoint, CS_MLP_OUT_BIAS, (int)l, err));
    return read_part(&to->out_bias, m->checkpoint, CS_OUT_BIAS, (int)l, err);
}

static void run_layer(void *context, size_t layer, int lane)
{
    const maker *m = context;
    (void)lane;
    cs_clear(&m->errors[layer]);
    make_layer(m, layer, &m->errors[layer]);
}

static clipspan_status make_readout(const maker *m, clipspan_error *err)
{
    cs_sweep_weights *w = m->weights;
    const cs_tensor_ref ref = cs_checkpoint_part(m->checkpoint, CLIPSPAN_IMAGE, CS_PROJECTION, 0);
    const cs_norm *norm = &m->tower->ln_post;
    const size_t D = w->D, P = w->P;
    float *projection = NULL;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    w->readout = cs_alloc_aligned(D * P, sizeof *w->readout, "a turned readout", err);
    w->constant = cs_alloc_zero(P, sizeof *w->constant, "a turned readout", err);
    if (!w->readout || !w->constant) return status;
    CS_TRY_DONE(read_part(&projection, m->checkpoint, CS_PROJECTION, 0, err));
    for (size_t d = 0; d < D; d++)
        for (size_t p = 0; p < P; p++) {
            const double x =
                (double)(ref.transposed ? projection[p * D + d] : projection[d * P + p]);
            w->readout[d * P + p] = (float)((double)norm->gain[d] * x);
            w->constant[p] += (double)norm->bias[d] * x;
        }
    w->bytes += D * P * sizeof *w->readout;
done:
    cs_free(projection);
    return status;
}

clipspan_status cs_sweep_weights_new(cs_sweep_weights **out, const cs_checkpoint *checkpoint,
                                     const cs_tower *tower, int threads, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_sweep_weights *w = cs_alloc_zero(1, sizeof *w, "turned weights", err);
    maker m = {checkpoint, tower, w, NULL, NULL};
    *out = NULL;
    if (!w) return CLIPSPAN_E_NOMEM;
    w->count = (size_t)tower->config.layers;
    w->mlp_parts = tower->mlp_parts;
    w->D = (size_t)tower->config.width;
    w->P = tower->embed_width;
    w->layers = cs_alloc_zero(w->count, sizeof *w->layers, "turned weights", err);
    m.bytes = cs_alloc_zero(w->count, sizeof *m.bytes, "turned weights", err);
    m.errors = cs_alloc_zero(w->count, sizeof *m.errors, "turned weights", err);
    if (!w->layers || !m.bytes || !m.errors) goto done;
    CS_TRY_DONE(make_readout(&m, err));
    cs_parallel_for(w->count, threads, run_layer, &m);
    for (size_t l = 0; l < w->count && status == CLIPSPAN_OK; l++) {
        status = m.errors[l].code;
        if (status != CLIPSPAN_OK && err) *err = m.errors[l];
        w->bytes += m.bytes[l];
    }
    if (status == CLIPSPAN_OK) {
        *out = w;
        w = NULL;
    }
done:
    cs_free(m.bytes);
    cs_free(m.errors);
    cs_sweep_weights_free(&w);
    return status;
}

void cs_sweep_weights_free(cs_sweep_weights **weights)
{
    cs_sweep_weights *w = weights ? *weights : NULL;
    if (!w) return;
    for (size_t l = 0; w->layers && l < w->count; l++) {
        cs_sweep_layer *layer = &w->layers[l];
        for (int p = 0; p < w->mlp_parts; p++) {
            if (layer->hidden) cs_matrix_free(&layer->hidden[p]);
            if (layer->fc) cs_matrix_free(&layer->fc[p]);
        }
        cs_free(layer->hidden);
        cs_free(layer->fc);
        cs_matrix_free(&layer->mixed);
        cs_matrix_free(&layer->values);
        cs_free(layer->hidden_constant);
        cs_free(layer->value_constant);
        cs_free(layer->mlp_bias);
        cs_free(layer->out_bias);
    }
    cs_free(w->layers);
    cs_free(w->readout);
    cs_free(w->constant);
    cs_free(w);
    *weights = NULL;
}
