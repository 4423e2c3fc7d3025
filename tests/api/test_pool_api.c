/* SPDX-License-Identifier: MIT */
/* A model with an attention pool through the public functions: what it says of itself, both of its
 * decompositions, explanations, and what it refuses. Numbers are compared with NumPy in
 * tests/decompose; here that they add up, with that test's tolerances. */
#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct scene {
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_encoder *encoder;
    uint8_t *pixels;
    clipspan_error err;
} scene;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != CLIPSPAN_OK) fail_msg("%s", s.err.message);                                  \
    } while (0)

static scene open_scene(const char *name)
{
    const char *root = getenv("CLIPSPAN_GOLDEN");
    char path[512];
    scene s;
    size_t size;
    memset(&s, 0, sizeof s);
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/%s", root, name);
    OK(clipspan_model_open(&s.model, path, NULL, &s.err));
    OK(clipspan_encoder_new(&s.encoder, s.model, NULL, &s.err));
    s.info = clipspan_model_get_info(s.model);
    size = 3 * (size_t)s.info->input_height * (size_t)s.info->input_width;
    s.pixels = malloc(size);
    for (size_t i = 0; i < size; i++)
        s.pixels[i] = (uint8_t)(i * 37 % 251);
    return s;
}

static void close_scene(scene *s)
{
    clipspan_encoder_free(&s->encoder);
    clipspan_model_close(&s->model);
    free(s->pixels);
}

static void a_pool_is_said(void **state)
{
    scene s = open_scene(*state);
    float bias = 0.0F;
    assert_int_equal(s.info->readout, CLIPSPAN_READ_POOL);
    assert_int_equal(s.info->text_readout, CLIPSPAN_READ_LAST);
    assert_int_equal(s.info->class_token, 0);
    assert_int_equal(s.info->tokens, s.info->grid_height * s.info->grid_width);
    assert_int_equal(s.info->split_layers, 1);
    assert_int_equal(s.info->text_activation, CLIPSPAN_TANH_GELU);
    OK(clipspan_model_read_logit_bias(&bias, s.model, &s.err));
    assert_true(fabs((double)bias + 10.0) < 1e-6);
    close_scene(&s);
}

static void both_decompositions_add_up(void **state)
{
    scene s = open_scene(*state);
    clipspan_decomposition_options o = CLIPSPAN_DECOMPOSITION_OPTIONS_INIT;
    clipspan_decomposition *parts = NULL;
    const size_t L = (size_t)s.info->image->layers, H = (size_t)s.info->image->heads;
    const size_t P = (size_t)s.info->embed_width, N = (size_t)s.info->tokens;
    float *heads = malloc(L * H * P * sizeof *heads), *mlps = malloc((L + 2) * P * sizeof *mlps);
    float *tokens = malloc(N * P * sizeof *tokens);
    double off = 1.0, share = 0.0;
    o.layers = o.tokens = 1;
    OK(clipspan_decomposition_new(&parts, s.encoder, &o, &s.err));
    OK(clipspan_decomposition_run_pixels(parts, s.pixels, 1, &s.err));
    OK(clipspan_decomposition_run_check(&off, parts, 0, &s.err));
    assert_true(off <= 1e-6);
    OK(clipspan_decomposition_run_pool_mlp(&share, parts, &s.err));
    assert_true(share > 0.0);
    for (int gate = 0; gate < 2; gate++) {
        OK(clipspan_decomposition_run_layers(heads, mlps, parts, gate, &s.err));
        for (size_t p = 0; p < P; p++) {
            double sum = -(double)clipspan_decomposition_get_embeddings(parts)[p];
            for (size_t i = 0; i < L * H; i++)
                sum += (double)heads[i * P + p];
            for (size_t i = 0; i < L + 2; i++)
                sum += (double)mlps[i * P + p];
            assert_true(fabs(sum) <= (gate ? 1e-5 : 1e-6));
        }
        OK(clipspan_decomposition_run_layer_tokens(tokens, parts, 1, 2, gate, &s.err));
        for (size_t p = 0; p < P; p++) {
            double sum = -(double)heads[(H + 2) * P + p];
            for (size_t j = 0; j < N; j++)
                sum += (double)tokens[j * P + p];
            assert_true(fabs(sum) <= 1e-6);
        }
    }
    assert_int_equal(clipspan_decomposition_run_layer_tokens(tokens, parts, 2, 0, 0, &s.err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_decomposition_run_pixels(parts, s.pixels, 2, &s.err),
                     CLIPSPAN_E_ARGUMENT);
    clipspan_decomposition_free(&parts);
    free(heads), free(mlps), free(tokens);
    close_scene(&s);
}

static void explanations_add_up(void **state)
{
    scene s = open_scene(*state);
    const char *const words[] = {"this", "that"};
    const size_t P = (size_t)s.info->embed_width;
    float *vectors = malloc(2 * P * sizeof *vectors);
    clipspan_texts *texts = NULL;
    clipspan_bank *bank = NULL;
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *maps = NULL;
    clipspan_explanation *e = NULL;
    for (size_t i = 0; i < 2 * P; i++)
        vectors[i] = (float)(cos((double)i) / sqrt((double)P / 2.0));
    OK(clipspan_texts_new(&texts, words, NULL, 2, &s.err));
    OK(clipspan_bank_new_vectors(&bank, texts, vectors, P, &s.err));
    o.each = 1;
    o.kinds = CLIPSPAN_MAP_MLPS | CLIPSPAN_MAP_ATTENTION | CLIPSPAN_MAP_VALUES;
    OK(clipspan_maps_new(&maps, s.encoder, bank, &o, &s.err));
    OK(clipspan_maps_run_pixels(maps, s.pixels, 1, &s.err));
    OK(clipspan_explanation_new(&e, maps, 0, bank, CLIPSPAN_CONTRAST_MEAN, &s.err));
    assert_true(clipspan_explanation_get_info(e)->off <= 1e-5);
    assert_int_equal(clipspan_explanation_get_info(e)->class_token, 0);
    assert_int_equal(clipspan_explanation_get_info(e)->layers, 1);
    clipspan_explanation_free(&e);
    clipspan_maps_free(&maps);
    o.kinds = CLIPSPAN_MAP_ROLLOUT;
    assert_int_equal(clipspan_maps_new(&maps, s.encoder, bank, &o, &s.err), CLIPSPAN_E_UNSUPPORTED);
    clipspan_bank_free(&bank);
    clipspan_texts_free(&texts);
    free(vectors);
    close_scene(&s);
}

static void what_changes_layers_is_refused(void **state)
{
    scene s = open_scene(*state);
    const clipspan_head head = {0, 0};
    float z[64] = {0};
    assert_int_equal(clipspan_encoder_set_heads(s.encoder, &head, z, 1, &s.err),
                     CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(s.err.message, "attention pool"));
    close_scene(&s);
}

int main(void)
{
    static char timm[] = "siglip-timm", hf[] = "siglip-hf";
    const struct CMUnitTest tests[] = {
        {"a_pool_is_said, timm", a_pool_is_said, NULL, NULL, timm},
        {"a_pool_is_said, HF", a_pool_is_said, NULL, NULL, hf},
        {"both_decompositions_add_up, timm", both_decompositions_add_up, NULL, NULL, timm},
        {"both_decompositions_add_up, HF", both_decompositions_add_up, NULL, NULL, hf},
        {"explanations_add_up", explanations_add_up, NULL, NULL, hf},
        {"what_changes_layers_is_refused", what_changes_layers_is_refused, NULL, NULL, timm},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
