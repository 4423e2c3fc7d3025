/* SPDX-License-Identifier: MIT */
/* The regular expression of open_clip's tokenizer, with its IGNORECASE, first alternative first:
 *
 *   <start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
 *
 * Clean text is lower case, so the one other letter that these literals match is U+017F, long s,
 * for s. U+0345 is a letter when case is ignored (its capital is one) and none when it is not; the
 * regex module matches it nowhere, so it separates words as a space does. */
#include "text/pattern.h"
#include "text/unicode.h"

#include <string.h>

#define LONG_S        0x17f
#define YPOGEGRAMMENI 0x345

static int is_other(uint32_t code)
{
    return code != YPOGEGRAMMENI && !cs_uni_is_space(code) && !cs_uni_is_letter(code) &&
           !cs_uni_is_number(code);
}

/* Length of literal when codes start with it, case ignored; else 0. *exact: 1 when it is spelled as
 * the literal is. */
static size_t match(const uint32_t *codes, size_t count, const char *literal, int *exact)
{
    size_t n = strlen(literal), i;
    *exact = 1;
    if (count < n) return 0;
    for (i = 0; i < n; i++) {
        uint32_t c = (unsigned char)literal[i];
        if (codes[i] == c) continue;
        if (c < 'a' || c > 'z' || !(codes[i] == c - 32 || (c == 's' && codes[i] == LONG_S)))
            return 0;
        *exact = 0;
    }
    return n;
}

static size_t match_literal(cs_word *kind, const uint32_t *codes, size_t count)
{
    static const char *const literals[] = {
        "<start_of_text>", "<end_of_text>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    size_t i, length = 0;
    int exact = 0;
    *kind = CS_WORD_TEXT;
    if (codes[0] != '<' && codes[0] != '\'') return 0;
    for (i = 0; i < sizeof literals / sizeof *literals && length == 0; i++) {
        length = match(codes, count, literals[i], &exact);
        if (length && exact && i < 2) *kind = i == 0 ? CS_WORD_START : CS_WORD_END;
    }
    return length;
}

cs_word cs_pattern_next(size_t *first, size_t *position, const uint32_t *codes, size_t count)
{
    size_t i = *position, length;
    cs_word kind;
    while (i < count && (codes[i] == YPOGEGRAMMENI || cs_uni_is_space(codes[i])))
        i++;
    *first = *position = i;
    if (i == count) return CS_WORD_NONE;
    length = match_literal(&kind, codes + i, count - i);
    if (length) {
        *position = i + length;
        return kind;
    }
    if (cs_uni_is_number(codes[i])) {
        i++;
    } else if (cs_uni_is_letter(codes[i])) {
        while (i < count && cs_uni_is_letter(codes[i]))
            i++;
    } else {
        while (i < count && is_other(codes[i]))
            i++;
    }
    *position = i;
    return CS_WORD_TEXT;
}
