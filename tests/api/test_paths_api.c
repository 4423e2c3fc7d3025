/* SPDX-License-Identifier: MIT */
/* Effects through later layers through the public interface alone: an image by itself and in
 * company and with more texts than a sweep takes at once, margins, random directions, heads that
 * the encoder has mean-ablated, and arguments that are refused. What the numbers must be
 * is tests/model/test_sweep.c's business. */
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of the model below. */
enum { L = 3, H = 3, K = 8, P = 12, N = 5, M = 40, T = 19, IMAGES = 3, LH = L * H };

static char *folder;
static clipspan_model *model;
static clipspan_bank *bank;
static clipspan_encoder *encoder;
static uint8_t pixels[IMAGES][16 * 16 * 3];
static float vectors[T][P], means[LH * K];

static int set_up(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_texts *texts = NULL;
    const char *words[T];
    char names[T][2] = {{0}};
    uint32_t seed = 3;
    int failed;
    (void)state;
    tiny.no_text = 1;
    tiny.layers = L;
    folder = cs_tiny_folder();
    cs_tiny_write_openclip(folder, &tiny, 5);
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525U + 1013904223U;
        pixels[i / sizeof *pixels][i % sizeof *pixels] = (uint8_t)(seed >> 24);
    }
    for (size_t t = 0; t < T; t++) {
        names[t][0] = (char)('a' + t);
        words[t] = names[t];
        for (size_t p = 0; p < P; p++)
            vectors[t][p] = (float)cos((double)(t * t + 1) * (double)(p + 1));
    }
    for (size_t i = 0; i < LH * K; i++)
        means[i] = (float)(0.2 * sin((double)i));
    o.threads = 2;
    if (clipspan_model_open(&model, folder, NULL, NULL)) return -1;
    if (clipspan_encoder_new(&encoder, model, &o, NULL)) return -1;
    if (clipspan_texts_new(&texts, words, NULL, T, NULL)) return -1;
    failed = clipspan_bank_new_vectors(&bank, texts, vectors[0], P, NULL);
    clipspan_texts_free(&texts);
    return failed;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    return 0;
}

static clipspan_paths *open_paths(clipspan_paths_direction direction, int images)
{
    clipspan_paths_options o = CLIPSPAN_PATHS_OPTIONS_INIT;
    clipspan_paths *paths = NULL;
    clipspan_error err;
    o.direction = direction;
    o.images = images;
    o.neurons = o.maps = 1;
    o.random = 5;
    o.means = means;
    if (clipspan_paths_new(&paths, encoder, bank, &o, &err)) fail_msg("%s", err.message);
    return paths;
}

static const clipspan_paths_result *run(clipspan_paths *paths, size_t first, size_t count)
{
    clipspan_error err;
    if (clipspan_paths_run_pixels(paths, pixels[first], count, &err)) fail_msg("%s", err.message);
    return clipspan_paths_get(paths, 0);
}

static void company(void **state)
{
    clipspan_paths *all = open_paths(CLIPSPAN_PATHS_TEXTS, IMAGES),
                   *one = open_paths(CLIPSPAN_PATHS_TEXTS, 1);
    clipspan_neuron neurons[L * M + 1];
    (void)state;
    run(all, 0, IMAGES);
    for (size_t i = 0; i < IMAGES; i++) {
        const clipspan_paths_result *a = clipspan_paths_get(all, i), *b = run(one, i, 1);
        assert_int_equal(b->directions, T);
        assert_true(b->off <= 1e-5);
        assert_memory_equal(a->head, b->head, T * LH * sizeof *a->head);
        assert_memory_equal(a->neuron, b->neuron, T * L * M * sizeof *a->neuron);
        assert_memory_equal(a->map, b->map, T * LH * N * sizeof *a->map);
        assert_memory_equal(a->ablated, b->ablated, T * LH * sizeof *a->ablated);
    }
    assert_null(clipspan_paths_get(all, IMAGES));
    assert_int_equal(clipspan_paths_get_neurons(neurons, L * M + 1, one, 0, T - 1), L * M);
    for (size_t i = 1; i < L * M; i++)
        assert_true(fabs(neurons[i].effect) <= fabs(neurons[i - 1].effect));
    assert_int_equal(clipspan_paths_get_neurons(neurons, 2, one, 0, T), 0);
    clipspan_paths_free(&all);
    clipspan_paths_free(&one);
}

