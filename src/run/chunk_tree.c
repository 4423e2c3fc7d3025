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

const int cs_pack_levels[CS_PACK_LEVELS] = {0, 5, CS_PACK_TOP};

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* Which packs shares are made of. */
static int choose_level(const cs_chunk_tree *tree, uint64_t shards)
{
    const uint64_t even = divide_up(tree->chunks, shards);
    int i = CS_PACK_LEVELS;
    while (--i > 0) {
        const int level = cs_pack_levels[i];
        const uint64_t most = divide_up(cs_level_nodes(tree, level), shards) << level;
        if (most <= even + even / 16) break;
    }
    return cs_pack_levels[i];
}

void cs_shard_chunks(uint64_t *first, uint64_t *end, const cs_chunk_tree *tree, uint64_t shard,
                     uint64_t shards)
{
    const int level = choose_level(tree, shards);
    const uint64_t packs = cs_level_nodes(tree, level), before = shard - 1;
    const uint64_t each = packs / shards, more = packs % shards;
    *first = each * before + (before < more ? before : more);
    *end = (*first + each + (before < more)) << level;
    *first <<= level;
    if (*first > tree->chunks) *first = tree->chunks;
    if (*end > tree->chunks) *end = tree->chunks;
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
