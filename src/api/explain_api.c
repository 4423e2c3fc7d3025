/* SPDX-License-Identifier: MIT */
/* Explanations: argument checks around src/decompose/explanation.h. */
#include "api/explain_api.h"
#include "api/handles.h"
#include "api/maps_api.h"

static clipspan_status fill(clipspan_explanation *e, const clipspan_maps *maps, size_t image,
                            const clipspan_bank *bank, clipspan_contrast contrast,
                            clipspan_error *err)
{
    const cs_map_result *r = &maps->results[image];
    const clipspan_model_info *model = &maps->encoder->model->info;
    const cs_explanation_source source = {
        maps->shape,
        maps->texts->T,
        r->each,
        r->mlps,
        maps->embeddings + image * maps->shape.P,
        maps->texts->vectors,
        model->class_token,
    };
    CS_TRY(cs_explanation_new(&e->explanation, &source, contrast, err));
    e->explanation->info.grid_height = model->grid_height;
    e->explanation->info.grid_width = model->grid_width;
    e->explanation->info.class_token = model->class_token;
    for (size_t t = 0; t < source.T; t++) {
        e->explanation->names[t] = cs_strdup(clipspan_bank_get_name(bank, t), err);
        if (!e->explanation->names[t]) return CLIPSPAN_E_NOMEM;
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_explanation_new(clipspan_explanation **out, const clipspan_maps *maps,
                                         size_t image, const clipspan_bank *bank,
                                         clipspan_contrast contrast, clipspan_error *err)
{
    clipspan_explanation *e;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !maps || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_explanation_new: an argument is NULL");
    if (image >= maps->count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "image %zu was to be explained; the last run had %zu", image, maps->count);
    if (maps->chosen || !maps->results[image].each || !maps->results[image].mlps)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "an explanation needs maps of all heads, each of them and the MLPs");
    if (clipspan_bank_get_count(bank) != maps->texts->T)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the bank has %zu texts, the one that the maps were made with %zu",
                       clipspan_bank_get_count(bank), maps->texts->T);
    if (contrast < CLIPSPAN_CONTRAST_NONE || contrast > CLIPSPAN_CONTRAST_RUNNER_UP)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown contrast %d", (int)contrast);
    e = cs_alloc_zero(1, sizeof *e, "an explanation", err);
    if (!e) return CLIPSPAN_E_NOMEM;
    status = fill(e, maps, image, bank, contrast, err);
    if (status == CLIPSPAN_OK)
        *out = e;
    else
        clipspan_explanation_free(&e);
    return status;
}

void clipspan_explanation_free(clipspan_explanation **explanation)
{
    if (!explanation || !*explanation) return;
    cs_explanation_free(&(*explanation)->explanation);
    cs_free(*explanation);
    *explanation = NULL;
}

const clipspan_explanation_info *
clipspan_explanation_get_info(const clipspan_explanation *explanation)
{
    return explanation ? &explanation->explanation->info : NULL;
}
