/* SPDX-License-Identifier: MIT */
/* Codes: what a picture leaves behind, from which every term of its decomposition follows, for a
 * chunk of up to `room` pictures. A head's code is
 *
 *     y = [ z / (sigma rho), 1 / (sigma rho), -mu / (sigma rho), 1 / rho ]     C = K + 3 numbers
 *
 * of which the last three are the same for all heads. Arrays are head-major, so that a question
 * about one head or term reads one piece. What a run folder stores is z, scale, embedding, mlp and
 * class_part as they stand here, rounded; statistics are taken from the rounded numbers.
 *
 * One chunk:
 *     cs_codes_clear(codes);
 *     for every picture, on any lane:  cs_image_pass_trace(&trace, …);
 *                                      cs_coder_put(coder, lane, codes, slot, &trace, err);
 *     cs_coder_finish(coder, codes, threads, err);
 *     cs_head_stats_run(stats, counter, codes, threads, err);       decompose/head_stats.h
 *
 * A slot's bytes depend on its picture and its number alone (on AVX-512, on its picture), not on
 * lanes, threads or other slots. Slots without a picture stay unused and hold zeros. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_CODES_H
#define CLIPSPAN_SRC_DECOMPOSE_CODES_H

#include "decompose/basis.h"
#include "model/tower.h"
#include "model/trace.h"

#define CS_CHUNK 32 /* pictures in a chunk: part of the arithmetic, so never changed */

/* How z, mlp and class_part are kept. F16: rounded to the nearest IEEE half, so within 2^-11
 * relative, or 3e-8 where smaller than 6.2e-5; a number beyond 65,504 is a NUMBERS error that says
 * to keep them in f32. embedding (float32) and scale (float64) are never rounded. A run that keeps
 * no codes computes with F32. */
typedef enum cs_code_format { CS_CODES_F32 = 0, CS_CODES_F16 = 1 } cs_code_format;

typedef struct cs_codes {
    cs_shape shape;
    size_t room;       /* B: slots */
    uint8_t *used;     /* [B] 1: the slot holds a picture */
    float *z;          /* [L, H, B, K] */
    double *scale;     /* [B, 3]: 1 / (sigma rho), -mu / (sigma rho), 1 / rho */
    float *embedding;  /* [B, P] unit vectors */
    float *mlp;        /* [L + 1, B, P] terms: z0, then the MLPs */
    float *class_part; /* [L, B, P] the class token's own part of a layer's attention term */
    float *attention;  /* [L, B, P] attention term of a layer, all heads, from the rounded z;
                               not stored: z and A give it again */
    float *z_class;    /* [L, H, B, K] until cs_coder_finish; not stored */
    cs_arena arena;
} cs_codes;

/* room: 1 to CS_CHUNK. */
clipspan_status cs_codes_new(cs_codes **out, cs_shape shape, size_t room, clipspan_error *err);
void cs_codes_free(cs_codes **codes);
void cs_codes_clear(cs_codes *codes); /* every slot unused, all zeros */
size_t cs_codes_memory(const cs_codes *codes);
size_t cs_codes_count(const cs_codes *codes); /* used slots */

/* y : [C] of a used slot and head, in float64. */
void cs_codes_get(double *y, const cs_codes *codes, size_t slot, size_t layer, size_t head);

/* Makes codes from traces: products to the joint space. Holds no picture. */
typedef struct cs_coder cs_coder;

/* basis and tower (of the same model and precision) must outlive the coder. room: of the codes that
 * it will fill. lanes: how many threads may call cs_coder_put and share cs_coder_finish. */
clipspan_status cs_coder_new(cs_coder **out, const cs_basis *basis, const cs_tower *tower,
                             size_t room, cs_code_format format, int lanes, const cs_simd *simd,
                             clipspan_error *err);
void cs_coder_free(cs_coder **coder);
size_t cs_coder_memory(const cs_coder *coder); /* bytes, the basis not counted */

/* One picture into its slot: z, scale, embedding and MLP terms, rounded. Different lanes may work
 * at once, on different slots. No allocation. Errors: NUMBERS (the slot stays unused), INTERNAL. */
clipspan_status cs_coder_put(cs_coder *coder, int lane, cs_codes *codes, size_t slot,
                             const cs_trace *trace, clipspan_error *err);

/* Once all slots are put: attention and class_part. threads: at most the coder's lanes; the same
 * bytes for any. No allocation. Errors: NUMBERS (with f16, a class part beyond its range),
 * INTERNAL. */
clipspan_status cs_coder_finish(cs_coder *coder, cs_codes *codes, int threads, clipspan_error *err);

#endif
