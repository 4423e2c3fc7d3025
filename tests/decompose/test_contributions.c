/* SPDX-License-Identifier: MIT */
/* Components of images against ref/clip_decompose.py, which forms every one of them in full in
 * float64 (tests/golden/NAME/MANIFEST.md), and the identities: tokens add up to their head, heads
 * to their layer, everything to the embedding. Every kernel level that this CPU has. */
#include "base/file.h"
#include "base/memory.h"
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

/* Float32 passes leave 3e-7 in the embedding of these models; a component is at most as far off. */
#define COMPONENT      1e-6
#define IDENTITY       1e-5
/* A half keeps 11 bits of numbers below 1; some hundred of them add up. */
#define COMPONENT_F16  2e-3
#define IDENTITY_F16   5e-3
/* bf16 keeps 8 bits; its pass is this far from float64, but the identity holds: the components are
 * formed from what the pass really added. */
#define COMPONENT_BF16 5e-2

static void near(const char *what, const float *found, const double *expected, size_t count,
                 double tolerance)
{
    size_t i;
    for (i = 0; i < count; i++)
        if (!(fabs((double)found[i] - expected[i]) <= tolerance))
            fail_msg("%s, number %zu: %.9g instead of %.9g", what, i, (double)found[i],
                     expected[i]);
}

/* cs_contributions_get of one slot, all four at once. */
typedef struct components {
    float *heads, *layers, *mlps, *class_self_attention;
} components;

static components get_components(const cs_rig *rig, size_t slot)
{
    const cs_shape *s = &rig->shape;
    components t = {malloc(s->L * s->H * s->P * sizeof(float)), malloc(s->L * s->P * sizeof(float)),
                    malloc((s->L + 1) * s->P * sizeof(float)), malloc(s->L * s->P * sizeof(float))};
    cs_contributions_get(t.heads, t.layers, t.mlps, t.class_self_attention, rig->output_map,
                         rig->coefficients, slot);
    return t;
}

static void free_components(components *t)
{
    free(t->heads);
    free(t->layers);
    free(t->mlps);
    free(t->class_self_attention);
}

/* Heads add up to layers, which the chunk's own products agree with; tokens to heads, and the class
 * tokens to class_self_attention. `off`: what the attention kernels and rounding leave. */
static void check_sums(const cs_rig *rig, const components *t, size_t slot, double off)
{
    const cs_shape *s = &rig->shape;
    const double *scale = rig->coefficients->scale + 3 * slot;
    float *tokens = malloc(s->N * s->P * sizeof *tokens);
    double *own = calloc(s->P, sizeof *own);
    size_t l, h, j, p;
    for (l = 0; l < s->L; l++) {
        memset(own, 0, s->P * sizeof *own);
        for (p = 0; p < s->P; p++) {
            double sum = 0.0;
            for (h = 0; h < s->H; h++)
                sum += (double)t->heads[(l * s->H + h) * s->P + p];
            assert_true(fabs(sum - (double)t->layers[l * s->P + p]) <= 1e-6);
            sum = (double)
                      rig->coefficients->attention[(l * rig->coefficients->room + slot) * s->P + p];
            assert_true(fabs(sum - (double)t->layers[l * s->P + p]) <= 1e-6);
        }
        for (h = 0; h < s->H; h++) {
            cs_contributions_get_tokens(tokens, rig->output_map, &rig->record, scale, l, h);
            for (p = 0; p < s->P; p++) {
                double sum = 0.0;
                for (j = 0; j < s->N; j++)
                    sum += (double)tokens[j * s->P + p];
                assert_true(fabs(sum - (double)t->heads[(l * s->H + h) * s->P + p]) <= off);
                own[p] += (double)tokens[p];
            }
        }
        for (p = 0; p < s->P && rig->tower->class_token; p++)
            assert_true(fabs(own[p] - (double)t->class_self_attention[l * s->P + p]) <= off);
    }
    free(tokens);
    free(own);
}

/* The traced pass gives the plain one's bytes. */
static void check_embedding(const cs_rig *rig, const uint8_t *pixels, size_t slot)
{
    float *plain = malloc(rig->shape.P * sizeof *plain);
    assert_int_equal(cs_image_pass_run(plain, rig->pass, pixels, 1, NULL), CLIPSPAN_OK);
    assert_memory_equal(plain, rig->coefficients->embedding + slot * rig->shape.P,
                        rig->shape.P * sizeof *plain);
    free(plain);
}

/* ---- Golden models ---- */

