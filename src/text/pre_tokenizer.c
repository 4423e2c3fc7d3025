/* SPDX-License-Identifier: MIT */
/* Hugging Face's tokenizers, pre_tokenizers/: each step splits every word that the step before
 * left. */
#include "base/memory.h"
#include "formats/json.h"
#include "text/foreign_unicode.h"
#include "text/normalizer.h"

#include <string.h>

enum {
    BERT_SPLIT = CS_STEP_BERT_SPLIT,
    SPACE_SPLIT,
    WORD_SPLIT, /* Whitespace: runs of \w, runs of what is neither \w nor space */
    PATTERN,    /* flags: behaviour, inverted */
    METASPACE,  /* flags: how to prepend, split */
    BYTES,      /* flags: prefix space */
    DIGITS,     /* flags: each by itself */
    PUNCTUATION /* flags: behaviour */
};
enum { REMOVED, ISOLATED, MERGED_BEFORE, MERGED_AFTER, CONTIGUOUS };
enum { ALWAYS, FIRST, NEVER };

void cs_words_fini(cs_words *words)
{
    cs_codes_fini(&words->codes);
    cs_free(words->ends);
    memset(words, 0, sizeof *words);
}

/* ---- Reading ---- */

static clipspan_status choose(int *out, const cs_json *in, const char *key,
                              const char *const *names, int count, clipspan_error *err)
{
    const char *name = NULL;
    CS_TRY(cs_json_text(&name, in, key, err));
    if (!name) return CLIPSPAN_OK;
    for (int i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return CLIPSPAN_OK;
        }
    return cs_json_unexpected(in, key, "a word that is known", CLIPSPAN_E_UNSUPPORTED, err);
}

static const char *const behaviours[] = {"Removed", "Isolated", "MergedWithPrevious",
                                         "MergedWithNext", "Contiguous"};

static clipspan_status read_metaspace(cs_text_step *step, const cs_json *in, clipspan_error *err)
{
    static const char *const schemes[] = {"always", "first", "never"};
    const char *mark = "\xe2\x96\x81";
    int add = 1;
    CS_TRY(cs_json_text(&mark, in, "replacement", err));
    CS_TRY(cs_json_flag(&add, in, "add_prefix_space", err));
    step->flags[0] = add ? ALWAYS : NEVER;
    step->flags[1] = 1;
    CS_TRY(choose(&step->flags[0], in, "prepend_scheme", schemes, 3, err));
    CS_TRY(cs_json_flag(&step->flags[1], in, "split", err));
    step->content = cs_strdup(mark, err);
    return step->content ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status read_split(cs_text_step *step, const cs_json *in, clipspan_error *err)
{
    cs_json pattern;
    const char *text = NULL, *regex = NULL;
    CS_TRY(cs_json_object(&pattern, in, "pattern", err));
    CS_TRY(cs_json_text(&text, &pattern, "String", err));
    CS_TRY(cs_json_text(&regex, &pattern, "Regex", err));
    if (!text && !regex)
        return cs_json_unexpected(in, "pattern", "String or Regex", CLIPSPAN_E_FORMAT, err);
    CS_TRY(choose(&step->flags[0], in, "behavior", behaviours, 5, err));
    CS_TRY(cs_json_flag(&step->flags[1], in, "invert", err));
    return cs_regex_compile(&step->pattern, text ? text : regex, text != NULL, in->path, err);
}

/* GPT-2's pattern splits before bytes are spelled. */
static clipspan_status read_bytes(cs_text_steps *out, const cs_json *in, clipspan_error *err)
{
    static const char pattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|"
                                  " ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    int prefix = 1, split = 1;
    cs_text_step *step;
    CS_TRY(cs_json_flag(&prefix, in, "add_prefix_space", err));
    CS_TRY(cs_json_flag(&split, in, "use_regex", err));
    CS_TRY(cs_text_steps_add(out, BYTES, in->path, err));
    step = &out->at[out->count - 1];
    step->flags[0] = prefix;
    step->flags[1] = split;
    return split ? cs_regex_compile(&step->pattern, pattern, 0, in->path, err) : CLIPSPAN_OK;
}

static clipspan_status read_one(cs_text_steps *out, const char *type, const cs_json *in,
                                clipspan_error *err)
{
    static const struct {
        const char *name;
        int kind;
    } known[] = {{"BertPreTokenizer", BERT_SPLIT},
                 {"WhitespaceSplit", SPACE_SPLIT},
                 {"Whitespace", WORD_SPLIT},
                 {"Split", PATTERN},
                 {"Metaspace", METASPACE},
                 {"ByteLevel", BYTES},
                 {"Digits", DIGITS},
                 {"Punctuation", PUNCTUATION}};
    cs_text_step *step;
    size_t i;
    for (i = 0; i < sizeof known / sizeof *known && strcmp(type, known[i].name) != 0;)
        i++;
    if (i == sizeof known / sizeof *known)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, in->path,
                          "pre-tokenizer `%.60s` of tokenizer.json is not known; known are "
                          "Sequence, BertPreTokenizer, WhitespaceSplit, Whitespace, Split, "
                          "Metaspace, ByteLevel, Digits and Punctuation",
                          type);
    if (known[i].kind == BYTES) return read_bytes(out, in, err);
    CS_TRY(cs_text_steps_add(out, known[i].kind, in->path, err));
    step = &out->at[out->count - 1];
    if (step->kind == PATTERN) return read_split(step, in, err);
    if (step->kind == METASPACE) return read_metaspace(step, in, err);
    if (step->kind == DIGITS) return cs_json_flag(step->flags, in, "individual_digits", err);
    step->flags[0] = ISOLATED;
    if (step->kind == PUNCTUATION) return choose(step->flags, in, "behavior", behaviours, 5, err);
    return CLIPSPAN_OK;
}

