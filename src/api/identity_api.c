/* SPDX-License-Identifier: MIT */
/* Facts of a model for runs, made by the first call that needs them and kept with the model. */
#include "api/handles.h"
#include "base/memory.h"

static void free_identity(void **identity)
{
    cs_identity_fini(*identity);
    cs_free(*identity);
    *identity = NULL;
}

/* The lock is held. */
static clipspan_status make_identity(clipspan_model *model, const clipspan_progress *progress,
                                     clipspan_error *err)
{
    const cs_model_source source = {model->checkpoint,      model->config,     model->quick_gelu,
                                    model->allow_nonfinite, model->simd->name, cs_product_name()};
    void *identity = cs_alloc_zero(1, sizeof(cs_identity), "facts of a run", err);
    clipspan_status status;
    if (!identity) return CLIPSPAN_E_NOMEM;
    status = cs_identity_init(identity, &source, progress, err);
    if (status == CLIPSPAN_OK) {
        model->identity = identity;
        model->identity_free = free_identity;
    } else {
        free_identity(&identity);
    }
    return status;
}

clipspan_status cs_model_identity(const cs_identity **out, clipspan_model *model,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    pthread_mutex_lock(&model->lock);
    if (!model->identity) status = make_identity(model, progress, err);
    *out = model->identity;
    pthread_mutex_unlock(&model->lock);
    return status;
}