static void compare_golden(const char *folder, const cs_simd *simd, clipspan_precision precision,
                           cs_coefficient_format format)
{
    static const char *const names[] = {"heads.npy", "mlps.npy", "class_self_attention.npy",
                                        "tokens.npy"};
    double tolerance = precision == CLIPSPAN_BF16      ? COMPONENT_BF16
                       : format == CS_COEFFICIENTS_F16 ? COMPONENT_F16
                                                       : COMPONENT;
    double identity = format == CS_COEFFICIENTS_F16 ? IDENTITY_F16 : IDENTITY;
    cs_npy_array pixels, right[4];
    cs_rig rig;
    size_t i, l, h;
    cs_rig_init(&rig, folder, simd, precision, format, 5, 2);
    assert_true(cs_npy_array_read(&pixels, folder, "pixels.npy", "'|u1'", 1));
    for (i = 0; i < 4; i++)
        assert_true(cs_npy_array_read(&right[i], folder, names[i], "'<f8'", sizeof(double)));
    cs_rig_run(&rig, pixels.data, pixels.rows);
    for (i = 0; i < pixels.rows; i++) {
        components t = get_components(&rig, i);
        const float *found[3] = {t.heads, t.mlps, t.class_self_attention};
        for (l = 0; l < 3; l++)
            near(names[l], found[l], (const double *)right[l].data + i * right[l].row_size,
                 right[l].row_size, tolerance);
        assert_true(cs_contributions_residual(rig.output_map, rig.coefficients, i) <= identity);
        if (precision == CLIPSPAN_F32)
            check_embedding(&rig, (const uint8_t *)pixels.data + i * rig.pixels, i);
        free_components(&t);
    }
    if (precision == CLIPSPAN_F32 && format == CS_COEFFICIENTS_F32) {
        const cs_shape *s = &rig.shape;
        float *tokens = malloc(s->N * s->P * sizeof *tokens);
        components t;
        cs_rig_run(&rig, pixels.data, 1);
        t = get_components(&rig, 0);
        check_sums(&rig, &t, 0, 2e-6);
        for (l = 0; l < s->L; l++)
            for (h = 0; h < s->H; h++) {
                cs_contributions_get_tokens(tokens, rig.output_map, &rig.record,
                                            rig.coefficients->scale, l, h);
                near("tokens.npy", tokens,
                     (const double *)right[3].data + (l * s->H + h) * s->N * s->P, s->N * s->P,
                     COMPONENT);
            }
        free_components(&t);
        free(tokens);
    }
    for (i = 0; i < 4; i++)
        cs_free(right[i].bytes);
    cs_free(pixels.bytes);
    cs_rig_fini(&rig);
}

static void golden(void **state)
{
    const char *root = getenv("CLIPSPAN_GOLDEN");
    char *folder;
    int level;
    assert_non_null(root);
    folder = cs_path_join(root, *state, NULL);
    for (level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        if (!simd) continue;
        compare_golden(folder, simd, CLIPSPAN_F32, CS_COEFFICIENTS_F32);
        compare_golden(folder, simd, CLIPSPAN_F32, CS_COEFFICIENTS_F16);
        if (level == CS_AVX512 && cs_product_has_bf16())
            compare_golden(folder, simd, CLIPSPAN_BF16, CS_COEFFICIENTS_F32);
    }
    cs_free(folder);
}

/* ---- Odd shapes ---- */

static void check_shape(const cs_tiny_model *tiny)
{
    char *folder = cs_tiny_folder();
    uint8_t *pixels;
    cs_rig rig;
    components t;
    cs_tiny_write_openclip(folder, tiny, 5);
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, 3, 2);
    pixels = malloc(rig.pixels);
    cs_rig_paint(&rig, pixels, 4);
    cs_coefficients_clear(rig.coefficients);
    cs_rig_put(&rig, 2, pixels);
    assert_int_equal(cs_coder_finish(rig.coder, rig.coefficients, 2, NULL), CLIPSPAN_OK);
    t = get_components(&rig, 2);
    check_sums(&rig, &t, 2, 5e-6);
    assert_true(cs_contributions_residual(rig.output_map, rig.coefficients, 2) <= IDENTITY);
    check_embedding(&rig, pixels, 2);
    free_components(&t);
    free(pixels);
    cs_rig_fini(&rig);
    cs_tiny_remove(&folder);
}

static cs_tiny_model small(void)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    tiny.no_text = 1;
    return tiny;
}

static void one_of_everything(void **state)
{
    cs_tiny_model tiny = small();
    (void)state;
    tiny.layers = tiny.heads = tiny.mlp = 1;
    tiny.width = 2;
    tiny.embed = 2;
    tiny.height = tiny.input_width = tiny.patch = 1;
    check_shape(&tiny);
}

static void heads_one_wide(void **state)
{
    cs_tiny_model tiny = small();
    (void)state;
    tiny.width = tiny.heads = 13;
    tiny.embed = 301; /* more than a stretch, no divisor of use */
    tiny.mlp = 5;
    tiny.height = 6;
    tiny.input_width = 15;
    tiny.patch = 3;
    tiny.no_ln_pre = 1;
    check_shape(&tiny);
}

