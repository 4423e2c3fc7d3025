/* SPDX-License-Identifier: MIT */
/* CLIP's pattern: the words that byte-pair merging works on. */
#ifndef CLIPSPAN_SRC_TEXT_PATTERN_H
#define CLIPSPAN_SRC_TEXT_PATTERN_H

#include <stddef.h>
#include <stdint.h>

typedef enum cs_word { CS_WORD_NONE, CS_WORD_TEXT, CS_WORD_START, CS_WORD_END } cs_word;

/* The next word of codes[0 .. count) at or after *position: codes[*first .. *position). TEXT for
 * ordinary words, START and END for the spelled-out special tokens, NONE at the end of the text. */
cs_word cs_pattern_next(size_t *first, size_t *position, const uint32_t *codes, size_t count);

#endif
