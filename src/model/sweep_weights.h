/* SPDX-License-Identifier: MIT */
/* The matrices of an image encoder turned round, for a sweep from the embedding back to the pixels
 * (model/sweep.h): a product with one takes what a row of its output is worth to what a row of its
 * input is worth. Beside them what constants are worth:
 *
 *     hidden[l] = W_fc (bias of ln2) + b_fc        value[l] = W_V (bias of ln1) + b_V
 *
 * that is, what hidden layer and values hold when LayerNorm's input is all mean. Made on request
 * (about 5/6 of the encoder's own memory more), read-only, shared by threads. */
#ifndef CLIPSPAN_SRC_MODEL_SWEEP_WEIGHTS_H
#define CLIPSPAN_SRC_MODEL_SWEEP_WEIGHTS_H

#include "model/tower.h"

typedef struct cs_sweep_layer {
    cs_matrix **hidden; /* [mlp_parts] D -> M / mlp_parts: transposed mlp_out */
    cs_matrix **fc;     /* [mlp_parts] M / mlp_parts -> D: transposed fc */
    cs_matrix *mixed;   /* D -> h K: transposed W_O */
    cs_matrix *values;  /* h K -> D: transposed W_V */
    float *hidden_constant, *value_constant; /* [M], [h K] */
    float *mlp_bias, *out_bias;              /* [D] */
} cs_sweep_layer;

typedef struct cs_sweep_weights {
    cs_sweep_layer *layers; /* [L] */
    size_t count;
    int mlp_parts;
    float *readout;   /* [D, P]: gain of ln_post times the projection */
    double *constant; /* [P]: bias of ln_post through the projection */
    size_t D, P, bytes;
} cs_sweep_weights;

/* tower: float32, of this checkpoint. threads: layers read at once; memory beyond the result: one
 * tensor a thread, twice. Errors: IO, FORMAT (the file changed), NOMEM. */
clipspan_status cs_sweep_weights_new(cs_sweep_weights **out, const cs_checkpoint *checkpoint,
                                     const cs_tower *tower, int threads, clipspan_error *err);
void cs_sweep_weights_free(cs_sweep_weights **weights);

#endif
