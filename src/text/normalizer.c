/* SPDX-License-Identifier: MIT */
/* Hugging Face's tokenizers, normalizers/: each step rewrites the whole text. */
#include "text/normalizer.h"
#include "base/memory.h"
#include "formats/json.h"
#include "text/foreign_unicode.h"
#include "text/nfc.h"

#include <string.h>

#define STEPS_MOST 64
#define DEEP       16

enum {
    BERT = CS_STEP_BERT, /* flags: clean, ideographs, accents, lower case */
    FORM,                /* flags: cs_form */
    LOWER,
    STRIP, /* flags: left, right */
    STRIP_ACCENTS,
    REPLACE,
    PREPEND,
    CHARSMAP
};

void cs_text_steps_fini(cs_text_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        cs_free(steps->at[i].content);
        cs_regex_fini(&steps->at[i].pattern);
        cs_charsmap_fini(&steps->at[i].map);
    }
    cs_free(steps->at);
    memset(steps, 0, sizeof *steps);
}

clipspan_status cs_text_steps_add(cs_text_steps *steps, int kind, const char *path,
                                  clipspan_error *err)
{
    if (steps->count >= STEPS_MOST)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                          "has more than %d normalizers or pre-tokenizers", STEPS_MOST);
    CS_TRY(
        cs_grow(&steps->at, &steps->room, steps->count + 1, sizeof *steps->at, "a tokenizer", err));
    memset(&steps->at[steps->count], 0, sizeof *steps->at);
    steps->at[steps->count++].kind = kind;
    return CLIPSPAN_OK;
}

/* ---- Chains ---- */

/* What is the same in a chain of either kind: its name, its list and who reads one step. */
typedef struct chain {
    const char *what, *list;
    cs_text_step_reader read_one;
    const char *path;
} chain;

static clipspan_status read_chain(cs_text_steps *out, const chain *c, const json_t *value,
                                  int depth, clipspan_error *err)
{
    cs_json in = cs_json_root(value, c->path);
    const char *type = NULL;
    if (!value || json_is_null(value)) return CLIPSPAN_OK;
    if (!json_is_object(value) || depth > DEEP)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, c->path,
                          "has a %s that is no object, or is nested too deep", c->what);
    CS_TRY(cs_json_text(&type, &in, "type", err));
    if (!type) return cs_json_unexpected(&in, "type", "text", CLIPSPAN_E_FORMAT, err);
    if (strcmp(type, "Sequence") != 0) return c->read_one(out, type, &in, err);
    value = json_object_get(value, c->list);
    for (size_t i = 0; i < json_array_size(value); i++)
        CS_TRY(read_chain(out, c, json_array_get(value, i), depth + 1, err));
    return CLIPSPAN_OK;
}

clipspan_status cs_text_steps_read(cs_text_steps *out, const json_t *value, const char *what,
                                   const char *list, cs_text_step_reader read_one, const char *path,
                                   clipspan_error *err)
{
    const chain c = {what, list, read_one, path};
    return read_chain(out, &c, value, 0, err);
}

/* ---- Reading ---- */

/* Bytes of a base64 text, into `out` with room for 3/4 of it; 0 when it is none. */
static int read_base64(unsigned char *out, size_t *size, const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int held = 0;
    unsigned char values[256];
    memset(values, 64, sizeof values);
    for (int i = 0; i < 64; i++)
        values[(unsigned char)letters[i]] = (unsigned char)i;
    for (*size = 0; *text && *text != '='; text++) {
        unsigned value = values[(unsigned char)*text];
        if (value == 64) return 0;
        bits = bits << 6 | value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[(*size)++] = (unsigned char)(bits >> held);
    }
    while (*text == '=')
        text++;
    return *text == '\0';
}

static clipspan_status read_charsmap(cs_text_step *step, const cs_json *in, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char *text = NULL;
    unsigned char *data = NULL;
    size_t size;
    CS_TRY(cs_json_text(&text, in, "precompiled_charsmap", err));
    if (!text || !*text) return CLIPSPAN_OK;
    data = cs_alloc(strlen(text) + 4, 1, "a charsmap", err);
    if (!data) return CLIPSPAN_E_NOMEM;
    if (!read_base64(data, &size, text))
        status = cs_json_unexpected(in, "precompiled_charsmap", "base64", CLIPSPAN_E_FORMAT, err);
    if (status == CLIPSPAN_OK) status = cs_charsmap_read(&step->map, data, size, in->path, err);
    cs_free(data);
    return status;
}

static clipspan_status read_replace(cs_text_step *step, const cs_json *in, clipspan_error *err)
{
    cs_json pattern;
    const char *content = "", *text = NULL, *regex = NULL;
    CS_TRY(cs_json_object(&pattern, in, "pattern", err));
    CS_TRY(cs_json_text(&content, in, "content", err));
    CS_TRY(cs_json_text(&text, &pattern, "String", err));
    CS_TRY(cs_json_text(&regex, &pattern, "Regex", err));
    if (!text && !regex)
        return cs_json_unexpected(in, "pattern", "String or Regex", CLIPSPAN_E_FORMAT, err);
    step->content = cs_strdup(content, err);
    if (!step->content) return CLIPSPAN_E_NOMEM;
    return cs_regex_compile(&step->pattern, text ? text : regex, text != NULL, in->path, err);
}

