/* SPDX-License-Identifier: MIT */
/* Every allocation of ours fails once: opening a model, making both encoders and parts and running
 * them must each time end in NOMEM, with nothing half-made (the sanitizers look for what is lost)
 * and nothing spoilt for the next attempt. */
#include "failing_malloc.h"
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- What is done with it ---- */

#define P 12

typedef struct work {
    const char *folder, *written;
    const char *const *images;
    float image[2 * P], text[2 * P], scores[2 * 2];
} work;

/* Basis texts with stability (two images again and again), and a role. */
static clipspan_status use_span(const clipspan_stats *stats, clipspan_error *err)
{
    static const char *const words[] = {"cat", "dog", "sun"}, *const keys[] = {"a", "a", "!b"};
    static const clipspan_head heads[2] = {{0, 1}, {1, 0}};
    const clipspan_stats *blocks[16];
    float vectors[3 * P] = {[0] = 1.0f, [P + 1] = 1.0f, [2 * P + 2] = 1.0f};
    clipspan_span_options o = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_span *spans[2] = {NULL, NULL};
    clipspan_texts *texts = NULL;
    clipspan_bank *bank = NULL;
    clipspan_role role;
    clipspan_status status = clipspan_texts_new(&texts, words, keys, 3, err);
    for (size_t i = 0; i < 16; i++)
        blocks[i] = stats;
    o.threads = 1;
    o.resamples = 1;
    o.blocks = blocks;
    o.block_count = 16;
    o.rotations = 4;
    if (!status) status = clipspan_bank_new_vectors(&bank, texts, vectors, P, err);
    assert_true((bank != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_span_new(spans, stats, heads, 2, bank, &o, NULL, err);
    assert_true((spans[0] && spans[1]) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_span_run_roles(&role, spans, 1, bank, 0, err);
    clipspan_span_free(&spans[0]);
    clipspan_span_free(&spans[1]);
    clipspan_bank_free(&bank);
    clipspan_texts_free(&texts);
    return status;
}

static clipspan_status use_parts(clipspan_encoder *encoder, const work *w, clipspan_error *err)
{
    clipspan_decomposition_options o = CLIPSPAN_DECOMPOSITION_OPTIONS_INIT;
    clipspan_decomposition *parts = NULL;
    clipspan_stats *stats = NULL, *more = NULL;
    double along[2 * 3];
    clipspan_status status;
    o.tokens = 1;
    status = clipspan_decomposition_new(&parts, encoder, &o, err);
    assert_true((parts != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_stats_new(&stats, encoder, err);
    assert_true((stats != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_stats_new(&more, encoder, err);
    if (!status) status = clipspan_decomposition_run_files(parts, NULL, w->images, 1, err);
    if (!status) status = clipspan_stats_add(stats, parts, err);
    if (!status) status = clipspan_stats_add(more, parts, err);
    if (!status) status = clipspan_stats_merge(stats, more, err);
    if (!status) status = clipspan_stats_run_direction(along, NULL, stats, w->image, err);
    if (!status) status = use_span(stats, err);
    clipspan_stats_free(&stats);
    clipspan_stats_free(&more);
    clipspan_decomposition_free(&parts);
    return status;
}

/* Mean-ablated heads, and the model written without them. */
static clipspan_status use_writing(clipspan_encoder *encoder, const clipspan_model *model,
                                   const work *w, clipspan_error *err)
{
    static const clipspan_head heads[2] = {{0, 1}, {1, 0}};
    static const float z[2 * 8] = {0.5f};
    clipspan_write_options o = CLIPSPAN_WRITE_OPTIONS_INIT;
    float out[P];
    clipspan_status status = clipspan_encoder_set_heads(encoder, heads, z, 2, err);
    o.remove = o.replace = 1;
    if (!status) status = clipspan_encoder_run_files(out, NULL, encoder, w->images, 1, err);
    if (!status) status = clipspan_encoder_set_heads(encoder, NULL, NULL, 0, err);
    if (!status) status = clipspan_model_write(w->written, model, heads, z, 2, &o, NULL, err);
    return status;
}

static clipspan_status use_maps(clipspan_encoder *encoder, const work *w, clipspan_error *err)
{
    static const char *const word = "cat";
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_head head = {0, 0};
    int group = 0;
    float vector[P] = {1.0f};
    clipspan_texts *texts = NULL;
    clipspan_bank *bank = NULL;
    clipspan_maps *maps = NULL;
    clipspan_status status = clipspan_texts_new(&texts, &word, NULL, 1, err);
    o.heads = &head;
    o.head_count = o.each = 1;
    o.groups = &group;
    o.group_count = 1;
    o.kinds = CLIPSPAN_MAP_ROLLOUT | CLIPSPAN_MAP_PATCHES | CLIPSPAN_MAP_VALUES;
    if (!status) status = clipspan_bank_new_vectors(&bank, texts, vector, P, err);
    if (!status) status = clipspan_maps_new(&maps, encoder, bank, &o, err);
    assert_true((maps != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_maps_run_files(maps, NULL, w->images, 1, err);
    clipspan_maps_free(&maps);
    clipspan_bank_free(&bank);
    clipspan_texts_free(&texts);
    return status;
}

static clipspan_status use_explanation(clipspan_encoder *encoder, const work *w,
                                       clipspan_error *err)
{
    static const char *const words[2] = {"cat", "dog"};
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    float vectors[2][P] = {{1.0f}, {0.0f, 1.0f}};
    clipspan_explanation *explanation = NULL;
    clipspan_texts *texts = NULL;
    clipspan_bank *bank = NULL;
    clipspan_maps *maps = NULL;
    clipspan_status status = clipspan_texts_new(&texts, words, NULL, 2, err);
    o.each = 1;
    o.kinds = CLIPSPAN_MAP_MLPS;
    if (!status) status = clipspan_bank_new_vectors(&bank, texts, vectors[0], P, err);
    if (!status) status = clipspan_maps_new(&maps, encoder, bank, &o, err);
    if (!status) status = clipspan_maps_run_files(maps, NULL, w->images, 1, err);
    if (!status)
        status = clipspan_explanation_new(&explanation, maps, 0, bank, CLIPSPAN_CONTRAST_MEAN, err);
    assert_true((explanation != NULL) == (status == CLIPSPAN_OK));
    clipspan_explanation_free(&explanation);
    clipspan_maps_free(&maps);
    clipspan_bank_free(&bank);
    clipspan_texts_free(&texts);
    return status;
}

/* Windows over an image, one of them cut and blended, and a view of all. */
static clipspan_status use_tiles(clipspan_model *model, const work *w, clipspan_error *err)
{
    clipspan_tiles *tiles = NULL;
    clipspan_view *view = NULL;
    uint8_t pixels[16 * 16 * 3];
    clipspan_status status = clipspan_tiles_new(&tiles, model, w->images[0], NULL, err);
    assert_true((tiles != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_tiles_run_pixels(pixels, tiles, 0, 1, err);
    if (!status) status = clipspan_tiles_new_view(&view, tiles, 32, err);
    assert_true((view != NULL) == (status == CLIPSPAN_OK));
    clipspan_view_free(&view);
    clipspan_tiles_free(&tiles);
    return status;
}

static clipspan_status use_images(work *w, clipspan_model *model, clipspan_error *err)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_status status;
    o.threads = 1; /* calls come in one order */
    status = clipspan_encoder_new(&encoder, model, &o, err);
    assert_true((encoder != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_encoder_run_files(w->image, NULL, encoder, w->images, 2, err);
    if (!status) status = use_parts(encoder, w, err);
    if (!status) status = use_maps(encoder, w, err);
    if (!status) status = use_explanation(encoder, w, err);
    if (!status) status = use_writing(encoder, model, w, err);
    if (!status) status = use_tiles(model, w, err);
    clipspan_encoder_free(&encoder);
    return status;
}

static clipspan_status use_texts(work *w, clipspan_model *model, clipspan_error *err)
{
    static const char *const words[] = {"a cat", "two small dogs"};
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_texts *texts = NULL, *templates = NULL;
    clipspan_bank *bank = NULL;
    clipspan_status status = clipspan_texts_new(&texts, words, words, 2, err);
    o.modality = CLIPSPAN_TEXT;
    o.threads = 1;
    if (!status) status = clipspan_texts_open(&templates, "none", err);
    if (!status) status = clipspan_encoder_new(&encoder, model, &o, err);
    if (!status) status = clipspan_encoder_run_texts(w->text, encoder, texts, NULL, err);
    if (!status) status = clipspan_bank_new_classes(&bank, encoder, texts, templates, NULL, err);
    assert_true((bank != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = clipspan_bank_run_scores(w->scores, bank, w->image, 2, err);
    clipspan_bank_free(&bank);
    clipspan_encoder_free(&encoder);
    clipspan_texts_free(&templates);
    clipspan_texts_free(&texts);
    return status;
}

static clipspan_status use_all(work *w, clipspan_error *err)
{
    clipspan_inputs *inputs = NULL;
    clipspan_model *model = NULL;
    clipspan_status status = clipspan_inputs_open(&inputs, w->images, 2, NULL, err);
    assert_true((inputs != NULL) == (status == CLIPSPAN_OK));
    clipspan_inputs_close(&inputs);
    if (!status) status = clipspan_model_open(&model, w->folder, NULL, err);
    assert_true((model != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = use_images(w, model, err);
    if (!status) status = use_texts(w, model, err);
    clipspan_model_close(&model);
    return status;
}

static void walk_through(work *w)
{
    work expected = *w;
    long most;
    failing_armed = 1;
    failing_calls = failing_call = 0;
    assert_int_equal(use_all(&expected, NULL), CLIPSPAN_OK);
    most = failing_calls;
    assert_true(most > 100);
    for (long n = 1; n <= most; n++) {
        clipspan_error err = {.code = CLIPSPAN_E_INTERNAL, .message = "never filled"};
        clipspan_status status;
        failing_calls = 0;
        failing_call = n;
        status = use_all(w, n % 2 ? &err : NULL);
        if (status != CLIPSPAN_E_NOMEM)
            fail_msg("allocation %ld of %ld: status %s, %s", n, most, clipspan_status_name(status),
                     err.message);
        if (n % 2) {
            assert_int_equal(err.code, CLIPSPAN_E_NOMEM);
            assert_non_null(strstr(err.message, "out of memory"));
        }
    }
    failing_call = 0;
    assert_int_equal(use_all(w, NULL), CLIPSPAN_OK);
    failing_armed = 0;
    assert_memory_equal(w->image, expected.image, sizeof w->image);
    assert_memory_equal(w->text, expected.text, sizeof w->text);
    assert_memory_equal(w->scores, expected.scores, sizeof w->scores);
}

static void every_failed_allocation_is_a_clean_error(void **state)
{
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        cs_tiny_model tiny = CS_TINY_MODEL_INIT;
        uint8_t pixels[3 * 20 * 30];
        char *folder = cs_tiny_folder(), *png = cs_tiny_path(folder, "image.png");
        char *written = cs_tiny_path(folder, "written");
        const char *const images[2] = {png, png};
        work w = {.folder = folder, .written = written, .images = images};
        memset(pixels, 120, sizeof pixels);
        memset(pixels, 30, 300);
        tiny.vocab = 600;
        if (layout)
            cs_tiny_write_hf(folder, &tiny, 5);
        else
            cs_tiny_write_openclip(folder, &tiny, 5);
        assert_int_equal(clipspan_png_write(png, pixels, 20, 30, 1, NULL), CLIPSPAN_OK);
        walk_through(&w);
        free(png);
        free(written);
        cs_tiny_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error)};
    /* Further compilers, kernels and the thread sanitizer: minutes for the same. */
    if (getenv("SLOW") || getenv("TSAN_OPTIONS")) return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
