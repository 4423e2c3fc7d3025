/* SPDX-License-Identifier: MIT */
/* Texts of invented words, filled up word by word to a number of tokens. Where words are tokens of
 * their own the counts of words add up; else a word counts for what it adds to the text before. */
#include "text/control_texts.h"
#include "base/memory.h"
#include "base/random.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES     24   /* words that are looked at for one place */
#define WORD      16   /* bytes of an invented word, its NUL included */
#define MOST_TEXT 4096 /* bytes of a text */

static const char *const onsets[] = {
    "b", "c", "d",  "f",  "g",  "h",  "j",  "k",  "l",  "m",  "n",  "p",  "r",  "s",  "t",  "v",
    "w", "z", "br", "cl", "dr", "fl", "gr", "kn", "pl", "sk", "sn", "st", "th", "tr", "tw", "v"};
static const char vowels[] = "aeiou";
static const char *const codas[] = {"",  "",  "",  "b", "ck", "d", "g",  "l",
                                    "m", "n", "p", "r", "sk", "t", "th", "x"};

typedef struct maker {
    const cs_tokenizer *tokenizer;
    int context;
    int32_t *ids;       /* [context] */
    const char **words; /* of the pool, sorted */
    size_t word_count;
    char *word_pool; /* their bytes */
    cs_random random;
} maker;

#define ANY(list) (list)[cs_random_below(&m->random, sizeof(list) / sizeof *(list))]

static void invent(char out[WORD], maker *m)
{
    const size_t syllables = 1 + (size_t)cs_random_below(&m->random, 3);
    size_t at = 0;
    for (size_t s = 0; s < syllables; s++) {
        const char *onset = ANY(onsets), *coda = s + 1 == syllables ? ANY(codas) : "";
        const char vowel = vowels[cs_random_below(&m->random, sizeof vowels - 1)];
        for (; *onset; onset++)
            out[at++] = *onset;
        out[at++] = vowel;
        for (; *coda; coda++)
            out[at++] = *coda;
    }
    out[at] = '\0';
}

static int by_letters(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int in_pool(const maker *m, const char *word)
{
    return m->word_count && bsearch(&word, m->words, m->word_count, sizeof *m->words, by_letters);
}

/* Tokens of a text, start and end token not counted. */
static clipspan_status count_tokens(size_t *out, maker *m, const char *text, clipspan_error *err)
{
    CS_TRY(
        cs_tokenizer_encode(m->ids, out, NULL, m->tokenizer, m->context, text, strlen(text), err));
    *out -= (size_t)(cs_tokenizer_start_id(m->tokenizer) >= 0) +
            (size_t)(cs_tokenizer_end_id(m->tokenizer) >= 0);
    return CLIPSPAN_OK;
}

/* What a word adds to the `at` bytes of `text`, which are put back as they were. */
static clipspan_status count_word(size_t *out, maker *m, char *text, size_t at, const char *word,
                                  clipspan_error *err)
{
    size_t before = 0;
    if (cs_tokenizer_adds_up(m->tokenizer)) return count_tokens(out, m, word, err);
    if (at) CS_TRY(count_tokens(&before, m, text, err));
    snprintf(text + at, WORD + 1, "%s%s", at ? " " : "", word);
    CS_TRY(count_tokens(out, m, text, err));
    *out = *out > before ? *out - before : 0;
    text[at] = '\0';
    return CLIPSPAN_OK;
}

/* A word that adds at most `left` tokens to the text; a single letter when none was found. */
static clipspan_status choose(char out[WORD], size_t *tokens, maker *m, char *text, size_t at,
                              size_t left, clipspan_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        invent(out, m);
        if (in_pool(m, out)) continue;
        CS_TRY(count_word(tokens, m, text, at, out, err));
        if (*tokens == 1 && strlen(out) > 2) continue;
        if (*tokens > 0 && *tokens <= left) return CLIPSPAN_OK;
    }
    out[0] = (char)('b' + (int)cs_random_below(&m->random, 25)); /* "a" is a word */
    out[1] = '\0';
    *tokens = 1;
    if (!cs_tokenizer_adds_up(m->tokenizer)) CS_TRY(count_word(tokens, m, text, at, out, err));
    return CLIPSPAN_OK;
}

