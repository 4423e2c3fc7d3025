/* SPDX-License-Identifier: MIT */
/* ftfy 6.3, fix_text with its default settings: segments of a line (or a million code points), each
 * repaired until nothing changes, in this order: HTML references (until the text has shown a "<"),
 * C1 controls as Windows-1252, Latin ligatures, half-width and full-width forms, quotation marks,
 * line breaks, terminal escapes, control characters, form C. Left out: fix_encoding, and
 * fix_surrogates, since decoded UTF-8 has none.
 *
 * ftfy repeats all steps as often as references are nested, which takes time square in the length
 * of hostile text. Here the first round is ftfy's; from the second on, when no escape sequence is
 * left, nested references are resolved in one pass, with the same result. */
#include "text/fixes.h"
#include "text/entities.h"
#include "text/nfc.h"
#include "text/unicode.h"

#include <string.h>

#define SEGMENT 1000000 /* code points */
#define ESCAPE  0x1b
#define ROUNDS  8 /* far above what resolving in one pass leaves to do */

struct work {
    cs_codes text, before, spare;
};

static uint32_t from_c1(uint32_t code)
{
    static const uint16_t windows[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    return code >= 0x80 && code <= 0x9f ? windows[code - 0x80] : code;
}

/* Letters that a Latin ligature or digraph is made of, or NULL. */
static const char *ligature_letters(uint32_t code)
{
    static const char *const typographic[] = {"ff", "fi", "fl", "ffi", "ffl", NULL, "st"};
    switch (code) {
    case 0x132: return "IJ";
    case 0x133: return "ij";
    case 0x1f1: return "DZ";
    case 0x1f2: return "Dz";
    case 0x1f3: return "dz";
    case 0x1c7: return "LJ";
    case 0x1c8: return "Lj";
    case 0x1c9: return "lj";
    case 0x1ca: return "NJ";
    case 0x1cb: return "Nj";
    case 0x1cc: return "nj";
    default: return code >= 0xfb00 && code <= 0xfb06 ? typographic[code - 0xfb00] : NULL;
    }
}

static size_t split_ligature(uint32_t out[3], uint32_t code)
{
    const char *letters = ligature_letters(code);
    size_t n = 0;
    if (letters) {
        for (; letters[n]; n++)
            out[n] = (uint32_t)letters[n];
        return n;
    }
    out[0] = code;
    switch (code) { /* those with a letter outside ASCII */
    case 0x149:
        out[0] = 0x2bc;
        out[1] = 'n';
        return 2;
    case 0x1c4:
        out[0] = 'D';
        out[1] = 0x17d;
        return 2;
    case 0x1c5:
        out[0] = 'D';
        out[1] = 0x17e;
        return 2;
    case 0x1c6:
        out[0] = 'd';
        out[1] = 0x17e;
        return 2;
    case 0xfb05:
        out[0] = 0x17f;
        out[1] = 't';
        return 2;
    default: return 1;
    }
}

static uint32_t straight_quote(uint32_t code)
{
    if (code == 0x2bc || (code >= 0x2018 && code <= 0x201b)) return '\'';
    return code >= 0x201c && code <= 0x201f ? '"' : code;
}

static int is_removed_control(uint32_t code)
{
    return code < 0x09 || code == 0x0b || (code >= 0x0e && code < 0x20) || code == 0x7f ||
           (code >= 0x206a && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff9 && code <= 0xfffc);
}

/* The steps that look at one code point, from C1 controls to line breaks (without CR LF). */
static size_t spell(uint32_t out[8], uint32_t code)
{
    uint32_t letters[3], plain[2];
    size_t n = split_ligature(letters, from_c1(code)), i, k, count = 0;
    for (i = 0; i < n; i++) {
        size_t length = cs_uni_width(plain, letters[i]);
        for (k = 0; k < length; k++) {
            uint32_t c = straight_quote(plain[k]);
            out[count++] = c == '\r' || c == 0x2028 || c == 0x2029 ? '\n' : c;
        }
    }
    return count;
}

/* All a replaced reference goes through within a round: removed controls, and the two code points
 * whose normal form could be part of another reference. */
static size_t spell_reference(uint32_t out[8], uint32_t code)
{
    size_t n = spell(out, code);
    if (n == 1 && out[0] == 0x37e) out[0] = ';';
    if (n == 1 && out[0] == 0x212a) out[0] = 'K';
    return n == 1 && is_removed_control(out[0]) ? 0 : n;
}

static clipspan_status spell_all(cs_codes *out, const cs_codes *text, clipspan_error *err)
{
    size_t i;
    out->count = 0;
    for (i = 0; i < text->count; i++) {
        uint32_t code = text->at[i];
        CS_TRY(cs_codes_reserve(out, 8, err));
        if (code == '\r' && i + 1 < text->count && text->at[i + 1] == '\n') continue;
        out->count += spell(out->at + out->count, code);
    }
    return CLIPSPAN_OK;
}

/* Length of the terminal escape at codes[0], an ESC: "[", digits and semicolons, a letter of ASCII.
 */
static size_t escape_length(const uint32_t *codes, size_t count)
{
    size_t i = 2;
    if (count < 3 || codes[1] != '[') return 0;
    while (i < count && (codes[i] == ';' || cs_uni_is_digit(codes[i])))
        i++;
    return i < count && codes[i] < 0x80 && cs_uni_is_letter(codes[i]) ? i + 1 : 0;
}

static void remove_controls(cs_codes *text)
{
    size_t in = 0, out = 0;
    while (in < text->count) {
        size_t skip = 0;
        if (text->at[in] == ESCAPE) skip = escape_length(text->at + in, text->count - in);
        if (!skip) skip = (size_t)is_removed_control(text->at[in]);
        if (skip)
            in += skip;
        else
            text->at[out++] = text->at[in++];
    }
    text->count = out;
}

/* ASCII without controls, and without references where they count, is as it should be. */
static int is_plain(const uint32_t *codes, size_t count, int references)
{
    size_t i = 0;
    while (i < count && codes[i] < 0x7f && !is_removed_control(codes[i]) && codes[i] != '\r' &&
           (codes[i] != '&' || !references))
        i++;
    return i == count;
}

/* One round of all steps on work->text. */
static clipspan_status fix_round(struct work *work, int round, int references, clipspan_error *err)
{
    cs_codes swap;
    if (references && round == 0) cs_entities_fix(&work->text);
    if (references && round > 0) cs_entities_fix_all(&work->text, spell_reference);
    CS_TRY(spell_all(&work->spare, &work->text, err));
    swap = work->text;
    work->text = work->spare;
    work->spare = swap;
    remove_controls(&work->text);
    return cs_nfc_apply(&work->text, &work->spare, err);
}

static int is_same(const cs_codes *a, const cs_codes *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->at, b->at, a->count * sizeof *a->at) == 0);
}

