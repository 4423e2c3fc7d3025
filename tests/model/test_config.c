/* SPDX-License-Identifier: MIT */
/* Configurations: what both kinds say, their defaults, what is refused by name, and the
 * configuration items of group I of the list of bad inputs (i01 … i12; CSV items are in
 * formats/test_csv.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config_read.h"
#include "tiny.h"

#define OC  CLIPSPAN_LAYOUT_OPENCLIP
#define HF  CLIPSPAN_LAYOUT_HUGGINGFACE
#define BAD CLIPSPAN_E_FORMAT
#define UNS CLIPSPAN_E_UNSUPPORTED

static char *folder, *path;
static cs_config config;
static char merges[512];
static const cs_known_checkpoint *known;

static int setup(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "c.json");
    known = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    free(path);
    return 0;
}

static clipspan_status read_bytes(clipspan_layout layout, const char *text, size_t size,
                                  const char *preprocessor, clipspan_error *err)
{
    char *beside = cs_tiny_path(folder, "p.json");
    clipspan_status status;
    cs_tiny_write(folder, "c.json", text, size);
    if (preprocessor) cs_tiny_write_text(folder, "p.json", preprocessor);
    status =
        cs_config_read(&config, merges, path, preprocessor ? beside : NULL, layout, known, 0, err);
    free(beside);
    return status;
}

static void good(clipspan_layout layout, const char *text, const char *preprocessor)
{
    clipspan_error err = {0};
    if (read_bytes(layout, text, strlen(text), preprocessor, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
}

static void bad_with(clipspan_layout layout, const char *text, const char *preprocessor,
                     clipspan_status code, const char *word)
{
    clipspan_error err = {0};
    assert_int_equal(read_bytes(layout, text, strlen(text), preprocessor, &err), code);
    if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
    assert_non_null(strstr(err.message, ".json: "));
}

static void bad(clipspan_layout layout, const char *text, clipspan_status code, const char *word)
{
    bad_with(layout, text, NULL, code, word);
}

/* OpenCLIP configurations with something in each object. */
#define MODEL(model, vision, text)                                                                 \
    "{\"model_cfg\":{\"embed_dim\":512" model ",\"vision_cfg\":{\"output_tokens\":false" vision    \
    "},\"text_cfg\":{\"pad_id\":0" text "}}}"
#define PRE(preprocess)                                                                            \
    "{\"model_cfg\":{\"embed_dim\":512,\"vision_cfg\":{},\"text_cfg\":{}},\"preprocess_cfg\":"     \
    "{" preprocess "}}"

/* ---- OpenCLIP ---- */

static void openclip_defaults_are_those_of_its_classes(void **state)
{
    (void)state;
    good(OC, MODEL("", "", ""), NULL);
    assert_int_equal(config.layout, OC);
    assert_int_equal(config.activation, CLIPSPAN_GELU);
    assert_non_null(strstr(config.activation_source, "no quick_gelu in c.json"));
    assert_int_equal(config.embed_width, 512);
    assert_int_equal(config.image.layers, 12);
    assert_int_equal(config.image.width, 768);
    assert_int_equal(config.image.heads, 12);
    assert_int_equal(config.image.head_width, 64);
    assert_int_equal(config.image.mlp_width, 3072);
    assert_true(config.image.eps == 1e-5f && config.text.eps == 1e-5f);
    assert_int_equal(config.patch_size, 16);
    assert_int_equal(config.tokens, 197);
    assert_int_equal(config.has_ln_pre, 1);
    assert_int_equal(config.has_text, 1);
    assert_int_equal(config.text.width, 512);
    assert_int_equal(config.text.heads, 8);
    assert_int_equal(config.text.layers, 12);
    assert_int_equal(config.vocab_size, 49408);
    assert_int_equal(config.pool, CS_POOL_ARGMAX);
    assert_int_equal(config.preprocess.height, 224);
    assert_int_equal(config.preprocess.resize, CLIPSPAN_SHORTEST);
    assert_int_equal(config.preprocess.kernel, CLIPSPAN_BICUBIC);
    assert_int_equal(config.preprocess.convert_first, 0);
    assert_int_equal(config.preprocess.floor_crop, 0);
    assert_true(config.preprocess.mean[1] == 0.4578275f);
    assert_true(config.preprocess.std[2] == 0.27577711f);
}

