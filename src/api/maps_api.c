/* SPDX-License-Identifier: MIT */
/* clipspan_maps: traced passes of an encoder with a sink a lane, and the results of a few images.
 * */
#include "api/maps_api.h"

#include <clipspan/decompose.h>
#include <string.h>

static clipspan_status choose(clipspan_maps *m, const clipspan_maps_options *options,
                              clipspan_error *err)
{
    const cs_shape *s = &m->shape;
    size_t i;
    if (!options->heads) return CLIPSPAN_OK;
    if (options->head_count < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "maps of no heads were asked for");
    m->chosen = cs_alloc_zero(s->L * s->H, 1, "chosen heads", err);
    if (!m->chosen) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < options->head_count; i++) {
        clipspan_head head = options->heads[i];
        if (head.layer < 0 || (size_t)head.layer >= s->L || head.head < 0 ||
            (size_t)head.head >= s->H)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "head L%d.H%d was asked for; the model has L0.H0 to L%zu.H%zu",
                           head.layer, head.head, s->L - 1, s->H - 1);
        m->chosen[(size_t)head.layer * s->H + (size_t)head.head] = 1;
    }
    m->plan.chosen = m->chosen;
    return CLIPSPAN_OK;
}

static clipspan_status group_heads(clipspan_maps *m, const clipspan_maps_options *options,
                                   clipspan_error *err)
{
    const cs_shape *s = &m->shape;
    const size_t count = options->heads ? options->head_count : s->L * s->H;
    size_t i, at;
    if (!options->groups && !options->group_count) return CLIPSPAN_OK;
    if (!options->groups || options->group_count < 1 || options->group_count > CLIPSPAN_GROUPS_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "maps of %zu groups of heads; 1 to %d are possible, with a number a head",
                       options->group_count, CLIPSPAN_GROUPS_MOST);
    m->group = cs_alloc_zero(s->L * s->H, 1, "groups of heads", err);
    if (!m->group) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < count; i++) {
        if (options->groups[i] >= (int)options->group_count)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "head %zu is in group %d; the groups are 0 to %zu, and -1 for none", i,
                           options->groups[i], options->group_count - 1);
        at = options->heads
                 ? (size_t)options->heads[i].layer * s->H + (size_t)options->heads[i].head
                 : i;
        m->group[at] = options->groups[i] < 0 ? 0 : (uint8_t)(options->groups[i] + 1);
    }
    m->plan.group = m->group;
    m->plan.groups = options->group_count;
    return CLIPSPAN_OK;
}

/* Lays an image's results out one after another from `at`, which may be NULL; returns their size.
 * */
static size_t lay_out(cs_map_result *r, const clipspan_maps *m, float *at)
{
    const cs_shape *s = &m->shape;
    size_t map = m->texts->T * s->N, used = 0, i;
    const unsigned kinds = m->plan.kinds | CS_MAP_HEADS;
    struct {
        float **where;
        int has;
        size_t size;
    } parts[] = {{&r->heads, 1, map},
                 {&r->each, m->plan.each, s->L * s->H * map},
                 {&r->groups, m->plan.groups > 0, m->plan.groups * map},
                 {&r->attention, (kinds & CS_MAP_ATTENTION) != 0, s->N},
                 {&r->rollout, (kinds & CS_MAP_ROLLOUT) != 0, s->N},
                 {&r->patches, (kinds & CS_MAP_PATCHES) != 0, map},
                 {&r->values, (kinds & CS_MAP_VALUES) != 0, map},
                 {&r->mlps, (kinds & CS_MAP_MLPS) != 0, m->texts->T * (s->L + 1)}};
    for (i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].where = parts[i].has && at ? at + used : NULL;
        used += parts[i].has ? parts[i].size : 0;
    }
    return used;
}