clipspan_status cs_pre_tokenizer_read(cs_text_steps *out, const json_t *value, const char *path,
                                      clipspan_error *err)
{
    return cs_text_steps_read(out, value, "pre-tokenizer", "pretokenizers", read_one, path, err);
}

/* ---- Splitting ---- */

/* Ends a word at what the code buffer holds; an empty one is none. */
static clipspan_status end_word(cs_words *out, clipspan_error *err)
{
    size_t start = out->count ? out->ends[out->count - 1] : 0;
    if (out->codes.count == start) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&out->ends, &out->room, out->count + 1, sizeof *out->ends, "words", err));
    out->ends[out->count++] = out->codes.count;
    return CLIPSPAN_OK;
}

/* What the words are cut into: spans that cover a word, each a match or what lies between two. */
struct cutter {
    cs_words *out;
    const uint32_t *codes;
    size_t offset; /* of the word in its text */
    int behaviour, invert;
    size_t first, last; /* the span that waits for what follows */
    int waits;          /* whether one does */
    int before;         /* whether the last one was a match */
};

static clipspan_status flush(struct cutter *c, clipspan_error *err)
{
    if (c->waits && c->last > c->first) {
        if (c->out->count == 0 && c->offset + c->first > 0) c->out->moved = 1;
        CS_TRY(cs_codes_append(&c->out->codes, c->codes + c->first, c->last - c->first, err));
        CS_TRY(end_word(c->out, err));
    }
    c->waits = 0;
    return CLIPSPAN_OK;
}

static clipspan_status add_span(struct cutter *c, size_t first, size_t last, int match,
                                clipspan_error *err)
{
    int join = 0;
    match = match != c->invert;
    if (c->behaviour == MERGED_BEFORE) join = match && !c->before;
    if (c->behaviour == CONTIGUOUS) join = match == c->before;
    if (c->behaviour == MERGED_AFTER) join = !match ? c->before : 0;
    if (c->behaviour == REMOVED && match) {
        c->before = 1;
        return flush(c, err);
    }
    if (c->waits && join) {
        c->last = last;
    } else {
        CS_TRY(flush(c, err));
        c->first = first;
        c->last = last;
        c->waits = 1;
    }
    c->before = match;
    return CLIPSPAN_OK;
}

static clipspan_status cut_by_pattern(struct cutter *c, const cs_regex *pattern, size_t count,
                                      uint64_t *work, clipspan_error *err)
{
    size_t at = 0, from = 0, first, last;
    while (from <= count) {
        CS_TRY(cs_regex_find(&first, &last, pattern, c->codes, count, from, work, err));
        if (first > count) break;
        from = last + (last == first);
        if (last == first) continue;
        if (first > at) CS_TRY(add_span(c, at, first, 0, err));
        CS_TRY(add_span(c, first, last, 1, err));
        at = last;
    }
    if (at < count) CS_TRY(add_span(c, at, count, 0, err));
    return flush(c, err);
}

/* Class of a code point for the splitters by property: 0 is dropped, of 1 each stands alone, others
 * run together with their like. */
static int class_of(const cs_text_step *step, uint32_t code)
{
    int space = cs_foreign_is(CS_FOREIGN_SPACE, code);
    switch (step->kind) {
    case BERT_SPLIT: return space ? 0 : cs_foreign_is(CS_FOREIGN_PUNCTUATION, code) ? 1 : 2;
    case SPACE_SPLIT: return space ? 0 : 2;
    case WORD_SPLIT: return cs_foreign_is(CS_FOREIGN_WORD, code) ? 2 : space ? 0 : 3;
    default: /* Rust's char::is_numeric is \p{N} */
        return !cs_foreign_is(CS_FOREIGN_REGEX_NUMBER, code) ? 2 : step->flags[0] ? 1 : 3;
    }
}

static clipspan_status cut_by_class(struct cutter *c, const cs_text_step *step, size_t count,
                                    clipspan_error *err)
{
    int before = 0;
    for (size_t i = 0; i < count; i++) {
        int class = class_of(step, c->codes[i]);
        if (c->waits && class == before && class > 1) {
            c->last = i + 1;
            continue;
        }
        CS_TRY(flush(c, err));
        before = class;
        if (class == 0) continue;
        c->first = i;
        c->last = i + 1;
        c->waits = 1;
    }
    return flush(c, err);
}

