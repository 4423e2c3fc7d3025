/* SPDX-License-Identifier: MIT */
/* Byte-pair encoding: the vocabulary, and the merging of one word. */
#ifndef CLIPSPAN_SRC_TEXT_BPE_H
#define CLIPSPAN_SRC_TEXT_BPE_H

#include "text/merges.h"

#define CS_BPE_BASE 512 /* pieces before the first merge: 256 bytes, 256 bytes that end a word */

/* Immutable once made. Piece ids: bytes in the order of GPT-2's byte alphabet, the same ending a
 * word, one a merge. */
typedef struct cs_bpe {
    size_t count; /* pieces: CS_BPE_BASE + merges */
    int32_t byte_ids[256];
    char *names;               /* all pieces as the vocabulary spells them, each with its NUL */
    uint32_t *name_at;         /* [count] offsets in names */
    struct cs_bpe_pair *pairs; /* hash table of merges, [slots], slots a power of two */
    size_t slots;
} cs_bpe;

/* Builds from the first `merges` lines. Errors: FORMAT (with the line: not two pieces, a piece that
 * nothing before makes, a piece made twice), SHAPE (fewer lines than merges; both counts),
 * NOMEM. */
clipspan_status cs_bpe_init(cs_bpe *out, const cs_merges *source, size_t merges,
                            clipspan_error *err);
void cs_bpe_fini(cs_bpe *bpe);

/* Memory for cs_bpe_encode, kept between words. Starts as {0}; ended by cs_bpe_scratch_fini. */
typedef struct cs_bpe_scratch {
    struct cs_bpe_symbol *symbols;
    uint64_t *heap;
    size_t symbols_room, heap_room, heap_count;
} cs_bpe_scratch;
void cs_bpe_scratch_fini(cs_bpe_scratch *scratch);

/* Merges one word, size > 0 bytes, and writes its first `limit` ids; *count: how many were written.
 * The pair with the lowest rank is merged first, leftmost first, as the reference does by merging
 * all its places at once. n log n in the length of the word. Errors: NOMEM, LIMIT. */
clipspan_status cs_bpe_encode(int32_t *ids, size_t *count, size_t limit, const cs_bpe *bpe,
                              cs_bpe_scratch *scratch, const unsigned char *word, size_t size,
                              clipspan_error *err);

#endif
