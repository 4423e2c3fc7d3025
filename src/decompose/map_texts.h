/* SPDX-License-Identifier: MIT */
/* Texts, or any directions of the joint image-text embedding space, brought to where the heads
 * write: with the output map A of decompose/output_map.h, for every head
 *
 *     u[l,h](t) = (W_O^h G) t        rest[l,h](t) = (b_O G / H, g1 / (T H), gb / (T H)) . t
 *
 * so that the score of token j is a[j] (v[j] . u(t)) / (sigma rho) plus an N-th of rest(t) times
 * the image's three scales: equation (3) projected on t, K multiply-adds instead of P. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_MAP_TEXTS_H
#define CLIPSPAN_SRC_DECOMPOSE_MAP_TEXTS_H

#include "decompose/output_map.h"

#define CS_MAP_BLOCK 16 /* texts that are scored together */

typedef struct cs_map_texts {
    cs_shape shape;
    size_t T, blocks; /* texts; blocks of CS_MAP_BLOCK, the last filled up with zeros */
    float *u;         /* [L, H, blocks, K, CS_MAP_BLOCK] */
    double *rest;     /* [L, H, 3, T] */
    float *vectors;   /* [T, P] */
} cs_map_texts;

/* vectors : [T, P], copied; T at least 1. threads share the work; the same bytes for any. Errors:
 * NOMEM. */
clipspan_status cs_map_texts_new(cs_map_texts **out, const cs_output_map *output_map,
                                 const float *vectors, size_t T, int threads, clipspan_error *err);
void cs_map_texts_free(cs_map_texts **texts);

#endif
