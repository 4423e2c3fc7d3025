/* SPDX-License-Identifier: MIT */
/* open_clip 3.3, tokenizer.py, _clean_lower: ftfy.fix_text, html.unescape twice, runs of white
 * space to one space and none at the ends, str.lower. Left out: ftfy's repair of wrong encodings.
 */
#include "text/clean.h"
#include "text/entities.h"
#include "text/fixes.h"
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
