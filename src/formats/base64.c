/* SPDX-License-Identifier: MIT */
/* Three bytes become four letters; the last one or two are filled up with "=". */
#include "formats/base64.h"

#include <stdint.h>

#define PART 1024 /* letters handed over at once */

void cs_base64_put(void (*put)(void *to, const char *text, size_t size), void *to,
                   const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char part[PART];
    size_t held = 0;
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t group = (uint32_t)bytes[i] << 16 |
                               (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (left > 2 ? bytes[i + 2] : 0);
        part[held++] = digits[group >> 18];
        part[held++] = digits[group >> 12 & 63];
        part[held++] = left > 1 ? digits[group >> 6 & 63] : '=';
        part[held++] = left > 2 ? digits[group & 63] : '=';
        if (held < PART) continue;
        put(to, part, held);
        held = 0;
    }
    if (held) put(to, part, held);
}
