/* SPDX-License-Identifier: MIT */
/* Tokens that a tokenizer.json adds to its model's: found in a text before anything splits it. */
#ifndef CLIPSPAN_SRC_TEXT_ADDED_TOKENS_H
#define CLIPSPAN_SRC_TEXT_ADDED_TOKENS_H

#include "text/normalizer.h"
#include "text/piece_trie.h"
#include "text/vocabulary.h"

#define CS_ADDED_MOST 100000

typedef struct cs_added_token {
    char *content;
    int32_t id;
    int left, right, word; /* takes white space before and behind; only as a whole word */
} cs_added_token;

/* Starts as {0}; ended by cs_added_fini. */
typedef struct cs_added {
    cs_added_token *at;
    size_t count, room;
    cs_trie raw, normal; /* places in `at` of those that are looked for before and after the text
                            is normalized */
} cs_added;

void cs_added_fini(cs_added *added);

/* Reads the list "added_tokens" (NULL: none). A token that the vocabulary has keeps its id there.
 * Errors: FORMAT, LIMIT, NOMEM. */
clipspan_status cs_added_read(cs_added *out, const json_t *list, const cs_vocabulary *vocabulary,
                              const cs_text_steps *normalizers, const char *path,
                              clipspan_error *err);

/* Adds a token that is looked for as it is; one that the vocabulary lacks is left out. */
clipspan_status cs_added_put(cs_added *out, const char *content, const cs_vocabulary *vocabulary,
                             const char *path, clipspan_error *err);

/* Id of a token by its text, or CS_NO_PIECE. */
int32_t cs_added_find(const cs_added *added, const char *content);

/* The next token of text[*at .. size): *first and *last say which bytes it takes, *id which it is;
 * with *id CS_NO_PIECE there is none, and *first is size. *at moves on; *done is where the token
 * before ended. */
void cs_added_next(int32_t *id, size_t *first, size_t *last, size_t *at, size_t done,
                   const cs_added *added, const cs_trie *trie, const char *text, size_t size);

#endif
