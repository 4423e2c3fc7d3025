/* SPDX-License-Identifier: MIT */
/* Names of parts in both layouts, their number, and the recognition of layouts and strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "model/config_read.h"
#include "model/tensor_names.h"
#include "tiny.h"

#define OC ((int)CLIPSPAN_LAYOUT_OPENCLIP)
#define HF ((int)CLIPSPAN_LAYOUT_HUGGINGFACE)

static void expect(const char *want, clipspan_layout layout, clipspan_modality tower, cs_part part,
                   int layer, const char *before, const char *text)
{
    cs_tensor_name name;
    assert_int_equal(cs_tensor_name_get(&name, (cs_names)layout, tower, part, layer, before, text),
                     1);
    assert_string_equal(name.text, want);
}

static void names_of_both_layouts(void **state)
{
    (void)state;
    expect("visual.conv1.weight", OC, CLIPSPAN_IMAGE, CS_PATCH_WEIGHT, 0, "", "text.");
    expect("module.visual.proj", OC, CLIPSPAN_IMAGE, CS_PROJECTION, 0, "module.", "text.");
    expect("text.positional_embedding", OC, CLIPSPAN_TEXT, CS_POSITIONS, 0, "", "text.");
    expect("text_projection", OC, CLIPSPAN_TEXT, CS_PROJECTION, 0, "", "");
    expect("logit_scale", OC, CLIPSPAN_TEXT, CS_LOGIT_SCALE, 0, "", "text.");
    expect("transformer.resblocks.11.attn.in_proj_weight", OC, CLIPSPAN_TEXT, CS_K_WEIGHT, 11, "",
           "");
    expect("visual.transformer.resblocks.0.mlp.c_proj.bias", OC, CLIPSPAN_IMAGE, CS_MLP_OUT_BIAS, 0,
           "", "");
    expect("vision_model.pre_layrnorm.weight", HF, CLIPSPAN_IMAGE, CS_LN_PRE_WEIGHT, 0, "", "");
    expect("vision_model.encoder.layers.3.self_attn.v_proj.bias", HF, CLIPSPAN_IMAGE, CS_V_BIAS, 3,
           "", "");
    expect("text_model.encoder.layers.3.mlp.fc1.weight", HF, CLIPSPAN_TEXT, CS_FC_WEIGHT, 3, "",
           "");
    expect("visual_projection.weight", HF, CLIPSPAN_IMAGE, CS_PROJECTION, 0, "", "");
}

static void thirds_and_transposition(void **state)
{
    cs_tensor_name name;
    (void)state;
    cs_tensor_name_get(&name, OC, CLIPSPAN_IMAGE, CS_V_WEIGHT, 0, "", "");
    assert_int_equal(name.slices, 3);
    assert_int_equal(name.slice, 2);
    cs_tensor_name_get(&name, HF, CLIPSPAN_IMAGE, CS_V_WEIGHT, 0, "", "");
    assert_int_equal(name.slices, 1);
    cs_tensor_name_get(&name, OC, CLIPSPAN_TEXT, CS_PROJECTION, 0, "", "");
    assert_int_equal(name.transposed, 0);
    cs_tensor_name_get(&name, HF, CLIPSPAN_TEXT, CS_PROJECTION, 0, "", "");
    assert_int_equal(name.transposed, 1);
}

/* 14 + 12 a layer (OpenCLIP) and 14 + 16 a layer (Hugging Face) different names: 302 and 398 for
 * two towers of twelve layers. */
