/* SPDX-License-Identifier: MIT */
/* Coefficients: what an image leaves behind, from which every component of its decomposition
 * follows, for a chunk of up to `room` images. A head's coefficients is
 *
 *     y = [ z / (sigma rho), 1 / (sigma rho), -mu / (sigma rho), 1 / rho ]     C = K + 3 numbers
 *
 * of which the last three are the same for all heads. Arrays are head-major, so that a question
 * about one head or component reads one piece. What a run folder stores is z, scale, embedding, mlp
 * and class_self_attention as they stand here, rounded; statistics are taken from the rounded
 * numbers.
 *
 * One chunk:
 *     cs_coefficients_clear(coefficients);
 *     for every image, on any lane:  cs_image_pass_trace(&trace, …);
 *                                      cs_coder_put(coder, lane, coefficients, slot, &trace, err);
 *     cs_coder_finish(coder, coefficients, threads, err);
 *     cs_head_stats_run(stats, counter, coefficients, threads, err);       decompose/head_stats.h
 *
 * A slot's bytes depend on its image and its number alone (on AVX-512, on its image), not on
 * lanes, threads or other slots. Slots without an image stay unused and hold zeros. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_COEFFICIENTS_H
#define CLIPSPAN_SRC_DECOMPOSE_COEFFICIENTS_H

#include "decompose/output_map.h"
#include "model/tower.h"
#include "model/trace.h"

#define CS_CHUNK 32 /* images in a chunk: part of the arithmetic, so never changed */

/* How z, mlp and class_self_attention are kept. F16: rounded to the nearest IEEE half, so within
 * 2^-11 relative, or 3e-8 where smaller than 6.2e-5; a number beyond 65,504 is a NUMBERS error that
 * says to keep them in f32. embedding (float32) and scale (float64) are never rounded. A run that
 * keeps no coefficients computes with F32. */
typedef enum cs_coefficient_format {
    CS_COEFFICIENTS_F32 = 0,
    CS_COEFFICIENTS_F16 = 1
} cs_coefficient_format;

typedef struct cs_coefficients {
    cs_shape shape;
    size_t room;                 /* B: slots */
    uint8_t *used;               /* [B] 1: the slot holds an image */
    float *z;                    /* [L, H, B, K] */
    double *scale;               /* [B, 3]: 1 / (sigma rho), -mu / (sigma rho), 1 / rho */
    float *embedding;            /* [B, P] unit vectors */
    float *mlp;                  /* [L + 1, B, P] components: z0, then the MLPs */
    float *class_self_attention; /* [L, B, P] the class-token self-attention of a layer component */
    float *attention; /* [L, B, P] attention component of a layer, all heads, from the rounded z;
                               not stored: z and A give it again */
    float *z_class;   /* [L, H, B, K] until cs_coder_finish; not stored */
    cs_arena arena;
} cs_coefficients;

/* room: 1 to CS_CHUNK. */
clipspan_status cs_coefficients_new(cs_coefficients **out, cs_shape shape, size_t room,
                                    clipspan_error *err);
void cs_coefficients_free(cs_coefficients **coefficients);
void cs_coefficients_clear(cs_coefficients *coefficients); /* every slot unused, all zeros */
size_t cs_coefficients_memory(const cs_coefficients *coefficients);
size_t cs_coefficients_count(const cs_coefficients *coefficients); /* used slots */

/* y : [C] of a used slot and head, in float64. */
void cs_coefficients_get(double *y, const cs_coefficients *coefficients, size_t slot, size_t layer,
                         size_t head);

/* Makes coefficients from traces: products to the joint image-text embedding space. Holds no
 * image. */
typedef struct cs_coder cs_coder;

/* output map and tower (of the same model and precision) must outlive the coder. room: of the
 * coefficients that it will fill. lanes: how many threads may call cs_coder_put and share
 * cs_coder_finish. */
clipspan_status cs_coder_new(cs_coder **out, const cs_output_map *output_map, const cs_tower *tower,
                             size_t room, cs_coefficient_format format, int lanes,
                             const cs_simd *simd, clipspan_error *err);
void cs_coder_free(cs_coder **coder);
size_t cs_coder_memory(const cs_coder *coder); /* bytes, the output map not counted */

/* One image into its slot: z, scale, embedding and MLP contributions, rounded. Different lanes may
 * work at once, on different slots. No allocation. Errors: NUMBERS (the slot stays unused),
 * INTERNAL. */
clipspan_status cs_coder_put(cs_coder *coder, int lane, cs_coefficients *coefficients, size_t slot,
                             const cs_trace *trace, clipspan_error *err);

/* Once all slots are put: attention and class_self_attention. threads: at most the coder's lanes;
 * the same bytes for any. No allocation. Errors: NUMBERS (with f16, a class-token self-attention
 * beyond its range), INTERNAL. */
clipspan_status cs_coder_finish(cs_coder *coder, cs_coefficients *coefficients, int threads,
                                clipspan_error *err);

#endif