static void openclip_sizes_are_read(void **state)
{
    (void)state;
    /* ViT-bigG-14 and ViT-g-14: the MLP's width is rounded down. */
    good(OC,
         MODEL("",
               ",\"layers\":48,\"width\":1664,\"head_width\":104,\"mlp_ratio\":4.9231,"
               "\"patch_size\":14",
               ",\"width\":1280,\"heads\":20,\"layers\":32"),
         NULL);
    assert_int_equal(config.image.mlp_width, 8192);
    assert_int_equal(config.image.heads, 16);
    assert_int_equal(config.tokens, 257);
    assert_int_equal(config.text.head_width, 64);
    assert_int_equal(config.text.mlp_width, 5120);
    good(OC, MODEL("", ",\"width\":1408,\"head_width\":88,\"mlp_ratio\":4.3637", ""), NULL);
    assert_int_equal(config.image.mlp_width, 6144);
    good(OC, MODEL("", ",\"width\":10,\"head_width\":5,\"mlp_ratio\":1.29", ""), NULL);
    assert_int_equal(config.image.mlp_width, 12);
}

static void model_cfg_alone_is_a_configuration(void **state)
{
    (void)state;
    good(OC,
         "{\"embed_dim\":640,\"vision_cfg\":{\"image_size\":240,\"width\":896},\"text_cfg\":{}}",
         NULL);
    assert_int_equal(config.embed_width, 640);
    assert_int_equal(config.tokens, 226);
}

static void image_size_of_two_numbers(void **state)
{
    (void)state;
    good(OC, "{\"embed_dim\":8,\"vision_cfg\":{\"image_size\":[32,48],\"patch_size\":[16,16]}}",
         NULL);
    assert_int_equal(config.input_height, 32);
    assert_int_equal(config.input_width, 48);
    assert_int_equal(config.grid_height, 2);
    assert_int_equal(config.grid_width, 3);
    assert_int_equal(config.tokens, 7);
    assert_int_equal(config.preprocess.height, 32);
    assert_int_equal(config.preprocess.width, 48);
    assert_int_equal(config.has_text, 0);
    assert_int_equal(config.text.width, 0);
    bad(OC, "{\"embed_dim\":8,\"vision_cfg\":{\"patch_size\":[16,8]}}", UNS, "square patches");
}

static void eps_and_ln_pre_are_read(void **state)
{
    (void)state;
    good(OC,
         MODEL("", ",\"no_ln_pre\":true,\"norm_kwargs\":{\"eps\":1e-6}",
               ",\"norm_kwargs\":{\"eps\":0.001}"),
         NULL);
    assert_int_equal(config.has_ln_pre, 0);
    assert_true(config.image.eps == 1e-6f);
    assert_true(config.text.eps == 0.001f);
}

static void quick_gelu_is_what_the_file_says(void **state)
{
    (void)state;
    good(OC, MODEL(",\"quick_gelu\":true", "", ""), NULL);
    assert_int_equal(config.activation, CLIPSPAN_QUICK_GELU);
    assert_string_equal(config.activation_source, "quick_gelu in c.json");
    /* The table speaks only where the file does not. */
    known = cs_known_find("ViT-B-16", "openai");
    assert_non_null(known);
    good(OC, MODEL("", "", ""), NULL);
    assert_int_equal(config.activation, CLIPSPAN_QUICK_GELU);
    assert_non_null(strstr(config.activation_source, "ViT-B-16/openai"));
    good(OC, MODEL(",\"quick_gelu\":false", "", ""), NULL);
    assert_int_equal(config.activation, CLIPSPAN_GELU);
    bad(OC, MODEL(",\"quick_gelu\":1", "", ""), BAD,
        "model_cfg.quick_gelu: expected true or false");
}

