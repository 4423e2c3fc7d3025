/* SPDX-License-Identifier: MIT */
/* Properties of code points as the parts of Hugging Face's tokenizers see them, each at the version
 * of Unicode that its part was built with (scripts/make-tokenizer-tables). */
#ifndef CLIPSPAN_SRC_TEXT_FOREIGN_UNICODE_H
#define CLIPSPAN_SRC_TEXT_FOREIGN_UNICODE_H

#include <stddef.h>
#include <stdint.h>

typedef enum cs_foreign {
    CS_FOREIGN_SPACE,        /* Rust's char::is_whitespace; \s of its regular expressions */
    CS_FOREIGN_COMBINING,    /* what StripAccents takes away */
    CS_FOREIGN_NONSPACING,   /* what BertNormalizer's strip_accents takes away */
    CS_FOREIGN_CONTROL,      /* what BertNormalizer's clean_text takes away */
    CS_FOREIGN_PUNCTUATION,  /* to BertPreTokenizer and Punctuation */
    CS_FOREIGN_IDEOGRAPH,    /* what BertNormalizer puts spaces around */
    CS_FOREIGN_WORD,         /* \w of added tokens and of the pre-tokenizer Whitespace */
    CS_FOREIGN_REGEX_LETTER, /* \p{L} of patterns */
    CS_FOREIGN_REGEX_NUMBER, /* \p{N} */
    CS_FOREIGN_REGEX_WORD,   /* \w */
    CS_FOREIGN_REGEX_PUNCT,  /* \p{P} */
    CS_FOREIGN_REGEX_DIGIT,  /* \d */
    CS_FOREIGN_LATE          /* without normal form there */
} cs_foreign;

int cs_foreign_is(cs_foreign property, uint32_t code);

/* Lower case of one code point, whatever stands beside it: one or two, and how many. */
size_t cs_foreign_lower(uint32_t out[2], uint32_t code);

/* How many of the code points form the grapheme at the first one, count > 0. */
size_t cs_foreign_grapheme(const uint32_t *codes, size_t count);

#endif
