/* SPDX-License-Identifier: MIT */
/* Byte-pair encoding with a vocabulary and merges that a tokenizer.json spells out. */
#ifndef CLIPSPAN_SRC_TEXT_MERGE_BPE_H
#define CLIPSPAN_SRC_TEXT_MERGE_BPE_H

#include "text/vocabulary.h"

#define CS_MERGES_MOST 4000000

/* Starts as {0}; ended by cs_merge_bpe_fini. Immutable once read. */
typedef struct cs_merge_bpe {
    const cs_vocabulary *vocabulary; /* borrowed */
    struct cs_merge_pair *pairs;     /* hash table of merges, [slots] */
    size_t slots, merges;
    int32_t unknown; /* id, or CS_NO_PIECE */
    int fuse_unknown, byte_fallback, ignore_merges;
    int32_t bytes[256]; /* ids of <0x00> to <0xFF> */
    char prefix[32];    /* of every character of a word but the first */
    char suffix[32];    /* of the last character of a word */
} cs_merge_bpe;

void cs_merge_bpe_fini(cs_merge_bpe *bpe);

/* Adds the next merge: two pieces of the vocabulary whose text together is a third. Errors: FORMAT
 * (no such piece; too many that hash alike), LIMIT, NOMEM; path: for messages. */
clipspan_status cs_merge_bpe_add(cs_merge_bpe *bpe, const char *left, size_t left_length,
                                 const char *right, size_t right_length, const char *path,
                                 clipspan_error *err);

/* Memory that encoding keeps between words. Starts as {0}. */
typedef struct cs_merge_scratch {
    struct cs_merge_symbol *symbols;
    struct cs_merge_entry *heap;
    size_t symbols_room, symbols_count, heap_room, heap_count;
} cs_merge_scratch;
void cs_merge_scratch_fini(cs_merge_scratch *scratch);

/* Appends the ids of one word, valid UTF-8. n log n in its length. */
clipspan_status cs_merge_bpe_encode(cs_ids *ids, const cs_merge_bpe *bpe, cs_merge_scratch *scratch,
                                    const char *word, size_t size, clipspan_error *err);

#endif