static void openclip_preprocessing_is_read(void **state)
{
    (void)state;
    good(OC,
         PRE("\"size\":99,\"mode\":\"RGB\",\"mean\":[0.1,0.2,0.3],\"std\":0.5,\"interpolation\":"
             "\"bilinear\",\"resize_mode\":\"longest\",\"fill_color\":7"),
         NULL);
    assert_true(config.preprocess.mean[2] == 0.3f && config.preprocess.std[1] == 0.5f);
    assert_int_equal(config.preprocess.kernel, CLIPSPAN_BILINEAR);
    assert_int_equal(config.preprocess.resize, CLIPSPAN_LONGEST);
    assert_int_equal(config.preprocess.fill[2], 7);
    assert_int_equal(config.preprocess.height, 224);
    good(OC, PRE("\"resize_mode\":\"squash\",\"interpolation\":\"random\",\"mean\":null"), NULL);
    assert_int_equal(config.preprocess.resize, CLIPSPAN_SQUASH);
    assert_int_equal(config.preprocess.kernel, CLIPSPAN_BICUBIC);
    assert_true(config.preprocess.mean[0] == 0.48145466f);
    bad(OC, PRE("\"resize_mode\":\"crop\""), BAD, "preprocess_cfg.resize_mode");
    bad(OC, PRE("\"interpolation\":\"lanczos\""), BAD, "preprocess_cfg.interpolation");
    bad(OC, PRE("\"mode\":\"L\""), UNS, "preprocess_cfg.mode");
    bad(OC, PRE("\"std\":[1,0,1]"), BAD, "preprocess_cfg.std");
    bad(OC, PRE("\"mean\":[1,0]"), BAD, "found a list of 2");
    bad(OC, PRE("\"fill_color\":256"), BAD, "fill_color");
    good(OC, MODEL("", ",\"image_mean\":[0.5,0.5,0.5],\"image_std\":[0.25,0.25,0.25]", ""), NULL);
    assert_true(config.preprocess.mean[0] == 0.5f && config.preprocess.std[0] == 0.25f);
    /* What the table knows of published checkpoints. */
    known = cs_known_find("ViT-L-14", "laion2b_s32b_b82k");
    good(OC, MODEL("", "", ""), NULL);
    assert_true(config.preprocess.mean[0] == 0.5f && config.preprocess.std[2] == 0.5f);
    known = cs_known_find("ViT-H-14-378-quickgelu", "dfn5b");
    good(OC, MODEL("", "", ""), NULL);
    assert_int_equal(config.preprocess.resize, CLIPSPAN_SQUASH);
}

