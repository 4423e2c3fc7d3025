/* SPDX-License-Identifier: MIT */
/* Encoders: the same bytes for any number of threads, what single and bf16 may change, and errors
 * that name their cause. Runs once per kernel level (CLIPSPAN_CPU). */
#define _POSIX_C_SOURCE 200809L
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGES 11
#define TEXTS  40

typedef struct fixture {
    char *folder;
    clipspan_model *model;
    const clipspan_model_info *info;
    uint8_t *pixels;       /* [IMAGES, height, width, 3] */
    clipspan_texts *texts; /* [TEXTS] */
} fixture;

static clipspan_model *open_model(const char *folder)
{
    clipspan_model *model = NULL;
    clipspan_error err;
    if (clipspan_model_open(&model, folder, NULL, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    return model;
}

static int set_up(void **state)
{
    static const char *const stems[] = {"a photo of a cat", "a photo of a small dog", "red",
                                        "a painting of the number 7 in the snow"};
    fixture *f = calloc(1, sizeof *f);
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    const char *list[TEXTS];
    char *made[TEXTS];
    size_t size, i;
    uint32_t seed = 3;
    f->folder = cs_tiny_folder();
    cs_tiny_write_openclip(f->folder, &tiny, 5);
    f->model = open_model(f->folder);
    f->info = clipspan_model_get_info(f->model);
    size = IMAGES * 3 * (size_t)f->info->input_height * (size_t)f->info->input_width;
    f->pixels = malloc(size);
    for (i = 0; i < size; i++) {
        seed = seed * 1664525U + 1013904223U;
        f->pixels[i] = (uint8_t)(seed >> 24);
    }
    for (i = 0; i < TEXTS; i++) {
        made[i] = malloc(100);
        snprintf(made[i], 100, "%s%s %zu", stems[i % 4], i % 3 ? " here" : "", i * i);
        list[i] = made[i];
    }
    assert_int_equal(clipspan_texts_new(&f->texts, list, NULL, TEXTS, NULL), 0);
    for (i = 0; i < TEXTS; i++)
        free(made[i]);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    clipspan_model_close(&f->model);
    clipspan_texts_free(&f->texts);
    cs_tiny_remove(&f->folder);
    free(f->pixels);
    free(f);
    return 0;
}

/* Embeds all images, or all texts, with these options; malloc'ed. */
static float *embed(const fixture *f, clipspan_encoder_options options)
{
    size_t count = options.modality == CLIPSPAN_IMAGE ? IMAGES : TEXTS;
    float *out = calloc(count * (size_t)f->info->embed_width, sizeof *out);
    clipspan_encoder *encoder = NULL;
    clipspan_error err;
    clipspan_status status = clipspan_encoder_new(&encoder, f->model, &options, &err);
    if (!status && options.modality == CLIPSPAN_IMAGE)
        status = clipspan_encoder_run_pixels(out, encoder, f->pixels, count, &err);
    else if (!status)
        status = clipspan_encoder_run_texts(out, encoder, f->texts, NULL, &err);
    if (status) fail_msg("%s", err.message);
    clipspan_encoder_free(&encoder);
    return out;
}

static double largest_difference(const float *a, const float *b, size_t count)
{
    double most = 0;
    size_t i;
    for (i = 0; i < count; i++)
        if (fabs((double)a[i] - (double)b[i]) > most) most = fabs((double)a[i] - (double)b[i]);
    return most;
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    static const int threads[] = {2, 3, 7};
    fixture *f = *state;
    int tower, raw;
    size_t i;
    for (tower = 0; tower < 2; tower++)
        for (raw = 0; raw < 2; raw++) {
            clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
            size_t count = (tower ? TEXTS : IMAGES) * (size_t)f->info->embed_width;
            float *one, *many;
            o.modality = (clipspan_modality)tower;
            o.raw = raw;
            o.threads = 1;
            one = embed(f, o);
            for (i = 0; i < sizeof threads / sizeof *threads; i++) {
                o.threads = threads[i];
                many = embed(f, o);
                assert_memory_equal(one, many, count * sizeof *one);
                free(many);
            }
            free(one);
        }
}

static void an_image_does_not_feel_its_neighbours(void **state)
{
    fixture *f = *state;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    size_t P = (size_t)f->info->embed_width, i;
    size_t bytes = 3 * (size_t)f->info->input_height * (size_t)f->info->input_width;
    clipspan_encoder *encoder = NULL;
    float *all = embed(f, o), *one = calloc(P, sizeof *one);
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, NULL), 0);
    for (i = IMAGES; i-- > 0;) {
        assert_int_equal(clipspan_encoder_run_pixels(one, encoder, f->pixels + i * bytes, 1, NULL),
                         0);
        assert_memory_equal(all + i * P, one, P * sizeof *one);
    }
    clipspan_encoder_free(&encoder);
    free(all);
    free(one);
}