static clipspan_status read_bert(cs_text_step *step, const cs_json *in, clipspan_error *err)
{
    int *flags = step->flags;
    flags[0] = flags[1] = flags[3] = 1;
    CS_TRY(cs_json_flag(&flags[0], in, "clean_text", err));
    CS_TRY(cs_json_flag(&flags[1], in, "handle_chinese_chars", err));
    CS_TRY(cs_json_flag(&flags[3], in, "lowercase", err));
    flags[2] = flags[3];
    return cs_json_flag(&flags[2], in, "strip_accents", err);
}

static clipspan_status read_one(cs_text_steps *out, const char *type, const cs_json *in,
                                clipspan_error *err)
{
    static const struct {
        const char *name;
        int kind, flag;
    } known[] = {{"NFC", FORM, CS_NFC},
                 {"NFD", FORM, CS_NFD},
                 {"NFKC", FORM, CS_NFKC},
                 {"NFKD", FORM, CS_NFKD},
                 {"Lowercase", LOWER, 0},
                 {"Strip", STRIP, 1},
                 {"Replace", REPLACE, 0},
                 {"Prepend", PREPEND, 0},
                 {"Precompiled", CHARSMAP, 0},
                 {"BertNormalizer", BERT, 0},
                 {"StripAccents", STRIP_ACCENTS, 0}};
    cs_text_step *step;
    const char *content = "";
    size_t i;
    for (i = 0; i < sizeof known / sizeof *known && strcmp(type, known[i].name) != 0;)
        i++;
    if (i == sizeof known / sizeof *known)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, in->path,
                          "normalizer `%.60s` of tokenizer.json is not known; known are Sequence, "
                          "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, "
                          "Precompiled and BertNormalizer",
                          type);
    CS_TRY(cs_text_steps_add(out, known[i].kind, in->path, err));
    step = &out->at[out->count - 1];
    step->flags[0] = known[i].flag;
    if (step->kind == BERT) return read_bert(step, in, err);
    if (step->kind == REPLACE) return read_replace(step, in, err);
    if (step->kind == CHARSMAP) return read_charsmap(step, in, err);
    if (step->kind == STRIP) {
        step->flags[1] = 1;
        CS_TRY(cs_json_flag(&step->flags[0], in, "strip_left", err));
        return cs_json_flag(&step->flags[1], in, "strip_right", err);
    }
    if (step->kind != PREPEND) return CLIPSPAN_OK;
    CS_TRY(cs_json_text(&content, in, "prepend", err));
    step->content = cs_strdup(content, err);
    return step->content ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_normalizer_read(cs_text_steps *out, const json_t *value, const char *path,
                                   clipspan_error *err)
{
    return cs_text_steps_read(out, value, "normalizer", "normalizers", read_one, path, err);
}

/* ---- Running ---- */

static void swap_codes(cs_codes *a, cs_codes *b)
{
    cs_codes swap = *a;
    *a = *b;
    *b = swap;
}

/* Takes away the code points with a property. */
static void remove_all(cs_text_part *text, cs_foreign property)
{
    size_t in, out = 0;
    for (in = 0; in < text->codes.count; in++) {
        if (cs_foreign_is(property, text->codes.at[in])) {
            text->moved |= out == 0;
            continue;
        }
        text->codes.at[out++] = text->codes.at[in];
    }
    text->codes.count = out;
}

static clipspan_status lower_all(cs_text_part *text, cs_codes *work, clipspan_error *err)
{
    work->count = 0;
    for (size_t i = 0; i < text->codes.count; i++) {
        CS_TRY(cs_codes_reserve(work, 2, err));
        work->count += cs_foreign_lower(work->at + work->count, text->codes.at[i]);
    }
    swap_codes(&text->codes, work);
    return CLIPSPAN_OK;
}

static clipspan_status bert(cs_text_part *text, cs_codes *work, const cs_text_step *step,
                            clipspan_error *err)
{
    if (step->flags[0]) {
        remove_all(text, CS_FOREIGN_CONTROL);
        for (size_t i = 0; i < text->codes.count; i++)
            if (cs_foreign_is(CS_FOREIGN_SPACE, text->codes.at[i])) text->codes.at[i] = ' ';
    }
    if (step->flags[1]) {
        work->count = 0;
        for (size_t i = 0; i < text->codes.count; i++) {
            int apart = cs_foreign_is(CS_FOREIGN_IDEOGRAPH, text->codes.at[i]);
            if (apart) CS_TRY(cs_codes_push(work, ' ', err));
            CS_TRY(cs_codes_push(work, text->codes.at[i], err));
            if (apart) CS_TRY(cs_codes_push(work, ' ', err));
        }
        swap_codes(&text->codes, work);
    }
    if (step->flags[2]) {
        CS_TRY(cs_form_apply(&text->codes, work, CS_NFD, err));
        remove_all(text, CS_FOREIGN_NONSPACING);
    }
    return step->flags[3] ? lower_all(text, work, err) : CLIPSPAN_OK;
}

