/* SPDX-License-Identifier: MIT */
/* The terms of one picture, P-wide, for whoever asks for them. With T = 2L + 1 and A of
 * decompose/basis.h, exactly with the published shares of ln_post's mean and bias and of b_O:
 *
 *     mlp term l        (m[l] G - (mu / T) g1) / (sigma rho) + gb / (T rho)
 *     head (l,h)        ((z W_O^h) G + b_O G / H - (mu / (T H)) g1) / (sigma rho) + gb / (T H rho)
 *     ... token j       ((a[j] v[j] W_O^h) G + b_O G / (H N) - (mu / (T H N)) g1) / (sigma rho)
 *                       + gb / (T H N rho)
 *
 * Tokens add up to their head, heads to their layer, layers and MLP terms to the unit embedding.
 * Sums are float64, results float32. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_TERMS_H
#define CLIPSPAN_SRC_DECOMPOSE_TERMS_H

#include "decompose/codes.h"

/* Terms of a used slot, from its codes as they stand (rounded).
 * heads : [L, H, P]   layers : [L, P] attention, summed over heads   mlps : [L + 1, P]
 * class_part : [L, P]. Any may be NULL. */
void cs_terms_get(float *heads, float *layers, float *mlps, float *class_part,
                  const cs_basis *basis, const cs_codes *codes, size_t slot);

/* Largest absolute difference between the sum of all head and MLP terms and the embedding, over its
 * P numbers. float32 codes: at most 1e-5 on every model; f16 about 1e-3. */
double cs_terms_residual(const cs_basis *basis, const cs_codes *codes, size_t slot);

/* Attention and values of every layer of one picture, kept by a layer sink: N (D + H) L numbers
 * (B/16 7.4 MB). */
typedef struct cs_token_record {
    cs_shape shape;
    float *attention; /* [L, H, N] */
    float *values;    /* [L, N, H, K] */
    cs_arena arena;
} cs_token_record;
clipspan_status cs_token_record_init(cs_token_record *record, cs_shape shape, clipspan_error *err);
void cs_token_record_fini(cs_token_record *record);
cs_layer_sink cs_token_record_sink(cs_token_record *record); /* for cs_image_pass_trace */

/* Terms of one head by token: out : [N, P], token 0 is the class token.
 * scale : [3] of that picture's codes. No allocation. */
void cs_terms_get_tokens(float *out, const cs_basis *basis, const cs_token_record *record,
                         const double *scale, size_t layer, size_t head);

#endif