/* All threads inside the products may round differently: 1e-5, as the architecture page allows. */
static void a_lone_image_agrees_with_the_rest(void **state)
{
    fixture *f = *state;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    float *lanes = embed(f, o), *inside;
    o.single = 1;
    o.threads = 3;
    inside = embed(f, o);
    assert_true(largest_difference(lanes, inside, IMAGES * (size_t)f->info->embed_width) < 1e-5);
    free(lanes);
    free(inside);
}

static void unit_vectors_are_the_raw_ones_over_their_norm(void **state)
{
    fixture *f = *state;
    int tower;
    for (tower = 0; tower < 2; tower++) {
        clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
        size_t P = (size_t)f->info->embed_width, i, j;
        float *unit, *raw;
        o.modality = (clipspan_modality)tower;
        unit = embed(f, o);
        o.raw = 1;
        raw = embed(f, o);
        for (i = 0; i < (tower ? TEXTS : IMAGES); i++) {
            double norm = 0;
            for (j = 0; j < P; j++)
                norm += (double)raw[i * P + j] * (double)raw[i * P + j];
            for (j = 0; j < P; j++)
                assert_true(fabs((double)unit[i * P + j] - (double)raw[i * P + j] / sqrt(norm)) <
                            2e-7);
        }
        free(unit);
        free(raw);
    }
}

/* A text alone and the same text among others that share its beginning: float32 rounding apart. */
static void sharing_a_beginning_changes_nothing(void **state)
{
    fixture *f = *state;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    size_t P = (size_t)f->info->embed_width, i;
    clipspan_encoder *encoder = NULL;
    float *all, *one = calloc(P, sizeof *one);
    o.modality = CLIPSPAN_TEXT;
    all = embed(f, o);
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, NULL), 0);
    for (i = 0; i < TEXTS; i++) {
        const char *text = clipspan_texts_get_text(f->texts, i);
        clipspan_texts *alone = NULL;
        assert_int_equal(clipspan_texts_new(&alone, &text, NULL, 1, NULL), 0);
        assert_int_equal(clipspan_encoder_run_texts(one, encoder, alone, NULL, NULL), 0);
        assert_true(largest_difference(all + i * P, one, P) < 2e-6);
        clipspan_texts_free(&alone);
    }
    clipspan_encoder_free(&encoder);
    free(all);
    free(one);
}

static void bf16_stays_near_or_is_refused(void **state)
{
    fixture *f = *state;
    int tower;
    for (tower = 0; tower < 2; tower++) {
        clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
        size_t P = (size_t)f->info->embed_width, i, j;
        o.modality = (clipspan_modality)tower;
        o.precision = CLIPSPAN_BF16;
        if (!clipspan_has_bf16()) {
            clipspan_encoder *encoder = NULL;
            clipspan_error err;
            assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, &err),
                             CLIPSPAN_E_UNSUPPORTED);
            assert_null(encoder);
            assert_non_null(strstr(err.message, "bf16"));
        } else {
            float *half = embed(f, o), *full;
            o.precision = CLIPSPAN_F32;
            full = embed(f, o);
            for (i = 0; i < (tower ? TEXTS : IMAGES); i++) {
                double cosine = 0;
                for (j = 0; j < P; j++)
                    cosine += (double)half[i * P + j] * (double)full[i * P + j];
                assert_true(cosine > 0.999);
            }
            assert_true(memcmp(half, full, P * sizeof *half) != 0);
            free(half);
            free(full);
        }
    }
}

