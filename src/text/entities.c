/* SPDX-License-Identifier: MIT */
/* HTML 5, 13.2.5.72 to 13.2.5.80, in the form that Python 3.11's html module gives them, and ftfy
 * 6.3's stricter reading. The table is scripts/make-html-entities'. No reference stands for more
 * code points than its own length, so text is rewritten in place. */
#include "text/entities.h"

#include <string.h>

enum { PLAIN = 1, BARE = 2, UPPER = 4 };

#define NAME_MAX 32 /* code points that html.unescape takes for a name, semicolon not counted */
#define FIX_MAX  24 /* the same for ftfy */

static const struct entity {
    const char *name;
    uint32_t codes[3];
    int flags;
} entities[] = {
#include "text/html_entities.inc"
};

/* Entity of this name that has one of the flags. */
static const struct entity *find(const char *name, int flags)
{
    size_t low = 0, high = sizeof entities / sizeof *entities;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(entities[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == sizeof entities / sizeof *entities || strcmp(entities[low].name, name) != 0 ||
        !(entities[low].flags & flags))
        return NULL;
    return &entities[low];
}

static int digit_value(uint32_t code, int base)
{
    int value = code >= '0' && code <= '9'   ? (int)(code - '0')
                : code >= 'a' && code <= 'f' ? (int)(code - 'a') + 10
                : code >= 'A' && code <= 'F' ? (int)(code - 'A') + 10
                                             : 99;
    return value < base ? value : -1;
}

/* What a numeric reference stands for: one code point, or none (returns 0). */
static size_t number_meaning(uint32_t *out, uint32_t number)
{
    static const uint16_t windows[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    *out = number;
    if (number >= 0x80 && number <= 0x9f) {
        *out = windows[number - 0x80];
        return 1;
    }
    if (number == 0 || (number >= 0xd800 && number <= 0xdfff) || number > 0x10ffff) {
        *out = 0xfffd;
        return 1;
    }
    if (number == 9 || number == 10 || number == 12 || number == 13) return 1;
    return !(number < 0x20 || number == 0x7f || (number >= 0xfdd0 && number <= 0xfdef) ||
             (number & 0xfffe) == 0xfffe);
}

/* Reads "#123" or "#x7b" at codes[0 .. count); returns the code points read, 0 when it is none. */
static size_t read_number(uint32_t *number, const uint32_t *codes, size_t count)
{
    int base = count > 1 && (codes[1] | 0x20) == 'x' ? 16 : 10;
    size_t start = base == 16 ? 2 : 1, i;
    *number = 0;
    for (i = start; i < count; i++) {
        int value = digit_value(codes[i], base);
        if (value < 0) break;
        if (*number <= 0x10ffff) *number = *number * (uint32_t)base + (uint32_t)value;
    }
    return i > start ? i : 0;
}

/* Reads a named reference at codes[0 .. count), "&" left out: code points of the name (and its
 * semicolon) that are replaced, 0 when there is none. */
static size_t read_name(const struct entity **found, const uint32_t *codes, size_t count)
{
    char name[NAME_MAX + 1];
    size_t length = 0, x;
    while (length < NAME_MAX && length < count && codes[length] != ';' && codes[length] > ' ' &&
           codes[length] < 0x7f && codes[length] != '<' && codes[length] != '&' &&
           codes[length] != '#') {
        name[length] = (char)codes[length];
        length++;
    }
    name[length] = '\0';
    if (length < count && codes[length] == ';' && (*found = find(name, PLAIN))) return length + 1;
    for (x = length; x > 1; x--) {
        name[x] = '\0';
        if ((*found = find(name, BARE))) return x;
    }
    return 0;
}

static size_t put(uint32_t *out, const uint32_t codes[3])
{
    size_t n = 0;
    while (n < 3 && codes[n]) {
        out[n] = codes[n];
        n++;
    }
    return n;
}

void cs_entities_unescape(cs_codes *text)
{
    uint32_t *codes = text->at;
    size_t count = text->count, in = 0, out = 0;
    while (in < count) {
        const struct entity *entity;
        size_t taken = 0;
        if (codes[in] != '&') {
            codes[out++] = codes[in++];
            continue;
        }
        if (in + 1 < count && codes[in + 1] == '#') {
            uint32_t number, code;
            taken = read_number(&number, codes + in + 1, count - in - 1);
            if (taken) {
                in += 1 + taken;
                if (in < count && codes[in] == ';') in++;
                if (number_meaning(&code, number)) codes[out++] = code;
                continue;
            }
        } else if ((taken = read_name(&entity, codes + in + 1, count - in - 1)) > 0) {
            in += 1 + taken;
            out += put(codes + out, entity->codes);
            continue;
        }
        codes[out++] = codes[in++];
    }
    text->count = out;
}

static int is_alphanumeric(uint32_t code)
{
    return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
}

/* Meaning of the reference body codes[0 .. count), between "&" and ";", as ftfy reads it; returns 0
 * where the reference stays as it is, else 1 with *n code points. */
static int fix_meaning(uint32_t out[3], size_t *n, const uint32_t *codes, size_t count)
{
    const struct entity *entity;
    char name[FIX_MAX + 1];
    size_t i;
    if (codes[0] == '#') {
        uint32_t number;
        /* A partly read number would leave its semicolon behind: ftfy lets those be. */
        if (read_number(&number, codes, count) != count || number == ';') return 0;
        *n = number_meaning(out, number);
        return 1;
    }
    for (i = 0; i < count; i++)
        name[i] = (char)codes[i];
    name[count] = '\0';
    entity = find(name, PLAIN | UPPER);
    if (!entity) return 0;
    *n = put(out, entity->codes);
    return 1;
}

void cs_entities_fix(cs_codes *text)
{
    uint32_t *codes = text->at;
    size_t count = text->count, in = 0, out = 0;
    while (in < count) {
        size_t start = in + 1, end, n;
        uint32_t meaning[3];
        if (codes[in] == '&') {
            end = start + (start < count && codes[start] == '#');
            start = end;
            while (end < count && end - start < FIX_MAX && is_alphanumeric(codes[end]))
                end++;
            if (end > start && end < count && codes[end] == ';' &&
                fix_meaning(meaning, &n, codes + in + 1, end - in - 1)) {
                memcpy(codes + out, meaning, n * sizeof *codes);
                out += n;
                in = end + 1;
                continue;
            }
        }
        codes[out++] = codes[in++];
    }
    text->count = out;
}

/* Whether a reference ends at codes[end], a semicolon; where it starts and what it stands for. */
static int ends_reference(size_t *start, uint32_t out[3], size_t *n, const uint32_t *codes,
                          size_t end)
{
    size_t i = end;
    while (i > 0 && end - i < FIX_MAX && is_alphanumeric(codes[i - 1]))
        i--;
    if (i == end || i == 0) return 0;
    if (codes[i - 1] == '#') i--;
    if (i == 0 || codes[i - 1] != '&') return 0;
    *start = i - 1;
    return fix_meaning(out, n, codes + i, end - i);
}

/* References cannot overlap or contain one another, so the order of replacing does not matter; this
 * one keeps the text before `out` free of them. A replacement is pushed like text, for it may end
 * another reference ("&amp&semi;"). */
void cs_entities_fix_all(cs_codes *text, size_t (*plain)(uint32_t out[8], uint32_t code))
{
    uint32_t *codes = text->at;
    size_t count = text->count, in, out = 0;
    for (in = 0; in < count; in++) {
        uint32_t meaning[3], spelled[8];
        size_t n, start, i, k;
        codes[out++] = codes[in];
        while (codes[out - 1] == ';' && ends_reference(&start, meaning, &n, codes, out - 1)) {
            out = start;
            for (i = 0; i < n; i++) {
                size_t length = plain(spelled, meaning[i]);
                for (k = 0; k < length; k++)
                    codes[out++] = spelled[k];
            }
            if (out == 0) break;
        }
    }
    text->count = out;
}
