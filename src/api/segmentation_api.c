/* SPDX-License-Identifier: MIT */
/* Segmentations: argument checks around src/study/mask_study.h. */
#include "api/maps_api.h"
#include "base/parallel.h"
#include "study/mask_study.h"
#include "study/study_json.h"

struct clipspan_segmentation {
    cs_mask_study *study;
};

/* ---- Making one ---- */

static clipspan_status check_targets(const clipspan_segmentation_options *o, size_t texts,
                                     clipspan_error *err)
{
    size_t i;
    if (o->targets && o->target_count < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a segmentation without a target was asked for");
    for (i = 0; o->targets && i < o->target_count; i++) {
        const clipspan_segment_target *t = &o->targets[i];
        if (t->count < 1 || t->first >= texts || t->count > texts - t->first ||
            (t->sign != 1 && t->sign != -1))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "target %zu has sign %d and texts %zu to %zu; 1 or -1 and texts 0 to "
                           "%zu of the bank were expected",
                           i, t->sign, t->first, t->first + t->count, texts);
    }
    return CLIPSPAN_OK;
}

static clipspan_status check_options(const clipspan_segmentation_options *o,
                                     const clipspan_model_info *info, const clipspan_bank *bank,
                                     clipspan_error *err)
{
    size_t i;
    if (clipspan_bank_get_width(bank) != (size_t)info->embed_width)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the bank's vectors are %zu numbers wide, the model's embeddings %d",
                       clipspan_bank_get_width(bank), info->embed_width);
    if (o->contrast < CLIPSPAN_CONTRAST_NONE || o->contrast > CLIPSPAN_CONTRAST_RUNNER_UP)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown contrast %d", (int)o->contrast);
    if (o->methods >= 1U << CS_MASK_METHODS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown methods of segmentation: %#x",
                       o->methods);
    if (o->role_count > CLIPSPAN_GROUPS_MOST || (o->role_count && !o->roles))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%zu roles with names; 0 to %d are possible",
                       o->role_count, CLIPSPAN_GROUPS_MOST);
    for (i = 0; i < o->role_count; i++)
        if (!o->roles[i]) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "role %zu has no name", i);
    return check_targets(o, clipspan_bank_get_count(bank), err);
}

clipspan_status clipspan_segmentation_new(clipspan_segmentation **out, const clipspan_model *model,
                                          const clipspan_bank *bank,
                                          const clipspan_segmentation_options *options,
                                          clipspan_error *err)
{
    clipspan_segmentation_options o;
    clipspan_segmentation *s;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !model || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_segmentation_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_segmentation_options, err));
    CS_TRY(check_options(&o, &model->info, bank, err));
    if (o.threads < 1) o.threads = cs_threads_default();
    s = cs_alloc_zero(1, sizeof *s, "a segmentation", err);
    if (!s) return CLIPSPAN_E_NOMEM;
    status = cs_mask_study_new(&s->study, &model->info, bank, &o, err);
    if (status == CLIPSPAN_OK)
        *out = s;
    else
        clipspan_segmentation_free(&s);
    return status;
}

void clipspan_segmentation_free(clipspan_segmentation **segmentation)
{
    if (!segmentation || !*segmentation) return;
    cs_mask_study_free(&(*segmentation)->study);
    cs_free(*segmentation);
    *segmentation = NULL;
}

/* ---- Adding ---- */

static clipspan_status check_texts(const cs_mask_study *s, const size_t *texts, clipspan_error *err)
{
    size_t k;
    for (k = 0; texts && k < s->info.targets; k++) {
        const clipspan_segment_target *t = &s->targets[k];
        if (texts[k] == CLIPSPAN_NO_TEXT) return CLIPSPAN_OK;
        if (texts[k] < t->first || texts[k] - t->first >= t->count)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "text %zu of the bank was given for target %zu, whose texts are %zu to "
                           "%zu",
                           texts[k], k, t->first, t->first + t->count - 1);
    }
    return CLIPSPAN_OK;
}