static clipspan_status make_room(clipspan_maps *m, clipspan_error *err)
{
    size_t i, bytes;
    cs_map_result none;
    m->size = lay_out(&none, m, NULL);
    if (!cs_size_mul(&bytes, m->size, sizeof *m->numbers)) bytes = SIZE_MAX;
    m->results = cs_alloc_zero(m->most, sizeof *m->results, "maps", err);
    m->numbers = cs_alloc_zero(m->most, bytes, "maps", err);
    m->embeddings = cs_alloc_zero(m->most, m->shape.P * sizeof *m->embeddings, "embeddings", err);
    if (!m->results || !m->numbers || !m->embeddings) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < m->most; i++)
        lay_out(&m->results[i], m, m->numbers + i * m->size);
    return CLIPSPAN_OK;
}

static clipspan_status make(clipspan_maps *m, const clipspan_bank *bank,
                            const clipspan_maps_options *options, clipspan_error *err)
{
    clipspan_encoder *e = m->encoder;
    int i;
    CS_TRY(cs_model_output_map(&m->output_map, e->model, e->options.precision, e->options.threads,
                               err));
    m->shape = m->output_map->shape;
    if (clipspan_bank_get_width(bank) != m->shape.P)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the bank's vectors are %zu numbers wide, the model's embeddings %zu",
                       clipspan_bank_get_width(bank), m->shape.P);
    if (options->back < 0 || (size_t)options->back >= m->shape.L)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "attention of the layer %d before the last was asked for; the model has %zu "
                       "layers",
                       options->back, m->shape.L);
    if (!e->tower->class_token && (options->kinds & (CS_MAP_ROLLOUT | CS_MAP_PATCHES)))
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, e->model->info.name,
                          "has no class token and a token has no embedding of its own: attention "
                          "rollout and final patch tokens have no meaning here; maps of heads, of "
                          "the pool's attention and of values do");
    m->most = options->images ? (size_t)options->images : 1;
    m->plan.kinds = options->kinds | CS_MAP_HEADS;
    m->plan.each = options->each != 0;
    m->plan.layer = m->shape.L - 1 - (size_t)options->back;
    CS_TRY(choose(m, options, err));
    CS_TRY(group_heads(m, options, err));
    CS_TRY(cs_map_texts_new(&m->texts, m->output_map, clipspan_bank_get_vectors(bank),
                            clipspan_bank_get_count(bank), e->options.threads, err));
    CS_TRY(make_room(m, err));
    m->lanes = cs_alloc_zero((size_t)e->lanes, sizeof *m->lanes, "maps", err);
    m->traces = cs_alloc_zero((size_t)e->lanes, sizeof *m->traces, "traces", err);
    if (!m->lanes || !m->traces) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < e->lanes; i++) {
        CS_TRY(cs_trace_init(&m->traces[i], cs_checkpoint_config(e->model->checkpoint), err));
        CS_TRY(cs_maps_new(&m->lanes[i], m->texts, m->output_map, e->tower, &m->plan,
                           e->model->simd, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_maps_new(clipspan_maps **out, clipspan_encoder *encoder,
                                  const clipspan_bank *bank, const clipspan_maps_options *options,
                                  clipspan_error *err)
{
    clipspan_maps_options o;
    clipspan_status status;
    clipspan_maps *m;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !encoder || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_maps_new: an argument is NULL");
    if (!encoder->images)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "maps were asked of a text encoder");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_maps_options, err));
    if (o.images < 0 || o.images > CLIPSPAN_DECOMPOSITION_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "maps of %d images at a time; 1 to %d are possible", o.images,
                       CLIPSPAN_DECOMPOSITION_MOST);
    m = cs_alloc_zero(1, sizeof *m, "maps", err);
    if (!m) return CLIPSPAN_E_NOMEM;
    m->encoder = encoder;
    CS_TRY_DONE(make(m, bank, &o, err));
    *out = m;
    m = NULL;
done:
    clipspan_maps_free(&m);
    return status;
}

void clipspan_maps_free(clipspan_maps **maps)
{
    clipspan_maps *m = maps ? *maps : NULL;
    int i;
    if (!m) return;
    for (i = 0; m->lanes && i < m->encoder->lanes; i++)
        cs_maps_free(&m->lanes[i]);
    for (i = 0; m->traces && i < m->encoder->lanes; i++)
        cs_trace_fini(&m->traces[i]);
    cs_free(m->lanes);
    cs_free(m->traces);
    cs_map_texts_free(&m->texts);
    cs_free(m->chosen);
    cs_free(m->group);
    cs_free(m->results);
    cs_free(m->numbers);
    cs_free(m->embeddings);
    cs_free(m);
    *maps = NULL;
}

