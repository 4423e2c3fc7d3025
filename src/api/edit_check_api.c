/* SPDX-License-Identifier: MIT */
/* clipspan_edit_check: argument checks around study/edit_check.h. */
#include "api/edit_check_api.h"
#include "api/option_structs.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "study/json_edit.h"

#include <clipspan/run.h>
#include <stdlib.h>
#include <string.h>

clipspan_status cs_edit_check_handles(const clipspan_model *model, const clipspan_run *run,
                                      clipspan_error *err)
{
    const cs_tower_config *t = &cs_checkpoint_config(model->checkpoint)->image;
    const clipspan_run_info *info = cs_run_info(run->run);
    CS_TRY(cs_check_layer_heads(model, err));
    CS_TRY(cs_run_need_merged(run->run, err));
    CS_TRY(cs_run_need_coefficients(run->run, err));
    if (t->layers == info->layers && t->heads == info->heads && t->head_width == info->head_width)
        return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, info->path,
                      "is a run of %s with %d layers of %d heads; the model has %d of %d: open it "
                      "with clipspan_run_open_model",
                      info->model_name, info->layers, info->heads, t->layers, t->heads);
}

clipspan_status cs_edit_check_options(clipspan_edit_check_options *out,
                                      const clipspan_edit_check_options *options,
                                      const clipspan_run *run, clipspan_error *err)
{
    const clipspan_run_info *info = cs_run_info(run->run);
    CS_TRY(cs_options_take(out, sizeof(clipspan_edit_check_options), options,
                           "clipspan_edit_check_options", err));
    if (out->threads < 0 || out->threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%d threads were asked for; 1 to %d, or 0 for the default", out->threads,
                       CS_MAX_THREADS);
    if (out->bank && clipspan_bank_get_width(out->bank) != (size_t)info->embed_width)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "the bank's vectors have %zu numbers, not %d",
                       clipspan_bank_get_width(out->bank), info->embed_width);
    if (out->change_count && !out->changes)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "there are %zu changes, but changes is NULL",
                       out->change_count);
    return CLIPSPAN_OK;
}

static clipspan_status whole_fact(uint64_t *out, const cs_run *run, const char *key,
                                  clipspan_error *err)
{
    char *value;
    CS_TRY(cs_run_fact(&value, run, key, err));
    if (value) *out = (uint64_t)strtoull(value, NULL, 10);
    cs_free(value);
    return CLIPSPAN_OK;
}

clipspan_status cs_run_image(clipspan_image_options *out, const cs_run *run, clipspan_error *err)
{
    const clipspan_image_options plain = CLIPSPAN_IMAGE_OPTIONS_INIT;
    uint64_t turned = 0;
    *out = plain;
    CS_TRY(whole_fact(&turned, run, "preprocess.exif_orient", err));
    out->exif_orient = turned != 0;
    return whole_fact(&out->max_pixels, run, "preprocess.max_pixels", err);
}

