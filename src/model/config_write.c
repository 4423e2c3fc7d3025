/* SPDX-License-Identifier: MIT */
/* What config_openclip.c and config_hf.c read, written. */
#include "model/config_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The ratio from which int(width * ratio) gives the MLP's width. */
static double ratio_of(const cs_tower_config *t)
{
    double ratio = (double)t->mlp_width / (double)t->width;
    if ((int)((double)t->width * ratio) == t->mlp_width) return ratio;
    return ((double)t->mlp_width + 0.5) / (double)t->width;
}

static json_t *size_of(int height, int width)
{
    return height == width ? json_integer(height) : json_pack("[i, i]", height, width);
}

/* ---- OpenCLIP ---- */

/* As the shortest decimal that reads back as the same float. */
static double plain(float value)
{
    char text[40];
    for (int digits = 1; digits < 10; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) return strtod(text, NULL);
    }
    return (double)value;
}

static json_t *three(const float *values)
{
    return json_pack("[f, f, f]", plain(values[0]), plain(values[1]), plain(values[2]));
}

static json_t *openclip_preprocess(const cs_preprocess *p)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:i}", "mode", "RGB", "mean", three(p->mean), "std",
                     three(p->std), "interpolation",
                     p->kernel == CLIPSPAN_BILINEAR ? "bilinear" : "bicubic", "resize_mode",
                     p->resize == CLIPSPAN_SQUASH    ? "squash"
                     : p->resize == CLIPSPAN_LONGEST ? "longest"
                                                     : "shortest",
                     "fill_color", p->fill[0]);
}

static json_t *openclip_model(const cs_config *c)
{
    const cs_tower_config *v = &c->image, *t = &c->text;
    json_t *model = json_pack(
        "{s:i, s:{s:o, s:i, s:i, s:i, s:i, s:f, s:b, s:{s:f}}}", "embed_dim", c->embed_width,
        "vision_cfg", "image_size", size_of(c->input_height, c->input_width), "layers", v->layers,
        "width", v->width, "head_width", v->head_width, "patch_size", c->patch_size, "mlp_ratio",
        ratio_of(v), "no_ln_pre", !c->has_ln_pre, "norm_kwargs", "eps", plain(v->eps));
    if (model && c->has_text &&
        json_object_set_new(model, "text_cfg",
                            json_pack("{s:i, s:i, s:i, s:i, s:i, s:f, s:{s:f}}", "context_length",
                                      c->context_length, "vocab_size", c->vocab_size, "width",
                                      t->width, "heads", t->heads, "layers", t->layers, "mlp_ratio",
                                      ratio_of(t), "norm_kwargs", "eps", plain(t->eps))) != 0) {
        json_decref(model);
        return NULL;
    }
    return model;
}

static int complete_openclip(json_t **root, int *changed, const cs_config *c)
{
    const int quick = c->activation == CLIPSPAN_QUICK_GELU;
    json_t *model;
    if (!*root || !json_is_object(json_object_get(*root, "model_cfg"))) {
        json_t *inner = *root ? *root : openclip_model(c);
        if (!inner) return -1;
        *root = json_object();
        *changed = 1;
        if (json_object_set_new(*root, "model_cfg", inner) != 0) return -1;
    }
    model = json_object_get(*root, "model_cfg");
    if (json_is_true(json_object_get(model, "quick_gelu")) != quick) {
        *changed = 1;
        if (json_object_set_new(model, "quick_gelu", json_boolean(quick)) != 0) return -1;
    }
    if (json_is_object(json_object_get(*root, "preprocess_cfg"))) return 0;
    *changed = 1;
    return json_object_set_new(*root, "preprocess_cfg", openclip_preprocess(&c->preprocess));
}

/* ---- Hugging Face ---- */

static json_t *hf_tower(const cs_tower_config *t)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:f}", "hidden_size", t->width, "intermediate_size",
                     t->mlp_width, "num_attention_heads", t->heads, "num_hidden_layers", t->layers,
                     "layer_norm_eps", plain(t->eps));
}

static json_t *hf_model(const cs_config *c)
{
    json_t *image = hf_tower(&c->image), *root, *text;
    int failed = json_object_set_new(image, "image_size", size_of(c->input_height, c->input_width));
    failed |= json_object_set_new(image, "patch_size", json_integer(c->patch_size));
    root = json_pack("{s:[s], s:s, s:i, s:o}", "architectures",
                     c->has_text ? "CLIPModel" : "CLIPVisionModelWithProjection", "model_type",
                     c->has_text ? "clip" : "clip_vision_model", "projection_dim", c->embed_width,
                     "vision_config", image);
    if (root && c->has_text) {
        text = hf_tower(&c->text);
        failed |=
            json_object_set_new(text, "max_position_embeddings", json_integer(c->context_length));
        failed |= json_object_set_new(text, "vocab_size", json_integer(c->vocab_size));
        failed |= json_object_set_new(text, "eos_token_id",
                                      json_integer(c->pool == CS_POOL_ARGMAX ? 2 : c->eos_id));
        failed |= json_object_set_new(root, "text_config", text);
    }
    if (!failed) return root;
    json_decref(root);
    return NULL;
}

static int complete_hf(json_t **root, int *changed, const cs_config *c)
{
    const char *name = c->activation == CLIPSPAN_QUICK_GELU ? "quick_gelu" : "gelu", *found;
    json_t *image, *text;
    if (!*root) {
        *root = hf_model(c);
        *changed = 1;
    }
    image = cs_config_image_object(*root);
    found = json_string_value(json_object_get(image, "hidden_act"));
    if (strcmp(found ? found : "quick_gelu", name) == 0) return *root ? 0 : -1;
    *changed = 1;
    text = json_object_get(*root, "text_config_dict");
    if (!json_is_object(text)) text = json_object_get(*root, "text_config");
    if (json_is_object(text) && json_object_set_new(text, "hidden_act", json_string(name)) != 0)
        return -1;
    return json_object_set_new(image, "hidden_act", json_string(name));
}

json_t *cs_config_image_object(json_t *root)
{
    static const char *const keys[] = {"vision_cfg", "vision_config_dict", "vision_config"};
    json_t *inner = json_object_get(root, "model_cfg");
    if (json_is_object(inner)) root = inner;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_is_object(json_object_get(root, keys[i]))) return json_object_get(root, keys[i]);
    return root;
}

clipspan_status cs_config_complete(json_t **root, int *changed, const cs_config *config,
                                   clipspan_error *err)
{
    const int hf = config->layout == CLIPSPAN_LAYOUT_HUGGINGFACE;
    *changed = 0;
    if ((hf ? complete_hf : complete_openclip)(root, changed, config) == 0) return CLIPSPAN_OK;
    return cs_fail_memory(err, 1, "a configuration");
}
