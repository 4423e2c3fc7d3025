/* SPDX-License-Identifier: MIT */
/* Parts and their statistics through the public interface alone: sums, the same bytes for any
 * number of threads, images that cannot be used, and arguments that are refused. What the numbers
 * themselves must be is tests/decompose's business. Runs once per kernel level (CLIPSPAN_CPU). */
#define _POSIX_C_SOURCE 200809L
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IMAGES 40

/* Of the model below. */
enum { L = 3, H = 3, P = 12, N = 5 };

static char *folder;
static clipspan_model *model;
static uint8_t *pixels; /* [IMAGES, 16, 16, 3] */
static const size_t image_size = 16 * 16 * 3;

static int set_up(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    uint32_t seed = 3;
    size_t i;
    (void)state;
    tiny.no_text = 1;
    tiny.layers = L;
    folder = cs_tiny_folder();
    cs_tiny_write_openclip(folder, &tiny, 5);
    if (clipspan_model_open(&model, folder, NULL, NULL)) return -1;
    pixels = malloc(IMAGES * image_size);
    for (i = 0; i < IMAGES * image_size; i++) {
        seed = seed * 1664525U + 1013904223U;
        pixels[i] = (uint8_t)(seed >> 24);
        if (i / image_size % 3) pixels[i] = (uint8_t)(pixels[i] / 4 + i / image_size * 5);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    free(pixels);
    return 0;
}

static clipspan_encoder *new_encoder(int threads)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_error err;
    o.threads = threads;
    o.raw = 1; /* not looked at by parts */
    if (clipspan_encoder_new(&encoder, model, &o, &err)) fail_msg("%s", err.message);
    return encoder;
}

static clipspan_decomposition *new_decomposition(clipspan_encoder *encoder, int tokens)
{
    clipspan_decomposition_options o = CLIPSPAN_DECOMPOSITION_OPTIONS_INIT;
    clipspan_decomposition *parts = NULL;
    clipspan_error err;
    o.tokens = tokens;
    if (clipspan_decomposition_new(&parts, encoder, &o, &err)) fail_msg("%s", err.message);
    return parts;
}

/* ---- Parts ---- */

