/* SPDX-License-Identifier: MIT */
/* What the weights alone say about the heads of the image encoder. With G = diag(gain of ln_post) P
 * ([D, P]), T = 2L + 1 components, g1 = 1^T G and gb = (bias of ln_post) P:
 *
 *     A[l,h] = [ W_O^h G ; b_O G / H ; g1 / (T H) ; gb / (T H) ]      [K + 3, P]
 *
 * (in a layer that has lost heads H is what is left, and A of a removed head is zero), so that a
 * head's contribution to the unit embedding is c = y A, with the code
 * y = [ z / (sigma rho), 1 / (sigma rho), -mu / (sigma rho), 1 / rho ] of decompose/coefficients.h.
 *
 * A is float32 (B/16: 20 MB, L/14: 79 MB, H/14: 174 MB): made by float32 products of short sums,
 * it is within 5e-7 of float64 relative to the length of a row, far below what the float32 pass
 * does to z. Immutable, shared by threads. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_OUTPUT_MAP_H
#define CLIPSPAN_SRC_DECOMPOSE_OUTPUT_MAP_H

#include "model/checkpoint.h"
#include "tensor/product.h"

/* Sizes that everything in this folder is made of. C = K + 3: width of the coefficients. */
typedef struct cs_shape {
    size_t L, H, K, D, N, P, C;
} cs_shape;

/* Of a model's image encoder. */
cs_shape cs_shape_get(const cs_config *config);

typedef struct cs_output_map {
    cs_shape shape;
    float *rows;        /* [L, H, C, P]: A */
    double *bias;       /* [L, P]: b_O G of a layer */
    double *mean_share; /* [P]: g1 */
    double *beta_share; /* [P]: gb */
    cs_matrix *joint;   /* D -> P: x G, column panels `panels`, float32 */
    size_t panels;
} cs_output_map;

/* Reads what it needs tensor by tensor: beyond the result, one [D, D] matrix a thread in float32
 * and its packed copy. precision: of the pass that the coefficients will come from; BF16 rounds W_O
 * as that pass does, so that the sum identity holds there too. The same bytes for any `threads`.
 * Errors: IO, FORMAT (the file changed), NOMEM. */
clipspan_status cs_output_map_new(cs_output_map **out, const cs_checkpoint *checkpoint,
                                  clipspan_precision precision, int threads, const cs_simd *simd,
                                  clipspan_error *err);
void cs_output_map_free(cs_output_map **output_map);

/* Column panels (tensor/product.h) in which x goes into products whose rounding matters: at most 64
 * numbers each, all alike, where the width has such a divisor. */
size_t cs_output_map_panels(size_t width);

/* A of one head: [C, P]. */
const float *cs_output_map_head(const cs_output_map *output_map, size_t layer, size_t head);

#endif