static void what_is_not_computed_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {MODEL(",\"multimodal_cfg\":{\"width\":1}", "", ""), "CoCa"},
        {MODEL("", ",\"timm_model_name\":\"convnext_base\"", ""), "convolutional"},
        {MODEL("", ",\"timm_model_name\":\"vit_pe_core_base_patch16_224\"", ""), "PE-Core"},
        {MODEL("", ",\"timm_model_name\":\"vit_base_patch16_siglip_gap_224\"", ""), "timm"},
        {MODEL("", ",\"attentional_pool\":true", ""), "attentional pooling"},
        {MODEL("", ",\"attentional_pool\":\"parallel\"", ""), "attentional pooling"},
        {MODEL("", ",\"pool_type\":\"avg\"", ""), "vision_cfg.pool_type"},
        {MODEL("", ",\"ls_init_value\":1e-5", ""), "LayerScale"},
        {MODEL("", ",\"qk_norm\":true", ""), "qk_norm"},
        {MODEL("", ",\"scale_heads\":true", ""), "scaled heads"},
        {MODEL("", ",\"final_ln_after_pool\":true", ""), "after pooling"},
        {MODEL("", ",\"pos_embed_type\":\"sin_cos_2d\"", ""), "pos_embed_type"},
        {MODEL("", ",\"act_kwargs\":{\"approximate\":\"tanh\"}", ""), "act_kwargs"},
        {MODEL("", ",\"layers\":[3,4,6,3]", ""), "ModifiedResNet"},
        {MODEL("", ",\"norm_kwargs\":{\"elementwise_affine\":false}", ""), "elementwise_affine"},
        {MODEL("", "", ",\"hf_model_name\":\"roberta-base\""), "Hugging Face text encoder"},
        {MODEL("", "", ",\"embed_cls\":true"), "embed_cls"},
        {MODEL("", "", ",\"use_pad_mask\":true"), "mask"},
        {MODEL("", "", ",\"pool_type\":\"first\""), "text_cfg.pool_type"},
        {MODEL("", "", ",\"proj_type\":\"mlp\""), "proj_type"},
        {MODEL("", "", ",\"act_kwargs\":{\"alpha\":1}"), "act_kwargs"},
        {MODEL("", "", ",\"tokenizer_mode\":\"clips\""), "tokenizer"},
        {MODEL("", "", ",\"tokenizer_kwargs\":{\"clean\":\"canonicalize\"}"), "clean"},
    };
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        bad(OC, cases[i].text, UNS, cases[i].word);
    /* The same keys with the values that change nothing, and those that only matter in training. */
    good(OC,
         MODEL(",\"init_logit_bias\":null,\"custom_text\":true",
               ",\"pool_type\":\"tok\",\"attentional_pool\":false,\"ls_init_value\":null,"
               "\"patch_dropout\":0.5,\"act_kwargs\":{}",
               ",\"pool_type\":\"argmax\",\"proj_bias\":false,\"tokenizer_kwargs\":{\"clean\":"
               "\"lower\",\"bpe_path\":\"own.txt.gz\"}"),
         NULL);
    assert_string_equal(merges, "own.txt.gz");
}

/* ---- Hugging Face ---- */

#define CLIP(root, vision, text)                                                                   \
    "{\"model_type\":\"clip\"" root ",\"vision_config\":{\"dropout\":0" vision                     \
    "},\"text_config\":{\"bos_token_id\":0" text "}}"

static void hf_defaults_are_those_of_its_classes(void **state)
{
    (void)state;
    good(HF, CLIP("", "", ""), NULL);
    assert_int_equal(config.layout, HF);
    assert_int_equal(config.activation, CLIPSPAN_QUICK_GELU);
    assert_non_null(strstr(config.activation_source, "no hidden_act in c.json"));
    assert_int_equal(config.embed_width, 512);
    assert_int_equal(config.patch_size, 32);
    assert_int_equal(config.tokens, 50);
    assert_int_equal(config.image.width, 768);
    assert_int_equal(config.image.heads, 12);
    assert_int_equal(config.image.mlp_width, 3072);
    assert_int_equal(config.text.width, 512);
    assert_int_equal(config.text.mlp_width, 2048);
    assert_int_equal(config.context_length, 77);
    assert_int_equal(config.vocab_size, 49408);
    assert_int_equal(config.pool, CS_POOL_FIRST_EOS);
    assert_int_equal(config.eos_id, 49407);
    assert_int_equal(config.preprocess.convert_first, 1);
    assert_int_equal(config.preprocess.floor_crop, 1);
    assert_int_equal(config.preprocess.crop_to, 0);
}

static void hf_sizes_are_read(void **state)
{
    (void)state;
    good(HF,
         CLIP(",\"projection_dim\":768",
              ",\"hidden_size\":1024,\"intermediate_size\":4096,\"num_hidden_layers\":24,"
              "\"num_attention_heads\":16,\"patch_size\":14,\"hidden_act\":\"gelu\","
              "\"layer_norm_eps\":1e-6,\"image_size\":336",
              ",\"hidden_size\":768,\"intermediate_size\":3072,\"num_attention_heads\":12,"
              "\"hidden_act\":\"gelu\",\"eos_token_id\":2,\"max_position_embeddings\":32,"
              "\"vocab_size\":1000"),
         NULL);
    assert_int_equal(config.activation, CLIPSPAN_GELU);
    assert_string_equal(config.activation_source, "hidden_act in c.json");
    assert_int_equal(config.embed_width, 768);
    assert_int_equal(config.tokens, 577);
    assert_int_equal(config.image.head_width, 64);
    assert_true(config.image.eps == 1e-6f && config.text.eps == 1e-5f);
    assert_int_equal(config.pool, CS_POOL_ARGMAX);
    assert_int_equal(config.context_length, 32);
    assert_int_equal(config.vocab_size, 1000);
}

