/* SPDX-License-Identifier: MIT */
/* open_clip_config.json, or the model_cfg part of one alone, as OpenCLIP's factory.py,
 * CLIPVisionCfg, CLIPTextCfg and PreprocessCfg read it. Keys that change the computation in a way
 * that is not implemented are refused by name; other unknown keys are ignored. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "model/config_timm.h"

/* A key and the one value (besides null) with which it changes nothing; NULL: none. */
typedef struct refused_key {
    const char *key, *harmless, *what;
} refused_key;

static const refused_key refused_model[] = {
    {"multimodal_cfg", NULL, "a CoCa model"}, {"decoder_cfg", NULL, "a model with a text decoder"},
    {"genlip_cfg", NULL, "a GenLIP model"},   {"genlap_cfg", NULL, "a GenLAP model"},
    {"audio_cfg", NULL, "an audio encoder"},
};

static const refused_key refused_vision[] = {
    {"attentional_pool", "false", "attentional pooling"},
    {"ls_init_value", NULL, "LayerScale"},
    {"pool_type", "tok", "a pooling other than the class token"},
    {"final_ln_after_pool", "false", "a last LayerNorm after pooling"},
    {"global_average_pool", "false", "average pooling"},
    {"input_patchnorm", "false", "a LayerNorm on patches"},
    {"pos_embed_type", "learnable", "a position embedding that is not learnt"},
    {"act_kwargs", NULL, "an activation with arguments"},
    {"block_type", "default", "a block of another type"},
    {"qk_norm", "false", "normalised queries and keys"},
    {"scaled_cosine_attn", "false", "cosine attention"},
    {"scale_heads", "false", "scaled heads"},
    {"scale_attn_inner", "false", "a LayerNorm inside attention"},
    {"scale_attn", "false", "a LayerNorm behind attention"},
    {"scale_fc", "false", "a LayerNorm inside the MLP"},
};

static const refused_key refused_text[] = {
    {"hf_model_name", NULL, "a Hugging Face text encoder"},
    {"embed_cls", "false", "a class token behind the text"},
    {"text_arch", NULL, "a text encoder of another kind"},
    {"use_pad_mask", "false", "a mask over padding"},
    {"correct_cls_mask", "false", "a class token behind the text"},
    {"final_ln_after_pool", "false", "a last LayerNorm after pooling"},
    {"ls_init_value", NULL, "LayerScale"},
    {"tokenizer_mode", NULL, "another tokenizer than CLIP's"},
    {"block_type", "default", "a block of another type"},
    {"qk_norm", "false", "normalised queries and keys"},
    {"scaled_cosine_attn", "false", "cosine attention"},
    {"scale_heads", "false", "scaled heads"},
    {"scale_attn_inner", "false", "a LayerNorm inside attention"},
    {"scale_attn", "false", "a LayerNorm behind attention"},
    {"scale_fc", "false", "a LayerNorm inside the MLP"},
};

static const refused_key refused_norm[] = {
    {"elementwise_affine", "true", "a LayerNorm without weights"},
    {"bias", "true", "a LayerNorm without bias"},
};

static const refused_key refused_tokenizer[] = {
    {"reduction_mask", NULL, "another shortening of texts"},
    {"additional_special_tokens", NULL, "more special tokens"},
    {"strip_sep_token", "false", "another tokenizer than CLIP's"},
    {"tokenizer_mode", NULL, "another tokenizer than CLIP's"},
};

static clipspan_status refuse(const cs_json *in, const refused_key *keys, size_t count,
                              clipspan_error *err)
{
    size_t i;
    for (i = 0; i < count; i++) {
        const json_t *value = in->object ? json_object_get(in->object, keys[i].key) : NULL;
        const char *harmless = keys[i].harmless;
        char expected[160];
        if (!value || json_is_null(value)) continue;
        if (json_is_object(value) && json_object_size(value) == 0) continue;
        if (harmless && json_is_boolean(value) &&
            strcmp(harmless, json_is_true(value) ? "true" : "false") == 0)
            continue;
        if (harmless && json_is_string(value) && strcmp(harmless, json_string_value(value)) == 0)
            continue;
        snprintf(expected, sizeof expected, "%s (anything else means %s, which is not supported)",
                 harmless ? harmless : "no such key", keys[i].what);
        return cs_json_unexpected(in, keys[i].key, expected, CLIPSPAN_E_UNSUPPORTED, err);
    }
    return CLIPSPAN_OK;
}

#define REFUSE(in, keys) refuse(in, keys, sizeof(keys) / sizeof *(keys), err)

