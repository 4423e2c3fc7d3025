/* SPDX-License-Identifier: MIT */
/* The regular expressions that tokenizer.json files use: characters, classes, groups, | and greedy
 * or lazy quantifiers, \s \d \w \p{L} \p{N} \p{P}, and (?!x) and (?=x) of one character. */
#ifndef CLIPSPAN_SRC_TEXT_SMALL_REGEX_H
#define CLIPSPAN_SRC_TEXT_SMALL_REGEX_H

#include "base/error.h"

/* Starts as {0}; ended by cs_regex_fini. Immutable once compiled. */
typedef struct cs_regex {
    struct cs_regex_step *steps;
    struct cs_regex_item *items;
    struct cs_regex_class *classes;
    size_t count, room, item_count, item_room, class_count, class_room;
} cs_regex;

void cs_regex_fini(cs_regex *regex);

/* literal: 1 when the text stands for itself. Errors: UNSUPPORTED names the pattern and what of it
 * is not known; LIMIT, NOMEM. */
clipspan_status cs_regex_compile(cs_regex *out, const char *pattern, int literal, const char *path,
                                 clipspan_error *err);

/* The first match at or after `from`, the one that backtracking would find; *first > count when
 * there is none. Time is the product of the pattern's and the text's length; *work, steps that are
 * left for this text, runs out with a LIMIT error. */
clipspan_status cs_regex_find(size_t *first, size_t *last, const cs_regex *regex,
                              const uint32_t *codes, size_t count, size_t from, uint64_t *work,
                              clipspan_error *err);

#define CS_REGEX_WORK ((uint64_t)2000000000)

#endif