static void number_of_names_is_that_of_published_files(void **state)
{
    static char names[1000][200];
    const clipspan_layout layouts[2] = {OC, HF};
    const size_t wanted[2] = {302, 398};
    int l, tower, layer, part;
    cs_config plain;
    (void)state;
    cs_config_start(&plain, CLIPSPAN_LAYOUT_OPENCLIP);
    for (l = 0; l < 2; l++) {
        size_t count = 0, i;
        for (tower = 0; tower < 2; tower++)
            for (part = 0; part < CS_PARTS; part++)
                for (layer = 0; layer < (part < CS_LN1_WEIGHT ? 1 : 12); layer++) {
                    cs_tensor_name name;
                    if (!cs_config_has_part(&plain, tower, part) ||
                        !cs_tensor_name_get(&name, (cs_names)layouts[l], tower, part, layer, "",
                                            ""))
                        continue;
                    for (i = 0; i < count && strcmp(names[i], name.text) != 0;)
                        i++;
                    if (i == count) strcpy(names[count++], name.text);
                }
        assert_int_equal(count, wanted[l]);
    }
}

static void names_of_siglip(void **state)
{
    cs_tensor_name name;
    (void)state;
    assert_int_equal(
        cs_tensor_name_get(&name, CS_NAMES_TIMM, CLIPSPAN_IMAGE, CS_POOL_V_WEIGHT, 0, "", ""), 1);
    assert_string_equal(name.text, "visual.trunk.attn_pool.kv.weight");
    assert_int_equal(name.slice, 1);
    assert_int_equal(name.slices, 2);
    assert_int_equal(
        cs_tensor_name_get(&name, CS_NAMES_TIMM, CLIPSPAN_IMAGE, CS_K_BIAS, 3, "module.", ""), 1);
    assert_string_equal(name.text, "module.visual.trunk.blocks.3.attn.qkv.bias");
    assert_int_equal(name.slice, 1);
    assert_int_equal(name.slices, 3);
    assert_int_equal(
        cs_tensor_name_get(&name, CS_NAMES_LINEAR, CLIPSPAN_TEXT, CS_PROJECTION, 0, "", "text."),
        1);
    assert_string_equal(name.text, "text.text_projection.weight");
    assert_int_equal(name.transposed, 1);
    assert_int_equal(
        cs_tensor_name_get(&name, CS_NAMES_SIGLIP, CLIPSPAN_TEXT, CS_PROJECTION_BIAS, 0, "", ""),
        1);
    assert_string_equal(name.text, "text_model.head.bias");
    assert_int_equal(
        cs_tensor_name_get(&name, CS_NAMES_SIGLIP, CLIPSPAN_IMAGE, CS_POOL_K_BIAS, 0, "", ""), 1);
    assert_string_equal(name.text, "vision_model.head.attention.in_proj_bias");
    assert_int_equal(name.slice, 1);
    assert_int_equal(name.slices, 3);
}

static void parts_that_a_tower_does_not_have(void **state)
{
    cs_tensor_name name;
    (void)state;
    assert_int_equal(cs_tensor_name_get(&name, OC, CLIPSPAN_TEXT, CS_PATCH_WEIGHT, 0, "", ""), 0);
    assert_int_equal(cs_tensor_name_get(&name, OC, CLIPSPAN_TEXT, CS_LN_PRE_BIAS, 0, "", ""), 0);
    assert_int_equal(cs_tensor_name_get(&name, HF, CLIPSPAN_IMAGE, CS_TOKEN_TABLE, 0, "", ""), 0);
    assert_int_equal(cs_tensor_name_get(&name, HF, CLIPSPAN_IMAGE, CS_LOGIT_SCALE, 0, "", ""), 0);
    assert_int_equal(cs_tensor_name_get(&name, OC, CLIPSPAN_IMAGE, CS_PARTS, 0, "", ""), 0);
}

static void names_that_nothing_needs(void **state)
{
    (void)state;
    assert_int_equal(cs_tensor_name_ignored("input_resolution", ""), 1);
    assert_int_equal(cs_tensor_name_ignored("module.vocab_size", "module."), 1);
    assert_int_equal(cs_tensor_name_ignored("text_model.embeddings.position_ids", ""), 1);
    assert_int_equal(cs_tensor_name_ignored("module.vocab_size", ""), 0);
    assert_int_equal(cs_tensor_name_ignored("visual.conv1.weight", ""), 0);
    assert_int_equal(cs_tensor_name_ignored("vocab_size.weight", ""), 0);
}

