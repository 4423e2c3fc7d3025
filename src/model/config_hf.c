/* SPDX-License-Identifier: MIT */
/* Hugging Face's config.json (model_type "clip" or "clip_vision_model") with the defaults of
 * transformers' CLIPConfig, CLIPTextConfig and CLIPVisionConfig, and preprocessor_config.json with
 * those of CLIPImageProcessor. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "model/config_read.h"

/* hidden_act of a tower; CLIP's default is QuickGELU, SigLIP's the tanh form of GELU. */
static clipspan_status read_activation(clipspan_activation *out, const cs_json *tower, int siglip,
                                       clipspan_error *err)
{
    const char *name = siglip ? "gelu_pytorch_tanh" : "quick_gelu";
    CS_TRY(cs_json_text(&name, tower, "hidden_act", err));
    if (strcmp(name, "quick_gelu") == 0)
        *out = CLIPSPAN_QUICK_GELU;
    else if (strcmp(name, "gelu") == 0)
        *out = CLIPSPAN_GELU;
    else if (strcmp(name, "gelu_pytorch_tanh") == 0)
        *out = CLIPSPAN_TANH_GELU;
    else
        return cs_json_unexpected(tower, "hidden_act",
                                  "\"quick_gelu\", \"gelu\" or \"gelu_pytorch_tanh\"",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    return CLIPSPAN_OK;
}

static clipspan_status read_tower(cs_tower_config *out, const cs_json *tower, int width, int mlp,
                                  int heads, clipspan_error *err)
{
    double eps = (double)out->eps;
    out->width = width;
    out->mlp_width = mlp;
    out->heads = heads;
    out->layers = 12;
    CS_TRY(cs_json_int(&out->width, tower, "hidden_size", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&out->mlp_width, tower, "intermediate_size", 1, CS_MAX_MLP, err));
    CS_TRY(cs_json_int(&out->heads, tower, "num_attention_heads", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&out->layers, tower, "num_hidden_layers", 1, CS_MAX_LAYERS, err));
    CS_TRY(cs_json_number(&eps, tower, "layer_norm_eps", 0.0, 1.0, err));
    out->eps = (float)eps;
    return CLIPSPAN_OK;
}

static clipspan_status read_vision(cs_config *out, const cs_json *vision, int patch,
                                   clipspan_error *err)
{
    int channels = 3, other = patch;
    CS_TRY(read_tower(&out->image, vision, 768, 3072, 12, err));
    out->input_height = out->input_width = 224;
    out->patch_size = patch;
    CS_TRY(cs_json_int(&channels, vision, "num_channels", 1, 1024, err));
    if (channels != 3)
        return cs_json_unexpected(vision, "num_channels", "3", CLIPSPAN_E_UNSUPPORTED, err);
    CS_TRY(cs_json_pair(&out->input_height, &out->input_width, vision, "image_size", 1,
                        CS_MAX_IMAGE, err));
    CS_TRY(cs_json_pair(&out->patch_size, &other, vision, "patch_size", 1, CS_MAX_IMAGE, err));
    if (cs_json_has(vision, "patch_size") && other != out->patch_size)
        return cs_json_unexpected(vision, "patch_size", "square patches", CLIPSPAN_E_UNSUPPORTED,
                                  err);
    return cs_config_read_heads(out, vision, err);
}

/* The end-of-text id decides where the text is read out: 2, a mistake of old configurations, means
 * the largest id, everything else its own first place. */
static clipspan_status read_eos(cs_config *out, const cs_json *text, clipspan_error *err)
{
    const json_t *value = text->object ? json_object_get(text->object, "eos_token_id") : NULL;
    if (json_is_array(value) && json_array_size(value) == 1 &&
        json_is_integer(json_array_get(value, 0)) &&
        json_integer_value(json_array_get(value, 0)) >= 0 &&
        json_integer_value(json_array_get(value, 0)) < CS_MAX_VOCAB)
        out->eos_id = (int)json_integer_value(json_array_get(value, 0));
    else
        CS_TRY(cs_json_int(&out->eos_id, text, "eos_token_id", 0, CS_MAX_VOCAB, err));
    out->pool = out->eos_id == 2 ? CS_POOL_ARGMAX : CS_POOL_FIRST_EOS;
    return CLIPSPAN_OK;
}

static clipspan_status read_text(cs_config *out, const cs_json *text, clipspan_error *err)
{
    CS_TRY(read_tower(&out->text, text, 512, 2048, 8, err));
    out->context_length = 77;
    out->vocab_size = 49408;
    CS_TRY(
        cs_json_int(&out->context_length, text, "max_position_embeddings", 2, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&out->vocab_size, text, "vocab_size", 1, CS_MAX_VOCAB, err));
    return read_eos(out, text, err);
}

/* SigLIP: defaults of SiglipVisionConfig and SiglipTextConfig. The width of the image encoder is
 * that of the embeddings; the text encoder's head leads there. */
static clipspan_status read_siglip(cs_config *out, const cs_json *vision, const cs_json *text,
                                   clipspan_error *err)
{
    int head = 1;
    out->image.eps = out->text.eps = 1e-6f;
    CS_TRY(read_vision(out, vision, 16, err));
    CS_TRY(cs_json_flag(&head, vision, "vision_use_head", err));
    if (!head)
        return cs_json_unexpected(vision, "vision_use_head",
                                  "true (an image encoder without its pool has no embedding)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    if (cs_json_has(vision, "heads_per_layer"))
        return cs_json_unexpected(vision, "heads_per_layer",
                                  "no such key (a model with an attention pool has all its heads)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    cs_config_use_pool(out);
    cs_config_use_inception(out);
    out->embed_width = out->image.width;
    CS_TRY(read_activation(&out->activation, vision, 1, err));
    if (!out->has_text) return CLIPSPAN_OK;
    CS_TRY(read_tower(&out->text, text, 768, 3072, 12, err));
    out->context_length = 64;
    out->vocab_size = 32000;
    CS_TRY(
        cs_json_int(&out->context_length, text, "max_position_embeddings", 2, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&out->vocab_size, text, "vocab_size", 1, CS_MAX_VOCAB, err));
    out->pool = CS_POOL_LAST;
    out->bidirectional = out->has_logit_bias = out->has_text_projection_bias = 1;
    out->foreign_tokenizer = 1;
    out->names[CLIPSPAN_TEXT] = CS_NAMES_SIGLIP;
    return read_activation(&out->text_activation, text, 1, err);
}

/* 1 when the saved class holds an image encoder alone. */
static int is_vision_class(const json_t *root)
{
    const json_t *classes = json_object_get(root, "architectures");
    const char *name = json_string_value(json_array_get(classes, 0));
    return name && (strncmp(name, "CLIPVisionModel", 15) == 0 ||
                    strncmp(name, "SiglipVisionModel", 17) == 0);
}

/* A tower's object: "NAME_dict", where an old file has it, stands for all of "NAME". */
static clipspan_status find_tower(cs_json *out, const cs_json *root, const char *name,
                                  const char *old_name, clipspan_error *err)
{
    CS_TRY(cs_json_object(out, root, old_name, err));
    if (out->object) return CLIPSPAN_OK;
    return cs_json_object(out, root, name, err);
}

/* ---- preprocessor_config.json ---- */

/* size or crop_size: a number, {"height", "width"} or {"shortest_edge"}. *edge is set for a bare
 * number and a shortest edge, the other two always when they are known. */
static clipspan_status read_size(int *edge, int *height, int *width, const cs_json *in,
                                 const char *key, clipspan_error *err)
{
    cs_json size;
    *edge = *height = *width = 0;
    if (!cs_json_has(in, key)) return CLIPSPAN_OK;
    if (json_is_integer(json_object_get(in->object, key))) {
        CS_TRY(cs_json_int(edge, in, key, 1, CS_MAX_IMAGE, err));
        *height = *width = *edge;
        return CLIPSPAN_OK;
    }
    CS_TRY(cs_json_object(&size, in, key, err));
    if (cs_json_has(&size, "longest_edge"))
        return cs_json_unexpected(&size, "longest_edge", "no such key (it is not supported)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    CS_TRY(cs_json_int(edge, &size, "shortest_edge", 1, CS_MAX_IMAGE, err));
    CS_TRY(cs_json_int(height, &size, "height", 1, CS_MAX_IMAGE, err));
    CS_TRY(cs_json_int(width, &size, "width", 1, CS_MAX_IMAGE, err));
    if (*edge == 0 && (*height == 0 || *width == 0))
        return cs_json_unexpected(in, key,
                                  "a number, {\"shortest_edge\"} or {\"height\", \"width\"}",
                                  CLIPSPAN_E_FORMAT, err);
    return CLIPSPAN_OK;
}

static clipspan_status need_true(const cs_json *in, const char *key, clipspan_error *err)
{
    int flag = 1;
    CS_TRY(cs_json_flag(&flag, in, key, err));
    if (!flag)
        return cs_json_unexpected(in, key, "true (false is not supported)", CLIPSPAN_E_UNSUPPORTED,
                                  err);
    return CLIPSPAN_OK;
}

static clipspan_status read_geometry(cs_config *out, const cs_json *in, clipspan_error *err)
{
    /* SigLIP's processor never crops. */
    const int siglip = out->readout == CLIPSPAN_READ_POOL;
    int edge, height, width, crop_edge, crop_height, crop_width, crop = !siglip;
    char expected[160];
    CS_TRY(need_true(in, "do_resize", err));
    CS_TRY(cs_json_flag(&crop, in, "do_center_crop", err));
    CS_TRY(read_size(&edge, &height, &width, in, "size", err));
    CS_TRY(read_size(&crop_edge, &crop_height, &crop_width, in, "crop_size", err));
    if (!cs_json_has(in, "size")) edge = siglip ? 0 : 224;
    if (!cs_json_has(in, "size") && siglip) height = width = 224;
    if (!cs_json_has(in, "crop_size")) crop_height = crop_width = 224;
    if (crop_edge && crop_height == 0) crop_height = crop_width = crop_edge;
    snprintf(expected, sizeof expected,
             "%d x %d, the image_size of the configuration (height x width)", out->input_height,
             out->input_width);
    if (edge == 0) {
        /* Both edges to a fixed size; a crop may follow only if it cuts nothing. */
        if (height != out->input_height || width != out->input_width)
            return cs_json_unexpected(in, "size", expected, CLIPSPAN_E_SHAPE, err);
        if (crop && (crop_height != height || crop_width != width))
            return cs_json_unexpected(in, "crop_size", expected, CLIPSPAN_E_SHAPE, err);
        out->preprocess.resize = CLIPSPAN_SQUASH;
        return CLIPSPAN_OK;
    }
    if (!crop)
        return cs_json_unexpected(in, "do_center_crop",
                                  "true with a shortest edge (images must end in one size)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    if (crop_height != out->input_height || crop_width != out->input_width)
        return cs_json_unexpected(in, "crop_size", expected, CLIPSPAN_E_SHAPE, err);
    if (edge < crop_height || edge < crop_width)
        return cs_json_unexpected(in, "size", "a shortest edge that is not below the crop",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    out->preprocess.crop_to = edge == crop_height && edge == crop_width ? 0 : edge;
    return CLIPSPAN_OK;
}

static clipspan_status read_preprocessor(cs_config *out, const cs_json *in, clipspan_error *err)
{
    cs_preprocess *p = &out->preprocess;
    double factor = 1.0 / 255.0;
    int resample = 3, normal = 1, i;
    CS_TRY(read_geometry(out, in, err));
    CS_TRY(need_true(in, "do_rescale", err));
    CS_TRY(cs_json_number(&factor, in, "rescale_factor", 0.0, 1.0, err));
    if (fabs(factor * 255.0 - 1.0) > 1e-6)
        return cs_json_unexpected(in, "rescale_factor", "1/255", CLIPSPAN_E_UNSUPPORTED, err);
    CS_TRY(cs_json_int(&resample, in, "resample", 0, 5, err));
    if (resample != 2 && resample != 3)
        return cs_json_unexpected(in, "resample", "2 (bilinear) or 3 (bicubic)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    p->kernel = resample == 2 ? CLIPSPAN_BILINEAR : CLIPSPAN_BICUBIC;
    CS_TRY(cs_json_flag(&p->convert_first, in, "do_convert_rgb", err));
    CS_TRY(cs_json_flag(&normal, in, "do_normalize", err));
    CS_TRY(cs_json_numbers(p->mean, 3, in, "image_mean", -1e3, 1e3, err));
    CS_TRY(cs_json_numbers(p->std, 3, in, "image_std", 1e-6, 1e3, err));
    for (i = 0; i < 3 && !normal; i++) {
        p->mean[i] = 0.0f;
        p->std[i] = 1.0f;
    }
    return CLIPSPAN_OK;
}

/* processor_config.json of newer files holds the image's part in an object of its own. */
static clipspan_status read_processor(cs_config *out, const cs_config_texts *texts,
                                      clipspan_error *err)
{
    const cs_json whole = cs_json_root(texts->preprocessor, texts->preprocessor_path);
    cs_json inner;
    CS_TRY(cs_json_object(&inner, &whole, "image_processor", err));
    return read_preprocessor(out, inner.object ? &inner : &whole, err);
}

static clipspan_status read_clip(cs_config *out, const cs_json *vision, const cs_json *text,
                                 clipspan_error *err)
{
    CS_TRY(read_vision(out, vision, 32, err));
    CS_TRY(read_activation(&out->activation, vision, 0, err));
    if (!out->has_text) return CLIPSPAN_OK;
    CS_TRY(read_text(out, text, err));
    CS_TRY(read_activation(&out->text_activation, text, 0, err));
    if (out->text_activation != out->activation)
        return cs_json_unexpected(text, "hidden_act", "the same activation as in vision_config",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    return CLIPSPAN_OK;
}

clipspan_status cs_config_read_hf(cs_config *out, const cs_config_texts *texts, clipspan_error *err)
{
    const json_t *root = texts->config;
    const char *path = texts->path;
    cs_json whole = cs_json_root(root, path), vision, text;
    const char *type = NULL;
    int alone, siglip;
    CS_TRY(cs_json_text(&type, &whole, "model_type", err));
    if (!type && json_object_get(root, "pretrained_cfg"))
        return cs_fail_at(
            err, CLIPSPAN_E_UNSUPPORTED, path,
            "is the configuration of a timm model, which is not supported; only plain "
            "CLIP vision transformers are");
    siglip = type && (strcmp(type, "siglip") == 0 || strcmp(type, "siglip_vision_model") == 0);
    if (type && !siglip && strcmp(type, "clip") != 0 && strcmp(type, "clip_vision_model") != 0)
        return cs_json_unexpected(
            &whole, "model_type",
            strncmp(type, "siglip2", 7) == 0
                ? "\"siglip\", as SigLIP 2 of a fixed size has it (this is NaFlex, images of any "
                  "shape, which is not supported)"
                : "\"clip\", \"clip_vision_model\", \"siglip\" or \"siglip_vision_model\" (no "
                  "other model is supported)",
            CLIPSPAN_E_UNSUPPORTED, err);
    CS_TRY(find_tower(&vision, &whole, "vision_config", "vision_config_dict", err));
    CS_TRY(find_tower(&text, &whole, "text_config", "text_config_dict", err));
    if (!type && !vision.object)
        return cs_json_unexpected(&whole, "model_type",
                                  "\"clip\" (or OpenCLIP's model_cfg or embed_dim)",
                                  CLIPSPAN_E_FORMAT, err);
    alone = is_vision_class(root) || (type && strstr(type, "_vision_model") != NULL);
    if (alone && !vision.object) vision = whole;
    out->has_text = !alone && !out->image_only;
    out->embed_width = 512;
    CS_TRY(cs_json_int(&out->embed_width, &whole, "projection_dim", 1, CS_MAX_WIDTH, err));
    /* A class that holds an image encoder alone takes the width of its own configuration. */
    if (alone && vision.object != root)
        CS_TRY(cs_json_int(&out->embed_width, &vision, "projection_dim", 1, CS_MAX_WIDTH, err));
    if (siglip) CS_TRY(read_siglip(out, &vision, &text, err));
    if (!siglip) CS_TRY(read_clip(out, &vision, &text, err));
    snprintf(out->activation_source, sizeof out->activation_source, "%shidden_act in %.100s%s",
             cs_json_has(&vision, "hidden_act") ? "" : "no ", cs_path_name(path),
             cs_json_has(&vision, "hidden_act") ? ""
             : siglip                           ? ", which means GELU with tanh"
                                                : ", which means QuickGELU");
    if (texts->preprocessor) return read_processor(out, texts, err);
    /* Without the file, CLIPImageProcessor's defaults hold at the model's size. */
    if (out->input_height != out->input_width)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                          "image_size %d x %d is not square and no preprocessor_config.json says "
                          "how images become so",
                          out->input_height, out->input_width);
    return CLIPSPAN_OK;
}