/* ---- Passes ---- */

static clipspan_status map_image(void *context, size_t index, int lane, const uint8_t *pixels,
                                 clipspan_error *err)
{
    clipspan_maps *m = context;
    cs_layer_sink sink = cs_maps_sink(m->lanes[lane]);
    clipspan_status status = CLIPSPAN_OK;
    float *embedding = m->embeddings + index * m->shape.P;
    if (pixels) {
        status =
            cs_image_pass_trace(&m->traces[lane], m->encoder->images[lane], pixels, &sink, err);
        if (status == CLIPSPAN_OK)
            status = cs_maps_get(&m->results[index], m->lanes[lane], &m->traces[lane], err);
    }
    if (pixels && status == CLIPSPAN_OK) {
        memcpy(embedding, m->traces[lane].embedding, m->shape.P * sizeof *embedding);
    } else {
        memset(embedding, 0, m->shape.P * sizeof *embedding);
        memset(m->numbers + index * m->size, 0, m->size * sizeof *m->numbers);
    }
    return status;
}

static clipspan_status run(clipspan_maps *m, const cs_image_list *list, const char *function,
                           clipspan_error *err)
{
    clipspan_status status;
    if (!m || !(list->pixels || list->paths))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    if (list->count < 1 || list->count > m->most)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: %zu images; 1 to %zu are possible", function,
                       list->count, m->most);
    status = cs_encoder_images(m->encoder, list, map_image, m, function, err);
    m->count = status == CLIPSPAN_OK ? list->count : 0;
    return status;
}

clipspan_status clipspan_maps_run_pixels(clipspan_maps *maps, const uint8_t *pixels, size_t count,
                                         clipspan_error *err)
{
    cs_image_list list = {pixels, NULL, count, NULL};
    cs_clear(err);
    return run(maps, &list, "clipspan_maps_run_pixels", err);
}

clipspan_status clipspan_maps_run_files(clipspan_maps *maps, clipspan_error *errors,
                                        const char *const *paths, size_t count, clipspan_error *err)
{
    cs_image_list list = {NULL, paths, count, errors};
    cs_clear(err);
    return run(maps, &list, "clipspan_maps_run_files", err);
}

/* ---- Results ---- */

const float *clipspan_maps_get_embeddings(const clipspan_maps *maps)
{
    return maps ? maps->embeddings : NULL;
}

const float *clipspan_maps_get(const clipspan_maps *maps, size_t image, clipspan_map_kind kind)
{
    const cs_map_result *r;
    if (!maps || image >= maps->count) return NULL;
    r = &maps->results[image];
    switch (kind) {
    case CLIPSPAN_MAP_HEADS: return r->heads;
    case CLIPSPAN_MAP_ATTENTION: return r->attention;
    case CLIPSPAN_MAP_ROLLOUT: return r->rollout;
    case CLIPSPAN_MAP_PATCHES: return r->patches;
    case CLIPSPAN_MAP_VALUES: return r->values;
    case CLIPSPAN_MAP_MLPS: return r->mlps;
    }
    return NULL;
}

const float *clipspan_maps_get_head(const clipspan_maps *maps, size_t image, int layer, int head)
{
    const cs_shape *s;
    size_t index;
    if (!maps || image >= maps->count || !maps->results[image].each) return NULL;
    s = &maps->shape;
    if (layer < 0 || (size_t)layer >= s->L || head < 0 || (size_t)head >= s->H) return NULL;
    index = (size_t)layer * s->H + (size_t)head;
    if (maps->chosen && !maps->chosen[index]) return NULL;
    return maps->results[image].each + index * maps->texts->T * s->N;
}

const float *clipspan_maps_get_group(const clipspan_maps *maps, size_t image, size_t group)
{
    if (!maps || image >= maps->count || group >= maps->plan.groups) return NULL;
    return maps->results[image].groups + group * maps->texts->T * maps->shape.N;
}
