/* SPDX-License-Identifier: MIT */
/* What both kinds of configuration share: defaults, choice of the reader, derived sizes and their
 * checks. */
#include "model/config_read.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/checkpoint.h"

void cs_config_start(cs_config *out, clipspan_layout layout)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    memset(out, 0, sizeof *out);
    out->layout = layout;
    out->has_ln_pre = 1;
    out->has_text = 1;
    out->class_token = 1;
    out->readout = CLIPSPAN_READ_CLASS;
    out->has_projection = out->has_text_projection = 1;
    out->image.eps = out->text.eps = 1e-5f;
    out->pool = CS_POOL_ARGMAX;
    out->eos_id = 49407;
    memcpy(out->preprocess.mean, mean, sizeof mean);
    memcpy(out->preprocess.std, std, sizeof std);
    out->preprocess.resize = CLIPSPAN_SHORTEST;
    out->preprocess.kernel = CLIPSPAN_BICUBIC;
    out->preprocess.convert_first = layout == CLIPSPAN_LAYOUT_HUGGINGFACE;
    out->preprocess.floor_crop = layout == CLIPSPAN_LAYOUT_HUGGINGFACE;
}

void cs_config_use_pool(cs_config *out)
{
    out->readout = CLIPSPAN_READ_POOL;
    out->class_token = out->has_ln_pre = out->has_projection = 0;
    out->has_patch_bias = 1;
    out->image_pool = out->image;
    out->image_pool.layers = 1;
}

void cs_config_use_inception(cs_config *out)
{
    out->preprocess.resize = CLIPSPAN_SQUASH;
    for (int i = 0; i < 3; i++)
        out->preprocess.mean[i] = out->preprocess.std[i] = 0.5f;
}

/* Head width and MLP of a tower, or of a pool. */
static clipspan_status check_tower(cs_tower_config *tower, const char *name, const char *path,
                                   clipspan_error *err)
{
    if (tower->width % tower->heads != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "%s tower: the width %d is no multiple of its %d heads", name,
                          tower->width, tower->heads);
    tower->head_width = tower->width / tower->heads;
    if (tower->mlp_width < 1 || tower->mlp_width > CS_MAX_MLP)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "%s tower: an MLP of width %d, where 1 to %d is possible", name,
                          tower->mlp_width, CS_MAX_MLP);
    return CLIPSPAN_OK;
}

clipspan_status cs_config_finish(cs_config *out, const char *path, clipspan_error *err)
{
    CS_TRY(check_tower(&out->image, "image", path, err));
    if (out->input_height % out->patch_size != 0 || out->input_width % out->patch_size != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "image_size %d x %d (height x width) is no multiple of patch_size %d",
                          out->input_height, out->input_width, out->patch_size);
    out->grid_height = out->input_height / out->patch_size;
    out->grid_width = out->input_width / out->patch_size;
    out->tokens = out->class_token + out->grid_height * out->grid_width;
    if (out->tokens > CS_MAX_TOKENS)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                          "image_size %d x %d with patch_size %d makes %d tokens; at most %d are "
                          "computed",
                          out->input_height, out->input_width, out->patch_size, out->tokens,
                          CS_MAX_TOKENS);
    if (out->readout == CLIPSPAN_READ_POOL)
        CS_TRY(check_tower(&out->image_pool, "image", path, err));
    if (!out->has_projection && out->embed_width != out->image.width)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "the image encoder has no projection, but its width %d is not that of "
                          "the embeddings, %d",
                          out->image.width, out->embed_width);
    for (int i = 0; i < 2; i++)
        if (!out->names[i]) out->names[i] = (cs_names)out->layout;
    if (!out->text_activation) out->text_activation = out->activation;
    out->preprocess.height = out->input_height;
    out->preprocess.width = out->input_width;
    if (!out->has_text) {
        memset(&out->text, 0, sizeof out->text);
        out->context_length = out->vocab_size = 0;
        return CLIPSPAN_OK;
    }
    CS_TRY(check_tower(&out->text, "text", path, err));
    if (!out->has_text_projection && out->embed_width != out->text.width)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "the text encoder has no projection, but its width %d is not that of "
                          "the embeddings, %d",
                          out->text.width, out->embed_width);
    if (out->pool == CS_POOL_FIRST_EOS && out->eos_id >= out->vocab_size)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "eos_token_id %d is outside the vocabulary of %d", out->eos_id,
                          out->vocab_size);
    return CLIPSPAN_OK;
}

