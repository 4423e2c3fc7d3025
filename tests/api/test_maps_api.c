/* SPDX-License-Identifier: MIT */
/* Maps through the public interface alone: a picture's maps by itself and in company, the sums that
 * clipspan_parts gives, pictures that cannot be used, and arguments that are refused. What the
 * numbers themselves must be is tests/decompose's business. */
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of the model below. */
enum { L = 3, H = 3, P = 12, N = 5, T = 2, PICTURES = 5 };

#define ALL                                                                                        \
    (CLIPSPAN_MAP_ATTENTION | CLIPSPAN_MAP_ROLLOUT | CLIPSPAN_MAP_PATCHES | CLIPSPAN_MAP_VALUES)

static char *folder;
static clipspan_model *model;
static clipspan_bank *bank;
static uint8_t pixels[PICTURES][16 * 16 * 3];
static float vectors[T][P];

static int set_up(void **state)
{
    static const char *const words[T] = {"one", "two"};
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_texts *texts = NULL;
    uint32_t seed = 3;
    size_t i;
    (void)state;
    tiny.no_text = 1;
    tiny.layers = L;
    folder = cs_tiny_folder();
    cs_tiny_write_openclip(folder, &tiny, 5);
    for (i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525U + 1013904223U;
        pixels[i / sizeof *pixels][i % sizeof *pixels] = (uint8_t)(seed >> 24);
    }
    for (i = 0; i < P; i++) {
        vectors[0][i] = 0.288675135F;
        vectors[1][i] = i % 2 ? 0.288675135F : -0.288675135F;
    }
    if (clipspan_model_open(&model, folder, NULL, NULL)) return -1;
    if (clipspan_texts_new(&texts, words, NULL, T, NULL)) return -1;
    i = (size_t)clipspan_bank_new_vectors(&bank, texts, vectors[0], P, NULL);
    clipspan_texts_free(&texts);
    return (int)i;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    return 0;
}

static clipspan_encoder *new_encoder(clipspan_tower tower, int threads)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_error err;
    o.tower = tower;
    o.threads = threads;
    if (clipspan_encoder_new(&encoder, model, &o, &err)) fail_msg("%s", err.message);
    return encoder;
}

static void company(void **state)
{
    clipspan_encoder *two = new_encoder(CLIPSPAN_IMAGE, 2), *one = new_encoder(CLIPSPAN_IMAGE, 1);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *many = NULL, *alone = NULL;
    clipspan_parts *parts = NULL;
    float heads[L][H][P];
    size_t b, l, h, t, j, p;
    (void)state;
    o.kinds = ALL;
    o.each = 1;
    assert_int_equal(clipspan_maps_new(&alone, one, bank, &o, NULL), CLIPSPAN_OK);
    o.pictures = PICTURES;
    assert_int_equal(clipspan_maps_new(&many, two, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_parts_new(&parts, one, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(many, pixels[0], PICTURES, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_parts_run_pixels(parts, pixels[0], PICTURES, NULL), CLIPSPAN_OK);
    for (b = 0; b < PICTURES; b++) {
        assert_int_equal(clipspan_maps_run_pixels(alone, pixels[b], 1, NULL), CLIPSPAN_OK);
        for (p = 1; p <= 16; p *= 2) {
            int wide = p != CLIPSPAN_MAP_ATTENTION && p != CLIPSPAN_MAP_ROLLOUT;
            assert_memory_equal(clipspan_maps_get(alone, 0, (clipspan_map_kind)p),
                                clipspan_maps_get(many, b, (clipspan_map_kind)p),
                                (wide ? T * N : N) * sizeof(float));
        }
        assert_memory_equal(clipspan_maps_get_embeddings(many) + b * P,
                            clipspan_parts_get_embeddings(parts) + b * P, P * sizeof(float));
        assert_int_equal(clipspan_parts_run_terms(heads[0][0], NULL, NULL, NULL, parts, b, NULL),
                         CLIPSPAN_OK);
        for (l = 0; l < L; l++)
            for (h = 0; h < H; h++)
                for (t = 0; t < T; t++) {
                    const float *map = clipspan_maps_get_head(many, b, (int)l, (int)h) + t * N;
                    double sum = 0.0;
                    for (j = 0; j < N; j++)
                        sum += (double)map[j];
                    for (p = 0; p < P; p++)
                        sum -= (double)heads[l][h][p] * (double)vectors[t][p];
                    assert_true(fabs(sum) <= 1e-6);
                }
    }
    clipspan_maps_free(&many);
    clipspan_maps_free(&alone);
    clipspan_parts_free(&parts);
    clipspan_encoder_free(&one);
    clipspan_encoder_free(&two);
}

static void unusable(void **state)
{
    static const char *const paths[2] = {"/nowhere/picture.png", "/nowhere/other.png"};
    clipspan_encoder *encoder = new_encoder(CLIPSPAN_IMAGE, 1);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_error errors[2];
    clipspan_maps *maps = NULL;
    size_t i;
    (void)state;
    o.pictures = 2;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], 2, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_files(maps, errors, paths, 2, NULL), CLIPSPAN_OK);
    assert_int_equal(errors[1].code, CLIPSPAN_E_NOT_FOUND);
    for (i = 0; i < T * N; i++)
        assert_true(clipspan_maps_get(maps, 1, CLIPSPAN_MAP_HEADS)[i] == 0.0F);
    assert_int_equal(clipspan_maps_run_files(maps, NULL, paths, 2, NULL), CLIPSPAN_E_NOT_FOUND);
    assert_null(clipspan_maps_get(maps, 0, CLIPSPAN_MAP_HEADS));
    clipspan_maps_free(&maps);
    clipspan_encoder_free(&encoder);
}

static void refused(void **state)
{
    static const clipspan_head heads[2] = {{L - 1, H - 1}, {0, H}};
    clipspan_encoder *encoder = new_encoder(CLIPSPAN_IMAGE, 1);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *maps = NULL;
    (void)state;
    assert_int_equal(clipspan_maps_new(&maps, NULL, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_maps_new(&maps, encoder, NULL, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.pictures = CLIPSPAN_PARTS_MOST + 1;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.pictures = 1;
    o.back = L;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.back = L - 1;
    o.heads = heads;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.head_count = 2;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_E_ARGUMENT);
    assert_null(maps);
    o.head_count = 1;
    o.each = 1;
    assert_int_equal(clipspan_maps_new(&maps, encoder, bank, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], 2, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_maps_run_pixels(maps, pixels[0], 1, NULL), CLIPSPAN_OK);
    assert_non_null(clipspan_maps_get_head(maps, 0, L - 1, H - 1));
    assert_null(clipspan_maps_get_head(maps, 0, 0, 0));
    assert_null(clipspan_maps_get_head(maps, 0, L, 0));
    assert_null(clipspan_maps_get(maps, 0, CLIPSPAN_MAP_PATCHES));
    assert_null(clipspan_maps_get(maps, 1, CLIPSPAN_MAP_HEADS));
    clipspan_maps_free(&maps);
    clipspan_encoder_free(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(company),
        cmocka_unit_test(unusable),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
