/* SPDX-License-Identifier: MIT */
/* Expected shapes of all parts (letters as in checkpoint.h) and their search. */
#include "model/parts.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/tensor_names.h"

/* What is needed to look parts up and to report on them. */
typedef struct search {
    cs_parts *out;
    const cs_config *config;
    const cs_safetensors *tensors;
    const char *before, *source;
    unsigned char *claimed; /* by index of the table */
    size_t missing;
    char first_missing[400];
    clipspan_error *err;
} search;

/* The shape of a whole tensor. letters: what its dimensions are, in the configuration's words. */
typedef struct wanted_shape {
    uint64_t shape[4];
    int rank;
    const char *letters;
} wanted_shape;

static wanted_shape shape1(int a, const char *letters)
{
    wanted_shape wanted = {{(uint64_t)a}, 1, letters};
    return wanted;
}

static wanted_shape shape2(int a, int b, const char *letters)
{
    wanted_shape wanted = {{(uint64_t)a, (uint64_t)b}, 2, letters};
    return wanted;
}

static wanted_shape shape3(int a, int b, int c, const char *letters)
{
    wanted_shape wanted = {{(uint64_t)a, (uint64_t)b, (uint64_t)c}, 3, letters};
    return wanted;
}

/* Queries, keys, values and W_O of a layer that has lost heads. */
static wanted_shape want_pruned(const cs_config *c, cs_part part, int layer, int slices)
{
    const int d = c->image.width, a = cs_config_heads(c, layer) * c->image.head_width;
    switch (part) {
    case CS_OUT_WEIGHT: return shape2(d, a, "[width, heads_per_layer x head width]");
    case CS_Q_WEIGHT:
    case CS_K_WEIGHT:
    case CS_V_WEIGHT:
        return slices == 3 ? shape2(3 * a, d, "[3 heads_per_layer x head width, width]")
                           : shape2(a, d, "[heads_per_layer x head width, width]");
    default:
        return slices == 3 ? shape1(3 * a, "[3 heads_per_layer x head width]")
                           : shape1(a, "[heads_per_layer x head width]");
    }
}

static int is_attention(cs_part part)
{
    return part == CS_Q_WEIGHT || part == CS_K_WEIGHT || part == CS_V_WEIGHT || part == CS_Q_BIAS ||
           part == CS_K_BIAS || part == CS_V_BIAS || part == CS_OUT_WEIGHT;
}

static wanted_shape want_positions(const cs_config *c, clipspan_modality tower)
{
    if (tower == CLIPSPAN_TEXT)
        return shape2(c->context_length, c->text.width, "[context length, width]");
    if (c->names[CLIPSPAN_IMAGE] == CS_NAMES_TIMM)
        return shape3(1, c->tokens, c->image.width,
                      "[1, (image size / patch size) squared, width]");
    return shape2(c->tokens, c->image.width,
                  c->class_token ? "[1 + (image size / patch size) squared, width]"
                                 : "[(image size / patch size) squared, width]");
}

static wanted_shape want(const cs_config *c, clipspan_modality tower, cs_part part, int layer,
                         const cs_tensor_name *name)
{
    const cs_tower_config *t = tower == CLIPSPAN_IMAGE ? &c->image : &c->text;
    int d = t->width, m = t->mlp_width;
    wanted_shape patches = {{(uint64_t)d, 3, (uint64_t)c->patch_size, (uint64_t)c->patch_size},
                            4,
                            "[width, 3, patch size, patch size]"};
    if (tower == CLIPSPAN_IMAGE && c->head_counts && is_attention(part))
        return want_pruned(c, part, layer, name->slices);
    switch (part) {
    case CS_PATCH_WEIGHT: return patches;
    case CS_TOKEN_TABLE: return shape2(c->vocab_size, d, "[vocabulary, width]");
    case CS_POSITIONS: return want_positions(c, tower);
    case CS_POOL_PROBE: return shape3(1, 1, d, "[1, 1, width]");
    case CS_PROJECTION:
        return name->transposed ? shape2(c->embed_width, d, "[embedding width, width]")
                                : shape2(d, c->embed_width, "[width, embedding width]");
    case CS_Q_WEIGHT:
    case CS_K_WEIGHT:
    case CS_V_WEIGHT:
    case CS_POOL_Q_WEIGHT:
    case CS_POOL_K_WEIGHT:
    case CS_POOL_V_WEIGHT:
        return shape2(name->slices * d, d,
                      name->slices == 3   ? "[3 width, width]"
                      : name->slices == 2 ? "[2 width, width]"
                                          : "[width, width]");
    case CS_Q_BIAS:
    case CS_K_BIAS:
    case CS_V_BIAS:
    case CS_POOL_Q_BIAS:
    case CS_POOL_K_BIAS:
    case CS_POOL_V_BIAS:
        return shape1(name->slices * d, name->slices == 3   ? "[3 width]"
                                        : name->slices == 2 ? "[2 width]"
                                                            : "[width]");
    case CS_OUT_WEIGHT:
    case CS_POOL_OUT_WEIGHT: return shape2(d, d, "[width, width]");
    case CS_POOL_FC_WEIGHT: return shape2(c->image_pool.mlp_width, d, "[MLP width, width]");
    case CS_POOL_FC_BIAS: return shape1(c->image_pool.mlp_width, "[MLP width]");
    case CS_POOL_MLP_OUT_WEIGHT: return shape2(d, c->image_pool.mlp_width, "[width, MLP width]");
    case CS_PROJECTION_BIAS: return shape1(c->embed_width, "[embedding width]");
    case CS_FC_WEIGHT: return shape2(m, d, "[MLP width, width]");
    case CS_FC_BIAS: return shape1(m, "[MLP width]");
    case CS_MLP_OUT_WEIGHT: return shape2(d, m, "[width, MLP width]");
    case CS_LOGIT_SCALE:
    case CS_LOGIT_BIAS: return shape1(1, "[] or [1]");
    default: return shape1(d, "[width]");
    }
}