/* A file with one empty tensor of each name. */
static clipspan_status detect(const char *const *names, size_t count, clipspan_layout *layout,
                              char *before, char *text, clipspan_error *err)
{
    const uint64_t shape[1] = {0};
    char *folder = cs_tiny_folder(), *path = cs_tiny_path(folder, "f.safetensors");
    const char *paths[1] = {path};
    cs_tiny_file *file = cs_tiny_file_new();
    cs_safetensors *tensors;
    clipspan_status status;
    size_t i;
    for (i = 0; i < count; i++)
        cs_tiny_file_add(file, names[i], "F32", shape, 1, NULL);
    cs_tiny_file_end(file, folder, "f.safetensors");
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, err), CLIPSPAN_OK);
    status = cs_tensor_names_detect(layout, before, text, tensors, err);
    cs_safetensors_close(&tensors);
    cs_tiny_remove(&folder);
    free(path);
    return status;
}

static void layouts_and_prefixes_are_recognised(void **state)
{
    static const struct {
        const char *names[3];
        clipspan_layout layout;
        const char *before, *text;
    } cases[] = {
        {{"visual.conv1.weight", "positional_embedding", "zzz"}, OC, "", ""},
        {{"module.visual.conv1.weight", "module.text.token_embedding.weight", "a"},
         OC,
         "module.",
         "text."},
        {{"state_dict.module.visual.conv1.weight", "b", "a"}, OC, "state_dict.module.", ""},
        {{"vision_model.embeddings.patch_embedding.weight", "visual.x", "text.y"}, HF, "", ""},
    };
    char before[32], text[16];
    clipspan_layout layout;
    clipspan_error err;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(detect(cases[i].names, 3, &layout, before, text, &err), CLIPSPAN_OK);
        assert_int_equal(layout, cases[i].layout);
        assert_string_equal(before, cases[i].before);
        assert_string_equal(text, cases[i].text);
    }
}

static void strangers_are_refused_by_name(void **state)
{
    static const struct {
        const char *name, *word;
    } cases[] = {
        {"visual.trunk.stem.0.weight", "timm"},
        {"module.visual.trunk.stages.0.blocks.0.weight", "timm"},
        {"visual.trunk.cls_token", "class token"},
        {"visual.attnpool.positional_embedding", "ModifiedResNet"},
        {"visual.attn_pool.query", "attentional pooling"},
        {"image_encoder.model.patch_emb.0.weight", "MobileCLIP"},
        {"text_decoder.layer.0.weight", "CoCa"},
        {"text.transformer.embeddings.word_embeddings.weight", "RoBERTa"},
        {"first_stage_model.encoder.conv_in.weight", "Stable Diffusion"},
        {"model.embed_tokens.weight", "language model"},
    };
    char before[32], text[16];
    clipspan_layout layout;
    clipspan_error err;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *names[2] = {"visual.conv1.weight", cases[i].name};
        assert_int_equal(detect(names, 2, &layout, before, text, &err), CLIPSPAN_E_UNSUPPORTED);
        if (!strstr(err.message, cases[i].word)) fail_msg("%s", err.message);
    }
}

static void a_file_without_an_image_tower_is_refused(void **state)
{
    const char *names[1] = {"encoder.weight"};
    char before[32], text[16];
    clipspan_layout layout;
    clipspan_error err;
    (void)state;
    assert_int_equal(detect(names, 1, &layout, before, text, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "its first tensor is \"encoder.weight\""));
    assert_int_equal(detect(names, 0, &layout, before, text, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "(none)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_both_layouts),
        cmocka_unit_test(thirds_and_transposition),
        cmocka_unit_test(number_of_names_is_that_of_published_files),
        cmocka_unit_test(names_of_siglip),
        cmocka_unit_test(parts_that_a_tower_does_not_have),
        cmocka_unit_test(names_that_nothing_needs),
        cmocka_unit_test(layouts_and_prefixes_are_recognised),
        cmocka_unit_test(strangers_are_refused_by_name),
        cmocka_unit_test(a_file_without_an_image_tower_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
