/* SPDX-License-Identifier: MIT */
/* Maps against ref/clip_maps.py, which forms every component in full in float64
 * (tests/decompose/data/maps-NAME.npy); their sums; and that neither order, number nor choice of
 * texts and heads moves a score. Every kernel level that this CPU has. */
#include "base/file.h"
#include "base/memory.h"
#include "decompose/maps.h"
#include "npy_array.h"
#include "rig.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A float32 pass leaves 3e-7 in embeddings of these models; scores are smaller sums of the same. A
 * cosine of a token is that of a whole embedding, of a pass that has added in float32. */
#define SCORE  1e-6
#define COSINE 5e-6

#define ALL    (CS_MAP_ATTENTION | CS_MAP_ROLLOUT | CS_MAP_PATCHES | CS_MAP_VALUES | CS_MAP_MLPS)

static float *make_texts(size_t T, size_t P)
{
    float *texts = malloc(T * P * sizeof *texts);
    size_t t, p;
    for (t = 0; t < T; t++) {
        double squares = 0.0;
        for (p = 0; p < P; p++)
            squares += pow(cos(1.0 + (double)(t * P + p)), 2.0);
        for (p = 0; p < P; p++)
            texts[t * P + p] = (float)(cos(1.0 + (double)(t * P + p)) / sqrt(squares));
    }
    return texts;
}

typedef struct answer {
    cs_map_result r;
    size_t T;
} answer;

static void free_answer(answer *a)
{
    free(a->r.heads);
    free(a->r.each);
    free(a->r.attention);
    free(a->r.rollout);
    free(a->r.patches);
    free(a->r.values);
    free(a->r.mlps);
}

/* One image's maps of everything. The rig's trace and coefficients hold the same image
 * afterwards. */
static answer map(cs_rig *rig, const uint8_t *pixels, const float *texts, size_t T,
                  const uint8_t *chosen)
{
    const cs_shape *s = &rig->shape;
    cs_map_plan plan = {.kinds = ALL, .chosen = chosen, .each = 1, .layer = s->L - 1};
    cs_map_texts *prepared;
    cs_maps *maps;
    cs_layer_sink sink;
    size_t map = T * s->N * sizeof(float);
    answer a = {{malloc(map), malloc(s->L * s->H * map), malloc(s->N * sizeof(float)),
                 malloc(s->N * sizeof(float)), malloc(map), malloc(map), NULL,
                 malloc(T * (s->L + 1) * sizeof(float))},
                T};
    assert_int_equal(cs_map_texts_new(&prepared, rig->output_map, texts, T, 2, NULL), CLIPSPAN_OK);
    assert_int_equal(
        cs_maps_new(&maps, prepared, rig->output_map, rig->tower, &plan, rig->simd, NULL),
        CLIPSPAN_OK);
    sink = cs_maps_sink(maps);
    assert_int_equal(cs_image_pass_trace(&rig->trace, rig->pass, pixels, &sink, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_maps_get(&a.r, maps, &rig->trace, NULL), CLIPSPAN_OK);
    cs_maps_free(&maps);
    cs_map_texts_free(&prepared);
    return a;
}

static void near(const char *what, const float *found, const double *expected, size_t count,
                 double tolerance)
{
    size_t i;
    for (i = 0; i < count; i++)
        if (!(fabs((double)found[i] - expected[i]) <= tolerance))
            fail_msg("%s, number %zu: %.9g instead of %.9g", what, i, (double)found[i],
                     expected[i]);
}

/* Tokens add up to their head, chosen heads to the map, all of it with the MLPs to the
 * similarity. */
static void check_sums(cs_rig *rig, const answer *a, const float *texts)
{
    const cs_shape *s = &rig->shape;
    float *heads = malloc(s->L * s->H * s->P * sizeof *heads);
    float *mlps = malloc((s->L + 1) * s->P * sizeof *mlps);
    size_t t, h, j, p;
    cs_contributions_get(heads, NULL, mlps, NULL, rig->output_map, rig->coefficients, 0);
    for (t = 0; t < a->T; t++) {
        const float *text = texts + t * s->P;
        double all = 0.0, similarity = 0.0;
        for (h = 0; h < s->L * s->H; h++) {
            double sum = 0.0, dot = 0.0;
            for (j = 0; j < s->N; j++)
                sum += (double)a->r.each[(h * a->T + t) * s->N + j];
            for (p = 0; p < s->P; p++)
                dot += (double)heads[h * s->P + p] * (double)text[p];
            assert_true(fabs(sum - dot) <= SCORE);
        }
        for (j = 0; j < s->N; j++) {
            double sum = 0.0;
            for (h = 0; h < s->L * s->H; h++)
                sum += (double)a->r.each[(h * a->T + t) * s->N + j];
            assert_true(fabs(sum - (double)a->r.heads[t * s->N + j]) <= SCORE);
            all += (double)a->r.heads[t * s->N + j];
        }
        for (h = 0; h <= s->L; h++) {
            double sum = 0.0;
            for (p = 0; p < s->P; p++)
                sum += (double)mlps[h * s->P + p] * (double)text[p];
            assert_true(fabs(sum - (double)a->r.mlps[t * (s->L + 1) + h]) <= SCORE);
            all += sum;
        }
        for (p = 0; p < s->P; p++)
            similarity += (double)rig->coefficients->embedding[p] * (double)text[p];
        assert_true(fabs(all - similarity) <= 1e-5);
    }
    free(heads);
    free(mlps);
}

static void compare_golden(const char *name, const char *folder, const cs_simd *simd)
{
    char file[64];
    cs_npy_array pixels, right;
    const double *row;
    float *texts;
    cs_rig rig;
    answer a;
    size_t N;
    snprintf(file, sizeof file, "maps-%s.npy", name);
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    assert_true(
        cs_npy_array_read(&right, getenv("CLIPSPAN_MAPS_DATA"), file, "'<f8'", sizeof *row));
    cs_rig_init(&rig, folder, simd, CLIPSPAN_F32, CS_COEFFICIENTS_F32, 1, 1);
    cs_rig_run(&rig, pixels.data, 1);
    N = rig.shape.N;
    texts = make_texts(3, rig.shape.P);
    a = map(&rig, pixels.data, texts, 3, NULL);
    row = (const double *)right.data;
    near("attention", a.r.attention, row, N, SCORE);
    near("rollout", a.r.rollout, row + N, N, SCORE);
    near("heads", a.r.heads, row + 2 * N, 3 * N, SCORE);
    near("patches", a.r.patches, row + 5 * N, 3 * N, COSINE);
    near("values", a.r.values, row + 8 * N, 3 * N, COSINE);
    assert_memory_equal(rig.trace.embedding, rig.coefficients->embedding,
                        rig.shape.P * sizeof(float));
    check_sums(&rig, &a, texts);
    free_answer(&a);
    free(texts);
    cs_rig_fini(&rig);
    cs_free(pixels.bytes);
    cs_free(right.bytes);
}

static void golden(void **state)
{
    const char *root = getenv("CLIPSPAN_GOLDEN");
    char *folder;
    int level;
    assert_non_null(root);
    folder = cs_path_join(root, *state, NULL);
    for (level = CS_GENERIC; level <= CS_AVX512; level++)
        if (cs_simd_get((cs_level)level))
            compare_golden(*state, folder, cs_simd_get((cs_level)level));
    cs_free(folder);
}

/* More texts than a block, in any order and company; some heads only; another pass between. */
static void choices(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    char *folder = cs_tiny_folder();
    uint8_t *pixels, chosen[256] = {0};
    float *texts, *one;
    cs_rig rig;
    answer all, some, alone;
    size_t h, j, N, P, heads;
    (void)state;
    tiny.no_text = 1;
    cs_tiny_write_openclip(folder, &tiny, 5);
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, 1, 1);
    N = rig.shape.N;
    P = rig.shape.P;
    heads = rig.shape.L * rig.shape.H;
    pixels = malloc(rig.pixels);
    cs_rig_paint(&rig, pixels, 1);
    texts = make_texts(37, P);
    cs_rig_run(&rig, pixels, 1);
    all = map(&rig, pixels, texts, 37, NULL);
    check_sums(&rig, &all, texts);
    one = texts + 35 * P;
    chosen[1] = 1;
    chosen[heads - 1] = 1;
    some = map(&rig, pixels, one, 1, chosen);
    alone = map(&rig, pixels, one, 1, NULL);
    assert_memory_equal(alone.r.heads, all.r.heads + 35 * N, N * sizeof(float));
    assert_memory_equal(alone.r.patches, all.r.patches + 35 * N, N * sizeof(float));
    for (h = 0; h < heads; h++)
        for (j = 0; j < N; j++)
            assert_true(some.r.each[h * N + j] ==
                        (chosen[h] ? all.r.each[(h * 37 + 35) * N + j] : 0.0F));
    for (j = 0; j < N; j++)
        assert_true(fabs((double)some.r.heads[j] - (double)some.r.each[N + j] -
                         (double)some.r.each[(heads - 1) * N + j]) <= 1e-7);
    free_answer(&all);
    free_answer(&some);
    free_answer(&alone);
    free(texts);
    free(pixels);
    cs_rig_fini(&rig);
    cs_tiny_remove(&folder);
}

