/* SPDX-License-Identifier: MIT */
/* Lists of texts with keys, and filling class names into templates. */
#ifndef CLIPSPAN_SRC_TEXT_TEXT_LIST_H
#define CLIPSPAN_SRC_TEXT_TEXT_LIST_H

#include "base/error.h"

/* What clipspan_texts is. Immutable once made. */
struct clipspan_texts {
    size_t count;
    const char **texts; /* [count] */
    const char **keys;  /* [count], "" without */
    char *pool;         /* the bytes of both */
};

/* As clipspan_texts_open, _new, _free, _get_text and _get_key. A line with a key and no text is a
 * FORMAT error, as is a file without any text; count 0 is an ARGUMENT error. Keys are kept as they
 * are, a leading "!" included. */
clipspan_status cs_texts_open(struct clipspan_texts **out, const char *name, clipspan_error *err);
clipspan_status cs_texts_new(struct clipspan_texts **out, const char *const *texts,
                             const char *const *keys, size_t count, clipspan_error *err);
void cs_texts_free(struct clipspan_texts **texts);
const char *cs_texts_get_text(const struct clipspan_texts *texts, size_t index);
const char *cs_texts_get_key(const struct clipspan_texts *texts, size_t index);

/* *out: template with its first "{}" replaced by name, given back with cs_free. Errors: ARGUMENT
 * when it has none, NOMEM. */
clipspan_status cs_template_fill(char **out, const char *template, const char *name,
                                 clipspan_error *err);

#endif