static int stop_at_once(void *user, size_t done, size_t total)
{
    (void)done;
    (void)total;
    ++*(int *)user;
    return 1;
}

static void a_progress_callback_can_stop_a_run(void **state)
{
    fixture *f = *state;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    int calls = 0;
    clipspan_progress progress = {stop_at_once, &calls};
    float *out = calloc(TEXTS * (size_t)f->info->embed_width, sizeof *out);
    o.modality = CLIPSPAN_TEXT;
    o.threads = 1;
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, NULL), 0);
    assert_int_equal(clipspan_encoder_run_texts(out, encoder, f->texts, &progress, NULL),
                     CLIPSPAN_E_INTERRUPTED);
    assert_int_equal(calls, 1);
    clipspan_encoder_free(&encoder);
    free(out);
}

typedef struct heard {
    size_t done, total;
} heard;

static int hear(void *user, size_t done, size_t total)
{
    heard *h = user;
    assert_true(done > h->done && done <= total);
    h->done = done;
    h->total = total;
    return 0;
}

/* Many batches on many threads: the caller's thread is seldom the last to finish. */
static void progress_ends_with_all_texts(void **state)
{
    enum { LONG_TEXTS = 64 };
    fixture *f = *state;
    size_t C = (size_t)f->info->context_length, i;
    int32_t *tokens = calloc(LONG_TEXTS * C, sizeof *tokens);
    float *out = calloc(LONG_TEXTS * (size_t)f->info->embed_width, sizeof *out);
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    int run;
    for (i = 0; i < LONG_TEXTS * C; i++)
        tokens[i] = i % C + 1 < C ? (int32_t)(i / C * 7 + i % C) : f->info->vocab_size - 1;
    o.modality = CLIPSPAN_TEXT;
    o.threads = 7;
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, NULL), 0);
    for (run = 0; run < 10; run++) {
        heard h = {0, 0};
        clipspan_progress progress = {hear, &h};
        assert_int_equal(
            clipspan_encoder_run_tokens(out, encoder, tokens, LONG_TEXTS, &progress, NULL), 0);
        assert_int_equal(h.done, LONG_TEXTS);
        assert_int_equal(h.total, LONG_TEXTS);
    }
    clipspan_encoder_free(&encoder);
    free(tokens);
    free(out);
}

/* ONEDNN_MAX_CPU_ISA stands beside CLIPSPAN_CPU: no product reaches above the level of kernels. */
static void products_are_forced_down_with_the_kernels(void **state)
{
    const char *level = getenv("CLIPSPAN_CPU");
    (void)state;
    if (level && strcmp(level, "avx512") != 0) assert_string_equal(clipspan_cpu_level(), level);
    assert_null(strstr(clipspan_product_name(), " with "));
}

static void options_are_checked(void **state)
{
    fixture *f = *state;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_error err;
    int32_t ids[77] = {1 << 30};
    float out[64];
    o.struct_size = 4;
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "struct_size"));
    o.struct_size = sizeof o;
    o.threads = 1000;
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, &err), CLIPSPAN_E_ARGUMENT);
    o.threads = -1;
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, NULL), CLIPSPAN_E_ARGUMENT);
    o.threads = 1;
    assert_int_equal(clipspan_encoder_new(NULL, f->model, &o, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_encoder_new(&encoder, NULL, &o, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, NULL), 0);
    assert_int_equal(clipspan_encoder_run_tokens(out, encoder, ids, 1, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    clipspan_encoder_free(&encoder);
    o.modality = CLIPSPAN_TEXT;
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, &o, NULL), 0);
    assert_int_equal(clipspan_encoder_run_tokens(out, encoder, ids, 1, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "1073741824"));
    assert_int_equal(clipspan_encoder_run_pixels(out, encoder, f->pixels, 1, NULL),
                     CLIPSPAN_E_ARGUMENT);
    clipspan_encoder_free(&encoder);
}

/* Makes one number of a tensor (and of another, unless NULL) of a written model into `value`, makes
 * an encoder and embeds an image. */