static void print_shape(char out[128], const uint64_t *shape, int rank)
{
    size_t used = 1;
    int i;
    strcpy(out, "[");
    for (i = 0; i < rank && used < 100; i++)
        used += (size_t)snprintf(out + used, 128 - used, "%s%llu", i ? ", " : "",
                                 (unsigned long long)shape[i]);
    snprintf(out + used, 128 - used, "]");
}

static clipspan_status fail_shape(const search *s, const cs_tensor_entry *entry,
                                  const wanted_shape *wanted)
{
    char found[128], expected[128];
    int turned = entry->rank == 2 && wanted->rank == 2 && entry->shape[0] == wanted->shape[1] &&
                 entry->shape[1] == wanted->shape[0];
    print_shape(found, entry->shape, entry->rank);
    print_shape(expected, wanted->shape, wanted->rank);
    return cs_fail_at(s->err, CLIPSPAN_E_SHAPE, cs_safetensors_path(s->tensors, entry->file),
                      "tensor \"%.150s\" has shape %s; expected %s, %s by the configuration in "
                      "%.300s%s",
                      entry->name, found, expected, wanted->letters, s->source,
                      turned ? " (the tensor is transposed)" : "");
}

static clipspan_status check_entry(const search *s, const cs_tensor_entry *entry,
                                   const wanted_shape *wanted, cs_part part)
{
    if (entry->dtype != CS_F32 && entry->dtype != CS_F16 && entry->dtype != CS_BF16 &&
        entry->dtype != CS_F64)
        return cs_fail_at(s->err, CLIPSPAN_E_UNSUPPORTED,
                          cs_safetensors_path(s->tensors, entry->file),
                          "tensor \"%.150s\" has dtype %s; F32, F16, BF16 and F64 are supported",
                          entry->name, entry->dtype_name);
    if ((part == CS_LOGIT_SCALE || part == CS_LOGIT_BIAS) && entry->rank == 0) return CLIPSPAN_OK;
    if (entry->rank != wanted->rank ||
        memcmp(entry->shape, wanted->shape, (size_t)wanted->rank * sizeof *wanted->shape) != 0)
        return fail_shape(s, entry, wanted);
    return CLIPSPAN_OK;
}

static void note_missing(search *s, const char *name)
{
    size_t used = strlen(s->first_missing);
    if (s->missing++ < 3)
        snprintf(s->first_missing + used, sizeof s->first_missing - used, "%s\"%.120s\"",
                 used ? ", " : "", name);
}