static void hf_old_dict_objects_stand_for_the_whole_tower(void **state)
{
    (void)state;
    good(HF,
         CLIP(",\"vision_config_dict\":{\"patch_size\":16},\"text_config_dict\":null",
              ",\"patch_size\":8,\"hidden_size\":64", ",\"hidden_size\":1024"),
         NULL);
    assert_int_equal(config.patch_size, 16);
    assert_int_equal(config.image.width, 768);
    assert_int_equal(config.text.width, 1024);
}

static void hf_image_tower_alone(void **state)
{
    (void)state;
    good(HF,
         "{\"model_type\":\"clip_vision_model\",\"hidden_size\":64,\"num_attention_heads\":4,"
         "\"projection_dim\":24,\"hidden_act\":\"gelu\"}",
         NULL);
    assert_int_equal(config.has_text, 0);
    assert_int_equal(config.image.width, 64);
    assert_int_equal(config.embed_width, 24);
    assert_int_equal(config.activation, CLIPSPAN_GELU);
    good(HF,
         "{\"architectures\":[\"CLIPVisionModelWithProjection\"],\"model_type\":\"clip\","
         "\"projection_dim\":8,\"vision_config\":{\"projection_dim\":16}}",
         NULL);
    assert_int_equal(config.has_text, 0);
    assert_int_equal(config.embed_width, 16);
}

static void hf_refuses_what_is_not_clip(void **state)
{
    (void)state;
    bad(HF, "{\"model_type\":\"siglip2\"}", UNS, "NaFlex");
    bad(HF, "{\"model_type\":\"blip\"}", UNS, "found \"blip\"");
    bad(HF, "{\"model_type\":\"siglip\",\"vision_config\":{\"vision_use_head\":false}}", UNS,
        "vision_use_head");
    bad(HF, "{\"architecture\":\"vit_base\",\"pretrained_cfg\":{}}", UNS, "timm model");
    bad(HF, "{}", BAD, "model_type");
    bad(HF, CLIP("", ",\"hidden_act\":\"gelu_new\"", ""), UNS,
        "vision_config.hidden_act: expected \"quick_gelu\", \"gelu\" or \"gelu_pytorch_tanh\", "
        "found \"gelu_new\"");
    bad(HF, CLIP("", ",\"hidden_act\":\"gelu\"", ""), UNS, "text_config.hidden_act");
    bad(HF, CLIP("", ",\"num_channels\":4", ""), UNS, "num_channels: expected 3, found 4");
    bad(HF, CLIP("", ",\"num_attention_heads\":7", ""), BAD, "768 is no multiple of its 7 heads");
    bad(HF, CLIP("", "", ",\"eos_token_id\":60000"), BAD, "eos_token_id 60000");
    bad(HF, CLIP("", "", ",\"eos_token_id\":[1,2]"), BAD, "eos_token_id");
    good(HF, CLIP("", "", ",\"eos_token_id\":[7]"), NULL);
    assert_int_equal(config.eos_id, 7);
    bad(HF, CLIP("", ",\"image_size\":[224,448]", ""), UNS, "not square");
}

