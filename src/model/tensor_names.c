/* SPDX-License-Identifier: MIT */
/* The mapping between parts and names: OpenAI's model.py and OpenCLIP's transformer.py on one side,
 * transformers' convert_clip_original_pytorch_to_hf.py on the other ("pre_layrnorm" is how it is
 * spelt there). */
#include "model/tensor_names.h"

#include <stdio.h>
#include <string.h>

/* NULL: a naming does not have the part. */
typedef struct name_row {
    cs_part part;
    const char *openclip, *hf, *timm;
} name_row;

static const name_row image_once[] = {
    {CS_PATCH_WEIGHT, "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight",
     "patch_embed.proj.weight"},
    {CS_PATCH_BIAS, NULL, "vision_model.embeddings.patch_embedding.bias", "patch_embed.proj.bias"},
    {CS_CLASS_TOKEN, "visual.class_embedding", "vision_model.embeddings.class_embedding",
     "cls_token"},
    {CS_POSITIONS, "visual.positional_embedding",
     "vision_model.embeddings.position_embedding.weight", "pos_embed"},
    {CS_LN_PRE_WEIGHT, "visual.ln_pre.weight", "vision_model.pre_layrnorm.weight", NULL},
    {CS_LN_PRE_BIAS, "visual.ln_pre.bias", "vision_model.pre_layrnorm.bias", NULL},
    {CS_LN_POST_WEIGHT, "visual.ln_post.weight", "vision_model.post_layernorm.weight",
     "norm.weight"},
    {CS_LN_POST_BIAS, "visual.ln_post.bias", "vision_model.post_layernorm.bias", "norm.bias"},
    {CS_PROJECTION, "visual.proj", "visual_projection.weight", NULL},
    {CS_POOL_PROBE, NULL, "vision_model.head.probe", "attn_pool.latent"},
    {CS_POOL_Q_WEIGHT, NULL, "vision_model.head.attention.in_proj_weight", "attn_pool.q.weight"},
    {CS_POOL_K_WEIGHT, NULL, "vision_model.head.attention.in_proj_weight", "attn_pool.kv.weight"},
    {CS_POOL_V_WEIGHT, NULL, "vision_model.head.attention.in_proj_weight", "attn_pool.kv.weight"},
    {CS_POOL_Q_BIAS, NULL, "vision_model.head.attention.in_proj_bias", "attn_pool.q.bias"},
    {CS_POOL_K_BIAS, NULL, "vision_model.head.attention.in_proj_bias", "attn_pool.kv.bias"},
    {CS_POOL_V_BIAS, NULL, "vision_model.head.attention.in_proj_bias", "attn_pool.kv.bias"},
    {CS_POOL_OUT_WEIGHT, NULL, "vision_model.head.attention.out_proj.weight",
     "attn_pool.proj.weight"},
    {CS_POOL_OUT_BIAS, NULL, "vision_model.head.attention.out_proj.bias", "attn_pool.proj.bias"},
    {CS_POOL_NORM_WEIGHT, NULL, "vision_model.head.layernorm.weight", "attn_pool.norm.weight"},
    {CS_POOL_NORM_BIAS, NULL, "vision_model.head.layernorm.bias", "attn_pool.norm.bias"},
    {CS_POOL_FC_WEIGHT, NULL, "vision_model.head.mlp.fc1.weight", "attn_pool.mlp.fc1.weight"},
    {CS_POOL_FC_BIAS, NULL, "vision_model.head.mlp.fc1.bias", "attn_pool.mlp.fc1.bias"},
    {CS_POOL_MLP_OUT_WEIGHT, NULL, "vision_model.head.mlp.fc2.weight", "attn_pool.mlp.fc2.weight"},
    {CS_POOL_MLP_OUT_BIAS, NULL, "vision_model.head.mlp.fc2.bias", "attn_pool.mlp.fc2.bias"},
};

