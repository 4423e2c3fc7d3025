/* SPDX-License-Identifier: MIT */
/* The published TEXTSPAN on contributions formed in full, [N, P], in float64: slow, and unlike
 * src/decompose/span.c. And random heads to try both on. What fails ends the test. */
#ifndef CLIPSPAN_TESTS_DECOMPOSE_PUBLISHED_H
#define CLIPSPAN_TESTS_DECOMPOSE_PUBLISHED_H

#include "decompose/span.h"

/* data : [N, P], left as the basis texts left it   texts : [T, P]   rank: right singular vectors
 * that are
 * kept   made : [N, P] the reconstruction, may be NULL. Fills basis texts and variances :
 * [count]. */
void cs_published_run(size_t *basis_texts, double *variances, double *made, double *data, size_t N,
                      const float *texts, size_t T, size_t P, size_t rank, size_t count);

/* Heads, coefficients and texts at random: coefficients of a falling spectrum around a mean,
 * rounded to float32; texts in pairs that resemble each other. Moments and 20 blocks of them. */
typedef struct cs_scene {
    size_t heads, C, P, N, T, size; /* size: numbers of moments */
    float *output_map;              /* [heads, C, P] */
    double *coefficients;           /* [heads, N, C] */
    float *texts;                   /* [T, P] */
    double *moments;                /* [heads, size] */
    double *blocks;                 /* [heads, CS_SCENE_BLOCKS, size] */
    cs_span_head *head;             /* [heads] */
} cs_scene;
#define CS_SCENE_BLOCKS 20

void cs_scene_init(cs_scene *scene, size_t heads, size_t C, size_t P, size_t N, size_t T,
                   uint64_t seed);
void cs_scene_fini(cs_scene *scene);
/* Takes moments and blocks again, after coefficients were changed. */
void cs_scene_count(cs_scene *scene);
/* c = y A of all images: [N, P], to be freed. */
double *cs_scene_data(const cs_scene *scene, size_t head);

#endif
