/* SPDX-License-Identifier: MIT */
/* clipspan_prune: argument checks around study/prune.h. */
#include "api/edit_check_api.h"
#include "api/option_structs.h"
#include "base/memory.h"
#include "study/json_edit.h"

struct clipspan_prune {
    cs_prune *prune;
    clipspan_edit_check check; /* the prune's, for callers */
};

static clipspan_status check_options(const clipspan_prune_options *o, clipspan_error *err)
{
    if (o->order < CLIPSPAN_PRUNE_NETWORK || o->order > CLIPSPAN_PRUNE_PATH)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown order %d to prune in", (int)o->order);
    if (o->order == CLIPSPAN_PRUNE_CHOSEN) {
        if (o->heads && o->count) return CLIPSPAN_OK;
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "no head is chosen: name one or more");
    }
    if (o->fraction > 0.0 && o->fraction <= 1.0) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "a fraction of %g was asked for; expected more than 0, and 1 at most: 0.25 is a "
                   "quarter",
                   o->fraction);
}

clipspan_status clipspan_prune_new(clipspan_prune **out, clipspan_model *model,
                                   const clipspan_run *run, const clipspan_prune_options *options,
                                   clipspan_error *err)
{
    clipspan_prune_options o;
    clipspan_edit_check_options check;
    clipspan_image_options image;
    clipspan_prune *prune;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !model || !run || !options)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_prune_new: an argument is NULL");
    CS_TRY(cs_options_take(&o, sizeof(clipspan_prune_options), options, "clipspan_prune_options",
                           err));
    CS_TRY(check_options(&o, err));
    CS_TRY(cs_edit_check_handles(model, run, err));
    CS_TRY(cs_edit_check_options(&check, o.check, run, err));
    CS_TRY(cs_run_image(&image, run->run, err));
    prune = cs_alloc_zero(1, sizeof *prune, "a pruning", err);
    if (!prune) return CLIPSPAN_E_NOMEM;
    status = cs_prune_new(&prune->prune, model, run, &o, &check, &image, err);
    if (status == CLIPSPAN_OK)
        *out = prune;
    else
        cs_free(prune);
    return status;
}

void clipspan_prune_free(clipspan_prune **prune)
{
    if (!prune || !*prune) return;
    cs_prune_free(&(*prune)->prune);
    cs_free(*prune);
    *prune = NULL;
}

clipspan_status clipspan_prune_run(clipspan_prune *prune, const clipspan_progress *progress,
                                   clipspan_error *err)
{
    cs_clear(err);
    if (!prune) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_prune_run: an argument is NULL");
    CS_TRY(cs_prune_run(prune->prune, progress, err));
    prune->check.check = prune->prune->check;
    return CLIPSPAN_OK;
}

clipspan_edit_check *clipspan_prune_get_check(clipspan_prune *prune)
{
    return prune && prune->check.check ? &prune->check : NULL;
}

clipspan_status clipspan_prune_run_forecasts(clipspan_prune *prune, clipspan_error *err)
{
    cs_clear(err);
    if (!prune || !prune->prune->check || !prune->prune->check->info.used)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_prune_run_forecasts: prune is NULL, or its check has not run");
    return cs_prune_forecast(prune->prune, err);
}

const clipspan_prune_forecast *clipspan_prune_get_forecasts(const clipspan_prune *prune)
{
    return prune ? prune->prune->forecasts : NULL;
}

const clipspan_prune_info *clipspan_prune_get_info(const clipspan_prune *prune)
{
    return prune ? &prune->prune->info : NULL;
}

const clipspan_prune_row *clipspan_prune_get_rows(const clipspan_prune *prune)
{
    return prune && prune->prune->known ? prune->prune->rows : NULL;
}

const clipspan_prune_round *clipspan_prune_get_rounds(const clipspan_prune *prune)
{
    return prune ? prune->prune->rounds : NULL;
}

const clipspan_head_set *clipspan_prune_get_sets(const clipspan_prune *prune)
{
    return prune ? prune->prune->sets : NULL;
}

clipspan_status clipspan_prune_write_json(const clipspan_prune *prune, const char *output, int flat,
                                          void (*put)(void *to, const char *text, size_t size),
                                          void *to, clipspan_error *err)
{
    cs_json_writer json;
    cs_clear(err);
    if (!prune || !put)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_prune_write_json: an argument is NULL");
    cs_json_begin(&json, put, to, cs_json_form_of(flat), "clipspan.prune.v1");
    cs_json_prune(&json, prune->prune, output);
    return CLIPSPAN_OK;
}