static clipspan_status cut_by_punctuation(struct cutter *c, size_t count, clipspan_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (!cs_foreign_is(CS_FOREIGN_PUNCTUATION, c->codes[i])) continue;
        if (i > at) CS_TRY(add_span(c, at, i, 0, err));
        CS_TRY(add_span(c, i, i + 1, 1, err));
        at = i + 1;
    }
    if (at < count) CS_TRY(add_span(c, at, count, 0, err));
    return flush(c, err);
}

static clipspan_status metaspace(cs_words *out, const cs_text_step *step, const uint32_t *codes,
                                 size_t count, int at_start, clipspan_error *err)
{
    size_t taken, i, start = out->codes.count;
    int valid;
    uint32_t mark = cs_utf8_next(step->content, strlen(step->content), &taken, &valid);
    int prepend = step->flags[0] == ALWAYS || (step->flags[0] == FIRST && at_start);
    if (prepend && codes[0] != ' ' && codes[0] != mark)
        CS_TRY(cs_codes_push(&out->codes, mark, err));
    for (i = 0; i < count; i++) {
        uint32_t code = codes[i] == ' ' ? mark : codes[i];
        if (step->flags[1] && code == mark && out->codes.count > start) CS_TRY(end_word(out, err));
        CS_TRY(cs_codes_push(&out->codes, code, err));
    }
    return end_word(out, err);
}

/* The letter that stands for a byte in GPT-2's alphabet. */
static uint32_t letter_of(unsigned byte)
{
    unsigned i, others = 0;
    if ((byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad)) return byte;
    for (i = 0; i < byte; i++)
        others += !((i >= '!' && i <= '~') || (i >= 0xa1 && i != 0xad));
    return 256 + others;
}

/* Spells the bytes of the words that were added since `from`. */
static clipspan_status spell_bytes(cs_words *out, size_t from, cs_codes *work, clipspan_error *err)
{
    size_t start = from ? out->ends[from - 1] : 0, at = start;
    work->count = 0;
    for (size_t w = from; w < out->count; w++) {
        for (; at < out->ends[w]; at++) {
            unsigned char bytes[4];
            size_t length = cs_utf8_put(bytes, out->codes.at[at]);
            for (size_t i = 0; i < length; i++)
                CS_TRY(cs_codes_push(work, letter_of(bytes[i]), err));
        }
        out->ends[w] = start + work->count;
    }
    out->codes.count = start;
    return cs_codes_append(&out->codes, work->at, work->count, err);
}

static clipspan_status byte_level(cs_words *out, const cs_text_step *step, const uint32_t *codes,
                                  size_t count, uint64_t *work, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes text = {0}, letters = {0};
    struct cutter c = {out, NULL, 0, ISOLATED, 0, 0, 0, 0, 0};
    size_t from = out->count;
    if (step->flags[0] && codes[0] != ' ') CS_TRY_DONE(cs_codes_push(&text, ' ', err));
    CS_TRY_DONE(cs_codes_append(&text, codes, count, err));
    c.codes = text.at;
    if (step->flags[1]) {
        CS_TRY_DONE(cut_by_pattern(&c, &step->pattern, text.count, work, err));
    } else {
        CS_TRY_DONE(cs_codes_append(&out->codes, text.at, text.count, err));
        CS_TRY_DONE(end_word(out, err));
    }
    CS_TRY_DONE(spell_bytes(out, from, &letters, err));
done:
    cs_codes_fini(&text);
    cs_codes_fini(&letters);
    return status;
}

/* One word of the words before, which starts `offset` code points into them. */
static clipspan_status split_word(cs_words *out, const cs_text_step *step, const uint32_t *codes,
                                  size_t count, size_t offset, uint64_t *work, clipspan_error *err)
{
    struct cutter c = {out, codes, offset, step->flags[0], 0, 0, 0, 0, 0};
    switch (step->kind) {
    case METASPACE: return metaspace(out, step, codes, count, offset == 0 && !out->moved, err);
    case BYTES: return byte_level(out, step, codes, count, work, err);
    case PATTERN:
        c.invert = step->flags[1];
        return cut_by_pattern(&c, &step->pattern, count, work, err);
    case PUNCTUATION: return cut_by_punctuation(&c, count, err);
    default: return cut_by_class(&c, step, count, err);
    }
}

clipspan_status cs_pre_tokenize(cs_words *words, cs_words *spare, const cs_text_part *text,
                                const cs_text_steps *steps, clipspan_error *err)
{
    uint64_t work = CS_REGEX_WORK;
    words->codes.count = words->count = 0;
    words->moved = text->moved;
    CS_TRY(cs_codes_append(&words->codes, text->codes.at, text->codes.count, err));
    CS_TRY(end_word(words, err));
    for (size_t i = 0; i < steps->count; i++) {
        cs_words swap = *spare;
        size_t start = 0;
        *spare = *words;
        *words = swap;
        words->codes.count = words->count = 0;
        words->moved = spare->moved;
        for (size_t w = 0; w < spare->count; w++) {
            CS_TRY(split_word(words, &steps->at[i], spare->codes.at + start, spare->ends[w] - start,
                              start, &work, err));
            start = spare->ends[w];
        }
    }
    return CLIPSPAN_OK;
}
