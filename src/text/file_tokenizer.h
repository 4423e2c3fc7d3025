/* SPDX-License-Identifier: MIT */
/* Tokenizers that a file describes: tokenizer.json, SentencePiece's .model, BERT's vocab.txt. */
#ifndef CLIPSPAN_SRC_TEXT_FILE_TOKENIZER_H
#define CLIPSPAN_SRC_TEXT_FILE_TOKENIZER_H

#include "text/added_tokens.h"
#include "text/merge_bpe.h"
#include "text/sentencepiece.h"
#include "text/unigram.h"

typedef enum cs_file_model {
    CS_MODEL_BPE,
    CS_MODEL_UNIGRAM,
    CS_MODEL_WORD_PIECE,
    CS_MODEL_SENTENCEPIECE
} cs_file_model;

/* Starts as {0}; ended by cs_file_tokenizer_fini. Immutable once read. */
typedef struct cs_file_tokenizer {
    cs_file_model model;
    cs_vocabulary vocabulary;
    cs_text_steps normalizers, pre_tokenizers;
    cs_added added;
    cs_merge_bpe bpe;
    cs_unigram unigram;
    cs_word_pieces word_pieces;
    cs_sentencepiece sentencepiece;
    int32_t start, end, pad; /* what the file says, or CS_NO_PIECE */
} cs_file_tokenizer;

void cs_file_tokenizer_fini(cs_file_tokenizer *tokenizer);

/* Each reads a file's bytes. Errors: FORMAT, UNSUPPORTED (what is not known, by name), LIMIT,
 * NOMEM; path: for messages. */
clipspan_status cs_tokenizer_json_read(cs_file_tokenizer *out, const char *data, size_t size,
                                       const char *path, clipspan_error *err);
clipspan_status cs_sentencepiece_read(cs_file_tokenizer *out, const unsigned char *data,
                                      size_t size, const char *path, clipspan_error *err);
clipspan_status cs_vocab_txt_read(cs_file_tokenizer *out, const char *data, size_t size,
                                  const char *path, clipspan_error *err);

/* Whether tokenizer.json describes CLIP's own kind: byte pairs with "</w>" at the end of a word, or
 * merges and nothing else. 0 for what is no JSON, too. */
int cs_tokenizer_json_is_clip(const char *data, size_t size);

/* Appends the ids of a text, without start and end. */
clipspan_status cs_file_tokenizer_encode(cs_ids *ids, const cs_file_tokenizer *tokenizer,
                                         const cs_codes *text, clipspan_error *err);

/* NULL for ids that stand for nothing. */
const char *cs_file_tokenizer_piece(const cs_file_tokenizer *tokenizer, int32_t id);
/* By text, added tokens first; CS_NO_PIECE. */
int32_t cs_file_tokenizer_find(const cs_file_tokenizer *tokenizer, const char *piece);
/* One more than the largest id. */
int32_t cs_file_tokenizer_count(const cs_file_tokenizer *tokenizer);

#endif