static clipspan_status fix_segment(cs_codes *out, struct work *work, const uint32_t *codes,
                                   size_t count, int references, clipspan_error *err)
{
    int round;
    if (is_plain(codes, count, references)) return cs_codes_append(out, codes, count, err);
    work->text.count = 0;
    CS_TRY(cs_codes_append(&work->text, codes, count, err));
    for (round = 0; round < ROUNDS; round++) {
        work->before.count = 0;
        CS_TRY(cs_codes_append(&work->before, work->text.at, work->text.count, err));
        CS_TRY(fix_round(work, round, references, err));
        if (is_same(&work->text, &work->before)) break;
    }
    return cs_codes_append(out, work->text.at, work->text.count, err);
}

clipspan_status cs_fixes_apply(cs_codes *out, const uint32_t *codes, size_t count,
                               clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    struct work work = {{0}, {0}, {0}};
    int references = 1;
    size_t start = 0;
    while (start < count) {
        size_t end = start;
        while (end < count && end - start < SEGMENT) {
            if (codes[end] == '<') references = 0;
            if (codes[end++] == '\n') break;
        }
        CS_TRY_DONE(fix_segment(out, &work, codes + start, end - start, references, err));
        start = end;
    }
done:
    cs_codes_fini(&work.text);
    cs_codes_fini(&work.before);
    cs_codes_fini(&work.spare);
    return status;
}
