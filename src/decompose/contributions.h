/* SPDX-License-Identifier: MIT */
/* The components of one image, P-wide, for whoever asks for them. With T = 2L + 1 and A of
 * decompose/output_map.h, exactly with the published shares of ln_post's mean and bias and of b_O:
 *
 *     mlp component l        (m[l] G - (mu / T) g1) / (sigma rho) + gb / (T rho)
 *     head (l,h)        ((z W_O^h) G + b_O G / H - (mu / (T H)) g1) / (sigma rho) + gb / (T H rho)
 *     ... token j       ((a[j] v[j] W_O^h) G + b_O G / (H N) - (mu / (T H N)) g1) / (sigma rho)
 *                       + gb / (T H N rho)
 *
 * Tokens add up to their head, heads to their layer, layers and MLP contributions to the unit
 * embedding. Sums are float64, results float32. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_CONTRIBUTIONS_H
#define CLIPSPAN_SRC_DECOMPOSE_CONTRIBUTIONS_H

#include "decompose/coefficients.h"

/* Components of a used slot, from its coefficients as they stand (rounded).
 * heads : [L, H, P]   layers : [L, P] attention, summed over heads   mlps : [L + 1, P]
 * class_self_attention : [L, P]. Any may be NULL. */
void cs_contributions_get(float *heads, float *layers, float *mlps, float *class_self_attention,
                          const cs_output_map *output_map, const cs_coefficients *coefficients,
                          size_t slot);

/* Largest absolute difference between the sum of all head and MLP contributions and the embedding,
 * over its P numbers. float32 coefficients: at most 1e-5 on every model; f16 about 1e-3. */
double cs_contributions_residual(const cs_output_map *output_map,
                                 const cs_coefficients *coefficients, size_t slot);

/* Attention and values of every layer of one image, kept by a layer sink: N (D + H) L numbers
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

/* Components of one head by token: out : [N, P], token 0 is the class token.
 * scale : [3] of that image's coefficients. No allocation. */
void cs_contributions_get_tokens(float *out, const cs_output_map *output_map,
                                 const cs_token_record *record, const double *scale, size_t layer,
                                 size_t head);

#endif
