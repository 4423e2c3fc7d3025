/* SPDX-License-Identifier: MIT */
/* Whole checkpoints: both layouts hold the same parts, variants of files are read, and what does
 * not fit is refused with names and both shapes (n10 … n18 of group N of the list of bad inputs;
 * i11 of group I). */
#define _XOPEN_SOURCE 700
#include <clipspan/clipspan.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "model/checkpoint.h"
#include "tiny.h"

static char *folder;
static cs_tiny_model model;

static int setup(void **state)
{
    const cs_tiny_model plain = CS_TINY_MODEL_INIT;
    (void)state;
    folder = cs_tiny_folder();
    model = plain;
    model.vocab = 600;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    return 0;
}

static cs_checkpoint *open_with(const char *path, const char *config, int quick)
{
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    cs_checkpoint *c;
    clipspan_error err = {0};
    options.config = config;
    options.quick_gelu = quick;
    if (cs_checkpoint_open(&c, path, &options, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    return c;
}

static void refuse_with(const char *path, const char *config, clipspan_status code,
                        const char *word)
{
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    cs_checkpoint *c;
    clipspan_error err = {0};
    options.config = config;
    assert_int_equal(cs_checkpoint_open(&c, path, &options, &err), code);
    assert_null(c);
    if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
}

static void refuse(clipspan_status code, const char *word)
{
    refuse_with(folder, NULL, code, word);
}

/* A part as numbers; *count of them. */
static float *read_part(const cs_checkpoint *c, clipspan_modality tower, cs_part part, int layer,
                        size_t *count)
{
    cs_tensor_ref ref = cs_checkpoint_part(c, tower, part, layer);
    clipspan_error err = {0};
    float *out;
    *count = 0;
    if (!ref.entry) return NULL;
    *count = (size_t)(ref.rows * ref.columns);
    out = malloc((*count + 1) * sizeof *out);
    assert_non_null(out);
    out[*count] = 12345.0f;
    if (cs_checkpoint_read(out, c, ref, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    assert_true(out[*count] == 12345.0f);
    return out;
}

/* Every part of both checkpoints, numbers within tolerance; projections are compared as W. */
static void expect_same(const cs_checkpoint *a, const cs_checkpoint *b, float tolerance)
{
    int tower, part, layer;
    for (tower = 0; tower < 2; tower++)
        for (part = 0; part < CS_PARTS; part++)
            for (layer = 0; layer < (part < CS_LN1_WEIGHT ? 1 : 2); layer++) {
                cs_tensor_ref ra = cs_checkpoint_part(a, tower, part, layer);
                cs_tensor_ref rb = cs_checkpoint_part(b, tower, part, layer);
                size_t n, m, i;
                float *x = read_part(a, tower, part, layer, &n);
                float *y = read_part(b, tower, part, layer, &m);
                assert_int_equal(n, m);
                for (i = 0; i < n; i++) {
                    size_t j = i;
                    if (ra.transposed != rb.transposed)
                        j = i % (size_t)ra.columns * (size_t)ra.rows + i / (size_t)ra.columns;
                    if (!(fabsf(x[i] - y[j]) <= tolerance))
                        fail_msg("tower %d part %d layer %d number %zu: %g %g", tower, part, layer,
                                 i, (double)x[i], (double)y[j]);
                }
                free(x);
                free(y);
            }
}

/* ---- What is read ---- */

static void both_layouts_hold_the_same_parts(void **state)
{
    char *other = cs_tiny_path(folder, "hf");
    cs_checkpoint *a, *b;
    (void)state;
    cs_tiny_write_openclip(folder, &model, 7);
    cs_tiny_write_hf(folder, &model, 7);
    /* With both in one folder, OpenCLIP's is taken. */
    a = open_with(folder, NULL, 0);
    assert_int_equal(cs_checkpoint_config(a)->layout, CLIPSPAN_LAYOUT_OPENCLIP);
    cs_tiny_write(folder, "hf/x", "", 0);
    cs_tiny_write_hf(other, &model, 7);
    b = open_with(other, NULL, 0);
    assert_int_equal(cs_checkpoint_config(b)->layout, CLIPSPAN_LAYOUT_HUGGINGFACE);
    expect_same(a, b, 0.0f);
    assert_int_equal(cs_checkpoint_parameters(a, CLIPSPAN_IMAGE),
                     cs_checkpoint_parameters(b, CLIPSPAN_IMAGE));
    assert_int_equal(cs_checkpoint_parameters(a, CLIPSPAN_TEXT),
                     cs_checkpoint_parameters(b, CLIPSPAN_TEXT));
    assert_string_equal(cs_checkpoint_name(b), other);
    assert_string_equal(cs_checkpoint_path(b), other);
    assert_string_equal(cs_checkpoint_tokenizer(b), "");
    cs_checkpoint_close(&a);
    cs_checkpoint_close(&b);
    assert_null(a);
    free(other);
}

static void parts_have_the_places_of_the_contract(void **state)
{
    cs_checkpoint *c;
    cs_tensor_ref ref;
    (void)state;
    model.width = 24;
    cs_tiny_write_openclip(folder, &model, 1);
    c = open_with(folder, NULL, 0);
    ref = cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_V_WEIGHT, 1);
    assert_string_equal(ref.entry->name, "visual.transformer.resblocks.1.attn.in_proj_weight");
    assert_int_equal(ref.first, 48);
    assert_int_equal(ref.rows, 24);
    assert_int_equal(ref.columns, 24);
    ref = cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_K_BIAS, 0);
    assert_int_equal(ref.first, 1);
    assert_int_equal(ref.rows, 1);
    assert_int_equal(ref.columns, 24);
    ref = cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_PATCH_WEIGHT, 0);
    assert_int_equal(ref.rows, 24);
    assert_int_equal(ref.columns, 3 * 8 * 8);
    ref = cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_PROJECTION, 0);
    assert_int_equal(ref.rows, 24);
    assert_int_equal(ref.columns, 12);
    assert_int_equal(ref.transposed, 0);
    assert_null(cs_checkpoint_part(c, CLIPSPAN_TEXT, CS_LN_PRE_BIAS, 0).entry);
    assert_null(cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_Q_BIAS, 2).entry);
    assert_null(cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_Q_BIAS, -1).entry);
    assert_int_equal(cs_checkpoint_read(NULL, c, cs_checkpoint_part(c, 0, CS_Q_BIAS, 2), NULL),
                     CLIPSPAN_E_INTERNAL);
    cs_checkpoint_close(&c);
}

