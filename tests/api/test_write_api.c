/* SPDX-License-Identifier: MIT */
/* Mean-ablated heads and written checkpoints through the public interface: what they change and
 * leave alone, what a model without heads adds up to, and what is refused. */
#define _POSIX_C_SOURCE 200809L
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGES 6

/* Of the model below. */
enum { L = 2, H = 3, K = 8, P = 12, N = 5 };

static const clipspan_head chosen[2] = {{0, 2}, {1, 0}};
static float z[2 * K];
static char *folder, *out;
static clipspan_model *model;
static uint8_t pixels[IMAGES * 16 * 16 * 3];

static int set_up(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    uint32_t seed = 3;
    (void)state;
    tiny.vocab = 600;
    tiny.dtype = "F16";
    tiny.small_dtype = "F16";
    folder = cs_tiny_folder();
    out = cs_tiny_path(folder, "out");
    cs_tiny_write_openclip(folder, &tiny, 5);
    if (clipspan_model_open(&model, folder, NULL, NULL)) return -1;
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525U + 1013904223U;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    for (int i = 0; i < 2 * K; i++)
        z[i] = 0.3f * (float)sin(i + 1.0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    free(out);
    return 0;
}

static clipspan_encoder *new_encoder(clipspan_model *of, clipspan_modality tower, int threads)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_error err;
    o.modality = tower;
    o.threads = threads;
    if (clipspan_encoder_new(&encoder, of, &o, &err)) fail_msg("%s", err.message);
    return encoder;
}

static void embed(float *to, clipspan_encoder *encoder)
{
    clipspan_error err;
    if (clipspan_encoder_run_pixels(to, encoder, pixels, IMAGES, &err)) fail_msg("%s", err.message);
}

static double furthest(const float *a, const float *b)
{
    double most = 0.0;
    for (int i = 0; i < IMAGES * P; i++)
        if (fabs((double)a[i] - (double)b[i]) > most) most = fabs((double)a[i] - (double)b[i]);
    return most;
}

