/* SPDX-License-Identifier: MIT */
/* The arithmetic of a run: which image lies where, and in which order statistics merge.
 *
 * A list of images is taken in a fixed pseudo-random order and cut into chunks of 32 places.
 * Chunk statistics merge along a binary tree: node i of level 0 is chunk i; node i of level l + 1
 * is node 2 i of level l merged with node 2 i + 1, or node 2 i alone where that is the last.
 * Blocks are the nodes of the lowest level that has at most 64. Nothing here depends on who
 * computes what when. */
#ifndef CLIPSPAN_SRC_RUN_CHUNK_TREE_H
#define CLIPSPAN_SRC_RUN_CHUNK_TREE_H

#include "decompose/coefficients.h" /* CS_CHUNK: places in a chunk; the last may have fewer */

#define CS_BLOCKS_MOST 64

typedef struct cs_chunk_tree {
    uint64_t images, chunks;
    int block_level, top_level; /* the top level has one node */
    uint64_t blocks;
} cs_chunk_tree;

typedef struct cs_node {
    int level;
    uint64_t index;
} cs_node;

cs_chunk_tree cs_chunk_tree_of(uint64_t images); /* at least one */

/* Nodes of a level, places of a chunk. */
uint64_t cs_level_nodes(const cs_chunk_tree *tree, int level);
int cs_chunk_places(const cs_chunk_tree *tree, uint64_t chunk);

/* Chunks [*first, *end) below a node. */
void cs_node_chunks(uint64_t *first, uint64_t *end, const cs_chunk_tree *tree, cs_node node);

/* Levels of the tree whose nodes are files of their own (run/pack.h): chunks, and packs of 32 and
 * of 1,024 of them. */
#define CS_PACK_LEVELS 3
#define CS_PACK_TOP    10
extern const int cs_pack_levels[CS_PACK_LEVELS]; /* 0, 5, 10 */

/* Chunks [*first, *end) of share `shard` (from 1) of `shards`: whole packs of the highest level at
 * which no share has more than 1/16 more chunks than an even one, so that each share makes its own
 * packs. Their counts of packs differ by one at most. */
void cs_shard_chunks(uint64_t *first, uint64_t *end, const cs_chunk_tree *tree, uint64_t shard,
                     uint64_t shards);

#define CS_PLAN_SEED 1 /* of the order of a run; part of the arithmetic, so never changed */

/* order[p] is the number of the image at place p: a permutation of 0 … count - 1.
 *
 * The numbers start in order; for i = count - 1 down to 1, place i is exchanged with place
 * floor(r (i + 1) / 2^32), where r is the upper half of the next output of SplitMix64 started with
 * `seed`. count: at most 2^32 - 1. */
void cs_permute(uint32_t *order, size_t count, uint64_t seed);

#endif
