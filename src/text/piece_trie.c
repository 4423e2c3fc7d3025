/* SPDX-License-Identifier: MIT */
/* An edge is 8 bytes: parent and byte packed into one word, and the child. With a table at most 2/3
 * full a vocabulary of 256,000 pieces takes some 20 MB, and a step one look into it. */
#include "text/piece_trie.h"
#include "base/memory.h"

#include <string.h>

struct cs_trie_edge {
    uint32_t key, child; /* child 0: free; the root is nobody's child */
};

#define NODES_MOST ((size_t)1 << 24)
#define PROBE_MOST 4096

void cs_trie_fini(cs_trie *trie)
{
    cs_free(trie->edges);
    cs_free(trie->values);
    memset(trie, 0, sizeof *trie);
}

static size_t find_edge(const cs_trie *trie, uint32_t key)
{
    uint64_t h = key * 0x9e3779b97f4a7c15ULL;
    size_t i = (size_t)(h >> 32) & (trie->slots - 1), tries;
    for (tries = 0; tries < PROBE_MOST; tries++) {
        if (trie->edges[i].child == 0 || trie->edges[i].key == key) return i;
        i = (i + 1) & (trie->slots - 1);
    }
    return trie->slots;
}

static clipspan_status grow_edges(cs_trie *trie, clipspan_error *err)
{
    struct cs_trie_edge *old = trie->edges;
    size_t count = trie->slots, i;
    trie->edges = cs_alloc_zero(count ? 2 * count : 256, sizeof *old, "a tree of pieces", err);
    if (!trie->edges) {
        trie->edges = old;
        return CLIPSPAN_E_NOMEM;
    }
    trie->slots = count ? 2 * count : 256;
    for (i = 0; i < count; i++)
        if (old[i].child) trie->edges[find_edge(trie, old[i].key) & (trie->slots - 1)] = old[i];
    cs_free(old);
    return CLIPSPAN_OK;
}

static clipspan_status add_node(uint32_t *out, cs_trie *trie, uint32_t key, const char *path,
                                clipspan_error *err)
{
    size_t slot;
    if (trie->nodes >= NODES_MOST)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path, "has more than %zu beginnings of pieces",
                          NODES_MOST);
    if (3 * (trie->nodes + 1) > 2 * trie->slots) CS_TRY(grow_edges(trie, err));
    CS_TRY(cs_grow(&trie->values, &trie->values_room, trie->nodes + 1, sizeof *trie->values,
                   "a tree of pieces", err));
    slot = find_edge(trie, key);
    if (slot == trie->slots)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "has more than %d beginnings of pieces with one hash value", PROBE_MOST);
    trie->values[trie->nodes] = -1;
    trie->edges[slot].key = key;
    trie->edges[slot].child = *out = (uint32_t)trie->nodes++;
    return CLIPSPAN_OK;
}

clipspan_status cs_trie_add(cs_trie *trie, const char *bytes, size_t size, int32_t value,
                            const char *path, clipspan_error *err)
{
    uint32_t node = CS_TRIE_ROOT, next;
    if (trie->nodes == 0) {
        CS_TRY(cs_grow(&trie->values, &trie->values_room, 1, sizeof *trie->values,
                       "a tree of pieces", err));
        trie->values[trie->nodes++] = -1;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        next = cs_trie_step(trie, node, byte);
        if (!next) CS_TRY(add_node(&next, trie, node << 8 | byte, path, err));
        node = next;
    }
    trie->values[node] = value;
    return CLIPSPAN_OK;
}

uint32_t cs_trie_step(const cs_trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t key = node << 8 | byte;
    size_t slot;
    if (trie->slots == 0) return 0;
    slot = find_edge(trie, key);
    return slot == trie->slots || trie->edges[slot].key != key ? 0 : trie->edges[slot].child;
}

size_t cs_trie_longest(int32_t *value, const cs_trie *trie, const char *text, size_t size)
{
    uint32_t node = CS_TRIE_ROOT;
    size_t longest = 0;
    for (size_t i = 0; i < size; i++) {
        node = cs_trie_step(trie, node, (unsigned char)text[i]);
        if (!node) break;
        if (trie->values[node] < 0) continue;
        *value = trie->values[node];
        longest = i + 1;
    }
    return longest;
}
