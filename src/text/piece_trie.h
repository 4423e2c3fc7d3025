/* SPDX-License-Identifier: MIT */
/* All pieces that start at a place of a text. */
#ifndef CLIPSPAN_SRC_TEXT_PIECE_TRIE_H
#define CLIPSPAN_SRC_TEXT_PIECE_TRIE_H

#include "base/error.h"

#define CS_TRIE_ROOT 0

/* A tree of bytes whose edges lie in one hash table. Starts as {0}; ended by cs_trie_fini. */
typedef struct cs_trie {
    struct cs_trie_edge *edges; /* [slots] */
    size_t slots;
    int32_t *values; /* [nodes] what was added there, or -1 */
    size_t nodes, values_room;
} cs_trie;

void cs_trie_fini(cs_trie *trie);

/* Adds bytes with a value >= 0, in the place of one added before. Errors: LIMIT (16 million nodes),
 * FORMAT (edges that hash alike), NOMEM; path: for messages. */
clipspan_status cs_trie_add(cs_trie *trie, const char *bytes, size_t size, int32_t value,
                            const char *path, clipspan_error *err);

/* The node that a byte leads to from a node, or 0 when there is none. */
uint32_t cs_trie_step(const cs_trie *trie, uint32_t node, unsigned char byte);

/* Length of the longest added text that text starts with, and its value; 0 when none does. */
size_t cs_trie_longest(int32_t *value, const cs_trie *trie, const char *text, size_t size);

#endif
