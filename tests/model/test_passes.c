/* SPDX-License-Identifier: MIT */
/* Both towers against the formulas of checkpoints, written out in float64, for models of odd sizes:
 * one of everything, widths that no vector divides, images of two tokens, contexts and batches
 * longer than a pass is planned for. At every kernel level, with one thread and with three. */
#include "model/image_pass.h"
#include "model/text_pass.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- The reference ---- */

typedef struct reference {
    const cs_checkpoint *checkpoint;
    const cs_config *config;
    const cs_tower_config *tower;
    clipspan_modality which;
} reference;

/* A part's numbers, malloc'ed. */
static float *numbers(const reference *r, cs_part part, int layer)
{
    cs_tensor_ref ref = cs_checkpoint_part(r->checkpoint, r->which, part, layer);
    float *out = malloc((size_t)(ref.rows * ref.columns) * sizeof *out);
    assert_int_equal(cs_checkpoint_read(out, r->checkpoint, ref, NULL), CLIPSPAN_OK);
    return out;
}

static double *zeros(size_t count)
{
    return calloc(count, sizeof(double));
}

/* x W^T + b; W : [outputs, inputs], malloc'ed. */
static double *linear(const reference *r, const double *x, size_t rows, size_t inputs,
                      size_t outputs, cs_part weight, cs_part bias, int layer)
{
    float *w = numbers(r, weight, layer), *b = numbers(r, bias, layer);
    double *y = zeros(rows * outputs);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < outputs; j++) {
            y[i * outputs + j] = (double)b[j];
            for (size_t k = 0; k < inputs; k++)
                y[i * outputs + j] += x[i * inputs + k] * (double)w[j * inputs + k];
        }
    free(w);
    free(b);
    return y;
}

/* LayerNorm, malloc'ed. */
static double *norm(const reference *r, const double *x, size_t rows, cs_part gain, cs_part bias,
                    int layer)
{
    size_t D = (size_t)r->tower->width;
    float *g = numbers(r, gain, layer), *b = numbers(r, bias, layer);
    double *y = zeros(rows * D);
    for (size_t i = 0; i < rows; i++) {
        double mean = 0.0, variance = 0.0;
        for (size_t j = 0; j < D; j++)
            mean += x[i * D + j] / (double)D;
        for (size_t j = 0; j < D; j++)
            variance += (x[i * D + j] - mean) * (x[i * D + j] - mean) / (double)D;
        for (size_t j = 0; j < D; j++)
            y[i * D + j] =
                (x[i * D + j] - mean) / sqrt(variance + (double)r->tower->eps) * (double)g[j] +
                (double)b[j];
    }
    free(g);
    free(b);
    return y;
}

static double *attend(const reference *r, const double *q, const double *k, const double *v,
                      size_t n)
{
    size_t D = (size_t)r->tower->width, K = (size_t)r->tower->head_width;
    double *out = zeros(n * D), *w = zeros(n);
    for (size_t h = 0; h < D; h += K)
        for (size_t i = 0; i < n; i++) {
            size_t seen = r->which == CLIPSPAN_TEXT ? i + 1 : n;
            double sum = 0.0;
            for (size_t j = 0; j < seen; j++) {
                double score = 0.0;
                for (size_t d = h; d < h + K; d++)
                    score += q[i * D + d] * k[j * D + d];
                w[j] = exp(score / sqrt((double)K));
                sum += w[j];
            }
            for (size_t j = 0; j < seen; j++)
                for (size_t d = h; d < h + K; d++)
                    out[i * D + d] += w[j] / sum * v[j * D + d];
        }
    free(w);
    return out;
}

static void add_to(double *x, double *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] += y[i];
    free(y);
}

