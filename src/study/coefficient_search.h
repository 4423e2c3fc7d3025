/* SPDX-License-Identifier: MIT */
/* Nearest images of a run by what some of its heads wrote, in memory and exactly. With coefficients
 * y and output maps A of decompose/coefficients.h and output_map.h, c = y A, and a query q (what
 * the heads wrote for another image, or a text):
 *
 *     plain      sum over heads of c_h . q_h                    as published, for one head
 *     centred    sum over heads of (c_h - mean c_h) . q_h       the query centred likewise, a text
 * not
 *     cosine     the centred one over both lengths, each the root of the sum of squares over heads
 *
 * A product costs K + 3 multiply-adds a head and image, (y - mean y) . (A q). Without heads the
 * unit embeddings themselves are compared. */
#ifndef CLIPSPAN_SRC_STUDY_COEFFICIENT_SEARCH_H
#define CLIPSPAN_SRC_STUDY_COEFFICIENT_SEARCH_H

#include <clipspan/search.h>

#include "run/run_open.h"

typedef struct cs_search {
    size_t heads, N, W, P; /* heads (1 for embeddings); images; numbers an image and head; P */
    uint64_t *run_indices; /* [N] */
    float *rows;           /* [heads, N, W] */
    double *mean;          /* [heads, W] */
    float *output_map;     /* [heads, W, P], NULL for embeddings */
    double *length;        /* [N] of the centred images; with cosine */
    clipspan_compare compare;
    int threads;
} cs_search;

/* heads NULL: embeddings. Reads 4 (K + 3) bytes a head and image into memory. Errors: NOT_FOUND
 * (not merged, no coefficients), FORMAT, IO, NOMEM, INTERRUPTED. */
clipspan_status cs_search_new(cs_search **out, const cs_run *run, const clipspan_head *heads,
                              size_t count, clipspan_compare compare, int threads,
                              const clipspan_progress *progress, clipspan_error *err);
void cs_search_free(cs_search **search);

/* scores : [N]   query : [heads, P]. Errors: NOMEM. */
clipspan_status cs_search_run(double *scores, const cs_search *search, const float *query,
                              int is_text, clipspan_error *err);
/* parts : [heads] of one image's score; they add up to it. */
clipspan_status cs_search_parts(double *parts, const cs_search *search, size_t row,
                                const float *query, int is_text, clipspan_error *err);

#endif