/* logit_scale and logit_bias stand apart: they never get the text encoder's prefix. */
static const name_row text_once[] = {
    {CS_TOKEN_TABLE, "token_embedding.weight", "text_model.embeddings.token_embedding.weight",
     NULL},
    {CS_POSITIONS, "positional_embedding", "text_model.embeddings.position_embedding.weight", NULL},
    {CS_LN_POST_WEIGHT, "ln_final.weight", "text_model.final_layer_norm.weight", NULL},
    {CS_LN_POST_BIAS, "ln_final.bias", "text_model.final_layer_norm.bias", NULL},
    {CS_PROJECTION, "text_projection", "text_projection.weight", NULL},
    {CS_PROJECTION_BIAS, NULL, NULL, NULL}, /* where it is, the projection has another name too */
    {CS_LOGIT_SCALE, "logit_scale", "logit_scale", NULL},
    {CS_LOGIT_BIAS, "logit_bias", "logit_bias", NULL},
};

static const name_row blocks[] = {
    {CS_LN1_WEIGHT, "ln_1.weight", "layer_norm1.weight", "norm1.weight"},
    {CS_LN1_BIAS, "ln_1.bias", "layer_norm1.bias", "norm1.bias"},
    {CS_Q_WEIGHT, "attn.in_proj_weight", "self_attn.q_proj.weight", "attn.qkv.weight"},
    {CS_K_WEIGHT, "attn.in_proj_weight", "self_attn.k_proj.weight", "attn.qkv.weight"},
    {CS_V_WEIGHT, "attn.in_proj_weight", "self_attn.v_proj.weight", "attn.qkv.weight"},
    {CS_Q_BIAS, "attn.in_proj_bias", "self_attn.q_proj.bias", "attn.qkv.bias"},
    {CS_K_BIAS, "attn.in_proj_bias", "self_attn.k_proj.bias", "attn.qkv.bias"},
    {CS_V_BIAS, "attn.in_proj_bias", "self_attn.v_proj.bias", "attn.qkv.bias"},
    {CS_OUT_WEIGHT, "attn.out_proj.weight", "self_attn.out_proj.weight", "attn.proj.weight"},
    {CS_OUT_BIAS, "attn.out_proj.bias", "self_attn.out_proj.bias", "attn.proj.bias"},
    {CS_LN2_WEIGHT, "ln_2.weight", "layer_norm2.weight", "norm2.weight"},
    {CS_LN2_BIAS, "ln_2.bias", "layer_norm2.bias", "norm2.bias"},
    {CS_FC_WEIGHT, "mlp.c_fc.weight", "mlp.fc1.weight", "mlp.fc1.weight"},
    {CS_FC_BIAS, "mlp.c_fc.bias", "mlp.fc1.bias", "mlp.fc1.bias"},
    {CS_MLP_OUT_WEIGHT, "mlp.c_proj.weight", "mlp.fc2.weight", "mlp.fc2.weight"},
    {CS_MLP_OUT_BIAS, "mlp.c_proj.bias", "mlp.fc2.bias", "mlp.fc2.bias"},
};

static const name_row *find_row(const name_row *rows, size_t count, cs_part part)
{
    size_t i;
    for (i = 0; i < count; i++)
        if (rows[i].part == part) return &rows[i];
    return NULL;
}

#define FIND(rows, part) find_row(rows, sizeof(rows) / sizeof *(rows), part)

/* 0, 1, 2 for queries, keys, values of a layer or a pool, else -1. */
static int third(cs_part part)
{
    switch (part) {
    case CS_Q_WEIGHT:
    case CS_Q_BIAS:
    case CS_POOL_Q_WEIGHT:
    case CS_POOL_Q_BIAS: return 0;
    case CS_K_WEIGHT:
    case CS_K_BIAS:
    case CS_POOL_K_WEIGHT:
    case CS_POOL_K_BIAS: return 1;
    case CS_V_WEIGHT:
    case CS_V_BIAS:
    case CS_POOL_V_WEIGHT:
    case CS_POOL_V_BIAS: return 2;
    default: return -1;
    }
}

