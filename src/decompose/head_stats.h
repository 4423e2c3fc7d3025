/* SPDX-License-Identifier: MIT */
/* Statistics of codes that add up: what a run needs of any number of pictures to name heads.
 *
 *     every head             count, mean and co-moments of its code y (tensor/moments.h), C wide,
 *                            and the mean of c . m, c = y A its contribution, m the unit embedding
 *     attention of a layer,  mean [P], sum of squared distances to it, and the mean of c . m
 *     class part of a layer, MLP terms
 *     the embedding          mean [P] and sum of squared distances to it
 *
 * From these alone: tr Cov(c), tr Cov(c, m) / tr Var(m) for every term (evidence.md's strength
 * without a text; over attention layers and MLP terms it adds up to 1), covariances along texts,
 * TEXTSPAN.
 *
 * One flat array of float64, so that a file or a merge needs no code of its own (B/16: 2.9 MB). The
 * statistics of a chunk are those of its rounded codes in slot order; two merge as in
 * tensor/moments.h. Whoever merges fixes the tree: the result's bytes depend on chunks and tree
 * alone. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_HEAD_STATS_H
#define CLIPSPAN_SRC_DECOMPOSE_HEAD_STATS_H

#include "decompose/codes.h"

/* Terms that are not heads, in this order: L attention layers, L class parts, L + 1 MLP terms. */
typedef enum cs_term_kind { CS_TERM_ATTENTION = 0, CS_TERM_CLASS_PART, CS_TERM_MLP } cs_term_kind;

/* Numbers in the flat array: [L, H] moments of C (each cs_moments_size(C)), [L, H] head means of
 * c . m, embedding mean [P], embedding squares [1], then term by term mean [P], squares, mean of
 * c . m. All zeros: no pictures. */
size_t cs_head_stats_size(cs_shape shape);

/* How a shape's flat array is divided: offsets in numbers. */
typedef struct cs_head_stats_layout {
    size_t head_size;     /* numbers of one head's moments; head (l, h) at (l H + h) head_size */
    size_t head_products; /* [L, H] */
    size_t embedding;     /* mean [P], squares */
    size_t terms;         /* [3 L + 1] of term_size: mean [P], squares, mean of c . m */
    size_t term_size;
    size_t size;
} cs_head_stats_layout;
cs_head_stats_layout cs_head_stats_plan(cs_shape shape);

/* Computes statistics of chunks. basis must outlive it. room: of the codes that it will be given.
 * Its memory does not grow with the layers. */
typedef struct cs_head_counter cs_head_counter;
clipspan_status cs_head_counter_new(cs_head_counter **out, const cs_basis *basis, size_t room,
                                    int lanes, const cs_simd *simd, clipspan_error *err);
void cs_head_counter_free(cs_head_counter **counter);
size_t cs_head_counter_memory(const cs_head_counter *counter); /* bytes, the basis not counted */

/* Statistics of a finished chunk's used slots; `stats` is overwritten. threads: at most `lanes`;
 * the same bytes for any. Errors: NOMEM (the chunk's embeddings, packed), INTERNAL. */
clipspan_status cs_head_stats_run(double *stats, cs_head_counter *counter, const cs_codes *codes,
                                  int threads, clipspan_error *err);

/* into = into and other, `into` standing first; no overlap. */
void cs_head_stats_merge(double *into, const double *other, cs_shape shape);

/* Looks over an array that came from a file. Errors: FORMAT: a number that is not finite, counts
 * that differ between heads or are no whole number, a negative square. path: for the message. */
clipspan_status cs_head_stats_check(const double *stats, cs_shape shape, const char *path,
                                    clipspan_error *err);

double cs_head_stats_count(const double *stats);
const double *cs_head_stats_head(const double *stats, cs_shape shape, size_t layer, size_t head);
const double *cs_head_stats_term(const double *stats, cs_shape shape, cs_term_kind kind,
                                 size_t index); /* mean [P], squares, mean of c . m */
const double *cs_head_stats_embedding(const double *stats, cs_shape shape); /* mean [P], squares */

/* How much a term varies: variance = tr Cov(c) / tr Var(m) (does not add up over terms) and
 * share = tr Cov(c, m) / tr Var(m) (adds up to 1 over attention layers and MLP terms, or heads and
 * MLP terms). Both 0 for fewer than two pictures or pictures that are all alike. */
typedef struct cs_term_strength {
    double variance, share;
} cs_term_strength;
cs_term_strength cs_head_stats_term_strength(const double *stats, cs_shape shape, cs_term_kind kind,
                                             size_t index);
/* basis_rows : [C, P] A of that head   work : [P] numbers */
cs_term_strength cs_head_stats_head_strength(const double *stats, cs_shape shape, size_t layer,
                                             size_t head, const float *basis_rows, double *work);

/* Mean contribution of a head: out : [P], mean(y) A. */
void cs_head_stats_head_mean(double *out, const double *stats, cs_shape shape, size_t layer,
                             size_t head, const float *basis_rows);

#endif