/* The same model in other types; numbers are below 3, so a half is off by 2^-11 * 2 at most. */
static void expect_types(const char *matrices, const char *vectors, float tolerance)
{
    char *other = cs_tiny_folder();
    cs_checkpoint *plain, *c;
    cs_tiny_write_openclip(folder, &model, 3);
    plain = open_with(folder, NULL, 0);
    model.dtype = matrices;
    model.small_dtype = vectors;
    cs_tiny_write_openclip(other, &model, 3);
    c = open_with(other, NULL, 0);
    expect_same(plain, c, tolerance);
    cs_checkpoint_close(&c);
    cs_checkpoint_close(&plain);
    cs_tiny_remove(&other);
}

static void n10_bf16_file_is_read(void **state)
{
    (void)state;
    expect_types("BF16", "BF16", 0.016f);
}

static void n11_types_may_differ_by_tensor(void **state)
{
    const cs_tiny_model plain = model;
    (void)state;
    expect_types("F16", "F32", 0.002f);
    model = plain;
    expect_types("F64", "F16", 0.002f);
    model = plain;
    expect_types("F64", "F64", 0.0f);
}

static void expect_scale(int rank)
{
    cs_checkpoint *c;
    size_t count;
    float *value;
    model.scale_rank = rank;
    cs_tiny_write_openclip(folder, &model, 1);
    c = open_with(folder, NULL, 0);
    value = read_part(c, CLIPSPAN_TEXT, CS_LOGIT_SCALE, 0, &count);
    assert_int_equal(count, 1);
    assert_true(value[0] == 2.6592f);
    assert_int_equal(cs_checkpoint_part(c, CLIPSPAN_TEXT, CS_LOGIT_SCALE, 0).entry->rank, rank);
    free(value);
    cs_checkpoint_close(&c);
}

static void n12_logit_scale_of_rank_1_is_read(void **state)
{
    (void)state;
    expect_scale(1);
}

static void n13_logit_scale_of_rank_0_is_read(void **state)
{
    (void)state;
    expect_scale(0);
}