/* Which slice of how many of a tensor that several parts share; of one, the first. */
static void find_slice(cs_tensor_name *out, cs_names names, cs_part part)
{
    const int hf = names == CS_NAMES_HF || names == CS_NAMES_SIGLIP, pool = part < CS_LN1_WEIGHT;
    const int which = third(part);
    out->slice = 0;
    out->slices = 1;
    if (which < 0 || (hf && !pool)) return;
    if (hf || !pool) {
        out->slice = which;
        out->slices = 3;
    } else if (which > 0) { /* timm's pool: queries apart, keys and values together */
        out->slice = which - 1;
        out->slices = 2;
    }
}

/* The text projection as a linear layer with a bias. */
static const char *linear_name(cs_names names, cs_part part)
{
    const int bias = part == CS_PROJECTION_BIAS;
    if (part != CS_PROJECTION && !bias) return NULL;
    if (names == CS_NAMES_LINEAR) return bias ? "text_projection.bias" : "text_projection.weight";
    if (names == CS_NAMES_SIGLIP) return bias ? "text_model.head.bias" : "text_model.head.weight";
    return NULL;
}

/* What stands before a part's name in its layer. */
static const char *layer_stem(cs_names names, int image)
{
    switch (names) {
    case CS_NAMES_TIMM: return "visual.trunk.blocks.";
    case CS_NAMES_HF:
    case CS_NAMES_SIGLIP:
        return image ? "vision_model.encoder.layers." : "text_model.encoder.layers.";
    default: return image ? "visual.transformer.resblocks." : "transformer.resblocks.";
    }
}

int cs_tensor_name_get(cs_tensor_name *out, cs_names names, clipspan_modality tower, cs_part part,
                       int layer, const char *before, const char *text)
{
    const int hf = names == CS_NAMES_HF || names == CS_NAMES_SIGLIP;
    const int image = tower == CLIPSPAN_IMAGE, timm = names == CS_NAMES_TIMM;
    const name_row *row;
    const char *name;
    find_slice(out, names, part);
    out->transposed = part == CS_PROJECTION && (hf || names == CS_NAMES_LINEAR);
    if (image || hf || part == CS_LOGIT_SCALE || part == CS_LOGIT_BIAS) text = "";
    row = part >= CS_LN1_WEIGHT ? FIND(blocks, part)
          : image               ? FIND(image_once, part)
                                : FIND(text_once, part);
    if (!row) return 0;
    name = timm ? row->timm : hf ? row->hf : row->openclip;
    if (!image && linear_name(names, part)) name = linear_name(names, part);
    if (!name) return 0;
    if (part >= CS_LN1_WEIGHT)
        snprintf(out->text, sizeof out->text, "%s%s%s%d.%s", before, text, layer_stem(names, image),
                 layer, name);
    else
        snprintf(out->text, sizeof out->text, "%s%s%s%s", before, text,
                 timm && image ? "visual.trunk." : "", name);
    return 1;
}

int cs_tensor_name_ignored(const char *name, const char *before)
{
    static const char *const names[] = {
        "input_resolution",
        "context_length",
        "vocab_size",
        "attn_mask", /* the causal mask, which is computed */
        "text.attn_mask",
        "vision_model.embeddings.position_ids",
        "text_model.embeddings.position_ids",
    };
    size_t n = strlen(before), i;
    if (strncmp(name, before, n) == 0) name += n;
    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return 1;
    return 0;
}