static clipspan_status make_text(char out[MOST_TEXT], maker *m, const char *like,
                                 clipspan_error *err)
{
    size_t wanted, left, found, at = 0;
    CS_TRY(count_tokens(&wanted, m, like, err));
    out[0] = '\0';
    for (left = wanted; left > 0 && at + WORD + 2 < MOST_TEXT; left -= found) {
        char word[WORD];
        CS_TRY(choose(word, &found, m, out, at, left, err));
        if (found > left) break; /* not even a letter fits: a token less */
        if (at) out[at++] = ' ';
        memcpy(out + at, word, strlen(word));
        at += strlen(word);
        out[at] = '\0';
    }
    out[at] = '\0';
    if (at == 0) { /* a text without tokens */
        out[0] = '_';
        out[1] = '\0';
        return CLIPSPAN_OK;
    }
    CS_TRY(count_tokens(&found, m, out, err));
    if (found != wanted && cs_tokenizer_adds_up(m->tokenizer))
        return cs_fail(err, CLIPSPAN_E_INTERNAL,
                       "a control text of %zu tokens came out with %zu: the tokenizer does not "
                       "split texts at blanks",
                       wanted, found);
    return CLIPSPAN_OK;
}

/* Every word of the pool in small letters, to be left out. */
static clipspan_status list_words(maker *m, const struct clipspan_texts *like, clipspan_error *err)
{
    size_t bytes = 0, words = 0, at = 0;
    for (size_t i = 0; i < like->count; i++)
        bytes += strlen(like->texts[i]) + 1;
    m->word_pool = cs_alloc(bytes, 1, "the words of a pool", err);
    m->words = cs_alloc(bytes / 2 + 1, sizeof *m->words, "the words of a pool", err);
    if (!m->word_pool || !m->words) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < like->count; i++) {
        int inside = 0;
        for (const char *c = like->texts[i];; c++, at++) {
            const int letter = isalpha((unsigned char)*c) != 0;
            if (letter && !inside) m->words[words++] = m->word_pool + at;
            m->word_pool[at] = letter ? (char)tolower((unsigned char)*c) : '\0';
            inside = letter;
            if (!*c) break;
        }
        at++;
    }
    qsort(m->words, words, sizeof *m->words, by_letters);
    m->word_count = words;
    return CLIPSPAN_OK;
}

static clipspan_status make_pool(char **texts, maker *m, const struct clipspan_texts *like,
                                 size_t pool, uint64_t seed, clipspan_error *err)
{
    cs_random mixed = {seed ^ (0x636f6e74726f6cu + pool)};
    char text[MOST_TEXT];
    m->random.state = cs_random_next(&mixed);
    for (size_t i = 0; i < like->count; i++) {
        CS_TRY(make_text(text, m, like->texts[i], err));
        texts[i] = cs_strdup(text, err);
        if (!texts[i]) return CLIPSPAN_E_NOMEM;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_control_texts_new(struct clipspan_texts **out, const struct clipspan_texts *like,
                                     const cs_tokenizer *tokenizer, int context, size_t pools,
                                     uint64_t seed, clipspan_error *err)
{
    maker m = {.tokenizer = tokenizer, .context = context};
    const size_t count = pools * like->count;
    clipspan_status status = CLIPSPAN_OK;
    char **texts = cs_alloc_zero(count, sizeof *texts, "control texts", err);
    *out = NULL;
    m.ids = cs_alloc((size_t)context, sizeof *m.ids, "token ids", err);
    if (!texts || !m.ids) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    CS_TRY_DONE(list_words(&m, like, err));
    for (size_t p = 0; p < pools; p++)
        CS_TRY_DONE(make_pool(texts + p * like->count, &m, like, p, seed, err));
    CS_TRY_DONE(cs_texts_new(out, (const char *const *)texts, NULL, count, err));
done:
    for (size_t i = 0; texts && i < count; i++)
        cs_free(texts[i]);
    cs_free(texts);
    cs_free(m.ids);
    cs_free(m.words);
    cs_free(m.word_pool);
    return status;
}
