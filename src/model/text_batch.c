/* SPDX-License-Identifier: MIT */
/* Prefix tree of a batch of texts, with a hash table from (parent, token) to node. */
#include "model/text_batch.h"

#include <string.h>

void cs_text_batch_plan(cs_text_batch *batch, cs_arena *arena, size_t room)
{
    size_t slots = 16;
    while (slots < 2 * room)
        slots *= 2;
    batch->room = room;
    batch->slot_count = slots;
    batch->parent = cs_arena_carve(arena, room, sizeof *batch->parent);
    batch->token = cs_arena_carve(arena, room, sizeof *batch->token);
    batch->depth = cs_arena_carve(arena, room, sizeof *batch->depth);
    batch->end = cs_arena_carve(arena, room, sizeof *batch->end);
    batch->slots = cs_arena_carve(arena, slots, sizeof *batch->slots);
}

void cs_text_batch_clear(cs_text_batch *batch)
{
    batch->nodes = batch->texts = 0;
    memset(batch->slots, 0xFF, batch->slot_count * sizeof *batch->slots);
}

size_t cs_text_end(const int32_t *tokens, const cs_config *config)
{
    size_t length = (size_t)config->context_length, i, best = 0;
    if (config->pool == CS_POOL_LAST) return length - 1;
    if (config->pool == CS_POOL_FIRST_EOS) {
        for (i = 0; i < length; i++)
            if (tokens[i] == config->eos_id) return i;
        return 0; /* as transformers: argmax of a row of falses */
    }
    for (i = 1; i < length; i++)
        if (tokens[i] > tokens[best]) best = i;
    return best;
}

/* The slot that holds (parent, token), or the empty one where it belongs. */
static size_t find_slot(const cs_text_batch *batch, uint32_t parent, int32_t token)
{
    uint64_t hash = ((uint64_t)parent << 32 | (uint32_t)token) * UINT64_C(0x9E3779B97F4A7C15);
    size_t mask = batch->slot_count - 1, slot = (size_t)(hash >> 32) & mask;
    for (;; slot = (slot + 1) & mask) {
        uint32_t node = batch->slots[slot];
        if (node == CS_NO_NODE) return slot;
        if (batch->parent[node] == parent && batch->token[node] == token) return slot;
    }
}

/* All positions of one text, one after another. */
static int add_whole(cs_text_batch *batch, const int32_t *tokens, const cs_config *config)
{
    const size_t length = (size_t)config->context_length, first = batch->nodes;
    if (length > batch->room - first || batch->texts == batch->room) return 0;
    for (size_t i = 0; i < length; i++) {
        batch->parent[first + i] = i ? (uint32_t)(first + i - 1) : CS_NO_NODE;
        batch->token[first + i] = tokens[i];
        batch->depth[first + i] = (uint32_t)i;
    }
    batch->nodes += length;
    batch->end[batch->texts++] = (uint32_t)(first + cs_text_end(tokens, config));
    return 1;
}

int cs_text_batch_add(cs_text_batch *batch, const int32_t *tokens, const cs_config *config)
{
    size_t end = cs_text_end(tokens, config), i = 0;
    uint32_t node = CS_NO_NODE;
    if (config->bidirectional) return add_whole(batch, tokens, config);
    if (batch->texts == batch->room) return 0;
    for (; i <= end; i++) { /* down the part that is there */
        uint32_t next = batch->slots[find_slot(batch, node, tokens[i])];
        if (next == CS_NO_NODE) break;
        node = next;
    }
    if (end + 1 - i > batch->room - batch->nodes) return 0;
    for (; i <= end; i++) {
        uint32_t next = (uint32_t)batch->nodes++;
        batch->slots[find_slot(batch, node, tokens[i])] = next;
        batch->parent[next] = node;
        batch->token[next] = tokens[i];
        batch->depth[next] = (uint32_t)i;
        node = next;
    }
    batch->end[batch->texts++] = node;
    return 1;
}
