/* SPDX-License-Identifier: MIT */
/* The array files of a run: packs of chunks (run/pack.h), statistics, output maps. Each says which
 * plan it belongs to; what is read is checked against that, its place and shapes. */
#ifndef CLIPSPAN_SRC_RUN_PART_H
#define CLIPSPAN_SRC_RUN_PART_H

#include "base/root.h"
#include "decompose/head_stats.h"
#include "formats/safetensors.h"
#include "formats/safetensors_write.h"
#include "run/chunk_tree.h"

/* What became of an image. Values are stored. */
typedef enum cs_image_status {
    CS_IMAGE_OK = 0,
    CS_IMAGE_MISSING,
    CS_IMAGE_UNREADABLE,
    CS_IMAGE_CHANGED,
    CS_IMAGE_UNSUPPORTED,
    CS_IMAGE_DAMAGED,
    CS_IMAGE_TOO_LARGE,
    CS_IMAGE_NOT_FINITE,
    CS_IMAGE_STATUSES,
    CS_IMAGE_NONE = 255 /* a slot behind the last image */
} cs_image_status;

const char *cs_image_status_name(cs_image_status status); /* "ok", "missing" … */

/* Whose parts these are, and how they look: of a segment, or of the run as a whole. */
typedef struct cs_part_plan {
    const cs_root *root; /* of the run; NULL: in memory */
    const char *inside;  /* the folder in it that they lie in: "segments/000", or "" */
    const char *path;    /* that of the run or the segment, for messages */
    const char *id;      /* SHA-256 of the plan */
    cs_shape shape;
    clipspan_coefficients coefficients;
    size_t first_layer,
        layers;        /* whose coefficients are kept: [first_layer, first_layer + layers) */
    int contributions; /* those of MLPs and of class-token self-attention are kept too */
    size_t rows;       /* R: rows that the readout takes */
    cs_chunk_tree tree;
} cs_part_plan;

#define CS_PART_HEADER_MOST ((uint64_t)256 << 10) /* bytes: a part has seven tensors */

/* Names of files in the run's root. */
#define CS_NAME_ROOM        128
void cs_part_name(char out[CS_NAME_ROOM], const cs_part_plan *plan, const char *file);
void cs_node_name(char out[CS_NAME_ROOM], const cs_part_plan *plan, cs_node node);

/* A part being written, with the notes that every part has, and one opened for reading; name: in
 * the run's root.
 * part: what it is ("chunks", "statistics", "output maps"). *foreign, which may be NULL, is 1 after
 * a FORMAT error for a part of another plan. Errors: NOT_FOUND; FORMAT; those of
 * cs_safetensors_open. */
clipspan_status cs_part_begin(cs_safetensors_writer **out, const char *name,
                              const cs_part_plan *plan, const char *part, clipspan_error *err);
clipspan_status cs_part_open(cs_safetensors **out, int *foreign, const char *name,
                             const cs_part_plan *plan, const char *part, clipspan_error *err);
/* After a failure of these or of what reads a part: whether the part may be whole, and cannot be
 * read at the moment. Then it is neither missing nor damaged, so nothing takes its place. */
int cs_part_is_away(clipspan_status status, const clipspan_error *err);

/* The entry of a tensor that must have this type and shape; out may be NULL. */
clipspan_status cs_part_need(const cs_tensor_entry **out, const cs_safetensors *file,
                             const char *name, const char *dtype, const uint64_t *shape, int rank,
                             clipspan_error *err);

/* Statistics as decompose/head_stats.h lays them out, as one file. */
clipspan_status cs_statistics_write(const char *name, const cs_part_plan *plan, const double *stats,
                                    clipspan_error *err);
/* stats : [cs_head_stats_size], looked over. Errors: as cs_part_open. */
clipspan_status cs_statistics_read(double *stats, const char *name, const cs_part_plan *plan,
                                   clipspan_error *err);
/* Only whether the file is whole and of this plan. */
clipspan_status cs_statistics_check(int *foreign, const char *name, const cs_part_plan *plan,
                                    clipspan_error *err);
/* SHA-256 over its bytes, once it is whole, of this plan and not a byte longer. */
clipspan_status cs_statistics_hash(char out[65], const char *name, const cs_part_plan *plan,
                                   clipspan_error *err);
/* Moments of one head from such a file. */
clipspan_status cs_statistics_read_head(double *moments, const char *name, const cs_part_plan *plan,
                                        size_t layer, size_t head, clipspan_error *err);

/* output_maps.safetensors: rows and shares of decompose/output_map.h. */
clipspan_status cs_output_map_write(const cs_part_plan *plan, const cs_output_map *output_map,
                                    clipspan_error *err);
/* 1 when it is there, whole, and has these numbers. */
int cs_output_map_is(const cs_part_plan *plan, const cs_output_map *output_map);
/* Opens it and gives the entry of the maps. */
clipspan_status cs_output_map_file_open(cs_safetensors **out, const cs_tensor_entry **rows,
                                        const cs_part_plan *plan, clipspan_error *err);

#endif