/* A margin is the difference of two texts' similarities, and so are its effects. */
static void margins(void **state)
{
    clipspan_paths *texts = open_paths(CLIPSPAN_PATHS_TEXTS, 1),
                   *margin = open_paths(CLIPSPAN_PATHS_MARGIN, 1);
    (void)state;
    for (size_t i = 0; i < IMAGES; i++) {
        const clipspan_paths_result *a = run(texts, i, 1), *b = run(margin, i, 1);
        assert_int_equal(b->directions, 1);
        for (size_t t = 0; t < T; t++) {
            if (t != b->best) assert_true(a->similarity[t] <= a->similarity[b->best]);
            if (t != b->best) assert_true(a->similarity[t] <= a->similarity[b->second] + 1e-12);
        }
        for (size_t h = 0; h < LH; h++) {
            const double right = a->head[b->best * LH + h] - a->head[b->second * LH + h];
            assert_true(fabs(b->head[h] - right) <= 1e-5);
        }
    }
    clipspan_paths_free(&texts);
    clipspan_paths_free(&margin);
}

static void random_directions(void **state)
{
    clipspan_paths *paths = open_paths(CLIPSPAN_PATHS_RANDOM, 1);
    float first[P];
    (void)state;
    for (size_t i = 0; i < IMAGES; i++) {
        const clipspan_paths_result *r = run(paths, i, 1);
        assert_int_equal(r->directions, 5);
        for (size_t t = 0; t < 5; t++) {
            double along = 0.0, length = 0.0;
            for (size_t p = 0; p < P; p++) {
                along += (double)r->direction[t * P + p] * (double)r->embedding[p];
                length += pow((double)r->direction[t * P + p], 2.0);
            }
            assert_true(fabs(along) <= 1e-6 && fabs(length - 1.0) <= 1e-6);
        }
        if (i == 0) memcpy(first, r->direction, sizeof first);
    }
    assert_memory_equal(run(paths, 0, 1)->direction, first, sizeof first); /* the same image's */
    clipspan_paths_free(&paths);
}

/* With heads mean-ablated in the encoder the embedding is the ablated network's, sums hold, and
 * nothing would change by ablating them again. */
static void ablated(void **state)
{
    static const clipspan_head heads[] = {{0, 1}, {2, 2}};
    clipspan_paths *paths = open_paths(CLIPSPAN_PATHS_TEXTS, 1);
    float z[2 * K], embedding[P];
    const clipspan_paths_result *r;
    (void)state;
    memcpy(z, means + 1 * K, K * sizeof *z);
    memcpy(z + K, means + (2 * H + 2) * K, K * sizeof *z);
    assert_int_equal(clipspan_encoder_set_heads(encoder, heads, z, 2, NULL), 0);
    r = run(paths, 1, 1);
    assert_int_equal(clipspan_encoder_run_pixels(embedding, encoder, pixels[1], 1, NULL), 0);
    assert_memory_equal(embedding, r->embedding, sizeof embedding);
    assert_true(r->off <= 1e-5);
    for (size_t t = 0; t < T; t++) {
        assert_true(r->ablated[t * LH + 1] == 0.0);
        assert_true(r->ablated[t * LH + 2 * H + 2] == 0.0);
        assert_true(r->ablated[t * LH + 2] != 0.0);
    }
    assert_int_equal(clipspan_encoder_set_heads(encoder, NULL, NULL, 0, NULL), 0);
    clipspan_paths_free(&paths);
}

static void refused(void **state)
{
    clipspan_paths_options o = CLIPSPAN_PATHS_OPTIONS_INIT;
    clipspan_paths *paths;
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_paths_new(&paths, encoder, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_null(paths);
    o.direction = (clipspan_paths_direction)7;
    assert_int_equal(clipspan_paths_new(&paths, encoder, bank, &o, &err), CLIPSPAN_E_ARGUMENT);
    o.direction = CLIPSPAN_PATHS_TEXTS;
    o.images = 33;
    assert_int_equal(clipspan_paths_new(&paths, encoder, bank, &o, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "1 to 32"));
    paths = open_paths(CLIPSPAN_PATHS_TEXTS, 1);
    assert_int_equal(clipspan_paths_run_pixels(paths, pixels[0], 2, &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_paths_run_pixels(paths, NULL, 1, &err), CLIPSPAN_E_ARGUMENT);
    clipspan_paths_free(&paths);
    clipspan_paths_free(&paths);
    clipspan_paths_free(NULL);
    assert_null(clipspan_paths_get(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(company), cmocka_unit_test(margins), cmocka_unit_test(random_directions),
        cmocka_unit_test(ablated), cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
