/* SPDX-License-Identifier: MIT */
/* TEXTSPAN: the texts that span what a head writes, from its statistics alone (decomposition.md,
 * section 4; the published algorithm's choices, without its N x P data).
 *
 *     A = R Q, Q : [q, P] orthonormal rows    S = R^T E[y y^T] R    C = R^T Cov(y) R    t = Q text
 *     r = how many eigenvalues of S are above 1e-12 of the largest, at most the number of images
 *         and the rank asked for; texts and C are kept in the span of those eigenvectors
 *     repeat: v_i = t_i^T C t_i, i* = the largest v (lowest index of equal ones), t = t_i* / |t_i*|
 *             t_i -= (t_i . t) t; stop when the largest v is at most 1e-12 tr C
 *
 * Texts are not made unit vectors again between basis texts and v is not divided by |t_i|^2: that
 * is the published algorithm. After a pick all texts are orthogonal to it, so C need not be
 * deflated.
 *
 * v of all texts is screened in float32; every text that comes within the screen's error of the
 * largest is decided in float64 from its own numbers. So basis texts, shares and directions are
 * those of float64 arithmetic at every kernel level, and equal texts tie exactly. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_SPAN_H
#define CLIPSPAN_SRC_DECOMPOSE_SPAN_H

#include "tensor/simd.h"

#include "base/error.h"
#include "decompose/basis_text.h"

/* A pool of texts, prepared once for all heads. Immutable, shared by threads. */
typedef struct cs_span_pool cs_span_pool;

/* texts : [T, P] unit vectors (zeros are allowed and never picked), borrowed until the pool is
 * freed. T and P at least 1. Errors: NUMBERS (a text that is not finite, by its number), NOMEM. */
clipspan_status cs_span_pool_new(cs_span_pool **out, const float *texts, size_t T, size_t P,
                                 const cs_simd *simd, clipspan_error *err);
void cs_span_pool_free(cs_span_pool **pool);
size_t cs_span_pool_texts(const cs_span_pool *pool); /* T */

/* What is known about one head. All borrowed for the call. */
typedef struct cs_span_head {
    const float *output_map; /* [C, P] A */
    const double *moments;   /* of coefficients, C wide: tensor/moments.h */
    const double *blocks;    /* moments of `block_count` blocks of images, that merge to `moments`;
                              block b at blocks + b * block_stride; NULL: no stability */
    size_t block_count, block_stride;
} cs_span_head;

typedef struct cs_role_wish cs_role_wish; /* role_test.h */

typedef struct cs_span_options {
    size_t basis_texts;        /* K, at least 1; fewer come out when the head is used up */
    size_t rank;               /* largest r; 0: as the statistics say */
    int resamples;             /* of the bootstrap; 0: none */
    uint64_t seed;             /* of the bootstrap; the same draws for every head */
    int threads;               /* heads side by side */
    const cs_role_wish *roles; /* what roles are tested with; NULL: they are not */
} cs_span_options;

/* One head's result. */
typedef struct cs_span {
    size_t C, P;
    double count; /* images */
    size_t rank;  /* r */
    double total; /* tr C */
    size_t basis_texts;
    clipspan_basis_text *basis_text; /* [basis_texts] */
    cs_span_others *others;          /* [basis_texts] */
    double *readers;     /* [basis_texts, C]: (y - mean y) . reader = (c - mean c) . direction */
    float *directions;   /* [basis_texts, P] orthonormal: t of each basis text */
    int resamples;       /* of the bootstrap, 0 when it was not run */
    uint32_t *drawn;     /* [resamples, basis texts] texts picked, UINT32_MAX where a resample
                            ended */
    float *drawn_shares; /* [resamples, basis texts] */
    int tested;          /* 1: roles were asked for */
    clipspan_role role;  /* all but q and outcome; names are those of the categories */
} cs_span;

/* TEXTSPAN of `count` heads.
 *   out : [count], each a new result or NULL on failure; the same bytes for any number of threads
 * progress counts heads. Errors: NUMBERS (statistics that are not finite), NOMEM, INTERNAL,
 * INTERRUPTED. */
clipspan_status cs_span_run(cs_span **out, const cs_span_pool *pool, const cs_span_head *heads,
                            size_t count, size_t C, const cs_span_options *options,
                            const clipspan_progress *progress, clipspan_error *err);
void cs_span_free(cs_span **span);

#endif
