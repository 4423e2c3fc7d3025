/* SPDX-License-Identifier: MIT */
/* What every open run is, and what a back end does for it: run_folder.c reads a folder,
 * run_memory.c arrays in memory. */
#ifndef CLIPSPAN_SRC_RUN_RUN_INSIDE_H
#define CLIPSPAN_SRC_RUN_RUN_INSIDE_H

#include "run/pack.h"
#include "run/run_open.h"

typedef struct clipspan_run_info clipspan_run_info; /* run.h */

/* Every function as that of run_open.h with its name, for arguments that were checked. */
typedef struct cs_run_ops {
    void (*close)(cs_run *run); /* all that it owns, and itself */
    clipspan_status (*fact)(char **value, const cs_run *run, const char *key, clipspan_error *err);
    clipspan_status (*images)(const cs_run *run, uint64_t first, uint64_t count, cs_index_each each,
                              void *context, clipspan_error *err);
    clipspan_status (*statistics_id)(char out[65], const cs_run *run, clipspan_error *err);
    clipspan_status (*statistics)(double *stats, const cs_run *run, clipspan_error *err);
    clipspan_status (*block)(double *stats, const cs_run *run, uint64_t block, clipspan_error *err);
    clipspan_status (*head)(double *moments, const cs_run *run, size_t layer, size_t head,
                            clipspan_error *err);
    clipspan_status (*block_head)(double *moments, const cs_run *run, uint64_t block, size_t layer,
                                  size_t head, clipspan_error *err);
    /* `count` numbers of the output maps [L, H, C, P] from number `first` on */
    clipspan_status (*output_map)(float *rows, const cs_run *run, uint64_t first, uint64_t count,
                                  clipspan_error *err);

    /* Fills count, places and slots, and what `inside` points to. */
    clipspan_status (*chunk_open)(cs_run_chunk *chunk, clipspan_error *err);
    void (*chunk_close)(cs_run_chunk *chunk);
    /* out : [count, K or P], as cs_pack_read */
    clipspan_status (*chunk_rows)(float *out, const cs_run_chunk *chunk, cs_pack_array array,
                                  size_t plane, clipspan_error *err);
    clipspan_status (*chunk_scale)(double *scale, const cs_run_chunk *chunk, clipspan_error *err);

    clipspan_status (*set_result)(const cs_run *run, const char *kind, const char *name,
                                  const char *value, clipspan_error *err);
    clipspan_status (*result)(char **value, const cs_run *run, const char *kind, const char *name,
                              clipspan_error *err);
    clipspan_status (*result_names)(const cs_run *run, const char *kind,
                                    clipspan_status (*each)(void *context, const char *name,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err);
} cs_run_ops;

/* The first member of a back end's own struct. */
struct cs_run {
    const cs_run_ops *ops;
    const clipspan_run_info *info;
    const cs_part_plan *plan; /* of the run as a whole */
    int has_folder;           /* 1: files may lie beside it */
};

/* The run that a const handle stands for; its back end guards what it changes. */
cs_run *cs_run_own(const cs_run *run);

#endif
