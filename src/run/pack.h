/* SPDX-License-Identifier: MIT */
/* Packs: the files that hold what became of a segment's images, and their coefficients.
 *
 * A pack of level l and number i holds the chunks of node (l, i) of the tree, side by side in its
 * arrays. A chunk is written as a pack of level 0 when it is done; when all chunks of a node of
 * level 5 are there, its pack replaces theirs, and that of level 10 (32,768 images) the packs below
 * it. A pack gets its name when it is whole, and only then those below it go, so that whatever
 * happens every finished chunk lies in a whole file. A pack's bytes follow from its chunks alone;
 * once merged, all packs are of the top level. */
#ifndef CLIPSPAN_SRC_RUN_PACK_H
#define CLIPSPAN_SRC_RUN_PACK_H

#include "run/part.h"

/* An open pack: chunks [first, first + count) of its segment. */
typedef struct cs_pack {
    cs_safetensors *file;
    uint64_t first, count;
} cs_pack;

/* Name of a pack in the run's root. level: 0, 5 or 10. */
void cs_pack_name(char out[CS_NAME_ROOM], const cs_part_plan *plan, int level, uint64_t index);

/* The pack of the highest level that holds the chunk and is whole; out->file is NULL after an
 * error. *foreign, which may be NULL, is 1 after a FORMAT error for a part of another plan. Errors:
 * NOT_FOUND, FORMAT, IO, NOMEM. */
clipspan_status cs_pack_find(cs_pack *out, int *foreign, const cs_part_plan *plan, uint64_t chunk,
                             clipspan_error *err);
int cs_pack_holds(const cs_pack *pack, uint64_t chunk); /* 0 for one that is not open */
void cs_pack_close(cs_pack *pack);

/* status : [CS_CHUNK] of a chunk, looked over. Errors: FORMAT, IO. */
clipspan_status cs_pack_read_status(uint8_t *status, const cs_pack *pack, const cs_part_plan *plan,
                                    uint64_t chunk, clipspan_error *err);

/* Calls `each` with the message of every skipped image of the pack, `place` in the segment, in
 * order. Errors: FORMAT, IO, NOMEM, and what `each` gives. */
clipspan_status cs_pack_read_errors(const cs_pack *pack, const cs_part_plan *plan,
                                    clipspan_status (*each)(void *context, uint64_t run_index,
                                                            const char *message,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err);

/* Arrays of float32 or float16, and their planes: z by (layer - first kept) H + head, mlp by 0 … L,
 * class_self_attention by layer; embedding has one. */
typedef enum cs_pack_array {
    CS_PACK_EMBEDDING = 0,
    CS_PACK_Z,
    CS_PACK_MLP,
    CS_PACK_CLASS_SELF_ATTENTION
} cs_pack_array;

/* out : [slots, K or P]: slots [slot, slot + slots) of a chunk's plane. The array is there when the
 * plan says so. Errors: FORMAT, IO. */
clipspan_status cs_pack_read(float *out, const cs_pack *pack, const cs_part_plan *plan,
                             cs_pack_array array, uint64_t chunk, size_t plane, size_t slot,
                             size_t slots, clipspan_error *err);
/* scale : [CS_CHUNK, 3] of a chunk. */
clipspan_status cs_pack_read_scale(double *scale, const cs_pack *pack, uint64_t chunk,
                                   clipspan_error *err);

/* A finished chunk as a pack of level 0. coefficients: of CS_CHUNK slots, stored as the plan says.
 * status : [CS_CHUNK]   errors : [CS_CHUNK] messages of those that are not CS_IMAGE_OK. */
clipspan_status cs_pack_write_chunk(const cs_part_plan *plan, uint64_t chunk,
                                    const cs_coefficients *coefficients, const uint8_t *status,
                                    const clipspan_error *errors, clipspan_error *err);

/* After a chunk was written: makes the packs that are complete by it, whichever shares wrote the
 * rest: the share that ends a pack makes it, so that nothing is left for the merge. One whose
 * pieces turn out damaged, or that another share is making, is left for later. Errors: WRITE,
 * NOMEM. */
clipspan_status cs_packs_gather(const cs_part_plan *plan, uint64_t chunk, clipspan_error *err);

/* How many packs of the top level there are, and one of them made from whatever holds its chunks;
 * what lies below it goes. Errors: NOT_FOUND and FORMAT (a chunk that is missing or damaged),
 * WRITE, IO, NOMEM. */
uint64_t cs_packs_count(const cs_part_plan *plan);
int cs_packs_is_closed(const cs_part_plan *plan, uint64_t index); /* 1: there, and whole */
clipspan_status cs_packs_close(const cs_part_plan *plan, uint64_t index, clipspan_error *err);

#endif
