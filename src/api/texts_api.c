/* SPDX-License-Identifier: MIT */
/* clipspan_texts: argument checks around the lists of src/text. */
#include "text/text_list.h"

#include <clipspan/encode.h>

clipspan_status clipspan_texts_open(clipspan_texts **out, const char *name, clipspan_error *err)
{
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !name)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_texts_open: out or name is NULL");
    return cs_texts_open(out, name, err);
}

clipspan_status clipspan_texts_new(clipspan_texts **out, const char *const *texts,
                                   const char *const *keys, size_t count, clipspan_error *err)
{
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !texts)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_texts_new: out or texts is NULL");
    for (size_t i = 0; i < count; i++)
        if (!texts[i])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_texts_new: text %zu is NULL", i);
    return cs_texts_new(out, texts, keys, count, err);
}

void clipspan_texts_free(clipspan_texts **texts)
{
    cs_texts_free(texts);
}

size_t clipspan_texts_get_count(const clipspan_texts *texts)
{
    return texts ? texts->count : 0;
}

const char *clipspan_texts_get_text(const clipspan_texts *texts, size_t index)
{
    return texts ? cs_texts_get_text(texts, index) : NULL;
}

const char *clipspan_texts_get_key(const clipspan_texts *texts, size_t index)
{
    return texts ? cs_texts_get_key(texts, index) : "";
}