static clipspan_status spoil_both(const char *tensor, const char *other, float value, int allow,
                                  clipspan_error *err)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    char *folder = cs_tiny_folder(), *path = cs_tiny_path(folder, "open_clip_model.safetensors");
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_model *model = NULL;
    clipspan_tensor_info info;
    clipspan_status status;
    size_t i, spoiled = 0;
    cs_tiny_write_openclip(folder, &tiny, 5);
    options.allow_nonfinite = allow;
    assert_int_equal(clipspan_model_open(&model, folder, &options, NULL), 0);
    for (i = 0; clipspan_model_get_tensor(&info, model, i, NULL) == 0; i++)
        if (!strcmp(info.name, tensor) || (other && !strcmp(info.name, other))) {
            FILE *file = fopen(path, "r+b");
            fseek(file, (long)info.offset + 8, SEEK_SET);
            fwrite(&value, sizeof value, 1, file);
            fclose(file);
            spoiled++;
        }
    assert_int_equal(spoiled, other ? 2 : 1);
    status = clipspan_encoder_new(&encoder, model, NULL, err);
    if (!status) {
        clipspan_model_info facts = *clipspan_model_get_info(model);
        float *out = calloc((size_t)facts.embed_width, sizeof *out);
        uint8_t *pixels = calloc(3, (size_t)facts.input_height * (size_t)facts.input_width);
        status = clipspan_encoder_run_pixels(out, encoder, pixels, 1, err);
        free(out);
        free(pixels);
    }
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    free(path);
    cs_tiny_remove(&folder);
    return status;
}

static clipspan_status spoil(const char *tensor, float value, int allow, clipspan_error *err)
{
    return spoil_both(tensor, NULL, value, allow, err);
}

static void n01_to_n06_weights_that_are_not_finite_are_named(void **state)
{
    static const char *const tensors[] = {"visual.transformer.resblocks.1.mlp.c_fc.weight",
                                          "visual.transformer.resblocks.0.attn.in_proj_bias",
                                          "visual.ln_post.weight"};
    const float values[] = {NAN, INFINITY, -INFINITY};
    size_t i, j;
    (void)state;
    for (i = 0; i < 3; i++)
        for (j = 0; j < 3; j++) {
            clipspan_error err;
            assert_int_equal(spoil(tensors[i], values[j], 0, &err), CLIPSPAN_E_NUMBERS);
            assert_non_null(strstr(err.message, tensors[i]));
            assert_non_null(strstr(err.message, j == 0 ? "1 NaN" : "1 infinite"));
        }
    assert_int_equal(spoil(tensors[0], NAN, 1, NULL),
                     CLIPSPAN_E_NUMBERS); /* the result is looked at too */
}

static void n07_n08_zero_gains_and_denormals_are_fine(void **state)
{
    (void)state;
    assert_int_equal(spoil("visual.ln_post.weight", 0.0F, 0, NULL), CLIPSPAN_OK);
    assert_int_equal(spoil("visual.ln_post.weight", 1e-42F, 0, NULL), CLIPSPAN_OK);
}

static void n09_overflow_in_the_forward_pass_is_an_error(void **state)
{
    clipspan_error err;
    (void)state;
    assert_int_equal(spoil_both("visual.transformer.resblocks.1.mlp.c_proj.bias",
                                "visual.ln_post.weight", 3e38F, 0, &err),
                     CLIPSPAN_E_NUMBERS);
    assert_non_null(strstr(err.message, "overflow"));
}

static void n21_a_constant_image_has_an_embedding(void **state)
{
    fixture *f = *state;
    clipspan_encoder *encoder = NULL;
    size_t size = 3 * (size_t)f->info->input_height * (size_t)f->info->input_width;
    uint8_t *black = calloc(1, size);
    float *out = calloc((size_t)f->info->embed_width, sizeof *out);
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, NULL, NULL), 0);
    assert_int_equal(clipspan_encoder_run_pixels(out, encoder, black, 1, NULL), 0);
    assert_true(out[0] != 0.0F);
    clipspan_encoder_free(&encoder);
    free(black);
    free(out);
}

