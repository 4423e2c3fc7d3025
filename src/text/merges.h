/* SPDX-License-Identifier: MIT */
/* Where a tokenizer's merges come from: plain and gzip text files, Hugging Face folders. */
#ifndef CLIPSPAN_SRC_TEXT_MERGES_H
#define CLIPSPAN_SRC_TEXT_MERGES_H

#include "base/error.h"

/* The text of a merges file, one "left right" a line, the most frequent first, and a NUL.
 * line: number of its first line in the file. Starts as {0}; ended by cs_merges_fini. */
typedef struct cs_merges {
    char *path;
    char *text;
    size_t size, line;
} cs_merges;

/* path: as cs_tokenizer_open. A folder is searched for merges.txt, bpe_simple_vocab_16e6.txt.gz,
 * bpe_simple_vocab_16e6.txt and tokenizer.json, in this order. A "#version" line is skipped.
 * Errors: NOT_FOUND, FORMAT (damaged gzip or JSON; a standard table that was altered), UNSUPPORTED
 * (a tokenizer.json that is no byte-pair encoding), LIMIT, IO, NOMEM. */
clipspan_status cs_merges_read(cs_merges *out, const char *path, clipspan_error *err);

/* The same from a file's bytes; name: of the file, for messages and for its kind. */
clipspan_status cs_merges_parse(cs_merges *out, const void *data, size_t size, const char *name,
                                clipspan_error *err);
void cs_merges_fini(cs_merges *merges);

#endif