static void prefixes_and_old_extras_are_read(void **state)
{
    cs_checkpoint *plain, *c;
    char *other = cs_tiny_folder();
    static const char *const prefixes[] = {"", "module.", "state_dict.", "state_dict.module."};
    size_t i;
    int custom;
    (void)state;
    cs_tiny_write_openclip(folder, &model, 5);
    plain = open_with(folder, NULL, 0);
    model.old_extras = 1;
    for (i = 0; i < 4; i++)
        for (custom = 0; custom < 2; custom++) {
            model.prefix = prefixes[i];
            model.custom_text = custom;
            cs_tiny_write_openclip(other, &model, 5);
            c = open_with(other, NULL, 0);
            assert_string_equal(cs_checkpoint_config(c)->name_prefix, custom ? "text." : "");
            expect_same(plain, c, 0.0f);
            cs_checkpoint_close(&c);
        }
    cs_tiny_remove(&other);
    other = cs_tiny_folder();
    cs_tiny_write_hf(other, &model, 5);
    c = open_with(other, NULL, 0);
    expect_same(plain, c, 0.0f);
    cs_checkpoint_close(&c);
    cs_checkpoint_close(&plain);
    cs_tiny_remove(&other);
}

static void unusual_configurations_are_read(void **state)
{
    cs_checkpoint *c;
    const cs_config *config;
    (void)state;
    model.no_ln_pre = 1;
    model.eps = 1e-6f;
    model.height = 16;
    model.input_width = 40;
    model.heads = 2;
    model.mlp = 33;
    model.quick_gelu = 1;
    model.context = 13;
    cs_tiny_write_openclip(folder, &model, 1);
    c = open_with(folder, NULL, 0);
    config = cs_checkpoint_config(c);
    assert_int_equal(config->has_ln_pre, 0);
    assert_true(config->image.eps == 1e-6f);
    assert_int_equal(config->tokens, 1 + 2 * 5);
    assert_int_equal(config->grid_height, 2);
    assert_int_equal(config->image.head_width, 12);
    assert_int_equal(config->image.mlp_width, 33);
    assert_int_equal(config->activation, CLIPSPAN_QUICK_GELU);
    assert_int_equal(config->context_length, 13);
    assert_null(cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_LN_PRE_WEIGHT, 0).entry);
    cs_checkpoint_close(&c);
}

static void an_image_tower_alone_is_a_model(void **state)
{
    cs_checkpoint *c;
    char *other = cs_tiny_folder();
    (void)state;
    model.no_text = 1;
    cs_tiny_write_openclip(folder, &model, 1);
    cs_tiny_write_hf(other, &model, 1);
    c = open_with(folder, NULL, 0);
    assert_int_equal(cs_checkpoint_config(c)->has_text, 0);
    assert_int_equal(cs_checkpoint_parameters(c, CLIPSPAN_TEXT), 0);
    assert_null(cs_checkpoint_part(c, CLIPSPAN_TEXT, CS_TOKEN_TABLE, 0).entry);
    assert_null(cs_checkpoint_part(c, CLIPSPAN_TEXT, CS_Q_BIAS, 0).entry);
    assert_string_equal(cs_checkpoint_tokenizer(c), "");
    cs_checkpoint_close(&c);
    c = open_with(other, NULL, 0);
    assert_int_equal(cs_checkpoint_config(c)->has_text, 0);
    cs_checkpoint_close(&c);
    cs_tiny_remove(&other);
}

static void shards_of_an_index_are_one_model(void **state)
{
    cs_checkpoint *c;
    const uint64_t shape[1] = {1};
    cs_tiny_file *file = cs_tiny_file_new();
    const float scale = 2.0f;
    (void)state;
    model.missing = "logit_scale";
    cs_tiny_write_hf(folder, &model, 1);
    {
        char *from = cs_tiny_path(folder, "model.safetensors");
        char *to = cs_tiny_path(folder, "s-00001.safetensors");
        assert_int_equal(rename(from, to), 0);
        free(from);
        free(to);
    }
    cs_tiny_file_add(file, "logit_scale", "F32", shape, 0, &scale);
    cs_tiny_file_end(file, folder, "s-00002.safetensors");
    cs_tiny_write_text(folder, "model.safetensors.index.json",
                       "{\"metadata\":{},\"weight_map\":{\"logit_scale\":\"s-00002.safetensors\","
                       "\"visual_projection.weight\":\"s-00001.safetensors\"}}");
    c = open_with(folder, NULL, 0);
    assert_int_equal(cs_safetensors_files(cs_checkpoint_tensors(c)), 2);
    assert_int_equal(cs_checkpoint_part(c, CLIPSPAN_TEXT, CS_LOGIT_SCALE, 0).entry->file, 1);
    cs_checkpoint_close(&c);
}

