/* SPDX-License-Identifier: MIT */
/* Statistics on disk while a run grows: one file a node of the tree, of level block_level at most.
 * A node's file replaces those below it: the parent is on disk before its children go, so whatever
 * happens every finished chunk lies below a file. */
#ifndef CLIPSPAN_SRC_RUN_NODES_H
#define CLIPSPAN_SRC_RUN_NODES_H

#include "run/part.h"

/* Two arrays of statistics, for merging. */
typedef struct cs_node_work {
    double *stats, *other; /* [cs_head_stats_size] */
} cs_node_work;
clipspan_status cs_node_work_init(cs_node_work *work, cs_shape shape, clipspan_error *err);
void cs_node_work_fini(cs_node_work *work);

/* Sets done[c - first] for every chunk c of [first, end) that lies below a whole file. Damaged
 * files inside the range count for nothing; of another plan: FORMAT. */
clipspan_status cs_nodes_find(unsigned char *done, const cs_part_plan *plan, uint64_t first,
                              uint64_t end, clipspan_error *err);

/* Puts the statistics of a chunk, in work->stats, on disk: merged with what is there of its
 * neighbours, up to the largest node that lies within [first, end) and is complete. */
clipspan_status cs_nodes_put(cs_node_work *work, const cs_part_plan *plan, uint64_t chunk,
                             uint64_t first, uint64_t end, clipspan_error *err);

/* Statistics of a node from its file, or from those below it: work->stats. Nodes above the blocks
 * too. Errors: NOT_FOUND when a file is missing. */
clipspan_status cs_nodes_get(cs_node_work *work, const cs_part_plan *plan, cs_node node,
                             clipspan_error *err);

/* Makes the file of a block and removes those below it. */
clipspan_status cs_nodes_close_block(cs_node_work *work, const cs_part_plan *plan, uint64_t block,
                                     clipspan_error *err);

#endif