/* Heads of all sets, one behind the other. */
static clipspan_status join_sets(clipspan_head **out, size_t *count, const clipspan_head_set *sets,
                                 size_t set_count, int changed, clipspan_error *err)
{
    clipspan_head *heads;
    *count = 0;
    for (size_t i = 0; i < set_count; i++) {
        if (!sets[i].name || (sets[i].count ? !sets[i].heads : !changed))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "set %zu of heads has no name or no head; give it one or more", i);
        *count += sets[i].count;
    }
    heads = *out = cs_alloc(*count, sizeof **out, "heads", err);
    if (!heads) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < set_count; i++) {
        if (sets[i].count == 0) continue;
        memcpy(heads, sets[i].heads, sets[i].count * sizeof *heads);
        heads += sets[i].count;
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_edit_check_new(clipspan_edit_check **out, clipspan_model *model,
                                        const clipspan_run *run, const clipspan_head_set *sets,
                                        size_t set_count,
                                        const clipspan_edit_check_options *options,
                                        const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_edit_check_options o;
    clipspan_image_options image;
    clipspan_edit_check *check;
    clipspan_head *heads = NULL;
    clipspan_status status;
    size_t count;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !model || !run || !sets || set_count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_edit_check_new: an argument is NULL");
    CS_TRY(cs_edit_check_handles(model, run, err));
    CS_TRY(cs_edit_check_options(&o, options, run, err));
    CS_TRY(cs_run_image(&image, run->run, err));
    check = cs_alloc_zero(1, sizeof *check, "a check of an edit", err);
    if (!check) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(join_sets(&heads, &count, sets, set_count, o.change_count > 0, err));
    CS_TRY_DONE(
        cs_edit_check_new(&check->check, model, run, heads, count, &o, &image, progress, err));
    for (size_t i = 0; i < set_count; i++)
        CS_TRY_DONE(
            cs_edit_check_add(check->check, sets[i].name, sets[i].heads, sets[i].count, err));
    *out = check;
    check = NULL;
done:
    cs_free(heads);
    clipspan_edit_check_free(&check);
    return status;
}

void clipspan_edit_check_free(clipspan_edit_check **check)
{
    if (!check || !*check) return;
    cs_edit_check_free(&(*check)->check);
    cs_free(*check);
    *check = NULL;
}

clipspan_status clipspan_edit_check_write(clipspan_edit_check *check, const char *folder,
                                          const clipspan_write_options *options,
                                          const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_write_options o = CLIPSPAN_WRITE_OPTIONS_INIT;
    const clipspan_edit_check_row *set;
    clipspan_status status;
    float *z;
    cs_clear(err);
    if (!check || !folder || !check->check->info.sets)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_edit_check_write: an argument is NULL, or there is no set");
    if (options) o = *options;
    if (!o.means) o.means = check->check->info.run;
    set = &check->check->rows[0];
    if (check->check->change_count) {
        o.changes = check->check->changes;
        o.change_count = check->check->change_count;
        return clipspan_model_write(folder, check->check->model, NULL, NULL, 0, &o, progress, err);
    }
    z = cs_alloc(set->count, (size_t)check->check->facts->head_width * sizeof *z, "means", err);
    if (!z) return CLIPSPAN_E_NOMEM;
    cs_edit_check_mixed(z, check->check, set->heads, set->count);
    status = clipspan_model_write(folder, check->check->model, set->heads, z, set->count, &o,
                                  progress, err);
    cs_free(z);
    return status;
}

clipspan_status clipspan_edit_check_run(clipspan_edit_check *check, const char *written,
                                        const clipspan_progress *progress, clipspan_error *err)
{
    cs_clear(err);
    if (!check || !check->check->info.sets)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_edit_check_run: the check is NULL, or there is no set");
    if (check->check->change_count && (!written || check->check->info.sets != 1))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "changes of weights are one set, and are measured in a written network");
    return cs_edit_check_run(check->check, written, check->check->skip, SIZE_MAX, 1, progress, err);
}

clipspan_status clipspan_edit_check_run_time(clipspan_edit_check *check, const char *written,
                                             clipspan_error *err)
{
    cs_clear(err);
    if (!check || !written)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_edit_check_run_time: an argument is NULL");
    return cs_edit_check_time(check->check, written, err);
}

const clipspan_edit_check_info *clipspan_edit_check_get_info(const clipspan_edit_check *check)
{
    return check ? &check->check->info : NULL;
}

const clipspan_edit_check_row *clipspan_edit_check_get_rows(const clipspan_edit_check *check)
{
    return check ? check->check->rows : NULL;
}

clipspan_status clipspan_edit_check_write_json(const clipspan_edit_check *check, const char *output,
                                               int flat,
                                               void (*put)(void *to, const char *text, size_t size),
                                               void *to, clipspan_error *err)
{
    cs_json_writer json;
    cs_clear(err);
    if (!check || !put)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_edit_check_write_json: an argument is NULL");
    cs_json_begin(&json, put, to, cs_json_form_of(flat), "clipspan.edit.v1");
    cs_json_edit_check(&json, check->check, output);
    return CLIPSPAN_OK;
}
