/* SPDX-License-Identifier: MIT */
/* What the files of packs share: pack.c finds, reads and writes one, pack_gather.c makes one of
 * several. */
#ifndef CLIPSPAN_SRC_RUN_PACK_INSIDE_H
#define CLIPSPAN_SRC_RUN_PACK_INSIDE_H

#include "run/pack.h"

#define CS_PACK_PART "chunks"

/* In the order of the file: widest numbers first. */
typedef struct cs_pack_tensor {
    const char *name, *dtype;
    uint64_t shape[6]; /* the first is the number of chunks */
    int rank;
    size_t each; /* numbers a chunk */
} cs_pack_tensor;

#define CS_PACK_TENSORS 7

/* The tensors of a pack of so many chunks. Those that the plan does not keep have rank 0. */
void cs_pack_list(cs_pack_tensor out[CS_PACK_TENSORS], const cs_part_plan *plan, uint64_t chunks);

/* A pack that is whole, and of this plan. Errors: as cs_part_open. */
clipspan_status cs_pack_open(cs_pack *out, int *foreign, const cs_part_plan *plan, int level,
                             uint64_t index, clipspan_error *err);

/* Names them in a file that begins, with the lines about skipped images: `errors` bytes. */
clipspan_status cs_pack_declare(cs_safetensors_writer *w,
                                const cs_pack_tensor list[CS_PACK_TENSORS], uint64_t errors,
                                clipspan_error *err);

#endif