/* ---- Bare files ---- */

static void bare_file_finds_its_configuration(void **state)
{
    char *file = cs_tiny_path(folder, "open_clip_model.safetensors");
    char *config = cs_tiny_path(folder, "open_clip_config.json");
    char *own = cs_tiny_path(folder, "mine.json"), *mine = cs_tiny_path(folder, "mine.safetensors");
    cs_checkpoint *c;
    (void)state;
    cs_tiny_write_openclip(folder, &model, 1);
    c = open_with(file, NULL, 0);
    assert_string_equal(cs_checkpoint_path(c), file);
    cs_checkpoint_close(&c);
    assert_int_equal(rename(file, mine), 0);
    assert_int_equal(rename(config, own), 0);
    c = open_with(mine, NULL, 0);
    cs_checkpoint_close(&c);
    assert_int_equal(rename(own, config), 0);
    {
        char *far = cs_tiny_path(folder, "far/weights.safetensors");
        cs_tiny_write(folder, "far/x", "", 0);
        assert_int_equal(rename(mine, far), 0);
        refuse_with(far, NULL, CLIPSPAN_E_NOT_FOUND, "weights.json or open_clip_config.json");
        c = open_with(far, config, 0);
        assert_int_equal(cs_checkpoint_config(c)->activation, CLIPSPAN_GELU);
        cs_checkpoint_close(&c);
        refuse_with(far, "ViT-B-17", CLIPSPAN_E_NOT_FOUND, "did you mean ViT-B-16?");
        refuse_with(far, "ViT-B-16", CLIPSPAN_E_SHAPE, "has shape [24, 3, 8, 8]");
        free(far);
    }
    free(file);
    free(config);
    free(own);
    free(mine);
}

