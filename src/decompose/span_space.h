/* SPDX-License-Identifier: MIT */
/* The space that one head writes into, the pool's texts in it, and picking: what TEXTSPAN and its
 * bootstrap share. One lane a thread; nothing here allocates after cs_span_lane_new. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_SPAN_SPACE_H
#define CLIPSPAN_SRC_DECOMPOSE_SPAN_SPACE_H

#include "base/memory.h"
#include "decompose/span.h"
#include "tensor/product.h"

/* Texts of one product; a pool is cut into equal parts of at most this many. */
#define CS_SPAN_PART 4096

struct cs_span_pool {
    const float *texts; /* [T, P] */
    size_t T, P;
    size_t parts, part; /* part: texts of one, a multiple of CS_PANEL; the last is padded */
    cs_matrix **packed; /* [parts]: P -> part */
    double longest;     /* largest norm of a text */
    const cs_simd *simd;
};

/* Count, mean and co-moments M of coordinates. */
typedef struct cs_span_moments {
    double count;
    double *mean;     /* [q] */
    double *comoment; /* [q, q] */
} cs_span_moments;

typedef struct cs_span_lane {
    const cs_span_pool *pool;
    size_t C, P, most; /* most: basis texts */
    cs_product *product;
    cs_arena arena;

    /* The space of the head at hand. */
    size_t q;       /* rank of A */
    double *Q;      /* [q, P] orthonormal rows */
    double *map;    /* [C, q]: R, code to coordinates */
    float *panels;  /* texts in coordinates: [panels, q, CS_PANEL] */
    double *exact;  /* [T, q] the same in float64, one by one when needed */
    uint8_t *known; /* [T] which of them are there */
    cs_span_moments moments;

    /* One run of basis texts. */
    size_t r;           /* rank in force */
    double *keep;       /* [r, q] orthonormal rows, looked at when r < q */
    double *cov;        /* [q, q] C in the kept span */
    double total;       /* tr C of all q coordinates */
    size_t basis_texts; /* so far */
    double *t;          /* [most, q] their directions */
    double *images;     /* [most, q] C t */
    double largest;     /* v before the first basis text */
    float *v;           /* [panels, CS_PANEL] screened variances */

    double *a, *b, *second, *values; /* scratch: [P + C], [P + C], [C, C], [C] */
    float *rows, *part;              /* [C, P] and [C, pool->part] of the product */
    float *factor, *t32, *u32;       /* [C, CS_PANEL_STRIDE(C)], [C], [C] */
} cs_span_lane;

clipspan_status cs_span_lane_new(cs_span_lane **out, const cs_span_pool *pool, size_t C,
                                 size_t basis_texts, clipspan_error *err);
void cs_span_lane_free(cs_span_lane **lane);

/* Makes the head's space: Q, map, texts in panels. */
clipspan_status cs_span_space_make(cs_span_lane *lane, const float *output_map,
                                   clipspan_error *err);

/* Moments of coefficients as moments of coordinates. */
void cs_span_space_moments(cs_span_moments *out, cs_span_lane *lane, const double *moments);

/* Starts a run of basis texts: rank and C from moments of coordinates (which are left as they are),
 * v of every text. rank: the most that is asked for, 0: no bound. Errors: NUMBERS, NOMEM,
 * INTERNAL. */
clipspan_status cs_span_begin(cs_span_lane *lane, const cs_span_moments *moments, size_t rank,
                              clipspan_error *err);

/* The next basis text: its text, v, share of the total. Returns 0 when the head is used up. */
typedef struct cs_span_found {
    size_t text;
    double variance, share;
} cs_span_found;
int cs_span_next(cs_span_found *out, cs_span_lane *lane);

/* Runners-up and near-duplicates of what cs_span_next found last; between it and cs_span_remove.
 * others: where they lie from now on. */
void cs_span_compare(clipspan_basis_text *basis_text, cs_span_others *others, cs_span_lane *lane,
                     const cs_span_found *found);

/* Removes the direction of what cs_span_next found last from all texts. */
void cs_span_remove(cs_span_lane *lane);

#endif
