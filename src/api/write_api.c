/* SPDX-License-Identifier: MIT */
/* Edited models: heads mean-ablated in an encoder, checkpoints. */
#include "api/model_handles.h"
#include "base/file.h"
#include "base/folder_output.h"
#include "base/memory.h"
#include "model/weight_change.h"

#include <clipspan/edit.h>
#include <clipspan/effects.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RECORD "clipspan_edit.json"

/* Marks heads and spreads z over [L, H, K]; z may be NULL. */
static clipspan_status spread(uint8_t *marks, float *all, const cs_tower_config *t,
                              const clipspan_head *heads, const float *z, size_t count,
                              clipspan_error *err)
{
    const size_t H = (size_t)t->heads, K = (size_t)t->head_width;
    for (size_t i = 0; i < count; i++) {
        const clipspan_head h = heads[i];
        size_t at;
        if (h.layer < 0 || h.layer >= t->layers || h.head < 0 || h.head >= t->heads)
            return cs_fail(
                err, CLIPSPAN_E_ARGUMENT,
                "head L%d.H%d was named; the model has layers 0 to %d with heads 0 to %d", h.layer,
                h.head, t->layers - 1, t->heads - 1);
        at = (size_t)h.layer * H + (size_t)h.head;
        if (marks[at])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "head L%d.H%d was named twice", h.layer,
                           h.head);
        marks[at] = 1;
        for (size_t k = 0; z && k < K; k++) {
            if (!isfinite(z[i * K + k]))
                return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                               "number %zu of what stands for head L%d.H%d is not finite", k,
                               h.layer, h.head);
            all[at * K + k] = z[i * K + k];
        }
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_encoder_set_heads(clipspan_encoder *e, const clipspan_head *heads,
                                           const float *z, size_t count, clipspan_error *err)
{
    const cs_tower_config *t;
    uint8_t *marks = NULL;
    float *all = NULL;
    clipspan_status status = CLIPSPAN_OK;
    size_t LH;
    cs_clear(err);
    if (!e || (count && (!heads || !z)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_encoder_set_heads: an argument is NULL");
    if (!e->images) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "heads were given to a text encoder");
    CS_TRY(cs_check_layer_heads(e->model, err));
    t = &e->tower->config;
    LH = (size_t)t->layers * (size_t)t->heads;
    if (count) {
        marks = cs_alloc_zero(LH, 1, "mean-ablated heads", err);
        all = cs_alloc_zero(LH, (size_t)t->head_width * sizeof *all, "mean-ablated heads", err);
        status = marks && all ? spread(marks, all, t, heads, z, count, err) : CLIPSPAN_E_NOMEM;
    }
    if (status != CLIPSPAN_OK) {
        cs_free(marks);
        cs_free(all);
        return status;
    }
    cs_free(e->silent_marks);
    cs_free(e->silent_z);
    e->silent_marks = marks;
    e->silent_z = all;
    e->silent.fixed = marks;
    e->silent.z = all;
    for (int i = 0; i < e->lanes; i++)
        cs_image_pass_fix(e->images[i], count ? &e->silent : NULL);
    return CLIPSPAN_OK;
}

/* ---- Checkpoints ---- */

/* A text that is not UTF-8, such as a path, is left out. */
static int set_text(json_t *root, const char *key, const char *text)
{
    json_t *value = json_string(text);
    return value ? json_object_set_new(root, key, value) : 0;
}

static clipspan_status write_record(const char *folder, const clipspan_model *model,
                                    const clipspan_head *heads, size_t count,
                                    const clipspan_write_options *o, clipspan_error *err)
{
    json_t *root = json_object(), *names = json_array(), *changes = json_array();
    clipspan_status status = CLIPSPAN_E_NOMEM;
    char name[32], *text = NULL, *path = cs_path_join(folder, RECORD, err);
    cs_output *output = NULL;
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "L%d.H%d", heads[i].layer, heads[i].head);
        failed |= json_array_append_new(names, json_string(name));
    }
    failed |= json_object_set_new(root, "clipspan", json_string(CLIPSPAN_VERSION));
    failed |= set_text(root, "model", model->info.name);
    failed |= json_object_set_new(root, "heads", names);
    failed |= json_object_set_new(root, "removed", json_boolean(o->remove));
    for (size_t i = 0; i < o->change_count; i++) {
        const clipspan_weight_change *c = &o->changes[i];
        snprintf(name, sizeof name, "L%d.H%d", c->layer, c->head);
        failed |= json_array_append_new(
            changes, json_string(c->component == CLIPSPAN_COMPONENT_HEAD ? name : "embedding"));
    }
    if (o->change_count) failed |= json_object_set(root, "cue_taken_from", changes);
    if (o->means) failed |= set_text(root, "means", o->means);
    if (!failed) text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (!text && path) status = cs_fail_memory(err, 1, "a record");
    if (!text || !path) goto done;
    CS_TRY_DONE(cs_output_open(&output, path, 0, err));
    CS_TRY_DONE(cs_output_write(output, text, strlen(text), err));
    status = cs_output_commit(output, err);