/* The names and shapes of a built-in architecture are all that matters: data are a hole. */
static void write_vit_b_32(const char *name, int hf, const char *extra)
{
    static const struct {
        const char *openclip, *hf;
        int rank, shape[2];
    } blocks[] = {
        {"ln_1.weight", "layer_norm1.weight", 1, {1}},
        {"ln_1.bias", "layer_norm1.bias", 1, {1}},
        {"attn.in_proj_weight", NULL, 2, {3, 1}},
        {"attn.in_proj_bias", NULL, 1, {3}},
        {"attn.out_proj.weight", "self_attn.out_proj.weight", 2, {1, 1}},
        {"attn.out_proj.bias", "self_attn.out_proj.bias", 1, {1}},
        {"ln_2.weight", "layer_norm2.weight", 1, {1}},
        {"ln_2.bias", "layer_norm2.bias", 1, {1}},
        {"mlp.c_fc.weight", "mlp.fc1.weight", 2, {4, 1}},
        {"mlp.c_fc.bias", "mlp.fc1.bias", 1, {4}},
        {"mlp.c_proj.weight", "mlp.fc2.weight", 2, {1, 4}},
        {"mlp.c_proj.bias", "mlp.fc2.bias", 1, {1}},
        {NULL, "self_attn.q_proj.weight", 2, {1, 1}},
        {NULL, "self_attn.q_proj.bias", 1, {1}},
        {NULL, "self_attn.k_proj.weight", 2, {1, 1}},
        {NULL, "self_attn.k_proj.bias", 1, {1}},
        {NULL, "self_attn.v_proj.weight", 2, {1, 1}},
        {NULL, "self_attn.v_proj.bias", 1, {1}},
    };
    static const struct {
        const char *openclip, *hf;
        int rank;
        unsigned shape[4];
    } once[] = {
        {"visual.conv1.weight",
         "vision_model.embeddings.patch_embedding.weight",
         4,
         {768, 3, 32, 32}},
        {"visual.class_embedding", "vision_model.embeddings.class_embedding", 1, {768}},
        {"visual.positional_embedding",
         "vision_model.embeddings.position_embedding.weight",
         2,
         {50, 768}},
        {"visual.ln_pre.weight", "vision_model.pre_layrnorm.weight", 1, {768}},
        {"visual.ln_pre.bias", "vision_model.pre_layrnorm.bias", 1, {768}},
        {"visual.ln_post.weight", "vision_model.post_layernorm.weight", 1, {768}},
        {"visual.ln_post.bias", "vision_model.post_layernorm.bias", 1, {768}},
        {"token_embedding.weight", "text_model.embeddings.token_embedding.weight", 2, {49408, 512}},
        {"positional_embedding", "text_model.embeddings.position_embedding.weight", 2, {77, 512}},
        {"ln_final.weight", "text_model.final_layer_norm.weight", 1, {512}},
        {"ln_final.bias", "text_model.final_layer_norm.bias", 1, {512}},
        {"logit_scale", "logit_scale", 0, {0}},
    };
    size_t room = 1 << 18, used = 0, i, at = 0, size;
    char *header = malloc(room), *path = cs_tiny_path(folder, name);
    int tower, layer, k;
    assert_non_null(header);
    header[used++] = '{';
#define ENTRY(...)                                                                                 \
    used += (size_t)snprintf(header + used, room - used, "%s\"", used > 1 ? "," : "");             \
    used += (size_t)snprintf(header + used, room - used, __VA_ARGS__);                             \
    used += (size_t)snprintf(header + used, room - used, "\":{\"dtype\":\"F16\",\"shape\":[")
#define END                                                                                        \
    used += (size_t)snprintf(header + used, room - used, "],\"data_offsets\":[%zu,%zu]}", at,      \
                             at + size);                                                           \
    at += size
    for (i = 0; i < sizeof once / sizeof *once; i++) {
        ENTRY("%s", hf ? once[i].hf : once[i].openclip);
        for (size = 2, k = 0; k < once[i].rank; k++, size *= once[i].shape[k - 1])
            used += (size_t)snprintf(header + used, room - used, "%s%u", k ? "," : "",
                                     once[i].shape[k]);
        END;
    }
    for (tower = 0; tower < 2; tower++) {
        int d = tower ? 512 : 768;
        ENTRY("%s", hf ? (tower ? "text_projection.weight" : "visual_projection.weight")
                       : (tower ? "text_projection" : "visual.proj"));
        used += (size_t)snprintf(header + used, room - used, "%d,%d", hf ? 512 : d, hf ? d : 512);
        size = (size_t)(d * 512 * 2);
        END;
        for (layer = 0; layer < 12; layer++)
            for (i = 0; i < sizeof blocks / sizeof *blocks; i++) {
                const char *last = hf ? blocks[i].hf : blocks[i].openclip;
                if (!last) continue;
                ENTRY("%s%d.%s",
                      hf ? (tower ? "text_model.encoder.layers." : "vision_model.encoder.layers.")
                         : (tower ? "transformer.resblocks." : "visual.transformer.resblocks."),
                      layer, last);
                for (size = 2, k = 0; k < blocks[i].rank;
                     k++, size *= (size_t)(d * blocks[i].shape[k - 1]))
                    used += (size_t)snprintf(header + used, room - used, "%s%d", k ? "," : "",
                                             d * blocks[i].shape[k]);
                END;
            }
    }
    if (extra) {
        ENTRY("%s", extra);
        size = 2;
        END;
    }
#undef ENTRY
#undef END
    header[used++] = '}';
    cs_tiny_write_raw(folder, name, header, used, "", 0);
    assert_int_equal(truncate(path, (off_t)(8 + used + at)), 0);
    free(header);
    free(path);
}

static void bare_file_of_a_built_in_architecture(void **state)
{
    char *file = cs_tiny_path(folder, "w.safetensors");
    struct timespec a, b;
    cs_checkpoint *c;
    double seconds;
    int hf;
    (void)state;
    for (hf = 0; hf < 2; hf++) {
        write_vit_b_32("w.safetensors", hf, NULL);
        /* Nothing says which activation it is: that is asked for, not guessed. */
        refuse_with(file, "ViT-B-32", CLIPSPAN_E_ARGUMENT, "--quick-gelu");
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        c = open_with(file, "ViT-B-32-quickgelu", 0);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        seconds = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        if (!cs_tiny_sanitized()) assert_true(seconds < 0.05);
        assert_int_equal(cs_safetensors_count(cs_checkpoint_tensors(c)), hf ? 398 : 302);
        assert_int_equal(cs_checkpoint_config(c)->activation, CLIPSPAN_QUICK_GELU);
        assert_non_null(strstr(cs_checkpoint_config(c)->activation_source, "architecture name"));
        assert_int_equal(cs_checkpoint_parameters(c, CLIPSPAN_IMAGE) +
                             cs_checkpoint_parameters(c, CLIPSPAN_TEXT),
                         151277313);
        cs_checkpoint_close(&c);
        c = open_with(file, "ViT-B-32", -1);
        assert_int_equal(cs_checkpoint_config(c)->activation, CLIPSPAN_GELU);
        assert_string_equal(cs_checkpoint_config(c)->activation_source, "the caller's option");
        cs_checkpoint_close(&c);
        refuse_with(file, "ViT-B-16", CLIPSPAN_E_SHAPE, "by the configuration in ViT-B-16");
    }
    write_vit_b_32("w.safetensors", 0, "input_resolution");
    c = open_with(file, "ViT-B-32", 0);
    assert_int_equal(cs_checkpoint_config(c)->activation, CLIPSPAN_QUICK_GELU);
    assert_non_null(strstr(cs_checkpoint_config(c)->activation_source, "input_resolution"));
    cs_checkpoint_close(&c);
    free(file);
}