/* Exchanges `count` numbers at byte `a` of a file with those at byte `b`. */
static void exchange(FILE *file, long a, long b, size_t count)
{
    float x[64], y[64];
    assert_true(count <= 64);
    assert_int_equal(fseek(file, a, SEEK_SET), 0);
    assert_int_equal(fread(x, sizeof *x, count, file), count);
    assert_int_equal(fseek(file, b, SEEK_SET), 0);
    assert_int_equal(fread(y, sizeof *y, count, file), count);
    assert_int_equal(fseek(file, b, SEEK_SET), 0);
    assert_int_equal(fwrite(x, sizeof *x, count, file), count);
    assert_int_equal(fseek(file, a, SEEK_SET), 0);
    assert_int_equal(fwrite(y, sizeof *y, count, file), count);
}

/* Heads 0 and 2 of a layer change places in the file: rows of q, k and v, columns of W_O. */
static void exchange_heads(const cs_rig *rig, int layer)
{
    static const cs_part parts[] = {CS_Q_WEIGHT, CS_K_WEIGHT, CS_V_WEIGHT,  CS_Q_BIAS,
                                    CS_K_BIAS,   CS_V_BIAS,   CS_OUT_WEIGHT};
    const cs_safetensors *tensors = cs_checkpoint_tensors(rig->checkpoint);
    size_t K = rig->shape.K, D = rig->shape.D, i, d;
    FILE *file = fopen(cs_safetensors_path(tensors, 0), "r+b");
    assert_non_null(file);
    for (i = 0; i < sizeof parts / sizeof *parts; i++) {
        cs_tensor_ref ref = cs_checkpoint_part(rig->checkpoint, CLIPSPAN_IMAGE, parts[i], layer);
        long at = (long)(ref.entry->offset + ref.first * ref.columns * sizeof(float));
        size_t rows = parts[i] == CS_OUT_WEIGHT ? D : ref.rows > 1 ? K : 1;
        size_t count = ref.rows > 1 && parts[i] != CS_OUT_WEIGHT ? D : K;
        size_t apart = parts[i] == CS_OUT_WEIGHT || ref.rows == 1 ? 2 * K : 2 * K * D;
        for (d = 0; d < rows; d++)
            exchange(file, at + (long)(d * D * sizeof(float)),
                     at + (long)((d * D + apart) * sizeof(float)), count);
    }
    fclose(file);
}

static void heads_change_places(void **state)
{
    cs_tiny_model tiny = small();
    char *folder = cs_tiny_folder();
    cs_rig rig;
    uint8_t *pixels;
    components before, after;
    size_t P, h, p;
    (void)state;
    cs_tiny_write_openclip(folder, &tiny, 5);
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, 1, 1);
    P = rig.shape.P;
    pixels = malloc(rig.pixels);
    cs_rig_paint(&rig, pixels, 1);
    cs_rig_run(&rig, pixels, 1);
    before = get_components(&rig, 0);
    exchange_heads(&rig, 1);
    cs_rig_fini(&rig);
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, 1, 1);
    cs_rig_run(&rig, pixels, 1);
    after = get_components(&rig, 0);
    for (h = 0; h < 6; h++)
        for (p = 0; p < P; p++) {
            size_t to = h < 3 ? h : 8 - h; /* of layer 0 the same, of layer 1 in reverse */
            assert_true(fabs((double)before.heads[h * P + p] - (double)after.heads[to * P + p]) <
                        COMPONENT);
        }
    for (p = 0; p < 3 * P; p++)
        assert_true(fabs((double)before.mlps[p] - (double)after.mlps[p]) < COMPONENT);
    free_components(&before);
    free_components(&after);
    free(pixels);
    cs_rig_fini(&rig);
    cs_tiny_remove(&folder);
}

static void panels(void **state)
{
    cs_tiny_model tiny = small();
    (void)state;
    tiny.width = 816;
    tiny.heads = 12;
    tiny.mlp = 1030;
    tiny.embed = 272;
    tiny.layers = 3;
    check_shape(&tiny);
    tiny.width = 1040;
    tiny.heads = 2;
    tiny.embed = 37;
    check_shape(&tiny);
}

int main(void)
{
    static char names[][32] = {
        "openclip-odd",           "openclip-quick-custom", "hf-quick-sharded",
        "image-no-ln-pre",        "openclip-wide",         "hf-gelu-eos",
        "openclip-f64-unaligned", "siglip-timm",           "siglip-hf"};
    enum { GOLDEN = sizeof names / sizeof *names };
    struct CMUnitTest tests[GOLDEN + 4] = {{0}};
    const struct CMUnitTest shapes[4] = {cmocka_unit_test(one_of_everything),
                                         cmocka_unit_test(heads_one_wide), cmocka_unit_test(panels),
                                         cmocka_unit_test(heads_change_places)};
    size_t i;
    for (i = 0; i < GOLDEN; i++) {
        tests[i].name = names[i];
        tests[i].test_func = golden;
        tests[i].initial_state = names[i];
    }
    for (i = 0; i < 4; i++)
        tests[GOLDEN + i] = shapes[i];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
