/* SPDX-License-Identifier: MIT */
/* Reading a run, be it a folder (docs/run-format.md) or arrays in memory (run/run_memory.h): facts,
 * images, statistics and blocks, output maps, coefficients. What span, roles, reports, effects and
 * search build on.
 *
 * An open run is immutable but for results; threads share it. Every array is given in the caller's
 * buffer, with the sizes of decompose/coefficients.h: L layers, H heads, K head width, C = K + 3, P
 * joint width. */
#ifndef CLIPSPAN_SRC_RUN_RUN_OPEN_H
#define CLIPSPAN_SRC_RUN_RUN_OPEN_H

#include "decompose/head_stats.h"
#include "run/chunk_tree.h"
#include "run/index.h"

typedef struct clipspan_run_info clipspan_run_info; /* run.h */
typedef struct cs_run cs_run;

/* Errors: NOT_FOUND (no such folder, or it holds no index), FORMAT (damaged; names the fact),
 * LIMIT, UNSUPPORTED (another version), NOMEM, IO. A run whose merge is still to come opens too
 * (info->merged 0): it has facts, images and finished chunks only. */
clipspan_status cs_run_open(cs_run **out, const char *path, clipspan_error *err);
void cs_run_close(cs_run **run);

const clipspan_run_info *cs_run_info(const cs_run *run);
const cs_chunk_tree *cs_run_tree(const cs_run *run);
cs_shape cs_run_shape(const cs_run *run);
const char *cs_run_plan_id(const cs_run *run);

/* Any fact by key: a copy for cs_free, NULL when there is none. */
clipspan_status cs_run_fact(char **value, const cs_run *run, const char *key, clipspan_error *err);

/* Whether files can lie beside it: 0 for a run in memory. */
int cs_run_has_folder(const cs_run *run);

/* Its folder, where its files are found; NULL for a run in memory. */
const cs_root *cs_run_root(const cs_run *run);

/* Rows of images [first, first + count) by place; see cs_index_read. `each` may call anything
 * about the run. */
clipspan_status cs_run_images(const cs_run *run, uint64_t first, uint64_t count, cs_index_each each,
                              void *context, clipspan_error *err);

/* NOT_FOUND unless the run is merged; says what to run. */
clipspan_status cs_run_need_merged(const cs_run *run, clipspan_error *err);
/* NOT_FOUND unless the run kept coefficients; says what to run. */
clipspan_status cs_run_need_coefficients(const cs_run *run, clipspan_error *err);

/* NOT_FOUND unless the run kept the coefficients of that layer; says what to run. */
clipspan_status cs_run_need_layer(const cs_run *run, size_t layer, clipspan_error *err);
int cs_run_has_layer(const cs_run *run, size_t layer);
/* The same for contributions of MLPs and of class-token self-attention. */
clipspan_status cs_run_need_contributions(const cs_run *run, clipspan_error *err);

/* SHA-256 over the statistics of all used images: what a result was computed from. */
clipspan_status cs_run_statistics_id(char out[65], const cs_run *run, clipspan_error *err);

/* Statistics of all used images, or of block `block` (0 to info->blocks - 1):
 * stats : [cs_head_stats_size(shape)] float64, checked with cs_head_stats_check. */
clipspan_status cs_run_statistics(double *stats, const cs_run *run, clipspan_error *err);
clipspan_status cs_run_block(double *stats, const cs_run *run, uint64_t block, clipspan_error *err);

/* Moments of one head's coefficients, over all used images or in a block: [cs_moments_size(C)]. */
clipspan_status cs_run_head(double *moments, const cs_run *run, size_t layer, size_t head,
                            clipspan_error *err);
clipspan_status cs_run_block_head(double *moments, const cs_run *run, uint64_t block, size_t layer,
                                  size_t head, clipspan_error *err);

/* A of one head (decompose/output_map.h): rows : [C, P] float32, or of all heads: [L, H, C, P]. */
clipspan_status cs_run_output_map_head(float *rows, const cs_run *run, size_t layer, size_t head,
                                       clipspan_error *err);
clipspan_status cs_run_output_map(float *rows, const cs_run *run, clipspan_error *err);

/* ---- Coefficients, chunk by chunk ---- */

/* One finished chunk: places [32 chunk, 32 chunk + 32) of the run, wherever its segments meet. Rows
 * are those of its used images, in order of run_index; their number is
 * `count`, and run_indices : [count] says which images they are. */
typedef struct cs_run_chunk {
    uint64_t chunk;
    size_t count;
    uint64_t run_indices[CS_CHUNK];
    uint8_t slots[CS_CHUNK]; /* place % CS_CHUNK */
    const cs_run *run;
    void *inside; /* the back end's */
} cs_run_chunk;

/* To be given back with cs_run_chunk_fini in any case. Errors: NOT_FOUND (not scanned), FORMAT,
 * IO, NOMEM. */
clipspan_status cs_run_chunk_open(cs_run_chunk *out, const cs_run *run, uint64_t chunk,
                                  clipspan_error *err);
void cs_run_chunk_fini(cs_run_chunk *chunk);

/* y : [count, C] float64 coefficients of one head (reads K numbers an image and the 3 that all
 * heads share). */
clipspan_status cs_run_chunk_coefficients(double *y, const cs_run_chunk *chunk, size_t layer,
                                          size_t head, clipspan_error *err);
/* z : [count, K] of one head; scale : [count, 3]. */
clipspan_status cs_run_chunk_z(float *z, const cs_run_chunk *chunk, size_t layer, size_t head,
                               clipspan_error *err);
clipspan_status cs_run_chunk_scale(double *scale, const cs_run_chunk *chunk, clipspan_error *err);
/* embedding : [count, P] unit vectors. */
clipspan_status cs_run_chunk_embedding(float *embedding, const cs_run_chunk *chunk,
                                       clipspan_error *err);
/* components : [count, P]   index: 0 is z0, l + 1 the MLP of layer l. */
clipspan_status cs_run_chunk_mlp(float *components, const cs_run_chunk *chunk, size_t index,
                                 clipspan_error *err);
/* part : [count, P] the class-token self-attention of a layer. */
clipspan_status cs_run_chunk_class_self_attention(float *part, const cs_run_chunk *chunk,
                                                  size_t layer, clipspan_error *err);

/* ---- Results of later commands ---- */

/* JSON texts by kind and name; see run/results.h. Arrays that belong to them are files of the
 * folder. Of a run in memory they live as long as it does. Errors: WRITE when the folder may not be
 * written. */
clipspan_status cs_run_set_result(const cs_run *run, const char *kind, const char *name,
                                  const char *value, clipspan_error *err);
clipspan_status cs_run_result(char **value, const cs_run *run, const char *kind, const char *name,
                              clipspan_error *err);
clipspan_status cs_run_result_names(const cs_run *run, const char *kind,
                                    clipspan_status (*each)(void *context, const char *name,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err);

#endif