static void published_checkpoint_without_configuration_is_known(void **state)
{
    static const char commit[] = "0123456789abcdef0123456789abcdef01234567";
    char name[256];
    cs_checkpoint *c;
    (void)state;
    setenv("HF_HUB_CACHE", folder, 1);
    cs_tiny_write_text(folder, "models--timm--vit_base_patch32_clip_224.openai/refs/main", commit);
    snprintf(name, sizeof name,
             "models--timm--vit_base_patch32_clip_224.openai/snapshots/%s/model.safetensors",
             commit);
    cs_tiny_write_text(folder, name, "");
    write_vit_b_32(name, 0, NULL);
    c = open_with("ViT-B-32/openai", NULL, 0);
    assert_int_equal(cs_checkpoint_config(c)->activation, CLIPSPAN_QUICK_GELU);
    assert_non_null(strstr(cs_checkpoint_config(c)->activation_source, "ViT-B-32/openai"));
    assert_string_equal(cs_checkpoint_name(c), "ViT-B-32/openai");
    cs_checkpoint_close(&c);
    unsetenv("HF_HUB_CACHE");
}

static void configuration_in_another_folder_brings_its_preprocessing(void **state)
{
    char *other = cs_tiny_folder(), *config = cs_tiny_path(other, "config.json");
    char *weights = cs_tiny_path(folder, "w.safetensors");
    cs_checkpoint *c;
    (void)state;
    cs_tiny_write_hf(other, &model, 1);
    cs_tiny_write_text(other, "merges.txt", "#version: 0.2\n");
    cs_tiny_write_hf_weights(folder, "w.safetensors", &model, 1);
    c = open_with(weights, config, 0);
    assert_true(cs_checkpoint_config(c)->preprocess.mean[2] == 0.3f);
    assert_string_equal(cs_checkpoint_tokenizer(c), other);
    cs_checkpoint_close(&c);
    free(config);
    free(weights);
    cs_tiny_remove(&other);
}

static void the_callers_option_decides_the_activation(void **state)
{
    cs_checkpoint *c;
    (void)state;
    model.quick_gelu = 1;
    cs_tiny_write_hf(folder, &model, 1);
    c = open_with(folder, NULL, -1);
    assert_int_equal(cs_checkpoint_config(c)->activation, CLIPSPAN_GELU);
    assert_string_equal(cs_checkpoint_config(c)->activation_source, "the caller's option");
    cs_checkpoint_close(&c);
}

/* ---- What is refused ---- */

static void n14_missing_tensor_is_named(void **state)
{
    (void)state;
    model.missing = "visual.ln_post.bias";
    cs_tiny_write_openclip(folder, &model, 1);
    refuse(CLIPSPAN_E_NOT_FOUND, "lacks 1 tensor that the configuration");
    refuse(CLIPSPAN_E_NOT_FOUND, "\"visual.ln_post.bias\"");
    model.missing = "text_model.encoder.layers.1.self_attn.k_proj.bias";
    cs_tiny_remove(&folder);
    folder = cs_tiny_folder();
    cs_tiny_write_hf(folder, &model, 1);
    refuse(CLIPSPAN_E_NOT_FOUND, "\"text_model.encoder.layers.1.self_attn.k_proj.bias\"");
}

