/* SPDX-License-Identifier: MIT */
/* Whether the ids that a folder spells out are the ones that its merges imply. */
#ifndef CLIPSPAN_SRC_TEXT_VOCAB_CHECK_H
#define CLIPSPAN_SRC_TEXT_VOCAB_CHECK_H

#include "text/bpe.h"

/* merges: path of the table that bpe was made from. Compares with the vocab.json beside a
 * merges.txt, or with model.vocab of a tokenizer.json; any other table has nothing to compare with.
 * vocab: pieces in all, of which the last two are the start and end tokens. Errors: UNSUPPORTED
 * (an id differs; both are named), FORMAT, LIMIT, IO, NOMEM. */
clipspan_status cs_vocab_check(const cs_bpe *bpe, size_t vocab, const char *merges,
                               clipspan_error *err);

#endif