static void hf_preprocessing_is_read(void **state)
{
    const char *clip = CLIP("", "", "");
    (void)state;
    good(HF, clip, "{}");
    assert_int_equal(config.preprocess.resize, CLIPSPAN_SHORTEST);
    good(HF, clip,
         "{\"size\":224,\"crop_size\":224,\"resample\":2,\"image_mean\":[0,0.5,1],\"image_std\":"
         "[1,2,3],\"do_convert_rgb\":false}");
    assert_int_equal(config.preprocess.kernel, CLIPSPAN_BILINEAR);
    assert_int_equal(config.preprocess.convert_first, 0);
    assert_true(config.preprocess.mean[2] == 1.0f && config.preprocess.std[1] == 2.0f);
    good(HF, clip,
         "{\"size\":{\"shortest_edge\":256},\"crop_size\":{\"height\":224,\"width\":224},"
         "\"rescale_factor\":0.00392156862745098}");
    assert_int_equal(config.preprocess.crop_to, 256);
    good(HF, clip,
         "{\"size\":{\"height\":224,\"width\":224},\"do_center_crop\":false,\"do_normalize\":"
         "false}");
    assert_int_equal(config.preprocess.resize, CLIPSPAN_SQUASH);
    assert_true(config.preprocess.mean[0] == 0.0f && config.preprocess.std[0] == 1.0f);
    good(HF, clip, "{\"image_processor\":{\"resample\":2},\"processor_class\":\"CLIPProcessor\"}");
    assert_int_equal(config.preprocess.kernel, CLIPSPAN_BILINEAR);
    good(HF, CLIP("", ",\"image_size\":[224,448]", ""),
         "{\"size\":{\"shortest_edge\":448},\"crop_size\":{\"height\":224,\"width\":448}}");
    assert_int_equal(config.preprocess.crop_to, 448);
    bad_with(HF, clip, "{\"size\":336,\"crop_size\":336}", CLIPSPAN_E_SHAPE, "224 x 224");
    bad_with(HF, clip, "{\"size\":200}", UNS, "not below the crop");
    bad_with(HF, clip, "{\"size\":{\"longest_edge\":200}}", UNS, "longest_edge");
    bad_with(HF, clip, "{\"size\":{\"height\":200}}", BAD, "size");
    bad_with(HF, clip, "{\"do_resize\":false}", UNS, "do_resize");
    bad_with(HF, clip, "{\"do_center_crop\":false}", UNS, "do_center_crop");
    bad_with(HF, clip, "{\"do_rescale\":false}", UNS, "do_rescale");
    bad_with(HF, clip, "{\"rescale_factor\":0.5}", UNS, "1/255");
    bad_with(HF, clip, "{\"resample\":1}", UNS, "bilinear");
    bad_with(HF, clip, "{\"image_std\":[1,1]}", BAD, "image_std");
}

/* ---- Both ---- */

static void a_configuration_of_the_other_kind_is_named(void **state)
{
    (void)state;
    bad(HF, MODEL("", "", ""), BAD, "of the OpenCLIP kind, the weights have Hugging Face");
    bad(OC, CLIP("", "", ""), BAD, "of the Hugging Face kind, the weights have OpenCLIP");
}

static void built_in_architectures_have_their_sizes(void **state)
{
    static const struct {
        const char *name;
        int tokens, mlp, heads;
    } cases[] = {
        {"ViT-B-32", 50, 3072, 12},           {"ViT-B-16", 197, 3072, 12},
        {"ViT-B-16-plus-240", 226, 3584, 14}, {"ViT-L-14", 257, 4096, 16},
        {"ViT-L-14-336", 577, 4096, 16},      {"ViT-H-14", 257, 5120, 16},
        {"ViT-g-14", 257, 6144, 16},          {"ViT-bigG-14", 257, 8192, 16},
    };
    clipspan_error err;
    size_t i;
    int quick;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cs_architecture *a = cs_architecture_find(cases[i].name, &quick);
        assert_non_null(a);
        assert_int_equal(quick, 0);
        assert_int_equal(cs_config_from_architecture(&config, a, OC, &err), CLIPSPAN_OK);
        assert_int_equal(config.tokens, cases[i].tokens);
        assert_int_equal(config.image.mlp_width, cases[i].mlp);
        assert_int_equal(config.image.heads, cases[i].heads);
        assert_int_equal(config.activation, 0);
    }
    assert_non_null(cs_architecture_find("ViT-B-32-quickgelu", &quick));
    assert_int_equal(quick, 1);
    assert_null(cs_architecture_find("ViT-B-3", &quick));
    assert_null(cs_architecture_find("", &quick));
    assert_string_equal(cs_architecture_nearest("vit-b-61"), "ViT-B-16");
    assert_null(cs_known_find("ViT-B-16-quickgelu", "laion2b_s34b_b88k"));
    assert_non_null(cs_known_find("ViT-B-16-quickgelu", "OpenAI"));
    assert_non_null(cs_known_find("ViT-B-16", "laion2b-s34b-b88k"));
    assert_string_equal(cs_known_tag("ViT-bigG-14", 0), "laion2b_s39b_b160k");
    assert_null(cs_known_tag("ViT-bigG-14", 2));
    assert_null(cs_known_by_repository("nobody/nothing"));
}

