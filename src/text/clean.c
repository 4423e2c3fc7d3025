/* SPDX-License-Identifier: MIT */
/* open_clip 3.3, tokenizer.py: _clean_lower (ftfy.fix_text, html.unescape twice, runs of white
 * space to one space and none at the ends, str.lower), _clean_whitespace (the same without lower
 * case) and _clean_canonicalize; transformers' SiglipTokenizer (canonicalize_text) and
 * Siglip2Tokenizer. Left out: ftfy's repair of wrong encodings. */
#include "text/clean.h"
#include "text/entities.h"
#include "text/fixes.h"
#include "text/foreign_unicode.h"
#include "text/unicode.h"

static void collapse_spaces(cs_codes *text)
{
    size_t in, out = 0;
    int pending = 0;
    for (in = 0; in < text->count; in++) {
        uint32_t code = text->at[in];
        if (cs_uni_is_space(code)) {
            pending = out > 0;
            continue;
        }
        if (pending) text->at[out++] = ' ';
        pending = 0;
        text->at[out++] = code;
    }
    text->count = out;
}

clipspan_status cs_clean_text(cs_codes *out, const char *text, size_t size, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes raw = {0}, fixed = {0};
    size_t i;
    CS_TRY_DONE(cs_codes_decode(&raw, text, size, err));
    CS_TRY_DONE(cs_fixes_apply(&fixed, raw.at, raw.count, err));
    cs_codes_fini(&raw);
    cs_entities_unescape(&fixed);
    cs_entities_unescape(&fixed);
    collapse_spaces(&fixed);
    for (i = 0; i < fixed.count; i++) {
        CS_TRY_DONE(cs_codes_reserve(out, 2, err));
        out->count += cs_uni_lower(out->at + out->count, fixed.at, fixed.count, i);
    }
done:
    cs_codes_fini(&raw);
    cs_codes_fini(&fixed);
    return status;
}

/* Takes away ASCII punctuation; "_" becomes a space where `space` is 1. */
static void drop_punctuation(cs_codes *text, int space)
{
    size_t in, out = 0;
    for (in = 0; in < text->count; in++) {
        uint32_t code = text->at[in];
        if (code == '_' && space) code = ' ';
        if (code < 0x80 && cs_foreign_is(CS_FOREIGN_PUNCTUATION, code)) continue;
        text->at[out++] = code;
    }
    text->count = out;
}

/* Lower case by code point: Python's, or that of Rust's version of Unicode. */
static clipspan_status lower_each(cs_codes *out, const cs_codes *text, int rust,
                                  clipspan_error *err)
{
    for (size_t i = 0; i < text->count; i++) {
        uint32_t *to;
        CS_TRY(cs_codes_reserve(out, 2, err));
        to = out->at + out->count;
        out->count +=
            rust ? cs_foreign_lower(to, text->at[i]) : cs_uni_lower(to, text->at + i, 1, 0);
    }
    return CLIPSPAN_OK;
}

/* open_clip's ways: basic_clean, then whitespace_clean or canonicalize_text. */
static clipspan_status clean_open_clip(cs_codes *out, const cs_codes *raw, int canonical,
                                       clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes fixed = {0};
    CS_TRY_DONE(cs_fixes_apply(&fixed, raw->at, raw->count, err));
    cs_entities_unescape(&fixed);
    cs_entities_unescape(&fixed);
    if (!canonical) {
        collapse_spaces(&fixed);
        CS_TRY_DONE(cs_codes_append(out, fixed.at, fixed.count, err));
        goto done;
    }
    drop_punctuation(&fixed, 1);
    for (size_t i = 0; i < fixed.count; i++) {
        CS_TRY_DONE(cs_codes_reserve(out, 2, err));
        out->count += cs_uni_lower(out->at + out->count, fixed.at, fixed.count, i);
    }
    collapse_spaces(out);
done:
    cs_codes_fini(&fixed);
    return status;
}

clipspan_status cs_clean_as(cs_codes *out, cs_text_cleaning how, const char *text, size_t size,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes raw = {0};
    if (how == CS_CLEAN_CLIP) return cs_clean_text(out, text, size, err);
    CS_TRY_DONE(cs_codes_decode(&raw, text, size, err));
    if (how == CS_CLEAN_SPACE || how == CS_CLEAN_CANONICAL) {
        CS_TRY_DONE(clean_open_clip(out, &raw, how == CS_CLEAN_CANONICAL, err));
    } else if (how == CS_CLEAN_SIGLIP || how == CS_CLEAN_LOWER) {
        CS_TRY_DONE(lower_each(out, &raw, how == CS_CLEAN_LOWER, err));
        if (how == CS_CLEAN_SIGLIP) {
            drop_punctuation(out, 0);
            collapse_spaces(out);
        }
    } else {
        CS_TRY_DONE(cs_codes_append(out, raw.at, raw.count, err));
    }
done:
    cs_codes_fini(&raw);
    return status;
}
