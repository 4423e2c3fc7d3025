/* SPDX-License-Identifier: MIT */
/* A SentencePiece model's own normalizer, and its segmentation by merging; Unigram is unigram.h's.
 */
#ifndef CLIPSPAN_SRC_TEXT_SENTENCEPIECE_H
#define CLIPSPAN_SRC_TEXT_SENTENCEPIECE_H

#include "text/charsmap.h"
#include "text/codepoints.h"
#include "text/piece_trie.h"
#include "text/vocabulary.h"

/* Starts as {0}; ended by cs_sentencepiece_fini. The pieces, their scores and types by id. */
typedef struct cs_sentencepiece {
    const cs_vocabulary *vocabulary; /* borrowed; control and unknown pieces are not in its hash */
    int unigram;                     /* 1: Unigram; 0: BPE */
    float *scores;
    unsigned char *types; /* CS_PIECE_NORMAL … */
    size_t scores_room, types_room;
    cs_trie user; /* user-defined symbols */
    cs_charsmap map;
    int dummy_prefix, remove_spaces, escape_spaces, suffix_spaces;
    int32_t unknown;
    int byte_fallback;
    int32_t bytes[256];
} cs_sentencepiece;

enum {
    CS_PIECE_NORMAL = 1,
    CS_PIECE_UNKNOWN = 2,
    CS_PIECE_CONTROL = 3,
    CS_PIECE_USER = 4,
    CS_PIECE_UNUSED = 5,
    CS_PIECE_BYTE = 6
};

void cs_sentencepiece_fini(cs_sentencepiece *model);

/* A growing text of bytes; starts as {0}, at is given back with cs_free. */
typedef struct cs_bytes {
    char *at;
    size_t count, room;
} cs_bytes;
clipspan_status cs_bytes_append(cs_bytes *bytes, const char *more, size_t size,
                                clipspan_error *err);
clipspan_status cs_bytes_spell(cs_bytes *bytes, const uint32_t *codes, size_t count,
                               clipspan_error *err);

/* out: gets the normalized text, empty before. text: valid UTF-8. */
clipspan_status cs_sentencepiece_normalize(cs_bytes *out, const cs_sentencepiece *model,
                                           const char *text, size_t size, clipspan_error *err);

/* Appends the ids of a normalized text by BPE. n log n in its length. */
clipspan_status cs_sentencepiece_merge(cs_ids *ids, const cs_sentencepiece *model, const char *text,
                                       size_t size, clipspan_error *err);

#endif
