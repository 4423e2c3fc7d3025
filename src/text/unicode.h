/* SPDX-License-Identifier: MIT */
/* The properties of code points that the tokenizer depends on, at pinned versions of Unicode. */
#ifndef CLIPSPAN_SRC_TEXT_UNICODE_H
#define CLIPSPAN_SRC_TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* Of the regex module, Unicode 18: \p{L}, \p{N}. */
int cs_uni_is_letter(uint32_t code);
int cs_uni_is_number(uint32_t code);

/* Of Python 3.11, Unicode 14. space: what str.split and str.strip take for white space.
 * opaque: not assigned, so without normal form or combining class. */
int cs_uni_is_space(uint32_t code);
int cs_uni_is_digit(uint32_t code);
int cs_uni_is_opaque(uint32_t code);

/* Plain form of a half-width or full-width form (and U+3000): one or two code points, and how many;
 * 1 and the code point itself for every other one. */
size_t cs_uni_width(uint32_t out[2], uint32_t code);

/* Lower case of codes[index] as str.lower gives it: one or two code points, and how many. A capital
 * sigma becomes a final one after a cased letter and before none, case-ignorable ones left out. */
size_t cs_uni_lower(uint32_t out[2], const uint32_t *codes, size_t count, size_t index);

#endif
