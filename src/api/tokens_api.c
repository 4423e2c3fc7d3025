/* SPDX-License-Identifier: MIT */
/* Token ids and pieces of a model, and texts made by counting them. */
#include "api/model_handles.h"
#include "text/control_texts.h"

clipspan_status clipspan_tokens_encode(int32_t *ids, size_t *count, int *cut,
                                       const clipspan_model *model, const char *text, size_t size,
                                       clipspan_error *err)
{
    const cs_tokenizer *tokenizer;
    cs_clear(err);
    if (!ids || !model || (!text && size > 0))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_tokens_encode: an argument is NULL");
    CS_TRY(cs_model_tokenizer(&tokenizer, model, err));
    return cs_tokenizer_encode(ids, count, cut, tokenizer, model->info.context_length,
                               text ? text : "", size, err);
}

const char *clipspan_tokens_get_piece(const clipspan_model *model, int32_t id)
{
    const cs_tokenizer *tokenizer;
    if (!model || cs_model_tokenizer(&tokenizer, model, NULL) != CLIPSPAN_OK) return NULL;
    return cs_tokenizer_piece(tokenizer, id);
}

clipspan_status clipspan_texts_new_control(clipspan_texts **out, const clipspan_texts *like,
                                           const clipspan_model *model, size_t pools, uint64_t seed,
                                           clipspan_error *err)
{
    const cs_tokenizer *tokenizer;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !like || !model || pools == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_texts_new_control: an argument is NULL, or no pool asked for");
    CS_TRY(cs_model_tokenizer(&tokenizer, model, err));
    return cs_control_texts_new(out, like, tokenizer, model->info.context_length, pools, seed, err);
}