/* Fills *ref. A part that the layout does not have, or that is missing, leaves entry NULL. */
static clipspan_status find_part(search *s, cs_tensor_ref *ref, clipspan_modality tower,
                                 cs_part part, int layer)
{
    const cs_tensor_entry *entry;
    cs_tensor_name name;
    wanted_shape wanted;
    uint64_t columns = 1;
    size_t index;
    int i;
    if (!cs_config_has_part(s->config, tower, part) ||
        !cs_tensor_name_get(&name, s->config->names[tower], tower, part, layer, s->before,
                            s->config->name_prefix))
        return CLIPSPAN_OK;
    entry = cs_safetensors_find(s->tensors, name.text);
    if (!entry) {
        if (name.slice == 0) note_missing(s, name.text);
        return CLIPSPAN_OK;
    }
    wanted = want(s->config, tower, part, layer, &name);
    CS_TRY(check_entry(s, entry, &wanted, part));
    index = (size_t)(entry - cs_safetensors_at(s->tensors, 0));
    if (!s->claimed[index]) s->out->parameters[tower] += entry->count;
    s->claimed[index] = 1;
    for (i = 1; i < wanted.rank; i++)
        columns *= wanted.shape[i];
    ref->entry = entry;
    ref->rows = wanted.rank > 1 ? wanted.shape[0] / (uint64_t)name.slices : 1;
    ref->columns = wanted.rank > 1 ? columns : wanted.shape[0] / (uint64_t)name.slices;
    ref->first = ref->rows * (uint64_t)name.slice;
    ref->transposed = name.transposed;
    return CLIPSPAN_OK;
}

static clipspan_status find_tower(search *s, clipspan_modality tower)
{
    int layers = tower == CLIPSPAN_IMAGE ? s->config->image.layers : s->config->text.layers, layer;
    cs_part part;
    s->out->layers[tower] =
        cs_alloc_zero((size_t)layers, sizeof *s->out->layers[tower], "the table of parts", s->err);
    if (!s->out->layers[tower]) return CLIPSPAN_E_NOMEM;
    for (part = 0; part < CS_LN1_WEIGHT; part++)
        CS_TRY(find_part(s, &s->out->once[tower][part], tower, part, 0));
    for (layer = 0; layer < layers; layer++)
        for (part = CS_LN1_WEIGHT; part < CS_PARTS; part++)
            CS_TRY(find_part(s, &s->out->layers[tower][layer][part - CS_LN1_WEIGHT], tower, part,
                             layer));
    return CLIPSPAN_OK;
}

static int is_temperature(const char *name)
{
    return strcmp(name, "logit_scale") == 0 || strcmp(name, "logit_bias") == 0;
}

static clipspan_status check_left_over(const search *s)
{
    char names[500] = "";
    size_t count = cs_safetensors_count(s->tensors), left = 0, used = 0, i;
    const cs_tensor_entry *first = NULL;
    for (i = 0; i < count; i++) {
        const cs_tensor_entry *entry = cs_safetensors_at(s->tensors, i);
        if (s->claimed[i] || cs_tensor_name_ignored(entry->name, s->before)) continue;
        /* A temperature belongs to texts; without them nothing needs it. */
        if (!s->config->has_text && is_temperature(entry->name + strlen(s->before))) continue;
        if (!first) first = entry;
        if (left++ < 3)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s\"%.120s\"",
                                     used ? ", " : "", entry->name);
    }
    if (!left) return CLIPSPAN_OK;
    return cs_fail_at(s->err, CLIPSPAN_E_FORMAT, cs_safetensors_path(s->tensors, first->file),
                      "holds %zu tensor%s that the configuration in %.300s (%d image layers, %d "
                      "text layers) does not have: %s%s",
                      left, left == 1 ? "" : "s", s->source, s->config->image.layers,
                      s->config->text.layers, names, left > 3 ? " …" : "");
}

clipspan_status cs_parts_find(cs_parts *out, const cs_config *config, const cs_safetensors *tensors,
                              const char *before, const char *source, clipspan_error *err)
{
    search s = {out, config, tensors, before, source, NULL, 0, "", err};
    clipspan_status status;
    memset(out, 0, sizeof *out);
    s.claimed = cs_alloc_zero(cs_safetensors_count(tensors) + 1, 1, "the table of parts", err);
    if (!s.claimed) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(find_tower(&s, CLIPSPAN_IMAGE));
    if (config->has_text) CS_TRY_DONE(find_tower(&s, CLIPSPAN_TEXT));
    if (s.missing)
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, cs_safetensors_path(tensors, 0),
                            "lacks %zu tensor%s that the configuration in %.300s demands: %s%s",
                            s.missing, s.missing == 1 ? "" : "s", source, s.first_missing,
                            s.missing > 3 ? " …" : "");
    else
        status = check_left_over(&s);
done:
    cs_free(s.claimed);
    return status;
}

void cs_parts_fini(cs_parts *parts)
{
    cs_free(parts->layers[0]);
    cs_free(parts->layers[1]);
    memset(parts, 0, sizeof *parts);
}