int cs_config_has_part(const cs_config *c, clipspan_modality tower, int part)
{
    const int image = tower == CLIPSPAN_IMAGE;
    switch ((cs_part)part) {
    case CS_PATCH_WEIGHT: return image;
    case CS_PATCH_BIAS: return image && c->has_patch_bias;
    case CS_CLASS_TOKEN: return image && c->class_token;
    case CS_LN_PRE_WEIGHT:
    case CS_LN_PRE_BIAS: return image && c->has_ln_pre;
    case CS_TOKEN_TABLE:
    case CS_LOGIT_SCALE: return !image;
    case CS_LOGIT_BIAS: return !image && c->has_logit_bias;
    case CS_PROJECTION: return image ? c->has_projection : c->has_text_projection;
    case CS_PROJECTION_BIAS: return !image && c->has_text_projection_bias;
    default: break;
    }
    if (part >= CS_POOL_PROBE && part < CS_LN1_WEIGHT)
        return image && c->readout == CLIPSPAN_READ_POOL;
    return 1;
}

const cs_tower_config *cs_config_split(const cs_config *config)
{
    return config->readout == CLIPSPAN_READ_POOL ? &config->image_pool : &config->image;
}

clipspan_readout cs_config_text_readout(const cs_config *config)
{
    return config->pool == CS_POOL_LAST ? CLIPSPAN_READ_LAST : CLIPSPAN_READ_END;
}

int cs_config_heads(const cs_config *config, int layer)
{
    return config->head_counts ? config->head_counts[layer] : config->image.heads;
}

int cs_config_head(const cs_config *config, int layer, int place)
{
    return config->head_counts ? config->head_numbers[layer * config->image.heads + place] : place;
}

int cs_config_has_head(const cs_config *config, int layer, int head)
{
    for (int i = 0; i < cs_config_heads(config, layer); i++)
        if (cs_config_head(config, layer, i) == head) return 1;
    return 0;
}

/* One layer's list: rising numbers below H, at least one. */
static clipspan_status read_layer(cs_config *out, const cs_json *in, const json_t *list, int layer,
                                  clipspan_error *err)
{
    const int H = out->image.heads;
    const size_t count = json_array_size(list);
    int last = -1;
    if (!json_is_array(list) || count < 1 || count > (size_t)H)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, in->path,
                          "%s%sheads_per_layer: expected for layer %d a list of 1 to %d heads, "
                          "found %s%zu",
                          in->name, *in->name ? "." : "", layer, H,
                          json_is_array(list) ? "" : "no list: ", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const json_int_t value = json_is_integer(item) ? json_integer_value(item) : -1;
        if (value <= last || value >= H)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, in->path,
                              "%s%sheads_per_layer: layer %d: expected rising integers below "
                              "%d, item %zu is not",
                              in->name, *in->name ? "." : "", layer, H, i);
        last = (int)value;
        out->head_numbers[layer * H + (int)i] = last;
    }
    out->head_counts[layer] = (int)count;
    return CLIPSPAN_OK;
}

