/* SPDX-License-Identifier: MIT */
/* Text to token ids, the one door to every tokenizer: CLIP's byte pairs (equal to open_clip's
 * SimpleTokenizer), tokenizer.json (BPE, Unigram, WordPiece; equal to Hugging Face's tokenizers),
 * SentencePiece's .model (Unigram, BPE; equal to sentencepiece) and BERT's vocab.txt.
 */
#ifndef CLIPSPAN_SRC_TEXT_TOKENIZER_H
#define CLIPSPAN_SRC_TEXT_TOKENIZER_H

#include "base/error.h"

typedef struct cs_tokenizer cs_tokenizer; /* immutable, shared by threads */

typedef enum cs_tokenizer_kind {
    CS_TOKENIZER_AUTO, /* by the file: see cs_tokenizer_open_as */
    CS_TOKENIZER_CLIP, /* merges, from a file of any kind that holds them, used as open_clip does */
    CS_TOKENIZER_FILE  /* as the file says: tokenizer.json, .model, vocab.txt */
} cs_tokenizer_kind;

/* What is done to a text before the tokenizer's own normalizer sees it (docs/fidelity.md). */
typedef enum cs_text_cleaning {
    CS_CLEAN_AUTO,  /* CLIP: CS_CLEAN_CLIP; a folder with tokenizer_config.json: as its class does
                       (SiglipTokenizer: SIGLIP; Siglip2Tokenizer, and Gemma's with do_lower_case:
                       LOWER); else NONE */
    CS_CLEAN_NONE,  /* nothing */
    CS_CLEAN_CLIP,  /* open_clip "lower": ftfy, html.unescape twice, spaces, lower case */
    CS_CLEAN_SPACE, /* open_clip "whitespace", its default for other tokenizers than CLIP's: the
                       same, case kept */
    CS_CLEAN_CANONICAL, /* open_clip "canonicalize": ftfy, html.unescape twice, "_" to a space, no
                           ASCII punctuation, lower case, spaces */
    CS_CLEAN_SIGLIP,    /* transformers' SiglipTokenizer: lower case by code point, no ASCII
                           punctuation ("_" too), spaces */
    CS_CLEAN_LOWER      /* transformers' Siglip2Tokenizer: lower case by code point, nothing else */
} cs_text_cleaning;

#define CS_TOKEN_AUTO (-1) /* as the file says */
#define CS_TOKEN_NONE (-2) /* none */

typedef struct cs_tokenizer_options {
    cs_tokenizer_kind kind;
    cs_text_cleaning cleaning;
    int vocab; /* rows of the model's token table; 0: not compared. CLIP: which merges are used;
                  others: no id of the file may be as large */
    int start, end; /* id before and after the text. AUTO: what the file's post-processor adds, or
                       what add_bos_token and add_eos_token of a tokenizer_config.json beside it say
                       where its class heeds them; of a .model: no start, its </s> as end */
    int pad;        /* id behind the end, up to the context. AUTO: CLIP 0; the pad_token of
                       tokenizer_config.json, else of the file's `padding`, else its <pad> or [PAD],
                       else 0. open_clip's SigLIP pads with 1, which is also its end: those files
                       say so themselves */
    int blank_end;  /* 1: the end token is replaced by 0 (open_clip's strip_sep_token) */
    int siglip; /* 1: what a tokenizer_config.json leaves open is as in transformers' classes for
                       SigLIP: Unigram as SiglipTokenizer, padded with its end token, BPE as
                       Siglip2Tokenizer */
} cs_tokenizer_options;

#define CS_TOKENIZER_OPTIONS_INIT                                                                  \
    {                                                                                              \
        CS_TOKENIZER_AUTO, CS_CLEAN_AUTO, 0, CS_TOKEN_AUTO, CS_TOKEN_AUTO, CS_TOKEN_AUTO, 0, 0     \
    }