static void n15_extra_tensor_is_named(void **state)
{
    (void)state;
    model.extra = "visual.transformer.resblocks.0.ls_1.gamma";
    cs_tiny_write_openclip(folder, &model, 1);
    refuse(CLIPSPAN_E_FORMAT, "holds 1 tensor that the configuration");
    refuse(CLIPSPAN_E_FORMAT, "\"visual.transformer.resblocks.0.ls_1.gamma\"");
}

static void n16_wrong_shape_shows_both(void **state)
{
    (void)state;
    model.longer = "visual.transformer.resblocks.1.mlp.c_fc.weight";
    cs_tiny_write_openclip(folder, &model, 1);
    refuse(CLIPSPAN_E_SHAPE,
           "tensor \"visual.transformer.resblocks.1.mlp.c_fc.weight\" has shape "
           "[40, 25]; expected [40, 24], [MLP width, width] by the configuration");
    refuse(CLIPSPAN_E_SHAPE, "open_clip_config.json");
    refuse(CLIPSPAN_E_SHAPE, "open_clip_model.safetensors: ");
}

static void n17_transposed_projection_is_told_by_its_shape(void **state)
{
    (void)state;
    model.swapped = "visual.proj";
    cs_tiny_write_openclip(folder, &model, 1);
    refuse(CLIPSPAN_E_SHAPE, "has shape [12, 24]; expected [24, 12]");
    refuse(CLIPSPAN_E_SHAPE, "is transposed");
}

/* With as many columns as rows the two cannot be told apart: the file is taken as it is. */
static void n18_transposed_square_projection_cannot_be_told(void **state)
{
    cs_checkpoint *c;
    (void)state;
    model.embed = model.width;
    model.swapped = "visual.proj";
    cs_tiny_write_openclip(folder, &model, 1);
    c = open_with(folder, NULL, 0);
    cs_checkpoint_close(&c);
}

static void i11_configuration_of_another_width_shows_both(void **state)
{
    (void)state;
    cs_tiny_write_openclip(folder, &model, 1);
    model.width = 48;
    model.heads = 6;
    {
        char *other = cs_tiny_folder();
        char *config = cs_tiny_path(other, "open_clip_config.json");
        cs_tiny_write_openclip(other, &model, 1);
        refuse_with(folder, config, CLIPSPAN_E_SHAPE,
                    "has shape [24, 3, 8, 8]; expected [48, 3, 8, 8]");
        free(config);
        cs_tiny_remove(&other);
    }
}

static void fewer_layers_in_the_configuration_leave_tensors_over(void **state)
{
    char *other = cs_tiny_folder(), *config = cs_tiny_path(other, "open_clip_config.json");
    (void)state;
    cs_tiny_write_openclip(folder, &model, 1);
    model.text_layers = 1;
    cs_tiny_write_openclip(other, &model, 1);
    refuse_with(folder, config, CLIPSPAN_E_FORMAT, "holds 12 tensors");
    refuse_with(folder, config, CLIPSPAN_E_FORMAT, "(2 image layers, 1 text layers)");
    model.text_layers = 3;
    cs_tiny_write_openclip(other, &model, 1);
    refuse_with(folder, config, CLIPSPAN_E_NOT_FOUND, "lacks 12 tensors");
    free(config);
    cs_tiny_remove(&other);
}

static void types_that_are_not_loaded_are_refused(void **state)
{
    (void)state;
    model.small_dtype = "I64";
    cs_tiny_write_openclip(folder, &model, 1);
    refuse(CLIPSPAN_E_UNSUPPORTED, "has dtype I64");
}

static void folders_that_are_no_model_are_refused(void **state)
{
    char *file = cs_tiny_path(folder, "model.safetensors");
    (void)state;
    refuse(CLIPSPAN_E_NOT_FOUND, "is no model");
    cs_tiny_write_text(folder, "config.json", "{\"model_type\":\"clip\"}");
    refuse(CLIPSPAN_E_NOT_FOUND, "is no model");
    cs_tiny_write(folder, "model.safetensors", "PK\3\4................................", 36);
    refuse(CLIPSPAN_E_UNSUPPORTED, "zip archive");
    cs_tiny_write_hf_weights(folder, "model.safetensors", &model, 1);
    assert_int_equal(unlink((free(file), file = cs_tiny_path(folder, "config.json"), file)), 0);
    refuse(CLIPSPAN_E_NOT_FOUND, "config.json is not in");
    free(file);
}

/* ---- Tokenizer ---- */