static void strip(cs_text_part *text, int left, int right)
{
    cs_codes *codes = &text->codes;
    size_t first = 0;
    while (right && codes->count && cs_foreign_is(CS_FOREIGN_SPACE, codes->at[codes->count - 1]))
        codes->count--;
    while (left && first < codes->count && cs_foreign_is(CS_FOREIGN_SPACE, codes->at[first]))
        first++;
    if (!first) return;
    text->moved = 1;
    codes->count -= first;
    memmove(codes->at, codes->at + first, codes->count * sizeof *codes->at);
}

static clipspan_status append_text(cs_codes *out, const char *text, clipspan_error *err)
{
    return cs_codes_decode(out, text, strlen(text), err);
}

static clipspan_status replace(cs_text_part *text, cs_codes *work, const cs_text_step *step,
                               clipspan_error *err)
{
    const uint32_t *codes = text->codes.at;
    size_t count = text->codes.count, at = 0, from = 0, first, last, done = SIZE_MAX;
    uint64_t left = CS_REGEX_WORK;
    work->count = 0;
    while (from <= count) {
        CS_TRY(cs_regex_find(&first, &last, &step->pattern, codes, count, from, &left, err));
        if (first > count) break;
        if (first == last && first == done) { /* nothing, just behind a match */
            from = last + 1;
            continue;
        }
        if (first > at) CS_TRY(cs_codes_append(work, codes + at, first - at, err));
        CS_TRY(append_text(work, step->content, err));
        if (first == 0) text->moved |= last > 1 || (last == 1 && !*step->content);
        at = from = done = last;
        if (first == last) from++;
    }
    if (count > at) CS_TRY(cs_codes_append(work, codes + at, count - at, err));
    swap_codes(&text->codes, work);
    return CLIPSPAN_OK;
}

/* UTF-8 of codes[0 .. count), which is at most `room` bytes. */
static size_t spell(char *out, size_t room, const uint32_t *codes, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];
        size_t length = cs_utf8_put(bytes, codes[i]);
        if (size + length > room) return room + 1;
        memcpy(out + size, bytes, length);
        size += length;
    }
    return size;
}

/* A grapheme below six bytes becomes what the shortest key that it begins with maps to; of others
 * each code point does. */
static clipspan_status map_all(cs_text_part *text, cs_codes *work, const cs_text_step *step,
                               clipspan_error *err)
{
    const cs_codes *codes = &text->codes;
    size_t i, end, size;
    const char *to;
    char bytes[8];
    work->count = 0;
    for (i = 0; i < codes->count; i = end) {
        end = i + cs_foreign_grapheme(codes->at + i, codes->count - i);
        size = spell(bytes, 5, codes->at + i, end - i);
        if (size <= 5 && cs_charsmap_find(&to, &step->map, bytes, size, 0)) {
            CS_TRY(append_text(work, to, err));
            continue;
        }
        for (; i < end; i++) {
            size = spell(bytes, 4, codes->at + i, 1);
            if (!cs_charsmap_find(&to, &step->map, bytes, size, 0)) {
                CS_TRY(cs_codes_push(work, codes->at[i], err));
                continue;
            }
            CS_TRY(append_text(work, to, err));
        }
    }
    swap_codes(&text->codes, work);
    return CLIPSPAN_OK;
}

static clipspan_status run_step(cs_text_part *text, cs_codes *work, const cs_text_step *step,
                                clipspan_error *err)
{
    switch (step->kind) {
    case BERT: return bert(text, work, step, err);
    case FORM: return cs_form_apply(&text->codes, work, (cs_form)step->flags[0], err);
    case LOWER: return lower_all(text, work, err);
    case STRIP: strip(text, step->flags[0], step->flags[1]); return CLIPSPAN_OK;
    case STRIP_ACCENTS: remove_all(text, CS_FOREIGN_COMBINING); return CLIPSPAN_OK;
    case REPLACE: return replace(text, work, step, err);
    case CHARSMAP: return map_all(text, work, step, err);
    case PREPEND: break;
    default: return cs_fail(err, CLIPSPAN_E_INTERNAL, "step %d is no normalizer", step->kind);
    }
    if (text->codes.count == 0) return CLIPSPAN_OK;
    work->count = 0;
    CS_TRY(append_text(work, step->content, err));
    CS_TRY(cs_codes_append(work, text->codes.at, text->codes.count, err));
    swap_codes(&text->codes, work);
    return CLIPSPAN_OK;
}

clipspan_status cs_normalize(cs_text_part *text, cs_codes *work, const cs_text_steps *steps,
                             clipspan_error *err)
{
    for (size_t i = 0; i < steps->count; i++)
        CS_TRY(run_step(text, work, &steps->at[i], err));
    return CLIPSPAN_OK;
}