static clipspan_status find_maps(const float **out, const cs_mask_study *s,
                                 const clipspan_maps *maps, size_t image, clipspan_error *err)
{
    static const clipspan_map_kind kinds[CS_MASK_METHODS] = {
        CLIPSPAN_MAP_HEADS, CLIPSPAN_MAP_ATTENTION, CLIPSPAN_MAP_ROLLOUT, CLIPSPAN_MAP_PATCHES,
        CLIPSPAN_MAP_VALUES};
    size_t i;
    for (i = 0; i < s->info.methods; i++) {
        const cs_mask_method *m = &s->methods[i];
        out[i] = m->role ? clipspan_maps_get_group(maps, image, m->group)
                         : clipspan_maps_get(maps, image, kinds[m->kind]);
        if (!out[i])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "the last run of the maps has no image %zu with maps of method %s%s",
                           image, m->role ? "role:" : "",
                           m->role ? m->role : cs_mask_method_name(m->kind));
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_segmentation_add(clipspan_segmentation *segmentation,
                                          const clipspan_maps *maps, size_t image,
                                          const size_t *texts, const uint16_t *aligned,
                                          const uint16_t *published, uint16_t value,
                                          clipspan_error *err)
{
    cs_mask_image mask = {NULL, NULL, texts, aligned, published, value};
    const float *found[CS_MASK_MOST];
    const cs_mask_study *s;
    cs_clear(err);
    if (!segmentation || !maps)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_segmentation_add: an argument is NULL");
    s = segmentation->study;
    if (maps->texts->T != s->T || maps->shape.P != s->shape.P || maps->shape.N != s->shape.N)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the maps have %zu texts and %zu tokens, the segmentation %zu and %zu; both "
                       "are to be made with the same model and bank",
                       maps->texts->T, maps->shape.N, s->T, s->shape.N);
    CS_TRY(check_texts(s, texts, err));
    CS_TRY(find_maps(found, s, maps, image, err));
    mask.maps = found;
    mask.embedding = clipspan_maps_get_embeddings(maps) + image * s->shape.P;
    return cs_mask_add(segmentation->study, &mask, err);
}

clipspan_status clipspan_segmentation_add_arrays(clipspan_segmentation *segmentation,
                                                 const float *const *maps, const float *embedding,
                                                 const size_t *texts, const uint16_t *aligned,
                                                 const uint16_t *published, uint16_t value,
                                                 clipspan_error *err)
{
    const cs_mask_image image = {maps, embedding, texts, aligned, published, value};
    size_t i;
    cs_clear(err);
    if (!segmentation || !maps || (!texts && !embedding))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_segmentation_add_arrays: an argument is NULL");
    for (i = 0; i < segmentation->study->info.methods; i++)
        if (!maps[i])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "maps of method %zu were not given", i);
    CS_TRY(check_texts(segmentation->study, texts, err));
    return cs_mask_add(segmentation->study, &image, err);
}

/* ---- Reading ---- */

clipspan_status clipspan_segmentation_get_last(clipspan_segmentation_last *out,
                                               const clipspan_segmentation *segmentation,
                                               size_t method, clipspan_error *err)
{
    const cs_mask_study *s = segmentation ? segmentation->study : NULL;
    const cs_mask_method *m;
    int t;
    cs_clear(err);
    if (!out || !s || method >= s->info.methods || !(s->info.images + s->info.left_out))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_segmentation_get_last: an argument is NULL, there is no method "
                       "%zu, or no image yet",
                       method);
    m = &s->methods[method];
    out->text = s->chosen[0];
    out->method = m->role ? "role" : cs_mask_method_name(m->kind);
    out->role = m->role;
    out->grid = m->grid;
    out->map = m->map;
    out->cut[0] = out->cut[1] = 0.0F;
    for (t = 0; t < 2 && s->info.images; t++)
        CS_TRY(clipspan_segment_run_cut(&out->cut[t], m->map, s->pixels, cs_mask_has_text(m),
                                        (clipspan_threshold)t, err));
    clipspan_segment_get(&out->accuracy, &out->miou, &out->map_precision,
                         &m->one.score[CLIPSPAN_ALIGNED][CLIPSPAN_THRESHOLD_MEAN]);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_segmentation_run(clipspan_segmentation *segmentation, clipspan_error *err)
{
    cs_clear(err);
    if (!segmentation)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_segmentation_run: an argument is NULL");
    return cs_mask_rows(segmentation->study, err);
}

const clipspan_segmentation_info *
clipspan_segmentation_get_info(const clipspan_segmentation *segmentation)
{
    return segmentation ? &segmentation->study->info : NULL;
}

const clipspan_segmentation_row *
clipspan_segmentation_get_row(const clipspan_segmentation *segmentation, size_t number)
{
    return segmentation && number < segmentation->study->info.rows
               ? &segmentation->study->rows[number]
               : NULL;
}

clipspan_status clipspan_segmentation_write_json(
    const clipspan_segmentation *segmentation, const clipspan_segmentation_document *document,
    int flat, void (*put)(void *to, const char *text, size_t size), void *to, clipspan_error *err)
{
    clipspan_segmentation_document taken;
    cs_json_writer json;
    cs_clear(err);
    if (!segmentation || !put)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_segmentation_write_json: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, document, clipspan_segmentation_document, err));
    cs_json_begin(&json, put, to, cs_json_form_of(flat), "clipspan.segment.v1");
    cs_json_put_segmentation(&json, segmentation->study, &taken);
    cs_json_finish(&json);
    return CLIPSPAN_OK;
}