static void the_models_own_merges_table_is_found(void **state)
{
    cs_checkpoint *c;
    char *merges = cs_tiny_path(folder, "merges.txt"), *other = cs_tiny_folder();
    (void)state;
    cs_tiny_write_openclip(folder, &model, 1);
    cs_tiny_write_text(folder, "merges.txt", "#version: 0.2\n");
    c = open_with(folder, NULL, 0);
    assert_string_equal(cs_checkpoint_tokenizer(c), merges);
    cs_checkpoint_close(&c);
    cs_tiny_write_hf(other, &model, 1);
    cs_tiny_write_text(other, "merges.txt", "#version: 0.2\n");
    c = open_with(other, NULL, 0);
    assert_string_equal(cs_checkpoint_tokenizer(c), other);
    cs_checkpoint_close(&c);
    free(merges);
    cs_tiny_remove(&other);
}

static void merges_named_by_the_configuration_lie_in_the_folder(void **state)
{
    static const char form[] =
        "{\"embed_dim\":12,\"vision_cfg\":{\"image_size\":16,\"layers\":2,\"width\":24,"
        "\"head_width\":8,\"mlp_ratio\":1.7,\"patch_size\":8},\"text_cfg\":{\"vocab_size\":600,"
        "\"width\":16,\"heads\":2,\"layers\":2,\"mlp_ratio\":1.5,\"tokenizer_kwargs\":{\"bpe_"
        "path\":"
        "\"%s\"}}}";
    char text[800], *path = cs_tiny_path(folder, "own.txt");
    cs_checkpoint *c;
    (void)state;
    cs_tiny_write_openclip(folder, &model, 1);
    snprintf(text, sizeof text, form, "own.txt");
    cs_tiny_write_text(folder, "open_clip_config.json", text);
    refuse(CLIPSPAN_E_NOT_FOUND, "bpe_path \"own.txt\" is not beside it");
    cs_tiny_write_text(folder, "own.txt", "a b\n");
    c = open_with(folder, NULL, 0);
    assert_string_equal(cs_checkpoint_tokenizer(c), path);
    cs_checkpoint_close(&c);
    snprintf(text, sizeof text, form, "../own.txt");
    cs_tiny_write_text(folder, "open_clip_config.json", text);
    refuse(CLIPSPAN_E_UNSUPPORTED, "leads out of the model's folder");
    free(path);
}

/* ---- A real checkpoint, where there is one ---- */

static void the_trial_model_opens(void **state)
{
    const char *shared = getenv("CLIPSPAN_SHARED");
    char *path = shared ? cs_tiny_path(shared, "data/models/natural") : NULL;
    cs_checkpoint *c;
    (void)state;
    if (!path || cs_path_kind(path) != 2) {
        free(path);
        skip();
    }
    c = open_with(path, NULL, 0);
    assert_int_equal(cs_checkpoint_config(c)->image.layers, 12);
    assert_int_equal(cs_checkpoint_config(c)->has_ln_pre, 0);
    assert_int_equal(cs_safetensors_count(cs_checkpoint_tensors(c)), 204);
    cs_checkpoint_close(&c);
    free(path);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_layouts_hold_the_same_parts),
        T(parts_have_the_places_of_the_contract),
        T(n10_bf16_file_is_read),
        T(n11_types_may_differ_by_tensor),
        T(n12_logit_scale_of_rank_1_is_read),
        T(n13_logit_scale_of_rank_0_is_read),
        T(prefixes_and_old_extras_are_read),
        T(unusual_configurations_are_read),
        T(an_image_tower_alone_is_a_model),
        T(shards_of_an_index_are_one_model),
        T(bare_file_finds_its_configuration),
        T(bare_file_of_a_built_in_architecture),
        T(published_checkpoint_without_configuration_is_known),
        T(configuration_in_another_folder_brings_its_preprocessing),
        T(the_callers_option_decides_the_activation),
        T(n14_missing_tensor_is_named),
        T(n15_extra_tensor_is_named),
        T(n16_wrong_shape_shows_both),
        T(n17_transposed_projection_is_told_by_its_shape),
        T(n18_transposed_square_projection_cannot_be_told),
        T(i11_configuration_of_another_width_shows_both),
        T(fewer_layers_in_the_configuration_leave_tensors_over),
        T(types_that_are_not_loaded_are_refused),
        T(folders_that_are_no_model_are_refused),
        T(the_models_own_merges_table_is_found),
        T(merges_named_by_the_configuration_lie_in_the_folder),
        T(the_trial_model_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
