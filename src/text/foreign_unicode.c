/* SPDX-License-Identifier: MIT */
/* Binary search in generated tables. Graphemes are those of UAX 29, whole where they are shorter
 * than six bytes, which is all that the one who asks (Precompiled) needs to know: rules for
 * sequences of emoji, flags and Indic conjuncts join only what is longer. */
#include "text/foreign_unicode.h"
#include "text/code_ranges.h"
#include "text/unicode.h"

struct pair {
    uint32_t code, lower;
};

#include "text/foreign_tables.inc"

static int is_space(uint32_t code)
{
    return cs_uni_is_space(code) && !(code >= 0x1c && code <= 0x1f);
}

static int is_ascii_punctuation(uint32_t code)
{
    return (code >= '!' && code <= '/') || (code >= ':' && code <= '@') ||
           (code >= '[' && code <= '`') || (code >= '{' && code <= '~');
}

static int is_ideograph(uint32_t code)
{
    return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf) ||
           (code >= 0x20000 && code <= 0x2a6df) || (code >= 0x2a700 && code <= 0x2b81f) ||
           (code >= 0x2b920 && code <= 0x2ceaf) || (code >= 0xf900 && code <= 0xfaff) ||
           (code >= 0x2f800 && code <= 0x2fa1f);
}

static int is_control(uint32_t code)
{
    if (code == '\t' || code == '\n' || code == '\r') return 0;
    return code < 0x20 || code == 0x7f || code == 0xfffd || IN(others, code);
}

int cs_foreign_is(cs_foreign property, uint32_t code)
{
    switch (property) {
    case CS_FOREIGN_SPACE: return is_space(code);
    case CS_FOREIGN_COMBINING: return IN(combining, code);
    case CS_FOREIGN_NONSPACING: return IN(nonspacing, code);
    case CS_FOREIGN_CONTROL: return is_control(code);
    case CS_FOREIGN_PUNCTUATION:
        return code < 0x80 ? is_ascii_punctuation(code) : IN(punctuation, code);
    case CS_FOREIGN_IDEOGRAPH: return is_ideograph(code);
    case CS_FOREIGN_WORD: return IN(words, code);
    case CS_FOREIGN_REGEX_LETTER: return IN(onig_letters, code);
    case CS_FOREIGN_REGEX_NUMBER: return IN(onig_numbers, code);
    case CS_FOREIGN_REGEX_WORD: return IN(onig_words, code);
    case CS_FOREIGN_REGEX_PUNCT: return IN(onig_punctuation, code);
    case CS_FOREIGN_REGEX_DIGIT: return IN(onig_digits, code);
    case CS_FOREIGN_LATE: return IN(late_forms, code);
    }
    return 0;
}

size_t cs_foreign_lower(uint32_t out[2], uint32_t code)
{
    size_t i;
    for (i = 0; code > 0x1c00 && i < sizeof late_lower / sizeof *late_lower; i++)
        if (late_lower[i].code == code) {
            out[0] = late_lower[i].lower;
            return 1;
        }
    return cs_uni_lower(out, &code, 1, 0);
}

typedef enum { OTHER, HANGUL_L, HANGUL_V, HANGUL_T, HANGUL_LV, HANGUL_LVT } syllable;

static syllable hangul(uint32_t code)
{
    if (code < 0x1100) return OTHER;
    if (code < 0x1160 || (code >= 0xa960 && code <= 0xa97c)) return HANGUL_L;
    if (code < 0x11a8 || (code >= 0xd7b0 && code <= 0xd7c6)) return HANGUL_V;
    if (code < 0x1200 || (code >= 0xd7cb && code <= 0xd7fb)) return HANGUL_T;
    if (code < 0xac00 || code > 0xd7a3) return OTHER;
    return (code - 0xac00) % 28 == 0 ? HANGUL_LV : HANGUL_LVT;
}

static int joined(uint32_t before, uint32_t after)
{
    syllable left, right;
    if (before < 0x300 && after < 0x300) return before == '\r' && after == '\n';
    if (IN(controls, before) || IN(controls, after)) return 0;
    if (IN(joins, after) || IN(prepends, before)) return 1;
    left = hangul(before);
    right = hangul(after);
    if (left == HANGUL_L) return right != OTHER && right != HANGUL_T;
    if (left == HANGUL_V || left == HANGUL_LV) return right == HANGUL_V || right == HANGUL_T;
    return (left == HANGUL_T || left == HANGUL_LVT) && right == HANGUL_T;
}

size_t cs_foreign_grapheme(const uint32_t *codes, size_t count)
{
    size_t end = 1;
    while (end < count && joined(codes[end - 1], codes[end]))
        end++;
    return end;
}