static void parts_add_up(void **state)
{
    clipspan_encoder *encoder = new_encoder(2);
    clipspan_decomposition *parts = new_decomposition(encoder, 0);
    float heads[L][H][P], layers[L][P], mlps[L + 1][P], class_self_attention[L][P];
    size_t i, l, h, p;
    (void)state;
    assert_int_equal(clipspan_decomposition_run_pixels(parts, pixels, 32, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_get_count(parts), 32);
    for (i = 0; i < 32; i++) {
        const float *embedding = clipspan_decomposition_get_embeddings(parts) + i * P;
        double off;
        assert_int_equal(clipspan_decomposition_run_contributions(heads[0][0], layers[0], mlps[0],
                                                                  class_self_attention[0], parts, i,
                                                                  NULL),
                         CLIPSPAN_OK);
        for (p = 0; p < P; p++) {
            double all = 0.0;
            for (l = 0; l < L; l++) {
                double layer = 0.0;
                for (h = 0; h < H; h++)
                    layer += (double)heads[l][h][p];
                assert_true(fabs(layer - (double)layers[l][p]) < 1e-6);
                all += layer;
            }
            for (l = 0; l <= L; l++)
                all += (double)mlps[l][p];
            assert_true(fabs(all - (double)embedding[p]) < 1e-5);
        }
        assert_int_equal(clipspan_decomposition_run_check(&off, parts, i, NULL), CLIPSPAN_OK);
        assert_true(off > 0.0 && off < 1e-5);
    }
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
}

/* Unit embeddings of a plain encoder, bit for bit; tokens add up to heads, class tokens to the
 * class-token self-attention. */
static void tokens_add_up(void **state)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = new_encoder(1), *plain = NULL;
    clipspan_decomposition *parts = new_decomposition(encoder, 1);
    float heads[L][H][P], class_self_attention[L][P], tokens[N][P], embedding[P];
    size_t l, h, n, p;
    (void)state;
    assert_int_equal(clipspan_encoder_new(&plain, model, &o, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_encoder_run_pixels(embedding, plain, pixels, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_run_pixels(parts, pixels, 1, NULL), CLIPSPAN_OK);
    assert_memory_equal(clipspan_decomposition_get_embeddings(parts), embedding, sizeof embedding);
    clipspan_decomposition_run_contributions(heads[0][0], NULL, NULL, class_self_attention[0],
                                             parts, 0, NULL);
    for (l = 0; l < L; l++) {
        double own[P] = {0};
        for (h = 0; h < H; h++) {
            assert_int_equal(
                clipspan_decomposition_run_tokens(tokens[0], parts, (int)l, (int)h, NULL),
                CLIPSPAN_OK);
            for (p = 0; p < P; p++) {
                double sum = 0.0;
                for (n = 0; n < N; n++)
                    sum += (double)tokens[n][p];
                assert_true(fabs(sum - (double)heads[l][h][p]) < 2e-6);
                own[p] += (double)tokens[0][p];
            }
        }
        for (p = 0; p < P; p++)
            assert_true(fabs(own[p] - (double)class_self_attention[l][p]) < 2e-6);
    }
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    clipspan_encoder_free(&plain);
}

/* A file that is no image keeps its number; its parts are zero. */
static void bad_files(void **state)
{
    clipspan_encoder *encoder = new_encoder(2);
    clipspan_decomposition *parts = new_decomposition(encoder, 0);
    clipspan_stats *stats = NULL;
    clipspan_error errors[3], err;
    char *good = cs_tiny_path(folder, "good.png"), *bad = cs_tiny_path(folder, "bad.png");
    const char *paths[3] = {good, bad, good};
    float heads[2][L * H * P], layers[L * P];
    size_t i;
    (void)state;
    assert_int_equal(clipspan_png_write(good, pixels, 16, 16, 1, NULL), CLIPSPAN_OK);
    cs_tiny_write_text(folder, "bad.png", "no image");
    assert_int_equal(clipspan_decomposition_run_files(parts, errors, paths, 3, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_get_count(parts), 3);
    assert_int_equal(errors[0].code, CLIPSPAN_OK);
    assert_int_not_equal(errors[1].code, CLIPSPAN_OK);
    clipspan_decomposition_run_contributions(heads[0], layers, NULL, NULL, parts, 1, NULL);
    for (i = 0; i < L * P; i++)
        assert_true(layers[i] == 0.0F);
    clipspan_decomposition_run_contributions(heads[0], NULL, NULL, NULL, parts, 0, NULL);
    clipspan_decomposition_run_contributions(heads[1], NULL, NULL, NULL, parts, 2, NULL);
    for (i = 0; i < L * H * P; i++)
        assert_true(fabs((double)heads[0][i] - (double)heads[1][i]) < 1e-6);
    assert_int_equal(clipspan_stats_new(&stats, encoder, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_stats_add(stats, parts, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_stats_get_count(stats), 2);
    assert_int_equal(clipspan_decomposition_run_files(parts, NULL, paths, 3, &err), errors[1].code);
    assert_non_null(strstr(err.message, "bad.png"));
    assert_int_equal(clipspan_decomposition_get_count(parts), 0);
    clipspan_stats_free(&stats);
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    free(good);
    free(bad);
}

/* ---- Statistics ---- */

/* Statistics of all images, in runs of `step`. */
static clipspan_stats *count_all(int threads, size_t step, double *squares, const float *direction)
{
    clipspan_encoder *encoder = new_encoder(threads);
    clipspan_decomposition *parts = new_decomposition(encoder, 0);
    clipspan_stats *stats = NULL;
    size_t at, i, k, p;
    assert_int_equal(clipspan_stats_new(&stats, encoder, NULL), CLIPSPAN_OK);
    for (at = 0; at < IMAGES; at += step) {
        size_t count = IMAGES - at < step ? IMAGES - at : step;
        clipspan_decomposition_run_pixels(parts, pixels + at * image_size, count, NULL);
        assert_int_equal(clipspan_stats_add(stats, parts, NULL), CLIPSPAN_OK);
        for (i = 0; squares && i < count; i++) { /* sums and sums of squares along a direction */
            float heads[L * H][P];
            clipspan_decomposition_run_contributions(heads[0], NULL, NULL, NULL, parts, i, NULL);
            for (k = 0; k < L * H; k++) {
                double dot = 0.0;
                for (p = 0; p < P; p++)
                    dot += (double)heads[k][p] * (double)direction[p];
                squares[2 * k] += dot;
                squares[2 * k + 1] += dot * dot;
            }
        }
    }
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    return stats;
}

static void directions_and_means(void **state)
{
    double sums[L * H * 2] = {0}, mean[L * H], variance[L * H];
    float direction[P], heads[L * H][P], layers[L][P], mlps[L + 1][P], class_self_attention[L][P],
        m[P];
    clipspan_stats *stats;
    size_t k, p, l;
    (void)state;
    for (p = 0; p < P; p++)
        direction[p] = (float)((int)p % 5 - 2) / 4.0F;
    stats = count_all(2, 7, sums, direction);
    assert_int_equal(clipspan_stats_get_count(stats), IMAGES);
    assert_int_equal(clipspan_stats_run_direction(mean, variance, stats, direction, NULL),
                     CLIPSPAN_OK);
    assert_int_equal(clipspan_stats_run_means(heads[0], layers[0], mlps[0], class_self_attention[0],
                                              m, stats, NULL),
                     CLIPSPAN_OK);
    for (k = 0; k < L * H; k++) {
        double expected = sums[2 * k] / IMAGES, dot = 0.0;
        double spread = (sums[2 * k + 1] - expected * sums[2 * k]) / (IMAGES - 1);
        for (p = 0; p < P; p++)
            dot += (double)heads[k][p] * (double)direction[p];
        assert_true(fabs(mean[k] - expected) < 1e-6 && fabs(mean[k] - dot) < 1e-6);
        assert_true(fabs(variance[k] - spread) < 1e-5 * spread + 1e-9);
    }
    for (p = 0; p < P; p++) {
        double sum = 0.0;
        for (l = 0; l < L; l++)
            sum += (double)layers[l][p];
        for (l = 0; l <= L; l++)
            sum += (double)mlps[l][p];
        assert_true(fabs(sum - (double)m[p]) < 1e-6);
    }
    clipspan_stats_free(&stats);
}

static void variance_shares_add_up(void **state)
{
    clipspan_variance_share heads[L * H], layers[L], mlps[L + 1], class_self_attention[L];
    clipspan_stats *stats = count_all(1, 32, NULL, NULL);
    double by_head = 0.0, by_layer = 0.0;
    size_t i;
    (void)state;
    assert_int_equal(
        clipspan_stats_run_variance_shares(heads, layers, mlps, class_self_attention, stats, NULL),
        CLIPSPAN_OK);
    for (i = 0; i < L * H; i++) {
        assert_true(heads[i].variance > 0.0);
        by_head += heads[i].share;
    }
    for (i = 0; i < L; i++) {
        by_layer += layers[i].share;
        assert_true(class_self_attention[i].variance > 0.0);
    }
    for (i = 0; i <= L; i++) {
        by_head += mlps[i].share;
        by_layer += mlps[i].share;
    }
    assert_true(fabs(by_head - 1.0) < 1e-5 && fabs(by_layer - 1.0) < 1e-5);
    clipspan_stats_free(&stats);
}

/* Threads leave no trace; merging halves is as good as counting all, within rounding: mean products
 * with the embedding are float32 sums over the images of a run. */
static void the_same_again(void **state)
{
    clipspan_variance_share one[L * H], three[L * H], merged[L * H];
    clipspan_stats *a = count_all(1, 8, NULL, NULL), *b = count_all(3, 8, NULL, NULL);
    clipspan_encoder *encoder = new_encoder(1);
    clipspan_decomposition *parts = new_decomposition(encoder, 0);
    clipspan_stats *left = NULL, *right = NULL;
    size_t i;
    (void)state;
    clipspan_stats_run_variance_shares(one, NULL, NULL, NULL, a, NULL);
    clipspan_stats_run_variance_shares(three, NULL, NULL, NULL, b, NULL);
    assert_memory_equal(one, three, sizeof one);
    assert_int_equal(clipspan_stats_new(&left, encoder, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_stats_new(&right, encoder, NULL), CLIPSPAN_OK);
    clipspan_decomposition_run_pixels(parts, pixels, 20, NULL);
    clipspan_stats_add(left, parts, NULL);
    clipspan_decomposition_run_pixels(parts, pixels + 20 * image_size, 20, NULL);
    clipspan_stats_add(right, parts, NULL);
    assert_int_equal(clipspan_stats_merge(left, right, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_stats_get_count(left), IMAGES);
    assert_int_equal(clipspan_stats_get_count(right), 20);
    clipspan_stats_run_variance_shares(merged, NULL, NULL, NULL, left, NULL);
    for (i = 0; i < L * H; i++)
        assert_true(fabs(one[i].share - merged[i].share) < 1e-6 &&
                    fabs(one[i].variance - merged[i].variance) < 1e-12);
    clipspan_stats_add(left, parts, NULL); /* on top of what was merged */
    assert_int_equal(clipspan_stats_get_count(left), IMAGES + 20);
    clipspan_stats_free(&a);
    clipspan_stats_free(&b);
    clipspan_stats_free(&left);
    clipspan_stats_free(&right);
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
}

static void nothing_counted(void **state)
{
    clipspan_encoder *encoder = new_encoder(1);
    clipspan_stats *stats = NULL;
    clipspan_variance_share heads[L * H];
    double mean[L * H], variance[L * H];
    float direction[P] = {1.0F};
    size_t i;
    (void)state;
    assert_int_equal(clipspan_stats_new(&stats, encoder, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_stats_get_count(stats), 0);
    clipspan_stats_run_variance_shares(heads, NULL, NULL, NULL, stats, NULL);
    clipspan_stats_run_direction(mean, variance, stats, direction, NULL);
    for (i = 0; i < L * H; i++)
        assert_true(heads[i].share == 0.0 && mean[i] == 0.0 && variance[i] == 0.0);
    clipspan_stats_free(&stats);
    clipspan_encoder_free(&encoder);
}

/* ---- What is refused ---- */

static void refused(clipspan_status status, const clipspan_error *err, const char *says)
{
    assert_int_equal(status, CLIPSPAN_E_ARGUMENT);
    if (!strstr(err->message, says)) fail_msg("\"%s\" does not say \"%s\"", err->message, says);
}

static void arguments(void **state)
{
    clipspan_encoder *encoder = new_encoder(1);
    clipspan_decomposition *parts = new_decomposition(encoder, 0),
                           *tokens = new_decomposition(encoder, 1), *none;
    clipspan_decomposition_options odd = CLIPSPAN_DECOMPOSITION_OPTIONS_INIT;
    clipspan_model *other = NULL;
    clipspan_stats *stats = NULL;
    clipspan_encoder *other_encoder = NULL;
    clipspan_error err;
    float out[N * P];
    double off;
    (void)state;
    refused(clipspan_decomposition_new(&none, NULL, NULL, &err), &err, "NULL");
    odd.struct_size = 0;
    refused(clipspan_decomposition_new(&none, encoder, &odd, &err), &err, "struct_size");
    assert_null(none);
    refused(clipspan_decomposition_run_pixels(parts, pixels, 0, &err), &err, "1 to 32");
    refused(clipspan_decomposition_run_pixels(parts, pixels, 33, &err), &err, "33 images");
    refused(clipspan_decomposition_run_pixels(tokens, pixels, 2, &err), &err, "with tokens");
    refused(clipspan_decomposition_run_pixels(parts, NULL, 1, &err), &err, "NULL");
    refused(clipspan_decomposition_run_contributions(NULL, NULL, NULL, NULL, parts, 0, &err), &err,
            "had 0");
    clipspan_decomposition_run_pixels(parts, pixels, 2, NULL);
    refused(clipspan_decomposition_run_check(&off, parts, 2, &err), &err, "image 2");
    refused(clipspan_decomposition_run_tokens(out, parts, 0, 0, &err), &err, "without the option");
    clipspan_decomposition_run_pixels(tokens, pixels, 1, NULL);
    refused(clipspan_decomposition_run_tokens(out, tokens, 0, H, &err), &err, "heads 0 to 2");
    refused(clipspan_decomposition_run_tokens(out, tokens, -1, 0, &err), &err, "layers 0 to 2");
    assert_int_equal(clipspan_model_open(&other, folder, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_encoder_new(&other_encoder, other, NULL, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_stats_new(&stats, other_encoder, NULL), CLIPSPAN_OK);
    refused(clipspan_stats_add(stats, parts, &err), &err, "another model");
    refused(clipspan_stats_run_direction(&off, NULL, stats, NULL, &err), &err, "NULL");
    clipspan_stats_free(&stats);
    clipspan_encoder_free(&other_encoder);
    clipspan_model_close(&other);
    clipspan_decomposition_free(&parts);
    clipspan_decomposition_free(&tokens);
    clipspan_encoder_free(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(tokens_add_up),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(directions_and_means),
        cmocka_unit_test(variance_shares_add_up),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(nothing_counted),
        cmocka_unit_test(arguments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