static void block(const reference *r, double *x, size_t n, int layer)
{
    size_t D = (size_t)r->tower->width, M = (size_t)r->tower->mlp_width;
    double *h = norm(r, x, n, CS_LN1_WEIGHT, CS_LN1_BIAS, layer);
    double *q = linear(r, h, n, D, D, CS_Q_WEIGHT, CS_Q_BIAS, layer);
    double *k = linear(r, h, n, D, D, CS_K_WEIGHT, CS_K_BIAS, layer);
    double *v = linear(r, h, n, D, D, CS_V_WEIGHT, CS_V_BIAS, layer);
    double *a = attend(r, q, k, v, n), *m;
    add_to(x, linear(r, a, n, D, D, CS_OUT_WEIGHT, CS_OUT_BIAS, layer), n * D);
    free(h);
    h = norm(r, x, n, CS_LN2_WEIGHT, CS_LN2_BIAS, layer);
    m = linear(r, h, n, D, M, CS_FC_WEIGHT, CS_FC_BIAS, layer);
    for (size_t i = 0; i < n * M; i++)
        m[i] = r->config->activation == CLIPSPAN_GELU ? m[i] / 2.0 * (1.0 + erf(m[i] / sqrt(2.0)))
                                                      : m[i] / (1.0 + exp(-1.702 * m[i]));
    add_to(x, linear(r, m, n, M, D, CS_MLP_OUT_WEIGHT, CS_MLP_OUT_BIAS, layer), n * D);
    free(h);
    free(q);
    free(k);
    free(v);
    free(a);
    free(m);
}

/* Blocks, last LayerNorm and projection of row `row`; x is freed. */
static void finish(double *out, const reference *r, double *x, size_t n, size_t row)
{
    size_t D = (size_t)r->tower->width, P = (size_t)r->config->embed_width;
    int transposed = cs_checkpoint_part(r->checkpoint, r->which, CS_PROJECTION, 0).transposed;
    float *w = numbers(r, CS_PROJECTION, 0);
    double *y;
    for (int layer = 0; layer < r->tower->layers; layer++)
        block(r, x, n, layer);
    y = norm(r, x + row * D, 1, CS_LN_POST_WEIGHT, CS_LN_POST_BIAS, 0);
    for (size_t j = 0; j < P; j++) {
        out[j] = 0.0;
        for (size_t k = 0; k < D; k++)
            out[j] += y[k] * (double)(transposed ? w[j * D + k] : w[k * P + j]);
    }
    free(w);
    free(x);
    free(y);
}

static void image_reference(double *out, reference r, const uint8_t *pixels)
{
    const cs_config *c = r.config;
    size_t D = (size_t)c->image.width, N = (size_t)c->tokens, p = (size_t)c->patch_size;
    float *w = numbers(&r, CS_PATCH_WEIGHT, 0), *positions = numbers(&r, CS_POSITIONS, 0);
    float *class_token = numbers(&r, CS_CLASS_TOKEN, 0);
    double *x = zeros(N * D);
    for (size_t t = 0; t < N; t++)
        for (size_t i = 0; i < D; i++) {
            double sum = t ? 0.0 : (double)class_token[i];
            size_t top = t ? (t - 1) / (size_t)c->grid_width * p : 0;
            size_t left = t ? (t - 1) % (size_t)c->grid_width * p : 0;
            for (size_t k = 0; t && k < 3 * p * p; k++) { /* colour, y, x */
                size_t colour = k / (p * p), row = top + k / p % p, column = left + k % p;
                size_t at = (row * (size_t)c->input_width + column) * 3 + colour;
                double value = (double)pixels[at] / 255.0;
                value -= (double)c->preprocess.mean[colour];
                sum += value / (double)c->preprocess.std[colour] * (double)w[i * 3 * p * p + k];
            }
            x[t * D + i] = sum + (double)positions[t * D + i];
        }
    if (c->has_ln_pre) {
        double *y = norm(&r, x, N, CS_LN_PRE_WEIGHT, CS_LN_PRE_BIAS, 0);
        free(x);
        x = y;
    }
    finish(out, &r, x, N, 0);
    free(w);
    free(positions);
    free(class_token);
}