/* The file that was opened is not the one that is read (see also A 34). */
static void a_file_cut_short_after_opening_is_an_error(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    char *folder = cs_tiny_folder(), *path;
    clipspan_encoder *encoder = NULL;
    clipspan_model *model;
    clipspan_error err;
    (void)state;
    cs_tiny_write_openclip(folder, &tiny, 5);
    path = cs_tiny_path(folder, "open_clip_model.safetensors");
    model = open_model(folder);
    assert_int_equal(truncate(path, 20000), 0);
    assert_int_equal(clipspan_encoder_new(&encoder, model, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_null(encoder);
    clipspan_model_close(&model);
    free(path);
    cs_tiny_remove(&folder);
}

static void damaged_images_leave_zeros_and_a_reason(void **state)
{
    fixture *f = *state;
    size_t P = (size_t)f->info->embed_width, i;
    char *good = cs_tiny_path(f->folder, "good.png"), *bad = cs_tiny_path(f->folder, "bad.jpg");
    const char *paths[3] = {good, bad, good};
    clipspan_encoder *encoder = NULL;
    clipspan_error errors[3], err;
    float *out = calloc(3 * P, sizeof *out);
    assert_int_equal(
        clipspan_png_write(good, f->pixels, f->info->input_height, f->info->input_width, 1, NULL),
        0);
    cs_tiny_write_text(f->folder, "bad.jpg", "this is no image\n");
    assert_int_equal(clipspan_encoder_new(&encoder, f->model, NULL, NULL), 0);
    assert_int_equal(clipspan_encoder_run_files(out, errors, encoder, paths, 3, &err), 0);
    assert_int_equal(errors[0].code, 0);
    assert_int_equal(errors[2].code, 0);
    assert_int_not_equal(errors[1].code, 0);
    assert_non_null(strstr(errors[1].message, "bad.jpg"));
    for (i = 0; i < P; i++)
        assert_true(out[P + i] == 0.0F);
    assert_memory_equal(out, out + 2 * P, P * sizeof *out);
    assert_int_equal(clipspan_encoder_run_files(out, NULL, encoder, paths, 3, &err),
                     errors[1].code);
    assert_string_equal(err.message, errors[1].message);
    paths[1] = NULL;
    assert_int_equal(clipspan_encoder_run_files(out, errors, encoder, paths, 3, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "path 1"));
    clipspan_encoder_free(&encoder);
    free(good);
    free(bad);
    free(out);
}

static void both_layouts_of_the_same_weights_agree(void **state)
{
    fixture *f = *state;
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    fixture other = *f;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    float *a = embed(f, o), *b;
    other.folder = cs_tiny_folder();
    cs_tiny_write_hf(other.folder, &tiny, 5);
    other.model = open_model(other.folder);
    b = embed(&other, o);
    assert_memory_equal(a, b, IMAGES * (size_t)f->info->embed_width * sizeof *a);
    free(a);
    free(b);
    o.modality = CLIPSPAN_TEXT;
    a = embed(f, o);
    b = embed(&other, o);
    assert_memory_equal(a, b, TEXTS * (size_t)f->info->embed_width * sizeof *a);
    free(a);
    free(b);
    clipspan_model_close(&other.model);
    cs_tiny_remove(&other.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(an_image_does_not_feel_its_neighbours),
        cmocka_unit_test(a_lone_image_agrees_with_the_rest),
        cmocka_unit_test(unit_vectors_are_the_raw_ones_over_their_norm),
        cmocka_unit_test(sharing_a_beginning_changes_nothing),
        cmocka_unit_test(bf16_stays_near_or_is_refused),
        cmocka_unit_test(a_progress_callback_can_stop_a_run),
        cmocka_unit_test(progress_ends_with_all_texts),
        cmocka_unit_test(products_are_forced_down_with_the_kernels),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(n01_to_n06_weights_that_are_not_finite_are_named),
        cmocka_unit_test(n07_n08_zero_gains_and_denormals_are_fine),
        cmocka_unit_test(n09_overflow_in_the_forward_pass_is_an_error),
        cmocka_unit_test(n21_a_constant_image_has_an_embedding),
        cmocka_unit_test(a_file_cut_short_after_opening_is_an_error),
        cmocka_unit_test(damaged_images_leave_zeros_and_a_reason),
        cmocka_unit_test(both_layouts_of_the_same_weights_agree),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