static void bf16(void **state)
{
    const char *root = getenv("CLIPSPAN_GOLDEN");
    char *folder;
    cs_npy_array pixels, right;
    float *texts;
    cs_rig rig;
    answer a;
    (void)state;
    if (!cs_product_has_bf16()) skip();
    folder = cs_path_join(root, "openclip-wide", NULL);
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    assert_true(cs_npy_array_read(&right, getenv("CLIPSPAN_MAPS_DATA"), "maps-openclip-wide.npy",
                                  "'<f8'", sizeof(double)));
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_BF16, CS_COEFFICIENTS_F32, 1, 1);
    texts = make_texts(3, rig.shape.P);
    a = map(&rig, pixels.data, texts, 3, NULL);
    /* bf16 keeps 8 bits */
    near("heads", a.r.heads, (const double *)right.data + 2 * rig.shape.N, 3 * rig.shape.N, 2e-2);
    near("values", a.r.values, (const double *)right.data + 8 * rig.shape.N, 3 * rig.shape.N, 5e-2);
    free_answer(&a);
    free(texts);
    cs_rig_fini(&rig);
    cs_free(pixels.bytes);
    cs_free(right.bytes);
    cs_free(folder);
}

int main(void)
{
    static char names[][32] = {"openclip-odd", "openclip-quick-custom", "hf-quick-sharded",
                               "image-no-ln-pre", "openclip-wide"};
    enum { GOLDEN = sizeof names / sizeof *names };
    struct CMUnitTest tests[GOLDEN + 2] = {{0}};
    const struct CMUnitTest rest[2] = {cmocka_unit_test(choices), cmocka_unit_test(bf16)};
    size_t i;
    for (i = 0; i < GOLDEN; i++) {
        tests[i].name = names[i];
        tests[i].test_func = golden;
        tests[i].initial_state = names[i];
    }
    tests[GOLDEN] = rest[0];
    tests[GOLDEN + 1] = rest[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