/* ---- Group I ---- */

static void i01_unknown_keys_are_ignored(void **state)
{
    (void)state;
    good(OC, MODEL(",\"novel\":[1]", ",\"novel\":{}", ",\"novel\":\"x\""), NULL);
    good(HF, CLIP(",\"transformers_version\":\"9\"", ",\"novel\":0.1", ""), NULL);
}

static void i02_wrong_type_is_named(void **state)
{
    (void)state;
    bad(OC, MODEL("", ",\"width\":\"768\"", ""), BAD,
        "model_cfg.vision_cfg.width: expected an integer from 1 to 65536, found \"768\"");
    bad(OC, MODEL("", ",\"layers\":12.0", ""), BAD, "found 12");
    bad(OC, MODEL("", ",\"norm_kwargs\":3", ""), BAD, "norm_kwargs: expected an object, found 3");
    bad(OC, "{\"model_cfg\":[]}", BAD, "model_cfg: expected an object, found a list of 0");
    bad(OC, "{\"model_cfg\":{\"vision_cfg\":{}}}", BAD, "model_cfg.embed_dim");
    bad(OC, "{\"embed_dim\":8}", BAD, "vision_cfg");
    bad(HF, CLIP("", "", ",\"vocab_size\":true"), BAD, "text_config.vocab_size");
    bad(HF, "[]", BAD, "no JSON object");
}

static void i03_patch_size_zero_is_refused(void **state)
{
    (void)state;
    bad(OC, MODEL("", ",\"patch_size\":0", ""), BAD, "patch_size");
    bad(HF, CLIP("", ",\"patch_size\":-16", ""), BAD, "patch_size");
}

static void i04_image_size_that_patches_do_not_tile_is_refused(void **state)
{
    (void)state;
    bad(OC, MODEL("", ",\"patch_size\":15", ""), BAD,
        "224 x 224 (height x width) is no multiple of patch_size 15");
}

static void i05_no_layers_are_refused(void **state)
{
    (void)state;
    bad(OC, MODEL("", ",\"layers\":0", ""), BAD, "layers");
    bad(OC, MODEL("", "", ",\"layers\":0"), BAD, "text_cfg.layers");
}

static void i06_a_million_layers_are_refused(void **state)
{
    (void)state;
    bad(OC, MODEL("", ",\"layers\":1000000", ""), BAD, "from 1 to 1000, found 1000000");
    bad(HF, CLIP("", "", ",\"num_hidden_layers\":1000000"), BAD, "from 1 to 1000, found 1000000");
    bad(HF, CLIP("", ",\"image_size\":4096,\"patch_size\":1", ""), CLIPSPAN_E_LIMIT, "tokens");
    bad(HF, CLIP("", ",\"hidden_size\":9223372036854775807", ""), BAD, "hidden_size");
    bad(OC, MODEL("", ",\"mlp_ratio\":1024,\"width\":65536,\"head_width\":64", ""), BAD,
        "MLP of width");
}