done:
    cs_output_close(&output);
    json_decref(changes);
    json_decref(root);
    free(text);
    cs_free(path);
    return status;
}

typedef struct request {
    uint8_t *marks;
    float *z;
    cs_weight_changes changes;
    cs_checkpoint_edit edit;
} request;

static clipspan_status start(request *r, const char *folder, const clipspan_model *model,
                             const clipspan_head *heads, const float *z, size_t count,
                             const clipspan_write_options *o, clipspan_error *err)
{
    const cs_tower_config *t = &cs_checkpoint_config(model->checkpoint)->image;
    const size_t LH = (size_t)t->layers * (size_t)t->heads;
    CS_TRY(cs_check_layer_heads(model, err));
    r->marks = cs_alloc_zero(LH, 1, "chosen heads", err);
    r->z = cs_alloc_zero(LH, (size_t)t->head_width * sizeof *r->z, "chosen heads", err);
    if (!r->marks || !r->z) return CLIPSPAN_E_NOMEM;
    CS_TRY(spread(r->marks, r->z, t, heads, z, count, err));
    r->edit.chosen = r->marks;
    r->edit.z = r->z;
    r->edit.remove = o->remove;
    if (o->change_count && (!o->changes || o->remove))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "changes of weights are NULL, or heads are to be removed at the same time");
    CS_TRY(
        cs_weight_changes_make(&r->changes, model->checkpoint, o->changes, o->change_count, err));
    r->edit.heads = r->changes.heads;
    r->edit.head_count = r->changes.head_count;
    if (r->changes.has_projection) r->edit.projection = &r->changes.projection;
    CS_TRY(cs_checkpoint_edit_check(model->checkpoint, &r->edit, err));
    return cs_folder_output_check(folder, o->replace, RECORD, err);
}

static void fini(request *r)
{
    cs_free(r->marks);
    cs_free(r->z);
    cs_weight_changes_fini(&r->changes);
}

clipspan_status clipspan_model_check_write(const char *folder, const clipspan_model *model,
                                           const clipspan_head *heads, size_t count,
                                           const clipspan_write_options *options,
                                           clipspan_error *err)
{
    clipspan_write_options o;
    clipspan_status status;
    request r = {0};
    cs_clear(err);
    if (!folder || !model || (count && !heads))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_model_check_write: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_write_options, err));
    status = start(&r, folder, model, heads, NULL, count, &o, err);
    fini(&r);
    return status;
}

clipspan_status clipspan_model_write(const char *folder, const clipspan_model *model,
                                     const clipspan_head *heads, const float *z, size_t count,
                                     const clipspan_write_options *options,
                                     const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_write_options o;
    cs_folder_output *output = NULL;
    clipspan_status status;
    request r = {0};
    cs_clear(err);
    if (!folder || !model || (count && (!heads || !z)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_model_write: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_write_options, err));
    CS_TRY_DONE(start(&r, folder, model, heads, z, count, &o, err));
    CS_TRY_DONE(cs_folder_output_open(&output, folder, o.replace, RECORD, err));
    CS_TRY_DONE(cs_checkpoint_write(cs_folder_output_path(output), model->checkpoint, &r.edit,
                                    progress, err));
    CS_TRY_DONE(write_record(cs_folder_output_path(output), model, heads, count, &o, err));
    status = cs_folder_output_commit(output, err);
done:
    cs_folder_output_close(&output);
    fini(&r);
    return status;
}