static void heads_fall_silent_and_come_back(void **state)
{
    float plain[IMAGES * P], silent[IMAGES * P], again[IMAGES * P];
    clipspan_encoder *one = new_encoder(model, CLIPSPAN_IMAGE, 1);
    clipspan_encoder *two = new_encoder(model, CLIPSPAN_IMAGE, 2);
    clipspan_decomposition *parts;
    clipspan_error err;
    (void)state;
    embed(plain, one);
    assert_int_equal(clipspan_encoder_set_heads(one, chosen, z, 2, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_encoder_set_heads(two, chosen, z, 2, &err), CLIPSPAN_OK);
    embed(silent, one);
    assert_true(furthest(plain, silent) > 1e-2);
    embed(again, two);
    assert_memory_equal(silent, again, sizeof silent);
    /* parts are of the model as it is */
    assert_int_equal(clipspan_decomposition_new(&parts, one, NULL, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_run_pixels(parts, pixels, IMAGES, &err), CLIPSPAN_OK);
    assert_memory_equal(clipspan_decomposition_get_embeddings(parts), plain, sizeof plain);
    clipspan_decomposition_free(&parts);
    embed(again, one);
    assert_memory_equal(silent, again, sizeof silent);
    assert_int_equal(clipspan_encoder_set_heads(one, NULL, NULL, 0, &err), CLIPSPAN_OK);
    embed(again, one);
    assert_memory_equal(plain, again, sizeof plain);
    clipspan_encoder_free(&one);
    clipspan_encoder_free(&two);
}

/* Writes the model, reopens it, and compares with mean-ablated heads. */
static clipspan_model *write_and_compare(int remove)
{
    float silent[IMAGES * P], written[IMAGES * P];
    clipspan_write_options o = CLIPSPAN_WRITE_OPTIONS_INIT;
    clipspan_encoder *encoder = new_encoder(model, CLIPSPAN_IMAGE, 1);
    clipspan_model *edited = NULL;
    clipspan_error err;
    o.remove = remove;
    o.replace = 1;
    assert_int_equal(clipspan_encoder_set_heads(encoder, chosen, z, 2, &err), CLIPSPAN_OK);
    embed(silent, encoder);
    clipspan_encoder_free(&encoder);
    if (clipspan_model_write(out, model, chosen, z, 2, &o, NULL, &err)) fail_msg("%s", err.message);
    if (clipspan_model_open(&edited, out, NULL, &err)) fail_msg("%s", err.message);
    encoder = new_encoder(edited, CLIPSPAN_IMAGE, 1);
    embed(written, encoder);
    clipspan_encoder_free(&encoder);
    /* both are float32 passes of the same network; rounding b_O to F16 would show as 1e-4 */
    assert_true(furthest(silent, written) < 2e-6);
    return edited;
}

static void written_checkpoints_say_the_same(void **state)
{
    clipspan_model *edited = write_and_compare(0);
    (void)state;
    assert_int_equal(clipspan_model_get_info(edited)->heads_left, L * H);
    assert_int_equal(clipspan_model_get_info(edited)->tensors,
                     clipspan_model_get_info(model)->tensors);
    clipspan_model_close(&edited);
}

static void what_is_left_of_a_model_adds_up(void **state)
{
    clipspan_model *edited = write_and_compare(1);
    clipspan_encoder *encoder = new_encoder(edited, CLIPSPAN_IMAGE, 1);
    clipspan_decomposition_options o = CLIPSPAN_DECOMPOSITION_OPTIONS_INIT;
    clipspan_decomposition *parts;
    float heads[L * H * P], tokens[N * P];
    clipspan_error err;
    double off;
    (void)state;
    assert_int_equal(clipspan_model_get_info(edited)->heads_left, L * H - 2);
    assert_true(clipspan_model_get_info(edited)->image->parameters <
                clipspan_model_get_info(model)->image->parameters);
    o.tokens = 1;
    assert_int_equal(clipspan_decomposition_new(&parts, encoder, &o, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_run_pixels(parts, pixels, 1, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_decomposition_run_check(&off, parts, 0, &err), CLIPSPAN_OK);
    assert_true(off < 1e-5);
    assert_int_equal(
        clipspan_decomposition_run_contributions(heads, NULL, NULL, NULL, parts, 0, &err), 0);
    for (int h = 0; h < L * H; h++) {
        const int gone = h == 2 || h == 3;
        double sum = 0.0, by_token = 0.0;
        assert_int_equal(clipspan_decomposition_run_tokens(tokens, parts, h / H, h % H, &err), 0);
        for (int p = 0; p < P; p++) {
            double along = 0.0;
            for (int j = 0; j < N; j++)
                along += (double)tokens[j * P + p];
            assert_true(fabs(along - (double)heads[h * P + p]) < 1e-6);
            sum += fabs((double)heads[h * P + p]);
            by_token += fabs(along);
        }
        assert_true(gone ? sum == 0.0 && by_token == 0.0 : sum > 1e-3);
    }
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&edited);
}

static int stop(void *user, size_t done, size_t total)
{
    (void)user;
    return 3 * done > total;
}

static void a_stopped_write_leaves_nothing(void **state)
{
    char *fresh = cs_tiny_path(folder, "fresh");
    clipspan_progress progress = {stop, NULL};
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_model_write(fresh, model, chosen, z, 2, NULL, &progress, &err),
                     CLIPSPAN_E_INTERRUPTED);
    assert_int_not_equal(access(fresh, F_OK), 0);
    free(fresh);
}

static void what_is_refused(void **state)
{
    const clipspan_head twice[2] = {{0, 1}, {0, 1}}, none[1] = {{2, 0}},
                        layer[3] = {{1, 0}, {1, 1}, {1, 2}};
    clipspan_write_options o = CLIPSPAN_WRITE_OPTIONS_INIT, odd = CLIPSPAN_WRITE_OPTIONS_INIT;
    clipspan_encoder *image = new_encoder(model, CLIPSPAN_IMAGE, 1);
    clipspan_encoder *text = new_encoder(model, CLIPSPAN_TEXT, 1);
    float bad[3 * K] = {0.0f};
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_encoder_set_heads(text, chosen, z, 2, &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_encoder_set_heads(NULL, chosen, z, 2, &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_encoder_set_heads(image, chosen, NULL, 2, &err), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_encoder_set_heads(image, twice, z, 2, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "named twice"));
    assert_int_equal(clipspan_encoder_set_heads(image, none, z, 1, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "layers 0 to 1"));
    bad[3] = NAN;
    assert_int_equal(clipspan_encoder_set_heads(image, chosen, bad, 2, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "number 3"));
    bad[3] = 0.0f;
    assert_int_equal(clipspan_model_check_write(out, model, chosen, 0, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "no head is chosen"));
    o.remove = 1;
    o.replace = 1;
    assert_int_equal(clipspan_model_write(out, model, layer, bad, 3, &o, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    odd.struct_size = 3;
    assert_int_equal(clipspan_model_write(out, model, chosen, z, 2, &odd, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    /* the model's own folder is none that was written in this way */
    assert_int_equal(clipspan_model_write(folder, model, chosen, z, 2, &o, NULL, &err),
                     CLIPSPAN_E_EXISTS);
    assert_int_equal(clipspan_model_check_write(NULL, model, chosen, 2, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    clipspan_encoder_free(&image);
    clipspan_encoder_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_fall_silent_and_come_back),
        cmocka_unit_test(written_checkpoints_say_the_same),
        cmocka_unit_test(what_is_left_of_a_model_adds_up),
        cmocka_unit_test(a_stopped_write_leaves_nothing),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
