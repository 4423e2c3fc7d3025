/* SPDX-License-Identifier: MIT */
/* The array files of a run: chunks (codes and status of their pictures), nodes (statistics), bases.
 * Each says which plan it belongs to; what is read is checked against that, its place and
 * shapes. */
#ifndef CLIPSPAN_SRC_RUN_PART_H
#define CLIPSPAN_SRC_RUN_PART_H

#include <clipspan/run.h>

#include "decompose/head_stats.h"
#include "formats/safetensors.h"
#include "run/chunk_tree.h"

/* What became of a picture. Values are stored. */
typedef enum cs_picture_status {
    CS_PICTURE_OK = 0,
    CS_PICTURE_MISSING,
    CS_PICTURE_UNREADABLE,
    CS_PICTURE_CHANGED,
    CS_PICTURE_UNSUPPORTED,
    CS_PICTURE_DAMAGED,
    CS_PICTURE_TOO_LARGE,
    CS_PICTURE_NOT_FINITE,
    CS_PICTURE_STATUSES,
    CS_PICTURE_NONE = 255 /* a slot behind the last picture */
} cs_picture_status;

const char *cs_picture_status_name(cs_picture_status status); /* "ok", "missing" … */

/* Whose parts these are, and how they look. */
typedef struct cs_part_plan {
    const char *path; /* of the run */
    const char *id;   /* SHA-256 of the plan */
    cs_shape shape;
    clipspan_codes codes;
    cs_chunk_tree tree;
} cs_part_plan;

/* Whether what opening a part gave ends a scan: memory, or a part of another run. Other parts that
 * cannot be read are done again. */
int cs_part_is_fatal(clipspan_status status, const clipspan_error *error);

/* path of a part, for cs_free; NULL with err filled. */
char *cs_chunk_path(const cs_part_plan *plan, uint64_t chunk, clipspan_error *err);
char *cs_node_path(const cs_part_plan *plan, cs_node node, clipspan_error *err);

/* A finished chunk. codes: of CS_CHUNK slots, stored as plan->codes says.
 * status : [CS_CHUNK]   errors : [CS_CHUNK] messages of those that are not CS_PICTURE_OK. */
clipspan_status cs_chunk_write(const cs_part_plan *plan, uint64_t chunk, const cs_codes *codes,
                               const uint8_t *status, const clipspan_error *errors,
                               clipspan_error *err);

/* Errors: NOT_FOUND; FORMAT, also for a part of another plan; those of cs_safetensors_open. */
clipspan_status cs_chunk_open(cs_safetensors **out, const cs_part_plan *plan, uint64_t chunk,
                              clipspan_error *err);

/* status : [CS_CHUNK]. Errors: FORMAT. */
clipspan_status cs_chunk_read_status(uint8_t *status, const cs_safetensors *file,
                                     const cs_part_plan *plan, uint64_t chunk, clipspan_error *err);
/* Calls `each` with the message of every skipped slot that has one, in order of slot. */
clipspan_status cs_chunk_read_errors(const cs_safetensors *file,
                                     clipspan_status (*each)(void *context, int slot,
                                                             const char *message,
                                                             clipspan_error *err),
                                     void *context, clipspan_error *err);

/* Statistics as decompose/head_stats.h lays them out, as one file at `path`. */
clipspan_status cs_statistics_write(const char *path, const cs_part_plan *plan, const double *stats,
                                    clipspan_error *err);
/* stats : [cs_head_stats_size], looked over. Errors: as cs_chunk_open. */
clipspan_status cs_statistics_read(double *stats, const char *path, const cs_part_plan *plan,
                                   clipspan_error *err);
/* Only whether the file is whole and of this plan. */
clipspan_status cs_statistics_check(const char *path, const cs_part_plan *plan,
                                    clipspan_error *err);
/* Moments of one head from such a file. */
clipspan_status cs_statistics_read_head(double *moments, const char *path, const cs_part_plan *plan,
                                        size_t layer, size_t head, clipspan_error *err);

/* basis.safetensors: rows and shares of decompose/basis.h. */
clipspan_status cs_basis_write(const cs_part_plan *plan, const cs_basis *basis,
                               clipspan_error *err);
/* Opens it and gives the entry of `rows`. */
clipspan_status cs_basis_file_open(cs_safetensors **out, const cs_tensor_entry **rows,
                                   const cs_part_plan *plan, clipspan_error *err);

#endif
