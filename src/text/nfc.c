/* SPDX-License-Identifier: MIT */
/* Decomposition and composition data are utf8proc's. The ordering of marks is ours, because
 * utf8proc's takes time square in the length of a run of marks. Code points that Unicode 14 does
 * not assign are left alone and stand between pieces that are normalized one by one; so is U+11A7,
 * which stands just before the trailing Hangul consonants and which some versions of utf8proc take
 * for one of them. */
#include "text/nfc.h"
#include "text/foreign_unicode.h"
#include "text/unicode.h"

#include <string.h>
#include <utf8proc.h>

#define FIRST_AFFECTED 0x300 /* below it every code point is normal and a starter */
#define SHORT_RUN      24
#define PARTS          24 /* code points that one becomes: at most 18 */

static unsigned mark_class(uint32_t code)
{
    if (code < FIRST_AFFECTED) return 0;
    return (unsigned)utf8proc_get_property((utf8proc_int32_t)code)->combining_class;
}

static void order_short(uint32_t *run, size_t count)
{
    size_t i;
    for (i = 1; i < count; i++) {
        uint32_t code = run[i];
        unsigned class = mark_class(code);
        size_t j = i;
        for (; j > 0 && mark_class(run[j - 1]) > class; j--)
            run[j] = run[j - 1];
        run[j] = code;
    }
}

/* Stable counting sort of a run of marks by class; spare: [count]. */
static void order_long(uint32_t *run, uint32_t *spare, size_t count)
{
    size_t start[257] = {0}, i;
    for (i = 0; i < count; i++)
        start[mark_class(run[i]) % 256 + 1]++;
    for (i = 1; i < 257; i++)
        start[i] += start[i - 1];
    for (i = 0; i < count; i++)
        spare[start[mark_class(run[i]) % 256]++] = run[i];
    memcpy(run, spare, count * sizeof *run);
}

static void order_marks(uint32_t *codes, uint32_t *spare, size_t count)
{
    size_t i = 0;
    while (i < count) {
        size_t end = i;
        while (end < count && mark_class(codes[end]) != 0)
            end++;
        if (end - i > SHORT_RUN)
            order_long(codes + i, spare, end - i);
        else if (end - i > 1)
            order_short(codes + i, end - i);
        i = end + 1;
    }
}

/* What a form does, and who has no form. */
struct rules {
    int compatibility, compose, foreign;
    uint32_t first_affected; /* below it nothing decomposes */
};

static int stands_apart(uint32_t code, const struct rules *rules)
{
    return code >= FIRST_AFFECTED && (code == 0x11a7 || cs_uni_is_opaque(code) ||
                                      (rules->foreign && cs_foreign_is(CS_FOREIGN_LATE, code)));
}

/* Normal form of codes[0 .. count), none of which stands apart, behind what `out` holds. spare is
 * room that order_long may use, as much as the decomposed piece may need. */
static clipspan_status add_piece(cs_codes *out, cs_codes *spare, const uint32_t *codes,
                                 size_t count, const struct rules *rules, clipspan_error *err)
{
    size_t start = out->count, i;
    utf8proc_option_t how =
        UTF8PROC_DECOMPOSE | (rules->compatibility ? UTF8PROC_COMPAT : (utf8proc_option_t)0);
    utf8proc_ssize_t length;
    for (i = 0; i < count; i++) {
        utf8proc_int32_t parts[PARTS];
        int boundary = 0;
        utf8proc_ssize_t n =
            codes[i] < rules->first_affected
                ? 0
                : utf8proc_decompose_char((utf8proc_int32_t)codes[i], parts, PARTS, how, &boundary);
        utf8proc_ssize_t k;
        if (n <= 0 || n > PARTS) {
            CS_TRY(cs_codes_push(out, codes[i], err));
            continue;
        }
        for (k = 0; k < n; k++)
            CS_TRY(cs_codes_push(out, (uint32_t)parts[k], err));
    }
    spare->count = 0;
    CS_TRY(cs_codes_reserve(spare, out->count - start, err));
    order_marks(out->at + start, spare->at, out->count - start);
    if (!rules->compose) return CLIPSPAN_OK;
    length = utf8proc_normalize_utf32((utf8proc_int32_t *)(out->at + start),
                                      (utf8proc_ssize_t)(out->count - start),
                                      UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (length < 0)
        return cs_fail(err, CLIPSPAN_E_INTERNAL, "utf8proc refused to compose text: %s",
                       utf8proc_errmsg(length));
    out->count = start + (size_t)length;
    return CLIPSPAN_OK;
}

static clipspan_status apply_rules(cs_codes *text, cs_codes *work, const struct rules *rules,
                                   uint32_t first, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes spare = {0}, swap;
    size_t i = 0;
    while (i < text->count && text->at[i] < first)
        i++;
    if (i == text->count) return CLIPSPAN_OK;
    work->count = 0;
    for (i = 0; i < text->count;) {
        size_t end = i;
        while (end < text->count && !stands_apart(text->at[end], rules))
            end++;
        if (end > i) CS_TRY_DONE(add_piece(work, &spare, text->at + i, end - i, rules, err));
        if (end < text->count) CS_TRY_DONE(cs_codes_push(work, text->at[end], err));
        i = end + 1;
    }
    swap = *text;
    *text = *work;
    *work = swap;
done:
    cs_codes_fini(&spare);
    return status;
}

clipspan_status cs_nfc_apply(cs_codes *text, cs_codes *work, clipspan_error *err)
{
    static const struct rules rules = {0, 1, 0, 0xc0};
    return apply_rules(text, work, &rules, FIRST_AFFECTED, err);
}

clipspan_status cs_form_apply(cs_codes *text, cs_codes *work, cs_form form, clipspan_error *err)
{
    struct rules rules = {form == CS_NFKC || form == CS_NFKD, form == CS_NFC || form == CS_NFKC, 1,
                          0xa0};
    return apply_rules(text, work, &rules, form == CS_NFC ? FIRST_AFFECTED : 0xa0, err);
}
