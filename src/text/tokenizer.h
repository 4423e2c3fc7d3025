/* SPDX-License-Identifier: MIT */
/* CLIP's byte-pair tokenizer: cleaning, pattern, merges, ids; equal to open_clip's SimpleTokenizer.
 */
#ifndef CLIPSPAN_SRC_TEXT_TOKENIZER_H
#define CLIPSPAN_SRC_TEXT_TOKENIZER_H

#include "base/error.h"

typedef struct cs_tokenizer cs_tokenizer; /* immutable, shared by threads */

/* path: "" for the standard table of the data folder; a merges file (plain or gzip, with or without
 * its "#version" line); or a folder that holds one (merges.txt, …).
 * vocab: the model's vocabulary size; the first vocab - 512 - 2 merges are used, and it is an error
 * when the file has fewer. In a Hugging Face folder the ids of vocab.json must agree with the order
 * of the merges. Errors: NOT_FOUND, FORMAT (with the line), SHAPE (both sizes), UNSUPPORTED
 * (another kind of tokenizer, other ids), LIMIT, IO, NOMEM. */
clipspan_status cs_tokenizer_open(cs_tokenizer **out, const char *path, int vocab,
                                  clipspan_error *err);
void cs_tokenizer_close(cs_tokenizer **tokenizer);

/* ids : [context] start, text, end, zeros. count, cut: may be NULL. As clipspan_tokens_encode. */
clipspan_status cs_tokenizer_encode(int32_t *ids, size_t *count, int *cut,
                                    const cs_tokenizer *tokenizer, int context, const char *text,
                                    size_t size, clipspan_error *err);

/* The piece as the vocabulary spells it (GPT-2's letters for bytes, "</w>" at the end of a word);
 * NULL out of range. */
const char *cs_tokenizer_piece(const cs_tokenizer *tokenizer, int32_t id);
int cs_tokenizer_start_id(const cs_tokenizer *tokenizer);
int cs_tokenizer_end_id(const cs_tokenizer *tokenizer);

#endif