static clipspan_status read_eps(float *eps, const cs_json *tower, clipspan_error *err)
{
    cs_json norm;
    double value = (double)*eps;
    CS_TRY(cs_json_object(&norm, tower, "norm_kwargs", err));
    CS_TRY(REFUSE(&norm, refused_norm));
    CS_TRY(cs_json_number(&value, &norm, "eps", 0.0, 1.0, err));
    *eps = (float)value;
    return CLIPSPAN_OK;
}

/* MLP width = int(width * ratio), in double as Python has it. */
static clipspan_status read_mlp(int *mlp, int width, const cs_json *tower, clipspan_error *err)
{
    double ratio = 4.0;
    CS_TRY(cs_json_number(&ratio, tower, "mlp_ratio", 0.0, 1024.0, err));
    *mlp = (int)((double)width * ratio);
    return CLIPSPAN_OK;
}

static clipspan_status read_vision(cs_config *out, const cs_json *vision, clipspan_error *err)
{
    int head_width = 64, no_ln_pre = 0, ignored = 0;
    CS_TRY(REFUSE(vision, refused_vision));
    if (cs_json_has(vision, "timm_model_name")) return cs_config_read_timm(out, vision, err);
    if (json_is_array(json_object_get(vision->object, "layers")))
        return cs_json_unexpected(vision, "layers",
                                  "an integer (a list means a ModifiedResNet such as RN50, "
                                  "which is not supported)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    out->input_height = out->input_width = 224;
    out->patch_size = 16;
    out->image.layers = 12;
    out->image.width = 768;
    CS_TRY(cs_json_pair(&out->input_height, &out->input_width, vision, "image_size", 1,
                        CS_MAX_IMAGE, err));
    out->patch_size = ignored = 16;
    CS_TRY(cs_json_pair(&out->patch_size, &ignored, vision, "patch_size", 1, CS_MAX_IMAGE, err));
    if (ignored != out->patch_size)
        return cs_json_unexpected(vision, "patch_size", "square patches", CLIPSPAN_E_UNSUPPORTED,
                                  err);
    CS_TRY(cs_json_int(&out->image.layers, vision, "layers", 1, CS_MAX_LAYERS, err));
    CS_TRY(cs_json_int(&out->image.width, vision, "width", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&head_width, vision, "head_width", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_flag(&no_ln_pre, vision, "no_ln_pre", err));
    CS_TRY(read_mlp(&out->image.mlp_width, out->image.width, vision, err));
    CS_TRY(read_eps(&out->image.eps, vision, err));
    if (out->image.width % head_width != 0) {
        char expected[80];
        snprintf(expected, sizeof expected, "a divisor of the width %d", out->image.width);
        return cs_json_unexpected(vision, "head_width", expected, CLIPSPAN_E_FORMAT, err);
    }
    out->image.heads = out->image.width / head_width;
    out->has_ln_pre = !no_ln_pre;
    return cs_config_read_heads(out, vision, err);
}

/* Which position is read out, and what follows it. */
static clipspan_status read_text_readout(cs_config *out, const cs_json *text, clipspan_error *err)
{
    const char *pool = "argmax", *projection = "linear";
    int bias = 0;
    CS_TRY(cs_json_flag(&out->bidirectional, text, "no_causal_mask", err));
    CS_TRY(cs_json_text(&pool, text, "pool_type", err));
    CS_TRY(cs_json_text(&projection, text, "proj_type", err));
    CS_TRY(cs_json_flag(&bias, text, "proj_bias", err));
    if (strcmp(pool, "last") == 0)
        out->pool = CS_POOL_LAST;
    else if (strcmp(pool, "argmax") != 0)
        return cs_json_unexpected(text, "pool_type",
                                  "argmax or last (anything else means a pooling other than the "
                                  "end-of-text token or the last position, which is not supported)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    if (strcmp(projection, "none") == 0)
        out->has_text_projection = 0;
    else if (strcmp(projection, "linear") != 0)
        return cs_json_unexpected(text, "proj_type",
                                  "linear or none (anything else means a text projection that is "
                                  "not linear, which is not supported)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    if (out->has_text_projection && bias) {
        out->has_text_projection_bias = 1;
        out->names[CLIPSPAN_TEXT] = CS_NAMES_LINEAR;
    }
    return CLIPSPAN_OK;
}

/* {"approximate": "tanh"}, which is all that SigLIP 2 has. */
static clipspan_status read_text_activation(cs_config *out, const cs_json *text,
                                            clipspan_error *err)
{
    cs_json arguments;
    const char *kind = "none";
    CS_TRY(cs_json_object(&arguments, text, "act_kwargs", err));
    if (!arguments.object || json_object_size(arguments.object) == 0) return CLIPSPAN_OK;
    CS_TRY(cs_json_text(&kind, &arguments, "approximate", err));
    if (json_object_size(arguments.object) != 1 || !cs_json_has(&arguments, "approximate") ||
        (strcmp(kind, "tanh") != 0 && strcmp(kind, "none") != 0))
        return cs_json_unexpected(text, "act_kwargs",
                                  "{\"approximate\": \"tanh\"} (anything else means an activation "
                                  "with arguments, which is not supported)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    if (strcmp(kind, "tanh") == 0) out->text_activation = CLIPSPAN_TANH_GELU;
    return CLIPSPAN_OK;
}

/* How texts are cleaned: CLIP's tokenizer knows one way; open_clip's HFTokenizer knows three and
 * does "whitespace" unless told. */
static clipspan_status read_cleaning(cs_config *out, const cs_json *tokenizer, clipspan_error *err)
{
    const char *clean = out->foreign_tokenizer ? "whitespace" : "lower";
    CS_TRY(cs_json_text(&clean, tokenizer, "clean", err));
    out->cleaning = CS_CLEAN_CLIP;
    if (out->foreign_tokenizer && strcmp(clean, "canonicalize") == 0)
        out->cleaning = CS_CLEAN_CANONICAL;
    else if (out->foreign_tokenizer && strcmp(clean, "whitespace") == 0)
        out->cleaning = CS_CLEAN_SPACE;
    else if (strcmp(clean, "lower") != 0)
        return cs_json_unexpected(tokenizer, "clean",
                                  "lower, or canonicalize or whitespace beside hf_tokenizer_name "
                                  "(anything else means another cleaning of texts, which is not "
                                  "supported)",
                                  CLIPSPAN_E_UNSUPPORTED, err);
    return CLIPSPAN_OK;
}

static clipspan_status read_tokenizer(cs_config *out, char merges[512], const cs_json *text,
                                      clipspan_error *err)
{
    cs_json tokenizer;
    const char *bpe = "";
    CS_TRY(cs_json_object(&tokenizer, text, "tokenizer_kwargs", err));
    CS_TRY(REFUSE(&tokenizer, refused_tokenizer));
    out->foreign_tokenizer = cs_json_has(text, "hf_tokenizer_name");
    CS_TRY(read_cleaning(out, &tokenizer, err));
    CS_TRY(cs_json_text(&bpe, &tokenizer, "bpe_path", err));
    if (strlen(bpe) > 511)
        return cs_json_unexpected(&tokenizer, "bpe_path", "a path of at most 511 bytes",
                                  CLIPSPAN_E_FORMAT, err);
    snprintf(merges, 512, "%s", bpe);
    return CLIPSPAN_OK;
}

static clipspan_status read_text(cs_config *out, char merges[512], const cs_json *text,
                                 clipspan_error *err)
{
    CS_TRY(REFUSE(text, refused_text));
    out->context_length = 77;
    out->vocab_size = 49408;
    out->text.width = 512;
    out->text.heads = 8;
    out->text.layers = 12;
    CS_TRY(cs_json_int(&out->context_length, text, "context_length", 2, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&out->vocab_size, text, "vocab_size", 1, CS_MAX_VOCAB, err));
    CS_TRY(cs_json_int(&out->text.width, text, "width", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&out->text.heads, text, "heads", 1, CS_MAX_WIDTH, err));
    CS_TRY(cs_json_int(&out->text.layers, text, "layers", 1, CS_MAX_LAYERS, err));
    CS_TRY(read_mlp(&out->text.mlp_width, out->text.width, text, err));
    CS_TRY(read_eps(&out->text.eps, text, err));
    CS_TRY(read_text_readout(out, text, err));
    CS_TRY(read_text_activation(out, text, err));
    return read_tokenizer(out, merges, text, err);
}

/* Mean or std: a list of three or one number for all. */
static clipspan_status read_three(float out[3], const cs_json *in, const char *key, double low,
                                  clipspan_error *err)
{
    if (in->object && json_is_number(json_object_get(in->object, key))) {
        double value = 0.0;
        CS_TRY(cs_json_number(&value, in, key, low, 1e3, err));
        out[0] = out[1] = out[2] = (float)value;
        return CLIPSPAN_OK;
    }
    return cs_json_numbers(out, 3, in, key, low, 1e3, err);
}

static clipspan_status read_preprocess(cs_preprocess *out, const cs_json *in, clipspan_error *err)
{
    const char *mode = "RGB", *interpolation = "bicubic", *resize = "shortest";
    int fill = 0;
    CS_TRY(cs_json_text(&mode, in, "mode", err));
    CS_TRY(cs_json_text(&interpolation, in, "interpolation", err));
    CS_TRY(cs_json_text(&resize, in, "resize_mode", err));
    CS_TRY(cs_json_int(&fill, in, "fill_color", 0, 255, err));
    CS_TRY(read_three(out->mean, in, "mean", -1e3, err));
    CS_TRY(read_three(out->std, in, "std", 1e-6, err));
    if (strcmp(mode, "RGB") != 0)
        return cs_json_unexpected(in, "mode", "\"RGB\"", CLIPSPAN_E_UNSUPPORTED, err);
    if (strcmp(interpolation, "bilinear") == 0)
        out->kernel = CLIPSPAN_BILINEAR;
    else if (strcmp(interpolation, "bicubic") != 0 && strcmp(interpolation, "random") != 0)
        return cs_json_unexpected(in, "interpolation", "\"bicubic\", \"bilinear\" or \"random\"",
                                  CLIPSPAN_E_FORMAT, err);
    if (strcmp(resize, "squash") == 0)
        out->resize = CLIPSPAN_SQUASH;
    else if (strcmp(resize, "longest") == 0)
        out->resize = CLIPSPAN_LONGEST;
    else if (strcmp(resize, "shortest") != 0)
        return cs_json_unexpected(in, "resize_mode", "\"shortest\", \"squash\" or \"longest\"",
                                  CLIPSPAN_E_FORMAT, err);
    out->fill[0] = out->fill[1] = out->fill[2] = fill;
    return CLIPSPAN_OK;
}

/* quick_gelu as the file has it; where it is silent, what the table knows of this checkpoint; where
 * that is silent too, the format's own default, false. */
static clipspan_status read_activation(cs_config *out, const cs_json *model,
                                       const cs_known_checkpoint *known, clipspan_error *err)
{
    int quick = known && known->quick_gelu;
    CS_TRY(cs_json_flag(&quick, model, "quick_gelu", err));
    out->activation = quick ? CLIPSPAN_QUICK_GELU : CLIPSPAN_GELU;
    if (cs_json_has(model, "quick_gelu"))
        snprintf(out->activation_source, sizeof out->activation_source, "quick_gelu in %.120s",
                 cs_path_name(model->path));
    else if (known)
        snprintf(out->activation_source, sizeof out->activation_source,
                 "table of published checkpoints: %.40s/%.60s", known->architecture, known->tag);
    else
        snprintf(out->activation_source, sizeof out->activation_source,
                 "no quick_gelu in %.90s, which means GELU", cs_path_name(model->path));
    return CLIPSPAN_OK;
}

clipspan_status cs_config_read_openclip(cs_config *out, char merges[512], const json_t *root,
                                        const char *path, const cs_known_checkpoint *known,
                                        clipspan_error *err)
{
    cs_json whole = cs_json_root(root, path), model = whole, vision, text, preprocess;
    if (cs_json_has(&whole, "model_cfg")) CS_TRY(cs_json_object(&model, &whole, "model_cfg", err));
    if (!out->image_only) CS_TRY(REFUSE(&model, refused_model));
    CS_TRY(cs_json_object(&vision, &model, "vision_cfg", err));
    CS_TRY(cs_json_object(&text, &model, "text_cfg", err));
    CS_TRY(cs_json_object(&preprocess, &whole, "preprocess_cfg", err));
    if (!vision.object)
        return cs_json_unexpected(&model, "vision_cfg", "an object", CLIPSPAN_E_FORMAT, err);
    if (!cs_json_has(&model, "embed_dim"))
        return cs_json_unexpected(&model, "embed_dim", "an integer", CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_json_int(&out->embed_width, &model, "embed_dim", 1, CS_MAX_WIDTH, err));
    CS_TRY(read_activation(out, &model, known, err));
    out->text_activation = out->activation;
    CS_TRY(read_vision(out, &vision, err));
    out->has_text = text.object != NULL && !out->image_only;
    out->has_logit_bias = out->has_text && cs_json_has(&model, "init_logit_bias");
    if (out->has_text) CS_TRY(read_text(out, merges, &text, err));
    if (preprocess.object) {
        CS_TRY(read_preprocess(&out->preprocess, &preprocess, err));
    } else {
        cs_config_apply_known(out, known);
        if (out->readout == CLIPSPAN_READ_POOL) cs_config_use_inception(out);
        CS_TRY(read_three(out->preprocess.mean, &vision, "image_mean", -1e3, err));
        CS_TRY(read_three(out->preprocess.std, &vision, "image_std", 1e-6, err));
    }
    /* OpenCLIP's resize to a shortest edge takes its kernel from the configuration for square
     * images only; others are always bicubic. */
    if (out->preprocess.resize == CLIPSPAN_SHORTEST && out->input_height != out->input_width)
        out->preprocess.kernel = CLIPSPAN_BICUBIC;
    return CLIPSPAN_OK;
}