static void i07_head_width_that_does_not_divide_is_refused(void **state)
{
    (void)state;
    bad(OC, MODEL("", ",\"head_width\":100", ""), BAD,
        "head_width: expected a divisor of the width 768, found 100");
    bad(OC, MODEL("", "", ",\"heads\":7"), BAD, "512 is no multiple of its 7 heads");
}

static void i08_nan_and_infinity_are_refused(void **state)
{
    (void)state;
    bad(OC, MODEL("", ",\"mlp_ratio\":NaN", ""), BAD, "NaN");
    bad(OC, MODEL("", ",\"mlp_ratio\":Infinity", ""), BAD, "not valid JSON");
    bad(OC, MODEL("", ",\"mlp_ratio\":1e999", ""), BAD, "real number overflow");
    bad(OC, MODEL("", ",\"norm_kwargs\":{\"eps\":-1}", ""), BAD, "eps");
}

static void i09_a_million_nested_arrays_are_refused(void **state)
{
    size_t n = 1000000;
    char *text = malloc(n);
    clipspan_error err;
    (void)state;
    assert_non_null(text);
    memset(text, '[', n);
    assert_int_equal(read_bytes(OC, text, n, NULL, &err), BAD);
    assert_non_null(strstr(err.message, "nested more than 64 deep"));
    free(text);
}

static void i10_a_lone_surrogate_is_refused(void **state)
{
    (void)state;
    bad(OC, MODEL(",\"name\":\"\\ud800\"", "", ""), BAD, "not valid JSON");
    bad(OC, MODEL(",\"name\":\"\xED\xA0\x80\"", "", ""), BAD, "not valid JSON");
}

static void i12_a_byte_order_mark_is_accepted(void **state)
{
    (void)state;
    good(OC, "\xEF\xBB\xBF" MODEL("", "", ""), NULL);
    bad(OC, "\xEF\xBB\xBF\xEF\xBB\xBF{}", BAD, "at byte");
}

static void a_file_of_five_megabytes_is_refused(void **state)
{
    size_t n = (size_t)5 << 20, i;
    char *text = malloc(n);
    clipspan_error err;
    (void)state;
    assert_non_null(text);
    for (i = 0; i < n; i++)
        text[i] = i % 2 ? ',' : '1';
    text[0] = '[';
    assert_int_equal(read_bytes(OC, text, n, NULL, &err), CLIPSPAN_E_LIMIT);
    assert_int_equal(read_bytes(OC, text, 1 << 20, NULL, &err), CLIPSPAN_E_LIMIT);
    assert_non_null(strstr(err.message, "elements"));
    free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(openclip_defaults_are_those_of_its_classes),
        T(openclip_sizes_are_read),
        T(model_cfg_alone_is_a_configuration),
        T(image_size_of_two_numbers),
        T(eps_and_ln_pre_are_read),
        T(quick_gelu_is_what_the_file_says),
        T(openclip_preprocessing_is_read),
        T(what_is_not_computed_is_refused_by_name),
        T(hf_defaults_are_those_of_its_classes),
        T(hf_sizes_are_read),
        T(hf_old_dict_objects_stand_for_the_whole_tower),
        T(hf_image_tower_alone),
        T(hf_refuses_what_is_not_clip),
        T(hf_preprocessing_is_read),
        T(a_configuration_of_the_other_kind_is_named),
        T(built_in_architectures_have_their_sizes),
        T(i01_unknown_keys_are_ignored),
        T(i02_wrong_type_is_named),
        T(i03_patch_size_zero_is_refused),
        T(i04_image_size_that_patches_do_not_tile_is_refused),
        T(i05_no_layers_are_refused),
        T(i06_a_million_layers_are_refused),
        T(i07_head_width_that_does_not_divide_is_refused),
        T(i08_nan_and_infinity_are_refused),
        T(i09_a_million_nested_arrays_are_refused),
        T(i10_a_lone_surrogate_is_refused),
        T(i12_a_byte_order_mark_is_accepted),
        T(a_file_of_five_megabytes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
