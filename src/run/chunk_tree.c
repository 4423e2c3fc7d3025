/* SPDX-License-Identifier: MIT */
/* Sizes of the tree's levels, shares, and the order of the images. */
#include "run/chunk_tree.h"
#include "base/random.h"

uint64_t cs_level_nodes(const cs_chunk_tree *tree, int level)
{
    return ((tree->chunks - 1) >> level) + 1;
}

cs_chunk_tree cs_chunk_tree_of(uint64_t images)
{
    cs_chunk_tree tree = {images, (images + CS_CHUNK - 1) / CS_CHUNK, 0, 0, 0};
    while (cs_level_nodes(&tree, tree.block_level) > CS_BLOCKS_MOST)
        tree.block_level++;
    tree.top_level = tree.block_level;
    while (cs_level_nodes(&tree, tree.top_level) > 1)
        tree.top_level++;
    tree.blocks = cs_level_nodes(&tree, tree.block_level);
    return tree;
}

int cs_chunk_places(const cs_chunk_tree *tree, uint64_t chunk)
{
    uint64_t left = tree->images - chunk * CS_CHUNK;
    return left < CS_CHUNK ? (int)left : CS_CHUNK;
}

void cs_node_chunks(uint64_t *first, uint64_t *end, const cs_chunk_tree *tree, cs_node node)
{
    *first = node.index << node.level;
    *end = (node.index + 1) << node.level;
    if (*end > tree->chunks) *end = tree->chunks;
}

void cs_shard_chunks(uint64_t *first, uint64_t *end, const cs_chunk_tree *tree, uint64_t shard,
                     uint64_t shards)
{
    uint64_t each = tree->chunks / shards, more = tree->chunks % shards, before = shard - 1;
    *first = each * before + (before < more ? before : more);
    *end = *first + each + (before < more);
}

void cs_permute(uint32_t *order, size_t count, uint64_t seed)
{
    cs_random random = {seed};
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count; i-- > 1;) {
        size_t j = (size_t)((cs_random_next(&random) >> 32) * (i + 1) >> 32);
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
