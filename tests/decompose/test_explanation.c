/* SPDX-License-Identifier: MIT */
/* Parts of similarities against ref/clip_decompose.py, which forms every component in full in
 * float64 (tests/decompose/data/parts-NAME.npy); their sums; and that differences between texts are
 * differences of their parts. */
#include "base/file.h"
#include "base/memory.h"
#include "decompose/explanation.h"
#include "npy_array.h"
#include "rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { T = 3 };

/* A float32 pass leaves 3e-7 in embeddings of these models; parts are smaller sums of the same. */
#define PART 1e-6

/* One image's maps of all heads for the three texts of ref/make_maps_golden.py. */
typedef struct subject {
    cs_rig rig;
    float *texts, *heads, *mlps;
    cs_explanation_source source;
} subject;

static void prepare(subject *s, const char *name)
{
    char *folder = cs_path_join(getenv("CLIPSPAN_GOLDEN"), name, NULL);
    cs_map_plan plan = {.kinds = CS_MAP_MLPS, .each = 1};
    cs_map_result result = {0};
    cs_map_texts *prepared;
    cs_npy_array pixels;
    cs_layer_sink sink;
    const cs_shape *shape = &s->rig.shape;
    cs_maps *maps;
    double squares;
    size_t t, p;
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    cs_rig_init(&s->rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, 1, 1);
    s->texts = malloc(T * shape->P * sizeof *s->texts);
    for (t = 0; t < T; t++) {
        for (squares = 0, p = 0; p < shape->P; p++)
            squares += pow(cos(1.0 + (double)(t * shape->P + p)), 2.0);
        for (p = 0; p < shape->P; p++)
            s->texts[t * shape->P + p] =
                (float)(cos(1.0 + (double)(t * shape->P + p)) / sqrt(squares));
    }
    s->heads = malloc(shape->L * shape->H * T * shape->N * sizeof *s->heads);
    s->mlps = malloc(T * (shape->L + 1) * sizeof *s->mlps);
    result.each = s->heads;
    result.mlps = s->mlps;
    assert_int_equal(cs_map_texts_new(&prepared, s->rig.output_map, s->texts, T, 1, NULL),
                     CLIPSPAN_OK);
    assert_int_equal(
        cs_maps_new(&maps, prepared, s->rig.output_map, s->rig.tower, &plan, s->rig.simd, NULL),
        CLIPSPAN_OK);
    sink = cs_maps_sink(maps);
    assert_int_equal(cs_image_pass_trace(&s->rig.trace, s->rig.pass, pixels.data, &sink, NULL),
                     CLIPSPAN_OK);
    assert_int_equal(cs_maps_get(&result, maps, &s->rig.trace, NULL), CLIPSPAN_OK);
    s->source.shape = *shape;
    s->source.class_token = 1;
    s->source.T = T;
    s->source.heads = s->heads;
    s->source.mlps = s->mlps;
    s->source.embedding = s->rig.trace.embedding;
    s->source.vectors = s->texts;
    cs_maps_free(&maps);
    cs_map_texts_free(&prepared);
    cs_free(pixels.bytes);
    cs_free(folder);
}

static void clear(subject *s)
{
    free(s->texts);
    free(s->heads);
    free(s->mlps);
    cs_rig_fini(&s->rig);
}

static void near(const char *what, double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%s: %.9g instead of %.9g", what, found, expected);
}

static double sum_of(const double *numbers, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += numbers[i];
    return sum;
}

/* All parts of every text add up to its value, layers to their heads, heads to their tokens. */
static void check_sums(const cs_explanation *e)
{
    const clipspan_explanation_info *x = &e->info;
    const size_t L = e->L, H = e->H, N = x->tokens;
    size_t t, l, h, j;
    for (t = 0; t < T; t++) {
        double all = sum_of(x->mlp + t * (L + 1), L + 1), token = sum_of(x->token + t * N, N);
        for (l = 0; l < L; l++) {
            double class_self_attention = 0;
            near("a layer", sum_of(x->head + (t * L + l) * H, H), x->attention[t * L + l], 1e-12);
            for (h = 0; h < H; h++) {
                const float *map = x->map + ((t * L + l) * H + h) * N;
                double sum = 0;
                for (j = 0; j < N; j++)
                    sum += (double)map[j];
                class_self_attention += (double)map[0];
                near("a head", sum, x->head[(t * L + l) * H + h], 1e-7);
            }
            near("the class token", class_self_attention, x->class_self_attention[t * L + l], 1e-7);
            all += x->attention[t * L + l];
        }
        near("tokens", token, sum_of(x->attention + t * L, L), 1e-12);
        near("everything", all, x->value[t], 1e-5);
        assert_true(fabs(all - x->value[t]) <= x->off + 1e-12); /* another order of sums */
    }
    assert_true(x->off <= 1e-5);
}

