/* SPDX-License-Identifier: MIT */
/* What a checkpoint says about itself, in one vocabulary for both layouts. Everything here comes
 * from the configuration files or the built-in architecture table; nothing is a compile-time
 * constant. */
#ifndef CLIPSPAN_SRC_MODEL_CONFIG_H
#define CLIPSPAN_SRC_MODEL_CONFIG_H

#include "base/error.h"
#include "image/image.h"

/* One transformer. D = heads * head_width always. */
typedef struct cs_tower_config {
    int layers, width, heads, head_width, mlp_width;
    float eps;
} cs_tower_config;

typedef enum cs_pool {
    CS_POOL_ARGMAX = 1, /* first position of the largest id (OpenCLIP; HF with eos_token_id 2) */
    CS_POOL_FIRST_EOS   /* first position whose id is eos_id (HF otherwise) */
} cs_pool;

typedef struct cs_config {
    clipspan_layout layout;
    clipspan_activation activation;
    char activation_source[160]; /* "quick_gelu in open_clip_config.json", "hidden_act in
                                    config.json" … */
    int embed_width;

    cs_tower_config image;
    int *head_counts;  /* [layers] heads that each layer of the image encoder has left, at least
                         one; NULL: all */
    int *head_numbers; /* [layers, heads] which ones, rising, first head_counts of a row */
    int input_height, input_width, patch_size, grid_height, grid_width, tokens;
    int has_ln_pre;

    int has_text;
    cs_tower_config text;
    int context_length, vocab_size;
    cs_pool pool;
    int eos_id;
    char name_prefix[16]; /* before the text encoder's tensor names: "text." with custom_text, else
                           * ""
                           */

    cs_preprocess preprocess;
} cs_config;

/* How many heads a layer of the image encoder has, and the number of its `place`-th. A head keeps
 * the number that it had before others were removed. */
int cs_config_heads(const cs_config *config, int layer);
int cs_config_head(const cs_config *config, int layer, int place);
int cs_config_has_head(const cs_config *config, int layer, int head);

/* Gives the lists of heads back; a config without them needs no call. */
void cs_config_fini(cs_config *config);

#endif
