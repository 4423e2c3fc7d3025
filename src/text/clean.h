/* SPDX-License-Identifier: MIT */
/* The cleaning of text before CLIP's tokenizer splits it. */
#ifndef CLIPSPAN_SRC_TEXT_CLEAN_H
#define CLIPSPAN_SRC_TEXT_CLEAN_H

#include "text/codepoints.h"
#include "text/tokenizer.h"

/* out : gets open_clip's clean text (its `clean="lower"`), empty before. text: UTF-8; bytes that
 * are not read as U+FFFD. Time and memory are linear in size. Errors: NOMEM. */
clipspan_status cs_clean_text(cs_codes *out, const char *text, size_t size, clipspan_error *err);

/* The same for any way of cleaning; AUTO is none. */
clipspan_status cs_clean_as(cs_codes *out, cs_text_cleaning how, const char *text, size_t size,
                            clipspan_error *err);

#endif
