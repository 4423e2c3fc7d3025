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

static clipspan_status make_identity(void **identity, const clipspan_model *model,
                                     const clipspan_progress *progress, clipspan_error *err)
{
    const cs_model_source source = {model->checkpoint,      model->config,     model->quick_gelu,
                                    model->allow_nonfinite, model->simd->name, cs_product_name()};
    clipspan_status status;
    *identity = cs_alloc_zero(1, sizeof(cs_identity), "facts of a run", err);
    if (!*identity) return CLIPSPAN_E_NOMEM;
    status = cs_identity_init(*identity, &source, progress, err);
    if (status != CLIPSPAN_OK) free_identity(identity);
    return status;
}

/* Two threads that come first hash both, and the later one's facts are dropped: progress is the
 * caller's and is not called under the lock. */
clipspan_status cs_model_identity(const cs_identity **out, clipspan_model *model,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    void *made = NULL;
    cs_lock_enter(&model->lock);
    *out = model->identity;
    cs_lock_leave(&model->lock);
    if (*out) return CLIPSPAN_OK;
    CS_TRY(make_identity(&made, model, progress, err));
    cs_lock_enter(&model->lock);
    if (!model->identity) {
        model->identity = made;
        model->identity_free = free_identity;
        made = NULL;
    }
    *out = model->identity;
    cs_lock_leave(&model->lock);
    if (made) free_identity(&made);
    return CLIPSPAN_OK;
}