/* CLIP's tokenizer.
 * path: "" for the standard table of the data folder; a merges file (plain or gzip, with or without
 * its "#version" line); or a folder that holds one (merges.txt, …).
 * vocab: the model's vocabulary size; the first vocab - 512 - 2 merges are used, and it is an error
 * when the file has fewer. In a Hugging Face folder the ids of vocab.json must agree with the order
 * of the merges. Errors: NOT_FOUND, FORMAT (with the line), SHAPE (both sizes), UNSUPPORTED
 * (another kind of tokenizer, other ids), LIMIT, IO, NOMEM. */
clipspan_status cs_tokenizer_open(cs_tokenizer **out, const char *path, int vocab,
                                  clipspan_error *err);

/* Any tokenizer. options: NULL for defaults.
 * path: as cs_tokenizer_open, or a tokenizer.json, a SentencePiece model, a vocab.txt, or a folder,
 * in which tokenizer.json comes before spiece.model, sentencepiece.bpe.model, tokenizer.model,
 * sentencepiece.model and vocab.txt; tokenizer_config.json beside the file is read for what options
 * leave to it. With kind AUTO, CLIP's tokenizer is what "" and merges files are, what a folder with
 * none of those files holds, and what a tokenizer.json of CLIP's kind is (byte pairs with "</w>" at
 * the end of a word); in such a folder its merges.txt comes first, as in cs_tokenizer_open.
 * Errors: as cs_tokenizer_open; UNSUPPORTED names a normalizer, pre-tokenizer or post-processor
 * that is not known; SHAPE when the file's ids do not fit `vocab`. */
clipspan_status cs_tokenizer_open_as(cs_tokenizer **out, const char *path,
                                     const cs_tokenizer_options *options, clipspan_error *err);

/* The names of a tokenizer's file in the order in which a folder is searched, from 0; NULL behind
 * the last. */
const char *cs_tokenizer_file_name(size_t index);

/* The same from bytes in memory, which are borrowed for the call; name: of the file, for messages
 * and for its kind (.json, .model, vocab.txt, else merges). Nothing else is read. */
clipspan_status cs_tokenizer_open_memory(cs_tokenizer **out, const void *data, size_t size,
                                         const char *name, const cs_tokenizer_options *options,
                                         clipspan_error *err);
void cs_tokenizer_close(cs_tokenizer **tokenizer);

/* ids : [context] start, text, end, padding. count (may be NULL): ids before the padding. cut (may
 * be NULL): 1 when text was too long; it then lost its last ids, and the end is still there. text:
 * UTF-8; bytes that are not read as U+FFFD. Errors: ARGUMENT (context < 1), LIMIT (16 MiB), FORMAT
 * (a text that the tokenizer has no id for and no unknown token), NOMEM. */
clipspan_status cs_tokenizer_encode(int32_t *ids, size_t *count, int *cut,
                                    const cs_tokenizer *tokenizer, int context, const char *text,
                                    size_t size, clipspan_error *err);

/* The piece as the vocabulary spells it (CLIP: GPT-2's letters for bytes, "</w>" at the end of a
 * word; SentencePiece: "▁" for a space); NULL out of range and for ids that stand for nothing. */
const char *cs_tokenizer_piece(const cs_tokenizer *tokenizer, int32_t id);

/* 1: blanks part a text, so that the tokens of its words add up (CLIP's); 0: not always. */
int cs_tokenizer_adds_up(const cs_tokenizer *tokenizer);

/* -1 when there is none. */
int cs_tokenizer_start_id(const cs_tokenizer *tokenizer);
int cs_tokenizer_end_id(const cs_tokenizer *tokenizer);
int cs_tokenizer_pad_id(const cs_tokenizer *tokenizer);

/* One more than the largest id. */
int cs_tokenizer_vocab(const cs_tokenizer *tokenizer);

/* "CLIP byte pairs", "BPE", "Unigram", "WordPiece", "SentencePiece Unigram", "SentencePiece BPE";
 * static. */
const char *cs_tokenizer_kind_name(const cs_tokenizer *tokenizer);

#endif