/* Tensors (by name, or by how the name begins when it ends in a dot) that no plain CLIP has. */
static const struct {
    const char *name, *what;
} foreign[] = {
    {"visual.trunk.stem.", "a convolutional image encoder of timm's (ConvNeXt, MobileCLIP …)"},
    {"visual.trunk.stages.", "a convolutional image encoder of timm's (ConvNeXt, MobileCLIP …)"},
    {"visual.trunk.blocks.0.attn.q_proj.", "an EVA image encoder"},
    {"visual.trunk.blocks.0.attn.q_bias", "an EVA image encoder"},
    {"visual.trunk.patch_embed.backbone.", "a MobileCLIP image encoder"},
    {"visual.trunk.embeds.", "a NaFlex image encoder (images of any shape)"},
    {"visual.trunk.norm_pre.", "an image encoder of timm's with a first LayerNorm (PE-Core …)"},
    {"visual.trunk.cls_token", "an image encoder of timm's with a class token (PE-Core, EVA …)"},
    {"visual.attnpool.", "a ModifiedResNet image encoder (RN50 …)"},
    {"visual.attn_pool.", "attentional pooling"},
    {"image_encoder.model.", "Apple's own MobileCLIP layout"},
    {"image_encoder.", "an image encoder that is not CLIP's"},
    {"text_decoder.", "a CoCa model"},
    {"text.transformer.embeddings.", "a Hugging Face text encoder (RoBERTa, BERT …)"},
    {"text.transformer.encoder.", "a Hugging Face text encoder (T5, NLLB …)"},
    {"embeddings.cls_token", "a ViT or DINOv2 model without a text encoder"},
    {"blocks.0.norm1.weight", "a timm vision transformer without a text encoder"},
    {"cls_token", "a vision transformer without a text encoder"},
    {"qformer.", "a BLIP-2 model"},
    {"text_encoder.", "a BLIP or other model that is not CLIP"},
    {"first_stage_model.", "a Stable Diffusion checkpoint"},
    {"lm_head.weight", "a language model"},
    {"model.embed_tokens.weight", "a language model"},
};

/* 1 when a tensor begins with before + name; entries are sorted, so the first not below tells. */
static int has_beginning(const cs_safetensors *tensors, const char *before, const char *name)
{
    char whole[200];
    size_t low = 0, high = cs_safetensors_count(tensors), n;
    snprintf(whole, sizeof whole, "%s%s", before, name);
    n = strlen(whole);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(cs_safetensors_at(tensors, middle)->name, whole) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == cs_safetensors_count(tensors)) return 0;
    if (whole[n - 1] != '.') return strcmp(cs_safetensors_at(tensors, low)->name, whole) == 0;
    return strncmp(cs_safetensors_at(tensors, low)->name, whole, n) == 0;
}

clipspan_status cs_tensor_names_detect(clipspan_layout *layout, char *before, char *text,
                                       const cs_safetensors *tensors, clipspan_error *err)
{
    static const char *const starts[] = {"", "module.", "state_dict.", "state_dict.module.",
                                         "model."};
    const char *path = cs_safetensors_path(tensors, 0);
    size_t i, j;
    *layout = 0;
    before[0] = text[0] = '\0';
    for (i = 0; i < sizeof starts / sizeof *starts; i++)
        for (j = 0; j < sizeof foreign / sizeof *foreign; j++)
            if (has_beginning(tensors, starts[i], foreign[j].name))
                return cs_fail_at(
                    err, CLIPSPAN_E_UNSUPPORTED, path,
                    "holds tensors \"%s%s%s\": %s, which is not supported; only plain "
                    "CLIP vision transformers are",
                    starts[i], foreign[j].name,
                    foreign[j].name[strlen(foreign[j].name) - 1] == '.' ? "…" : "",
                    foreign[j].what);
    for (i = 0; i < sizeof starts / sizeof *starts && !*layout; i++) {
        if (has_beginning(tensors, starts[i], "visual.conv1.weight") ||
            has_beginning(tensors, starts[i], "visual.trunk.patch_embed.proj.weight"))
            *layout = CLIPSPAN_LAYOUT_OPENCLIP;
        else if (has_beginning(tensors, starts[i],
                               "vision_model.embeddings.patch_embedding.weight"))
            *layout = CLIPSPAN_LAYOUT_HUGGINGFACE;
        if (*layout) snprintf(before, 32, "%s", starts[i]);
    }
    if (!*layout)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "holds neither \"visual.conv1.weight\" (OpenCLIP) nor "
                          "\"vision_model.embeddings.patch_embedding.weight\" (Hugging Face): no "
                          "CLIP image encoder; its first tensor is \"%.100s\"",
                          cs_safetensors_count(tensors) ? cs_safetensors_at(tensors, 0)->name
                                                        : "(none)");
    if (*layout == CLIPSPAN_LAYOUT_OPENCLIP &&
        has_beginning(tensors, before, "text.token_embedding.weight"))
        snprintf(text, 16, "text.");
    return CLIPSPAN_OK;
}
