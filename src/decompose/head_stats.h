/* SPDX-License-Identifier: MIT */
/* Statistics of coefficients that add up: what a run needs of any number of images to name heads.
 *
 *     every head             count, mean and co-moments of its coefficients y (tensor/moments.h), C
 *     wide,
 *                            and the mean of c . m, c = y A its contribution, m the unit embedding
 *     attention of a layer,  mean [P], sum of squared distances to it, and the mean of c . m
 *     class-token self-attention of a layer, MLP contributions
 *     the embedding          mean [P] and sum of squared distances to it
 *
 * From these alone: tr Cov(c), tr Cov(c, m) / tr Var(m) for every component (evidence.md's strength
 * without a text; over attention layers and MLP contributions it adds up to 1), covariances along
 * texts, TEXTSPAN.
 *
 * One flat array of float64, so that a file or a merge needs no code of its own (B/16: 2.9 MB). The
 * statistics of a chunk are those of its rounded coefficients in slot order; two merge as in
 * tensor/moments.h. Whoever merges fixes the tree: the result's bytes depend on chunks and tree
 * alone. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_HEAD_STATS_H
#define CLIPSPAN_SRC_DECOMPOSE_HEAD_STATS_H

#include "decompose/coefficients.h"

/* Components that are not heads, in this order: L attention layers, L class-token self-attention, L
 * + 1 MLP contributions. */
typedef enum cs_component_kind {
    CS_COMPONENT_ATTENTION = 0,
    CS_COMPONENT_CLASS_SELF_ATTENTION,
    CS_COMPONENT_MLP
} cs_component_kind;

/* Numbers in the flat array: [L, H] moments of C (each cs_moments_size(C)), [L, H] head means of
 * c . m, embedding mean [P], embedding squares [1], then component by component mean [P], squares,
 * mean of c . m. All zeros: no images. */
size_t cs_head_stats_size(cs_shape shape);

/* How a shape's flat array is divided: offsets in numbers. */
typedef struct cs_head_stats_layout {
    size_t head_size;     /* numbers of one head's moments; head (l, h) at (l H + h) head_size */
    size_t head_products; /* [L, H] */
    size_t embedding;     /* mean [P], squares */
    size_t components;    /* [3 L + 1] of component_size: mean [P], squares, mean of c . m */
    size_t component_size;
    size_t size;
} cs_head_stats_layout;
cs_head_stats_layout cs_head_stats_plan(cs_shape shape);

/* Computes statistics of chunks. output map must outlive it. room: of the coefficients that it will
 * be given. Its memory does not grow with the layers. */
typedef struct cs_head_counter cs_head_counter;
clipspan_status cs_head_counter_new(cs_head_counter **out, const cs_output_map *output_map,
                                    size_t room, int lanes, const cs_simd *simd,
                                    clipspan_error *err);
void cs_head_counter_free(cs_head_counter **counter);
size_t cs_head_counter_memory(const cs_head_counter *counter); /* bytes, the output map not
                                                                  counted */

/* Statistics of a finished chunk's used slots; `stats` is overwritten. threads: at most `lanes`;
 * the same bytes for any. Errors: NOMEM (the chunk's embeddings, packed), INTERNAL. */
clipspan_status cs_head_stats_run(double *stats, cs_head_counter *counter,
                                  const cs_coefficients *coefficients, int threads,
                                  clipspan_error *err);

/* into = into and other, `into` standing first; no overlap. */
void cs_head_stats_merge(double *into, const double *other, cs_shape shape);

/* Looks over an array that came from a file. Errors: FORMAT: a number that is not finite, counts
 * that differ between heads or are no integer, a negative square. path: for the message. */
clipspan_status cs_head_stats_check(const double *stats, cs_shape shape, const char *path,
                                    clipspan_error *err);

double cs_head_stats_count(const double *stats);
const double *cs_head_stats_head(const double *stats, cs_shape shape, size_t layer, size_t head);
const double *cs_head_stats_component(const double *stats, cs_shape shape, cs_component_kind kind,
                                      size_t index); /* mean [P], squares, mean of c . m */
const double *cs_head_stats_embedding(const double *stats, cs_shape shape); /* mean [P], squares */

/* How much a component varies: variance = tr Cov(c) / tr Var(m) (does not add up over components)
 * and share = tr Cov(c, m) / tr Var(m) (adds up to 1 over attention layers and MLP contributions,
 * or heads and MLP contributions). Both 0 for fewer than two images or images that are all
 * alike. */
typedef struct cs_variance_share {
    double variance, share;
} cs_variance_share;
cs_variance_share cs_head_stats_variance_share(const double *stats, cs_shape shape,
                                               cs_component_kind kind, size_t index);
/* output_map_rows : [C, P] A of that head   work : [P] numbers */
cs_variance_share cs_head_stats_head_variance_share(const double *stats, cs_shape shape,
                                                    size_t layer, size_t head,
                                                    const float *output_map_rows, double *work);

/* Mean contribution of a head: out : [P], mean(y) A. */
void cs_head_stats_head_mean(double *out, const double *stats, cs_shape shape, size_t layer,
                             size_t head, const float *output_map_rows);

#endif
