/* SPDX-License-Identifier: MIT */
/* Control texts: what as many texts that mean nothing explain of a head shows what the words of a
 * pool are worth. Text i of a control pool has exactly as many tokens as text i of the pool; with a
 * tokenizer whose words merge with what stands before them, a few may have fewer. */
#ifndef CLIPSPAN_SRC_TEXT_CONTROL_TEXTS_H
#define CLIPSPAN_SRC_TEXT_CONTROL_TEXTS_H

#include "text/text_list.h"
#include "text/tokenizer.h"

/* `pools` control pools of `like`, one after the other: text i of pool p at p count + i, without a
 * key. They are invented words of one to three syllables, none of which stands in `like` or is one
 * piece of the vocabulary while longer than two letters. The same for the same tokenizer, list and
 * seed; pool p does not depend on how many there are.
 *   context: ids that a text has room for, start and end token included
 * Errors: those of cs_tokenizer_encode, LIMIT, NOMEM, INTERNAL (a tokenizer that does not split at
 * blanks, or takes a letter for several tokens). */
clipspan_status cs_control_texts_new(struct clipspan_texts **out, const struct clipspan_texts *like,
                                     const cs_tokenizer *tokenizer, int context, size_t pools,
                                     uint64_t seed, clipspan_error *err);

#endif
