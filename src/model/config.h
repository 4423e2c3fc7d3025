/* SPDX-License-Identifier: MIT */
/* What a checkpoint says about itself, in one vocabulary for both layouts. Everything here comes
 * from the configuration files or the built-in architecture table; nothing is a compile-time
 * constant. */
#ifndef CLIPSPAN_SRC_MODEL_CONFIG_H
#define CLIPSPAN_SRC_MODEL_CONFIG_H

#include "base/error.h"
#include "image/image.h"
#include "text/tokenizer.h"

/* One transformer. D = heads * head_width always. */
typedef struct cs_tower_config {
    int layers, width, heads, head_width, mlp_width;
    float eps;
} cs_tower_config;

typedef enum cs_pool {
    CS_POOL_ARGMAX = 1, /* first position of the largest id (OpenCLIP; HF with eos_token_id 2) */
    CS_POOL_FIRST_EOS,  /* first position whose id is eos_id (HF otherwise) */
    CS_POOL_LAST        /* the last position of the context (SigLIP) */
} cs_pool;

/* What an encoder's tensors are called (model/tensor_names.h); the first two as in
 * clipspan_layout. */
typedef enum cs_names {
    CS_NAMES_OPENCLIP = CLIPSPAN_LAYOUT_OPENCLIP,
    CS_NAMES_HF = CLIPSPAN_LAYOUT_HUGGINGFACE,
    CS_NAMES_TIMM,   /* an image encoder of timm's in OpenCLIP's layout */
    CS_NAMES_LINEAR, /* OpenCLIP's text encoder whose projection has a bias */
    CS_NAMES_SIGLIP  /* Hugging Face's SigLIP: the text projection is its head */
} cs_names;

typedef struct cs_config {
    clipspan_layout layout;
    clipspan_activation activation; /* of the image encoder */
    clipspan_activation text_activation;
    char activation_source[160]; /* "quick_gelu in open_clip_config.json", "hidden_act in
                                    config.json" … */
    int embed_width;

    cs_tower_config image;
    int *head_counts;  /* [layers] heads that each layer of the image encoder has left, at least
                         one; NULL: all */
    int *head_numbers; /* [layers, heads] which ones, rising, first head_counts of a row */
    int input_height, input_width, patch_size, grid_height, grid_width;
    int class_token; /* 1: a class token stands before the patches */
    int tokens;      /* the patches and the class token */
    int has_ln_pre, has_patch_bias, has_projection;
    clipspan_readout readout;
    cs_tower_config image_pool; /* of an attention pool: one layer; layers 0 without */

    int has_text;
    int image_only; /* 1: asked for without its text encoder, of whatever kind that is */
    cs_tower_config text;
    int context_length, vocab_size;
    cs_pool pool;
    int eos_id;
    int bidirectional; /* 1: every token of a text sees every other, padding too */
    int has_text_projection, has_text_projection_bias;
    int has_logit_bias;        /* scores are sigmoids */
    int foreign_tokenizer;     /* 1: texts are not CLIP's byte pairs */
    cs_text_cleaning cleaning; /* of texts before a foreign tokenizer; AUTO: as its files say */
    cs_names names[2];         /* [clipspan_modality]; 0: as the layout says */
    char name_prefix[16]; /* before the text encoder's tensor names: "text." with custom_text, else
                           * ""
                           */

    cs_preprocess preprocess;
} cs_config;

/* 1 when an encoder of this model has the part (cs_part of model/checkpoint.h). */
int cs_config_has_part(const cs_config *config, clipspan_modality tower, int part);

/* Whose heads the image embedding is decomposed into: the image encoder's, or those of its
 * attention pool as of one layer. */
const cs_tower_config *cs_config_split(const cs_config *config);

/* The text encoder's readout. */
clipspan_readout cs_config_text_readout(const cs_config *config);

/* How many heads a layer of the image encoder has, and the number of its `place`-th. A head keeps
 * the number that it had before others were removed. */
int cs_config_heads(const cs_config *config, int layer);
int cs_config_head(const cs_config *config, int layer, int place);
int cs_config_has_head(const cs_config *config, int layer, int head);

/* Gives the lists of heads back; a config without them needs no call. */
void cs_config_fini(cs_config *config);

#endif
