/* SPDX-License-Identifier: MIT */
/* What both kinds of configuration share: defaults, choice of the reader, derived sizes and their
 * checks. */
#include "model/config_read.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

void cs_config_start(cs_config *out, clipspan_layout layout)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    memset(out, 0, sizeof *out);
    out->layout = layout;
    out->has_ln_pre = 1;
    out->has_text = 1;
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
    if (out->image_height % out->patch_size != 0 || out->image_width % out->patch_size != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "image_size %d x %d (height x width) is no multiple of patch_size %d",
                          out->image_height, out->image_width, out->patch_size);
    out->grid_height = out->image_height / out->patch_size;
    out->grid_width = out->image_width / out->patch_size;
    out->tokens = 1 + out->grid_height * out->grid_width;
    if (out->tokens > CS_MAX_TOKENS)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                          "image_size %d x %d with patch_size %d makes %d tokens; at most %d are "
                          "computed",
                          out->image_height, out->image_width, out->patch_size, out->tokens,
                          CS_MAX_TOKENS);
    out->preprocess.height = out->image_height;
    out->preprocess.width = out->image_width;
    if (!out->has_text) {
        memset(&out->text, 0, sizeof out->text);
        out->context_length = out->vocab_size = 0;
        return CLIPSPAN_OK;
    }
    CS_TRY(check_tower(&out->text, "text", path, err));
    if (out->pool == CS_POOL_FIRST_EOS && out->eos_id >= out->vocab_size)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "eos_token_id %d is outside the vocabulary of %d", out->eos_id,
                          out->vocab_size);
    return CLIPSPAN_OK;
}

int cs_config_heads(const cs_config *config, int layer)
{
    return config->head_counts ? config->head_counts[layer] : config->image.heads;
}

int cs_config_head(const cs_config *config, int layer, int place)
{
    return config->head_counts ? config->head_numbers[layer * config->image.heads + place] : place;
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
                               const cs_known_checkpoint *known, clipspan_error *err)
{
    clipspan_status status;
    json_t *root;
    int openclip;
    merges[0] = '\0';
    CS_TRY(cs_json_read(&root, path, err));
    openclip = cs_config_is_openclip(root);
    if (openclip != (layout == CLIPSPAN_LAYOUT_OPENCLIP)) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                            "is a configuration of the %s kind, the weights have %s tensor names; "
                            "name the right configuration (--config)",
                            openclip ? "OpenCLIP" : "Hugging Face",
                            openclip ? "Hugging Face" : "OpenCLIP");
        goto done;
    }
    cs_config_start(out, layout);
    if (openclip)
        CS_TRY_DONE(cs_config_read_openclip(out, merges, root, path, known, err));
    else
        CS_TRY_DONE(cs_config_read_hf(out, root, path, preprocessor, err));
    status = cs_config_finish(out, path, err);
done:
    json_decref(root);
    return status;
}

clipspan_status cs_config_from_architecture(cs_config *out, const cs_architecture *a,
                                            clipspan_layout layout, clipspan_error *err)
{
    cs_config_start(out, layout);
    out->embed_width = a->embed;
    out->image_height = out->image_width = a->image_size;
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
