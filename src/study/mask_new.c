/* SPDX-License-Identifier: MIT */
/* Making a study of masks: what it was told, and room for an image. */
#include <clipspan/encode.h>
#include <clipspan/model.h>
#include <string.h>

#include "base/memory.h"
#include "study/contrast.h"
#include "study/mask_study.h"

void cs_mask_study_free(cs_mask_study **study)
{
    cs_mask_study *s = study ? *study : NULL;
    size_t i;
    if (!s) return;
    for (i = 0; s->names && i < s->T; i++)
        cs_free(s->names[i]);
    for (i = 0; s->role_names && i < CLIPSPAN_GROUPS_MOST; i++)
        cs_free(s->role_names[i]);
    for (i = 0; i < CS_MASK_MOST; i++) {
        cs_free(s->methods[i].grid);
        cs_free(s->methods[i].map);
    }
    cs_free(s->names);
    cs_free(s->role_names);
    cs_free(s->vectors);
    cs_free(s->pool);
    cs_free(s->model);
    cs_free(s->targets);
    cs_free(s->per_text);
    cs_free(s->chosen);
    cs_free(s->truth[0]);
    cs_free(s->truth[1]);
    cs_free(s->values);
    cs_free(s->rows);
    cs_free(s);
    *study = NULL;
}

static clipspan_status copy_text(char **out, const char *text, clipspan_error *err)
{
    *out = cs_strdup(text, err);
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status copy_bank(cs_mask_study *s, const clipspan_bank *bank, clipspan_error *err)
{
    size_t i;
    s->T = s->info.texts = clipspan_bank_get_count(bank);
    s->vectors = cs_alloc(s->T, s->shape.P * sizeof *s->vectors, "texts' vectors", err);
    s->names = cs_alloc_zero(s->T, sizeof *s->names, "texts", err);
    if (!s->vectors || !s->names) return CLIPSPAN_E_NOMEM;
    memcpy(s->vectors, clipspan_bank_get_vectors(bank), s->T * s->shape.P * sizeof *s->vectors);
    for (i = 0; i < s->T; i++)
        CS_TRY(copy_text(&s->names[i], clipspan_bank_get_name(bank, i), err));
    return CLIPSPAN_OK;
}

static clipspan_status copy_targets(cs_mask_study *s, const clipspan_segmentation_options *o,
                                    clipspan_error *err)
{
    const clipspan_segment_target all = {1, 0, s->T}, *from = o->targets ? o->targets : &all;
    const size_t count = s->info.targets = o->targets ? o->target_count : 1;
    s->targets = cs_alloc(count, sizeof *s->targets, "targets", err);
    s->chosen = cs_alloc(count, sizeof *s->chosen, "texts of an image", err);
    if (!s->targets || !s->chosen) return CLIPSPAN_E_NOMEM;
    memcpy(s->targets, from, count * sizeof *from);
    s->chosen[0] = CLIPSPAN_NO_TEXT;
    return CLIPSPAN_OK;
}

static clipspan_status list_methods(cs_mask_study *s, const clipspan_segmentation_options *o,
                                    clipspan_error *err)
{
    const unsigned kinds = o->methods ? o->methods : 1U << CLIPSPAN_SEGMENT_HEADS;
    size_t i;
    for (i = 0; i < CS_MASK_METHODS; i++)
        if (kinds & 1U << i) s->methods[s->info.methods++].kind = (clipspan_segment_method)i;
    s->role_names = cs_alloc_zero(CLIPSPAN_GROUPS_MOST, sizeof *s->role_names, "roles", err);
    if (!s->role_names) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < o->role_count; i++) {
        cs_mask_method *m = &s->methods[s->info.methods++];
        CS_TRY(copy_text(&s->role_names[i], o->roles[i], err));
        m->role = s->role_names[i];
        m->group = i;
    }
    return CLIPSPAN_OK;
}

static clipspan_status make_room(cs_mask_study *s, int per_text, clipspan_error *err)
{
    const cs_mask_shape *x = &s->shape;
    const size_t cells = (size_t)x->rows * (size_t)x->columns;
    size_t i;
    s->pixels = (size_t)x->height * (size_t)x->width;
    s->truth[0] = cs_alloc(s->pixels, 1, "masks", err);
    s->truth[1] = cs_alloc(s->pixels, 1, "masks", err);
    s->values = cs_alloc(s->pixels, sizeof *s->values, "masks", err);
    if (!s->truth[0] || !s->truth[1] || !s->values) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < s->info.methods; i++) {
        s->methods[i].grid = cs_alloc(cells, sizeof(float), "maps", err);
        s->methods[i].map = cs_alloc(s->pixels, sizeof(float), "maps", err);
        if (!s->methods[i].grid || !s->methods[i].map) return CLIPSPAN_E_NOMEM;
    }
    if (!per_text) return CLIPSPAN_OK;
    if (!cs_size_mul(&i, s->targets[0].count, s->info.methods)) i = SIZE_MAX;
    s->per_text = cs_alloc_zero(i, sizeof *s->per_text, "figures of texts", err);
    return s->per_text ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_mask_study_new(cs_mask_study **out, const clipspan_model_info *model,
                                  const clipspan_bank *bank, const clipspan_segmentation_options *o,
                                  clipspan_error *err)
{
    cs_mask_study *s = cs_alloc_zero(1, sizeof *s, "a segmentation", err);
    clipspan_status status;
    *out = NULL;
    if (!s) return CLIPSPAN_E_NOMEM;
    s->shape =
        (cs_mask_shape){(size_t)model->embed_width, (size_t)model->tokens,     model->input_height,
                        model->input_width,         model->grid_height,        model->grid_width,
                        model->patch_size,          (size_t)model->class_token};
    s->contrast = o->contrast;
    s->threads = o->threads;
    CS_TRY_DONE(copy_text(&s->model, model->name, err));
    if (o->pool) CS_TRY_DONE(copy_text(&s->pool, o->pool, err));
    CS_TRY_DONE(copy_bank(s, bank, err));
    CS_TRY_DONE(copy_targets(s, o, err));
    CS_TRY_DONE(list_methods(s, o, err));
    CS_TRY_DONE(make_room(s, o->per_text, err));
    s->info.model = s->model;
    s->info.pool = s->pool;
    s->info.contrast = cs_contrast_words(s->contrast);
    *out = s;
    s = NULL;
done:
    cs_mask_study_free(&s);
    return status;
}