/* tokens[end] is where the text is read out. */
static void text_reference(double *out, reference r, const int32_t *tokens, size_t end)
{
    size_t D = (size_t)r.config->text.width;
    float *table = numbers(&r, CS_TOKEN_TABLE, 0), *positions = numbers(&r, CS_POSITIONS, 0);
    double *x = zeros((end + 1) * D);
    for (size_t i = 0; i <= end; i++)
        for (size_t d = 0; d < D; d++)
            x[i * D + d] = (double)table[(size_t)tokens[i] * D + d] + (double)positions[i * D + d];
    finish(out, &r, x, end + 1, end);
    free(table);
    free(positions);
}

/* ---- The comparison ---- */

static void assert_near(const float *found, const double *expected, size_t count)
{
    double wrong = 0.0, size = 0.0;
    for (size_t i = 0; i < count; i++) {
        wrong += ((double)found[i] - expected[i]) * ((double)found[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    if (!(sqrt(wrong) <= 1e-5 * sqrt(size))) fail_msg("off by %g of %g", sqrt(wrong), sqrt(size));
}

#define TEXTS 9

static void compare_images(const cs_checkpoint *checkpoint, const cs_simd *simd, int threads)
{
    const cs_config *c = cs_checkpoint_config(checkpoint);
    size_t size = 3 * (size_t)c->input_height * (size_t)c->input_width;
    size_t P = (size_t)c->embed_width;
    reference r = {checkpoint, c, &c->image, CLIPSPAN_IMAGE};
    cs_tower *tower = NULL;
    cs_image_pass *pass = NULL;
    uint8_t *pixels = malloc(size);
    float *found = malloc(P * sizeof *found);
    double *expected = zeros(P);
    for (size_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)((i * 7919u + i / 5) >> 3);
    assert_int_equal(
        cs_tower_load(&tower, checkpoint, CLIPSPAN_IMAGE, CLIPSPAN_F32, 0, threads, simd, NULL),
        CLIPSPAN_OK);
    assert_int_equal(cs_image_pass_new(&pass, tower, c, threads, simd, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_image_pass_run(found, pass, pixels, 0, NULL), CLIPSPAN_OK);
    image_reference(expected, r, pixels);
    assert_near(found, expected, P);
    cs_image_pass_free(&pass);
    cs_tower_free(&tower);
    free(pixels);
    free(found);
    free(expected);
}

/* Texts of one token up to the whole context, some of which begin alike. */
static void write_texts(int32_t *tokens, size_t ends[TEXTS], size_t C, int vocab)
{
    for (size_t t = 0; t < TEXTS; t++) {
        int32_t *to = tokens + t * C;
        ends[t] = t == 0 ? 0 : t == 1 ? C - 1 : (t * 5 + C / 3) % C;
        memset(to, 0, C * sizeof *to);
        for (size_t i = 0; i < ends[t]; i++)
            to[i] = (int32_t)((i < 3 ? i : i * 31 + t / 2) % (size_t)(vocab - 1));
        to[ends[t]] = vocab - 1;
    }
}

static void compare_texts(const cs_checkpoint *checkpoint, const cs_simd *simd)
{
    const cs_config *c = cs_checkpoint_config(checkpoint);
    size_t C = (size_t)c->context_length, P = (size_t)c->embed_width, ends[TEXTS], at = 0;
    reference r = {checkpoint, c, &c->text, CLIPSPAN_TEXT};
    cs_tower *tower = NULL;
    cs_text_pass *pass = NULL;
    int32_t *tokens = malloc(TEXTS * C * sizeof *tokens);
    float *found = malloc(TEXTS * P * sizeof *found);
    double *expected = zeros(P);
    write_texts(tokens, ends, C, c->vocab_size);
    assert_int_equal(
        cs_tower_load(&tower, checkpoint, CLIPSPAN_TEXT, CLIPSPAN_F32, 0, 1, simd, NULL),
        CLIPSPAN_OK);
    assert_int_equal(cs_text_pass_new(&pass, tower, c, simd, NULL), CLIPSPAN_OK);
    while (at < TEXTS) {
        size_t count = cs_text_pass_cut(pass, tokens + at * C, TEXTS - at);
        assert_true(count >= 1 && count <= TEXTS - at);
        assert_int_equal(cs_text_pass_run(found + at * P, pass, tokens + at * C, count, 0, NULL),
                         CLIPSPAN_OK);
        at += count;
    }
    for (size_t t = 0; t < TEXTS; t++) {
        text_reference(expected, r, tokens + t * C, ends[t]);
        assert_near(found + t * P, expected, P);
    }
    cs_text_pass_free(&pass);
    cs_tower_free(&tower);
    free(tokens);
    free(found);
    free(expected);
}

static void compare(cs_tiny_model tiny)
{
    cs_checkpoint *checkpoint = NULL;
    clipspan_error err;
    char *folder = cs_tiny_folder();
    cs_tiny_write_openclip(folder, &tiny, 3);
    if (cs_checkpoint_open(&checkpoint, folder, NULL, &err)) fail_msg("%s", err.message);
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        if (!simd) continue;
        compare_images(checkpoint, simd, 1);
        compare_images(checkpoint, simd, 3);
        compare_texts(checkpoint, simd);
    }
    cs_checkpoint_close(&checkpoint);
    cs_tiny_remove(&folder);
}

static cs_tiny_model small(void)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    tiny.vocab = 40;
    tiny.context = 12;
    return tiny;
}

/* A width of 1 would leave LayerNorm nothing but its bias, so heads are 1 wide instead. */
static void one_of_everything(void **state)
{
    cs_tiny_model tiny = small();
    (void)state;
    tiny.embed = tiny.layers = tiny.heads = tiny.mlp = 1;
    tiny.text_layers = tiny.text_heads = tiny.text_mlp = 1;
    tiny.width = tiny.text_width = 2;
    tiny.height = tiny.input_width = tiny.patch = 1;
    tiny.context = tiny.vocab = 2;
    compare(tiny);
}

static void heads_one_wide(void **state)
{
    cs_tiny_model tiny = small();
    (void)state;
    tiny.width = tiny.heads = 13;
    tiny.text_width = tiny.text_heads = 7;
    tiny.mlp = tiny.text_mlp = 5;
    tiny.quick_gelu = 1;
    compare(tiny);
}

static void images_that_are_not_square(void **state)
{
    cs_tiny_model tiny = small();
    (void)state;
    tiny.height = 6;
    tiny.input_width = 15;
    tiny.patch = 3;
    tiny.no_ln_pre = 1;
    compare(tiny);
    tiny.height = 33;
    tiny.input_width = 3;
    compare(tiny);
}

static void more_context_than_rows_of_a_pass(void **state)
{
    cs_tiny_model tiny = small();
    (void)state;
    tiny.context = CS_TEXT_ROWS + 89;
    tiny.vocab = 700;
    compare(tiny);
}

/* Widths that are cut into panels and slices, and ones that cannot be. */
static void wide_models(void **state)
{
    static const int sizes[][4] = {/* width, heads, MLP, text heads */
                                   {816, 12, 1030, 3},
                                   {804, 6, 1031, 4},
                                   {1040, 2, 513, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cs_tiny_model tiny = small();
        tiny.width = tiny.text_width = sizes[i][0];
        tiny.heads = sizes[i][1];
        tiny.mlp = tiny.text_mlp = sizes[i][2];
        tiny.text_heads = sizes[i][3];
        tiny.embed = 37;
        compare(tiny);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_everything),
        cmocka_unit_test(heads_one_wide),
        cmocka_unit_test(images_that_are_not_square),
        cmocka_unit_test(more_context_than_rows_of_a_pass),
        cmocka_unit_test(wide_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
