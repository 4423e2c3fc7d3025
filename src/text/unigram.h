/* SPDX-License-Identifier: MIT */
/* The most probable segmentation of a text into pieces with scores (Unigram), and greedy longest
 * pieces of words (WordPiece). */
#ifndef CLIPSPAN_SRC_TEXT_UNIGRAM_H
#define CLIPSPAN_SRC_TEXT_UNIGRAM_H

#include "text/piece_trie.h"
#include "text/vocabulary.h"

/* Starts as {0}; ended by cs_unigram_fini. */
typedef struct cs_unigram {
    const cs_vocabulary *vocabulary; /* borrowed */
    cs_trie trie;                    /* of the pieces that text can become */
    double *scores;                  /* [ids] log probabilities */
    size_t scores_room;
    int32_t unknown; /* id, or CS_NO_PIECE */
    double unknown_score;
    int byte_fallback;
    int32_t bytes[256];
    int sentencepiece; /* 1: arithmetic and unknown pieces as sentencepiece has them */
} cs_unigram;

void cs_unigram_fini(cs_unigram *unigram);

/* Memory that encoding keeps between texts. Starts as {0}. */
typedef struct cs_unigram_scratch {
    struct cs_unigram_node *nodes;
    struct cs_unigram_part *parts;
    size_t nodes_room, parts_room, parts_count;
} cs_unigram_scratch;
void cs_unigram_scratch_fini(cs_unigram_scratch *scratch);

/* Appends the ids of a text, valid UTF-8. Errors: FORMAT (an unknown character, and no unknown
 * piece), NOMEM. */
clipspan_status cs_unigram_encode(cs_ids *ids, const cs_unigram *unigram,
                                  cs_unigram_scratch *scratch, const char *text, size_t size,
                                  clipspan_error *err);

typedef struct cs_word_pieces {
    const cs_vocabulary *vocabulary; /* borrowed */
    int32_t unknown;
    size_t longest;  /* characters of a word; a longer one is unknown */
    char prefix[32]; /* of pieces that continue a word */
} cs_word_pieces;

/* Appends the ids of one word, valid UTF-8; one unknown id when it does not split into pieces. */
clipspan_status cs_word_pieces_encode(cs_ids *ids, const cs_word_pieces *pieces, const char *word,
                                      size_t size, clipspan_error *err);

#endif
