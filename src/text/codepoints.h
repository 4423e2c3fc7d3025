/* SPDX-License-Identifier: MIT */
/* Growable arrays of Unicode code points, and their conversion from and to UTF-8. */
#ifndef CLIPSPAN_SRC_TEXT_CODEPOINTS_H
#define CLIPSPAN_SRC_TEXT_CODEPOINTS_H

#include "base/error.h"

/* Starts as {0}; ended by cs_codes_fini. */
typedef struct cs_codes {
    uint32_t *at;
    size_t count, room;
} cs_codes;

void cs_codes_fini(cs_codes *codes);
/* Room for `more` code points behind the last one. Errors: NOMEM. */
clipspan_status cs_codes_reserve(cs_codes *codes, size_t more, clipspan_error *err);
clipspan_status cs_codes_push(cs_codes *codes, uint32_t code, clipspan_error *err);
clipspan_status cs_codes_append(cs_codes *codes, const uint32_t *more, size_t count,
                                clipspan_error *err);

/* Code point at text[0 .. size), size > 0, and the bytes it takes. Where no well-formed sequence
 * starts, U+FFFD for the longest part of one (Unicode 15, table 3-7 and "maximal subpart"; what
 * Python's errors="replace" gives), with *valid 0. */
uint32_t cs_utf8_next(const char *text, size_t size, size_t *taken, int *valid);

/* Appends all of text. Errors: NOMEM. */
clipspan_status cs_codes_decode(cs_codes *codes, const char *text, size_t size,
                                clipspan_error *err);

/* UTF-8 of one code point (at most U+10FFFF), returns its 1 to 4 bytes. */
size_t cs_utf8_put(unsigned char out[4], uint32_t code);

/* Offset of the first byte that is not well-formed UTF-8 or is NUL; `size` when there is none. */
size_t cs_utf8_check(const char *text, size_t size);

#endif
