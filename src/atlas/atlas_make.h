/* SPDX-License-Identifier: MIT */
/* Filling an atlas from a run: statistics, TEXTSPAN with a pool and with a control pool, roles,
 * top and bottom images. */
#ifndef CLIPSPAN_SRC_ATLAS_ATLAS_MAKE_H
#define CLIPSPAN_SRC_ATLAS_ATLAS_MAKE_H

#include "atlas/atlas.h"
#include "decompose/role_test.h"
#include "text/text_list.h"

#define CS_EXTREME_LAYERS 4 /* last layers whose heads have top and bottom images */

typedef struct cs_atlas_pool {
    const struct clipspan_texts *texts;
    const float *vectors; /* [T, P] unit vectors */
} cs_atlas_pool;

/* Control pools, one after the other. */
typedef struct cs_atlas_controls {
    size_t count, pools;  /* texts of one */
    const float *vectors; /* [pools, count, P] */
    const char *hash;     /* what the pools are kept under in the run */
} cs_atlas_controls;

/* What an atlas is made with; all of it is told to its readers. */
typedef struct cs_atlas_wish {
    const char *name; /* of the pool */
    int first_layer, last_layer;
    int basis_texts, rank, resamples; /* rank 0: no bound, resamples 0: none */
    int threads;
    uint64_t seed;
    double fdr;
    int rotations;
} cs_atlas_wish;

/* progress counts heads. Errors: NOT_FOUND (not merged), NUMBERS, FORMAT, IO, NOMEM, INTERRUPTED.
 */
clipspan_status cs_atlas_make(cs_atlas **out, const cs_run *run, const cs_atlas_pool *pool,
                              const cs_atlas_controls *control_pool, const cs_atlas_wish *wish,
                              const clipspan_progress *progress, clipspan_error *err);

/* The model's answers on the run's first images, held against what each of the heads wrote.
 *   out : [count], new; NULL where there is nothing to ask: no coefficients, no categories, too few
 *   images. Heads of layers that the run does not keep are not tested.
 *   roles : [count] what their texts say   vectors : [T, P] of the wish's pool
 * Errors: NUMBERS, FORMAT, IO, NOMEM, INTERNAL. */
clipspan_status cs_atlas_ask(cs_role_answer **out, const clipspan_role *roles,
                             const clipspan_head *heads, size_t count, const cs_run *run,
                             const cs_role_wish *wish, const float *vectors, size_t T, int threads,
                             clipspan_error *err);

/* Top and bottom images of heads [first, info.heads), which lie in the last layers: farthest images
 * along a basis text.
 *   readers : [info.heads - first, C + 1] of each head's first basis text, then mean coefficients .
 *   reader
 * A duplicate of an earlier image is left out. Pole images are numbered by place; the atlas's
 * image table is not touched. Nothing happens for a run without coefficients. */
clipspan_status cs_atlas_find_extremes(cs_atlas *atlas, const cs_run *run, size_t first,
                                       const double *readers, clipspan_error *err);

#endif
