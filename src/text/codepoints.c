/* SPDX-License-Identifier: MIT */
/* UTF-8 by table 3-7 of the Unicode standard: the first byte gives the length and the bounds of the
 * second one, later ones are 80 to BF. */
#include "text/codepoints.h"
#include "base/memory.h"

#include <string.h>

void cs_codes_fini(cs_codes *codes)
{
    cs_free(codes->at);
    memset(codes, 0, sizeof *codes);
}

clipspan_status cs_codes_reserve(cs_codes *codes, size_t more, clipspan_error *err)
{
    if (more <= codes->room - codes->count) return CLIPSPAN_OK;
    if (more > SIZE_MAX - codes->count) return cs_fail_memory(err, SIZE_MAX, "text");
    return cs_grow(&codes->at, &codes->room, codes->count + more, sizeof *codes->at, "text", err);
}

clipspan_status cs_codes_push(cs_codes *codes, uint32_t code, clipspan_error *err)
{
    CS_TRY(cs_codes_reserve(codes, 1, err));
    codes->at[codes->count++] = code;
    return CLIPSPAN_OK;
}

clipspan_status cs_codes_append(cs_codes *codes, const uint32_t *more, size_t count,
                                clipspan_error *err)
{
    CS_TRY(cs_codes_reserve(codes, count, err));
    if (count) memcpy(codes->at + codes->count, more, count * sizeof *more);
    codes->count += count;
    return CLIPSPAN_OK;
}

uint32_t cs_utf8_next(const char *text, size_t size, size_t *taken, int *valid)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned first = p[0], low = 0x80, high = 0xbf;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2, i;
    uint32_t code;
    *taken = 1;
    *valid = 1;
    if (first < 0x80) return first;
    *valid = 0;
    if (first < 0xc2 || first > 0xf4) return 0xfffd;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    code = first & (0x7fU >> length);
    for (i = 1; i < length; i++) {
        if (i >= size || p[i] < low || p[i] > high) {
            *taken = i;
            return 0xfffd;
        }
        code = code << 6 | (p[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *taken = length;
    *valid = 1;
    return code;
}

clipspan_status cs_codes_decode(cs_codes *codes, const char *text, size_t size, clipspan_error *err)
{
    size_t i = 0;
    CS_TRY(cs_codes_reserve(codes, size, err));
    while (i < size) {
        size_t taken;
        int valid;
        codes->at[codes->count++] = cs_utf8_next(text + i, size - i, &taken, &valid);
        i += taken;
    }
    return CLIPSPAN_OK;
}

size_t cs_utf8_put(unsigned char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (unsigned char)(0xc0 | code >> 6);
        out[1] = (unsigned char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (unsigned char)(0xe0 | code >> 12);
        out[1] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (unsigned char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (unsigned char)(0xf0 | code >> 18);
    out[1] = (unsigned char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (unsigned char)(0x80 | (code & 0x3f));
    return 4;
}

size_t cs_utf8_check(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        size_t taken;
        int valid;
        if (!cs_utf8_next(text + i, size - i, &taken, &valid) || !valid) return i;
        i += taken;
    }
    return size;
}
