/* SPDX-License-Identifier: MIT */
/* Binary search in generated tables (scripts/make-unicode-tables). They are our own and not those
 * of utf8proc because the reference mixes two versions of Unicode, and because ids must not change
 * with a system's library. */
#include "text/unicode.h"
#include "text/code_ranges.h"

struct casing {
    uint32_t first, last;
    int32_t step, distance;
};
struct width {
    uint32_t code, plain[2];
};

#include "text/unicode_tables.inc"

int cs_uni_is_letter(uint32_t code)
{
    if (code < 0x80) return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
    return IN(letters, code);
}

int cs_uni_is_number(uint32_t code)
{
    if (code < 0x80) return code >= '0' && code <= '9';
    return IN(numbers, code);
}

int cs_uni_is_space(uint32_t code)
{
    if (code < 0x80) return code == ' ' || (code >= 9 && code <= 13) || (code >= 28 && code <= 31);
    return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
           code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

int cs_uni_is_digit(uint32_t code)
{
    return IN(digits, code);
}

int cs_uni_is_opaque(uint32_t code)
{
    return IN(unassigned, code);
}

size_t cs_uni_width(uint32_t out[2], uint32_t code)
{
    size_t low = 0, high = sizeof width_forms / sizeof *width_forms;
    out[0] = code == 0x3000 ? ' ' : code;
    if (code < 0xff01 || code > 0xffef) return 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (width_forms[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == sizeof width_forms / sizeof *width_forms || width_forms[low].code != code) return 1;
    out[0] = width_forms[low].plain[0];
    out[1] = width_forms[low].plain[1];
    return out[1] ? 2 : 1;
}

static int is_final_sigma(const uint32_t *codes, size_t count, size_t index)
{
    size_t i = index;
    while (i > 0 && IN(ignorable, codes[i - 1]))
        i--;
    if (i == 0 || !IN(cased, codes[i - 1])) return 0;
    i = index + 1;
    while (i < count && IN(ignorable, codes[i]))
        i++;
    return i == count || !IN(cased, codes[i]);
}

size_t cs_uni_lower(uint32_t out[2], const uint32_t *codes, size_t count, size_t index)
{
    uint32_t code = codes[index];
    size_t low = 0, high = sizeof lower_case / sizeof *lower_case;
    out[0] = code;
    if (code < 0x80) {
        if (code >= 'A' && code <= 'Z') out[0] = code + 32;
        return 1;
    }
    if (code == 0x130) {
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    if (code == 0x3a3) {
        out[0] = is_final_sigma(codes, count, index) ? 0x3c2 : 0x3c3;
        return 1;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > lower_case[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < sizeof lower_case / sizeof *lower_case && code >= lower_case[low].first &&
        (code - lower_case[low].first) % (uint32_t)lower_case[low].step == 0)
        out[0] = (uint32_t)((int32_t)code + lower_case[low].distance);
    return 1;
}