static void golden(void **state)
{
    const char *name = *state;
    const double *right;
    cs_npy_array array;
    cs_explanation *e;
    char file[64];
    subject s;
    size_t t, i, L, H;
    prepare(&s, name);
    snprintf(file, sizeof file, "parts-%s.npy", name);
    assert_true(cs_npy_array_read(&array, getenv("CLIPSPAN_MAPS_DATA"), file, "'<f8'", 8));
    assert_int_equal(cs_explanation_new(&e, &s.source, CLIPSPAN_CONTRAST_NONE, NULL), CLIPSPAN_OK);
    L = e->L;
    H = e->H;
    right = (const double *)array.data;
    for (t = 0; t < T; t++) {
        near("similarity", e->info.similarity[t], *right++, PART);
        near("value", e->info.value[t], e->info.similarity[t], 0);
        for (i = 0; i < L * H; i++)
            near("a head", e->info.head[t * L * H + i], *right++, PART);
        for (i = 0; i <= L; i++)
            near("an MLP", e->info.mlp[t * (L + 1) + i], *right++, PART);
        for (i = 0; i < L; i++)
            near("the class token", e->info.class_self_attention[t * L + i], *right++, PART);
    }
    check_sums(e);
    cs_explanation_free(&e);
    clear(&s);
    cs_free(array.bytes);
}

static void contrasts(void **state)
{
    cs_explanation *plain, *mean, *runner_up;
    size_t t, k, i, heads;
    subject s;
    (void)state;
    prepare(&s, "openclip-odd");
    assert_int_equal(cs_explanation_new(&plain, &s.source, CLIPSPAN_CONTRAST_NONE, NULL), 0);
    assert_int_equal(cs_explanation_new(&mean, &s.source, CLIPSPAN_CONTRAST_MEAN, NULL), 0);
    assert_int_equal(cs_explanation_new(&runner_up, &s.source, CLIPSPAN_CONTRAST_RUNNER_UP, NULL),
                     0);
    check_sums(mean);
    check_sums(runner_up);
    heads = plain->L * plain->H;
    for (k = 1; k < T; k++)
        assert_true(plain->similarity[plain->order[k - 1]] >= plain->similarity[plain->order[k]]);
    for (t = 0; t < T; t++) {
        const size_t other = plain->order[plain->order[0] == t];
        assert_true(other != t);
        near("runner-up", runner_up->value[t], plain->similarity[t] - plain->similarity[other],
             1e-12);
        near("mean", mean->value[t], plain->similarity[t] - sum_of(plain->similarity, T) / T,
             1e-12);
        for (i = 0; i < heads; i++) {
            double all = 0;
            for (k = 0; k < T; k++)
                all += plain->head[k * heads + i] / T;
            near("mean", mean->head[t * heads + i], plain->head[t * heads + i] - all, 1e-9);
            near("runner-up", runner_up->head[t * heads + i],
                 plain->head[t * heads + i] - plain->head[other * heads + i], 1e-9);
        }
    }
    cs_explanation_free(&plain);
    cs_explanation_free(&mean);
    cs_explanation_free(&runner_up);
    s.source.T = 1;
    assert_int_equal(cs_explanation_new(&plain, &s.source, CLIPSPAN_CONTRAST_MEAN, NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_null(plain);
    clear(&s);
}

int main(void)
{
    static char names[][32] = {"openclip-odd", "openclip-quick-custom", "hf-quick-sharded",
                               "image-no-ln-pre", "openclip-wide"};
    enum { GOLDEN = sizeof names / sizeof *names };
    struct CMUnitTest tests[GOLDEN + 1] = {{0}};
    const struct CMUnitTest rest = cmocka_unit_test(contrasts);
    size_t i;
    for (i = 0; i < GOLDEN; i++) {
        tests[i].name = names[i];
        tests[i].test_func = golden;
        tests[i].initial_state = names[i];
    }
    tests[GOLDEN] = rest;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
