/* SPDX-License-Identifier: MIT */
/* SentencePiece's precompiled table of replacements, which tokenizer.json holds in base64. */
#ifndef CLIPSPAN_SRC_TEXT_CHARSMAP_H
#define CLIPSPAN_SRC_TEXT_CHARSMAP_H

#include "base/error.h"

/* Starts as {0}; ended by cs_charsmap_fini. */
typedef struct cs_charsmap {
    uint32_t *units; /* [count] double array */
    size_t count;
    char *texts; /* replacements, each with its NUL, and a NUL at the end */
    size_t texts_size;
} cs_charsmap;

void cs_charsmap_fini(cs_charsmap *map);

/* data: size of the array in bytes (little endian), the array, the texts. Errors: FORMAT (sizes
 * that do not fit), NOMEM; path: for messages. */
clipspan_status cs_charsmap_read(cs_charsmap *out, const unsigned char *data, size_t size,
                                 const char *path, clipspan_error *err);

/* The shortest or longest key that text starts with: its length, 0 when there is none, and what it
 * is replaced by. */
size_t cs_charsmap_find(const char **to, const cs_charsmap *map, const char *text, size_t size,
                        int longest);

#endif