clipspan_status cs_config_read_heads(cs_config *out, const cs_json *vision, clipspan_error *err)
{
    const json_t *lists = json_object_get(vision->object, "heads_per_layer");
    const int L = out->image.layers;
    if (!lists || json_is_null(lists)) return CLIPSPAN_OK;
    if (!json_is_array(lists) || json_array_size(lists) != (size_t)L)
        return cs_fail_at(
            err, CLIPSPAN_E_FORMAT, vision->path,
            "%s%sheads_per_layer: expected a list of %d lists, one a layer, found %zu",
            vision->name, *vision->name ? "." : "", L, json_array_size(lists));
    out->head_counts = cs_alloc_zero((size_t)L, sizeof *out->head_counts, "lists of heads", err);
    out->head_numbers = cs_alloc_zero((size_t)L * (size_t)out->image.heads,
                                      sizeof *out->head_numbers, "lists of heads", err);
    if (!out->head_counts || !out->head_numbers) return CLIPSPAN_E_NOMEM;
    for (int layer = 0; layer < L; layer++)
        CS_TRY(read_layer(out, vision, json_array_get(lists, (size_t)layer), layer, err));
    return CLIPSPAN_OK;
}

void cs_config_fini(cs_config *config)
{
    cs_free(config->head_counts);
    cs_free(config->head_numbers);
    config->head_counts = config->head_numbers = NULL;
}

void cs_config_apply_known(cs_config *out, const cs_known_checkpoint *known)
{
    int i;
    if (!known) return;
    if (known->preprocess == CS_KNOWN_SQUASH) out->preprocess.resize = CLIPSPAN_SQUASH;
    for (i = 0; i < 3 && known->preprocess == CS_KNOWN_INCEPTION; i++)
        out->preprocess.mean[i] = out->preprocess.std[i] = 0.5f;
}

int cs_config_is_openclip(const json_t *root)
{
    return json_object_get(root, "model_cfg") || json_object_get(root, "embed_dim");
}

clipspan_status cs_config_read(cs_config *out, char merges[512], const char *path,
                               const char *preprocessor, clipspan_layout layout,
                               const cs_known_checkpoint *known, int image_only,
                               clipspan_error *err)
{
    cs_config_texts texts = {NULL, path, NULL, preprocessor, image_only};
    clipspan_status status;
    CS_TRY(cs_json_read(&texts.config, path, err));
    status = preprocessor && !cs_config_is_openclip(texts.config)
                 ? cs_json_read(&texts.preprocessor, preprocessor, err)
                 : CLIPSPAN_OK;
    if (status == CLIPSPAN_OK) status = cs_config_parse(out, merges, &texts, layout, known, err);
    json_decref(texts.config);
    json_decref(texts.preprocessor);
    return status;
}

clipspan_status cs_config_parse(cs_config *out, char merges[512], const cs_config_texts *texts,
                                clipspan_layout layout, const cs_known_checkpoint *known,
                                clipspan_error *err)
{
    const int openclip = cs_config_is_openclip(texts->config);
    merges[0] = '\0';
    if (openclip != (layout == CLIPSPAN_LAYOUT_OPENCLIP))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, texts->path,
                          "is a configuration of the %s kind, the weights have %s tensor names; "
                          "name the right configuration (--config)",
                          openclip ? "OpenCLIP" : "Hugging Face",
                          openclip ? "Hugging Face" : "OpenCLIP");
    cs_config_start(out, layout);
    out->image_only = texts->image_only;
    if (openclip)
        CS_TRY(cs_config_read_openclip(out, merges, texts->config, texts->path, known, err));
    else
        CS_TRY(cs_config_read_hf(out, texts, err));
    return cs_config_finish(out, texts->path, err);
}

clipspan_status cs_config_from_architecture(cs_config *out, const cs_architecture *a,
                                            clipspan_layout layout, clipspan_error *err)
{
    cs_config_start(out, layout);
    out->embed_width = a->embed;
    out->input_height = out->input_width = a->image_size;
    out->patch_size = a->patch;
    out->image.layers = a->layers;
    out->image.width = a->width;
    out->image.heads = a->width / a->head_width;
    out->image.mlp_width = a->mlp_width;
    out->text.layers = a->text_layers;
    out->text.width = a->text_width;
    out->text.heads = a->text_heads;
    out->text.mlp_width = 4 * a->text_width;
    out->context_length = 77;
    out->vocab_size = 49408;
    return cs_config_finish(out, a->name, err);
}
