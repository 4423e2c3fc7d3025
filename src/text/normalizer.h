/* SPDX-License-Identifier: MIT */
/* The normalizer and pre_tokenizer of a tokenizer.json. */
#ifndef CLIPSPAN_SRC_TEXT_NORMALIZER_H
#define CLIPSPAN_SRC_TEXT_NORMALIZER_H

#include "formats/json.h"
#include "text/charsmap.h"
#include "text/codepoints.h"
#include "text/small_regex.h"

/* One step of a chain; Sequence is laid flat. */
typedef struct cs_text_step {
    int kind;
    int flags[4];     /* as the kind needs them */
    char *content;    /* what is put in, prepended or used for a space */
    cs_regex pattern; /* of Replace and Split */
    cs_charsmap map;  /* of Precompiled */
} cs_text_step;

/* Starts as {0}; ended by cs_text_steps_fini. */
typedef struct cs_text_steps {
    cs_text_step *at;
    size_t count, room;
} cs_text_steps;

void cs_text_steps_fini(cs_text_steps *steps);

/* Appends what the value of "normalizer" or "pre_tokenizer" says; null and NULL say nothing.
 * Errors: UNSUPPORTED names what is not known, FORMAT, LIMIT (over 64 steps), NOMEM. */
clipspan_status cs_normalizer_read(cs_text_steps *out, const json_t *value, const char *path,
                                   clipspan_error *err);
clipspan_status cs_pre_tokenizer_read(cs_text_steps *out, const json_t *value, const char *path,
                                      clipspan_error *err);

/* Adds a step of a kind, as the last one. */
clipspan_status cs_text_steps_add(cs_text_steps *steps, int kind, const char *path,
                                  clipspan_error *err);

/* Reads the step of a type, which is no Sequence, and adds it. */
typedef clipspan_status (*cs_text_step_reader)(cs_text_steps *out, const char *type,
                                               const cs_json *in, clipspan_error *err);

/* A chain, laid flat. what: "normalizer", for messages; list: the key of a Sequence's steps. */
clipspan_status cs_text_steps_read(cs_text_steps *out, const json_t *value, const char *what,
                                   const char *list, cs_text_step_reader read_one, const char *path,
                                   clipspan_error *err);

/* A piece of text; moved: 1 when its first character no longer is where the whole text begins. */
typedef struct cs_text_part {
    cs_codes codes;
    int moved;
} cs_text_part;

/* Normalizes in place. work: scratch. */
clipspan_status cs_normalize(cs_text_part *text, cs_codes *work, const cs_text_steps *steps,
                             clipspan_error *err);

/* Words of a text: word i is codes[ends[i - 1] .. ends[i]). Starts as {0}. */
typedef struct cs_words {
    cs_codes codes;
    size_t *ends;
    size_t count, room;
    int moved;
} cs_words;
void cs_words_fini(cs_words *words);

/* words: gets the words of a text, empty ones left out. spare: scratch. */
clipspan_status cs_pre_tokenize(cs_words *words, cs_words *spare, const cs_text_part *text,
                                const cs_text_steps *steps, clipspan_error *err);

/* The kinds that other readers than tokenizer.json's make chains of. */
enum { CS_STEP_BERT = 1, CS_STEP_BERT_SPLIT = 100 };

#endif
