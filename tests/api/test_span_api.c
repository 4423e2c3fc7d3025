/* SPDX-License-Identifier: MIT */
/* TEXTSPAN and roles through the public interface alone, against variances along every text that
 * statistics give, and against contributions formed in full; arguments that are refused. Where the
 * trial data is (CLIPSPAN_SHARED), also what PyTorch picked on 600 real images. */
#define _POSIX_C_SOURCE 200809L
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "same_basis_texts.h"

/* Of the model below. */
enum { L = 3, H = 3, K = 8, P = 12, IMAGES = 96, TEXTS = 40, BLOCKS = 16 };

typedef struct fixture {
    char *folder;
    clipspan_model *model;
    clipspan_encoder *encoder;
    clipspan_decomposition *parts;
    clipspan_stats *stats, *blocks[BLOCKS];
    float *components; /* [IMAGES, L, H, P] */
    float vectors[TEXTS * P];
    clipspan_texts *texts;
    clipspan_bank *bank;
    clipspan_head heads[L * H];
} fixture;

static uint32_t seed = 3;

static uint32_t draw(void)
{
    seed = seed * 1664525U + 1013904223U;
    return seed >> 8;
}

static void make_images(fixture *f)
{
    enum { SIZE = 16 * 16 * 3, CHUNK = IMAGES / BLOCKS };
    uint8_t pixels[CHUNK * SIZE];
    for (size_t b = 0; b < BLOCKS; b++) {
        for (size_t i = 0; i < sizeof pixels; i++)
            pixels[i] = (uint8_t)((draw() >> 16) / 2 + (b * CHUNK + i / SIZE) % 7 * 20);
        assert_int_equal(clipspan_decomposition_run_pixels(f->parts, pixels, CHUNK, NULL),
                         CLIPSPAN_OK);
        assert_int_equal(clipspan_stats_new(&f->blocks[b], f->encoder, NULL), CLIPSPAN_OK);
        assert_int_equal(clipspan_stats_add(f->blocks[b], f->parts, NULL), CLIPSPAN_OK);
        assert_int_equal(clipspan_stats_add(f->stats, f->parts, NULL), CLIPSPAN_OK);
        for (size_t i = 0; i < CHUNK; i++)
            assert_int_equal(clipspan_decomposition_run_contributions(
                                 f->components + (b * CHUNK + i) * L * H * P, NULL, NULL, NULL,
                                 f->parts, i, NULL),
                             CLIPSPAN_OK);
    }
}

static int set_up(void **state)
{
    static char words[TEXTS][16];
    static const char *names[TEXTS], *keys[TEXTS];
    fixture *f = calloc(1, sizeof *f);
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    f->folder = cs_tiny_folder();
    tiny.no_text = 1;
    tiny.layers = L;
    cs_tiny_write_openclip(f->folder, &tiny, 5);
    f->components = malloc(IMAGES * L * H * P * sizeof(float));
    if (clipspan_model_open(&f->model, f->folder, NULL, NULL)) return -1;
    if (clipspan_encoder_new(&f->encoder, f->model, NULL, NULL)) return -1;
    if (clipspan_decomposition_new(&f->parts, f->encoder, NULL, NULL)) return -1;
    if (clipspan_stats_new(&f->stats, f->encoder, NULL)) return -1;
    make_images(f);
    for (size_t t = 0; t < TEXTS; t++) {
        double size = 0.0;
        for (size_t d = 0; d < P; d++) {
            f->vectors[t * P + d] = (float)draw() / 8388608.0f - 1.0f;
            size += (double)f->vectors[t * P + d] * (double)f->vectors[t * P + d];
        }
        for (size_t d = 0; d < P; d++)
            f->vectors[t * P + d] /= (float)sqrt(size);
        snprintf(words[t], sizeof words[t], "text %zu", t);
        names[t] = words[t];
        keys[t] = t % 3 == 0 ? "!colour" : t % 3 == 1 ? "animal" : "place";
    }
    if (clipspan_texts_new(&f->texts, names, keys, TEXTS, NULL)) return -1;
    if (clipspan_bank_new_vectors(&f->bank, f->texts, f->vectors, P, NULL)) return -1;
    for (int i = 0; i < L * H; i++) {
        f->heads[i].layer = i / H;
        f->heads[i].head = i % H;
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    clipspan_bank_free(&f->bank);
    clipspan_texts_free(&f->texts);
    for (size_t b = 0; b < BLOCKS; b++)
        clipspan_stats_free(&f->blocks[b]);
    clipspan_stats_free(&f->stats);
    clipspan_decomposition_free(&f->parts);
    clipspan_encoder_free(&f->encoder);
    clipspan_model_close(&f->model);
    cs_tiny_remove(&f->folder);
    free(f->components);
    free(f);
    return 0;
}

static void run(clipspan_span *spans[L * H], const fixture *f, const clipspan_span_options *o)
{
    clipspan_error err;
    if (clipspan_span_new(spans, f->stats, f->heads, L * H, f->bank, o, NULL, &err))
        fail_msg("%s", err.message);
}

static void drop(clipspan_span *spans[L * H])
{
    for (size_t i = 0; i < L * H; i++)
        clipspan_span_free(&spans[i]);
}

static void the_first_basis_text_has_the_largest_variance_of_all_texts(void **state)
{
    fixture *f = *state;
    clipspan_span *spans[L * H];
    double best[L * H] = {0.0}, variance[L * H];
    size_t at[L * H] = {0};
    run(spans, f, NULL);
    for (size_t t = 0; t < TEXTS; t++) {
        assert_int_equal(
            clipspan_stats_run_direction(NULL, variance, f->stats, f->vectors + t * P, NULL), 0);
        for (size_t i = 0; i < L * H; i++)
            if (variance[i] > best[i]) best[i] = variance[i], at[i] = t;
    }
    for (size_t i = 0; i < L * H; i++) {
        const clipspan_basis_text *basis_text = clipspan_span_get_basis_texts(spans[i]);
        assert_int_equal(basis_text[0].text, at[i]);
        assert_true(fabs(basis_text[0].variance / best[i] - 1.0) < 1e-9);
        assert_true(basis_text[0].same_place == -1.0);
    }
    drop(spans);
}

/* Eleven directions hold all of a head of width 8: with all picked, nothing is left out. */
static void all_basis_texts_together_give_the_contribution_back(void **state)
{
    fixture *f = *state;
    clipspan_span *spans[L * H];
    float means[L * H * P];
    run(spans, f, NULL);
    assert_int_equal(clipspan_stats_run_means(means, NULL, NULL, NULL, NULL, f->stats, NULL), 0);
    for (size_t i = 0; i < L * H; i++) {
        const clipspan_span_info *info = clipspan_span_get_info(spans[i]);
        const clipspan_basis_text *basis_text = clipspan_span_get_basis_texts(spans[i]);
        const float *t = clipspan_span_get_directions(spans[i]);
        double shares = 0.0, total = 0.0;
        assert_int_equal(info->head.layer, i / H);
        assert_int_equal(info->head.head, i % H);
        assert_int_equal(info->images, IMAGES);
        assert_int_equal(info->head_width, K);
        assert_int_equal(info->embed_width, P);
        assert_int_equal(info->texts, TEXTS);
        assert_int_equal(info->rank, K + 3);
        assert_int_equal(info->basis_texts, K + 3);
        for (int k = 0; k < info->basis_texts; k++)
            shares += basis_text[k].share;
        assert_true(fabs(shares - 1.0) < 1e-6);
        for (size_t n = 0; n < IMAGES; n++) {
            const float *c = f->components + (n * L * H + i) * P, *mean = means + i * P;
            double made[P];
            for (size_t d = 0; d < P; d++) {
                double apart = (double)c[d] - (double)mean[d];
                made[d] = (double)mean[d];
                total += apart * apart / (IMAGES - 1);
            }
            for (int k = 0; k < info->basis_texts; k++) {
                double along = 0.0;
                for (size_t d = 0; d < P; d++)
                    along += ((double)c[d] - (double)mean[d]) * (double)t[k * P + (int)d];
                for (size_t d = 0; d < P; d++)
                    made[d] += along * (double)t[k * P + (int)d];
            }
            for (size_t d = 0; d < P; d++)
                assert_true(fabs(made[d] - (double)c[d]) < 1e-6);
        }
        assert_true(fabs(total / info->variance - 1.0) < 1e-4); /* components are float32 */
        assert_non_null(clipspan_span_get_readers(spans[i]));
    }
    drop(spans);
}

static void blocks_give_stability_and_roles(void **state)
{
    static const char *const names[] = {"colour", "animal", "place"};
    fixture *f = *state;
    clipspan_span_options o = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_span *spans[L * H], *again[L * H];
    const clipspan_stats *blocks[BLOCKS];
    const clipspan_bank *control = f->bank;
    for (size_t b = 0; b < BLOCKS; b++)
        blocks[b] = f->blocks[b];
    o.blocks = blocks;
    o.block_count = BLOCKS;
    o.basis_texts = 4;
    o.resamples = 50;
    o.rotations = 20;
    o.controls = &control;
    o.control_pools = 1;
    o.threads = 3;
    run(spans, f, &o);
    o.threads = 1;
    run(again, f, &o);
    for (size_t i = 0; i < L * H; i++) {
        const clipspan_span_info *info = clipspan_span_get_info(spans[i]);
        const clipspan_basis_text *basis_text = clipspan_span_get_basis_texts(spans[i]);
        clipspan_role role;
        size_t category = 0;
        double named = basis_text[0].share + basis_text[1].share;
        assert_int_equal(info->resamples, 50);
        assert_int_equal(info->basis_texts, 4);
        same_basis_texts(basis_text, clipspan_span_get_basis_texts(again[i]), 4);
        for (int k = 0; k < 4; k++)
            assert_true(basis_text[k].same_place >= 0.0 &&
                        basis_text[k].same_place <= basis_text[k].any_place &&
                        basis_text[k].any_place <= 1.0);
        assert_int_equal(clipspan_span_run_roles(&role, &spans[i], 1, f->bank, 0, NULL), 0);
        assert_int_equal(role.entering, 2); /* a head of width 8 */
        assert_true(fabs(role.named - named) < 1e-12);
        while (category < 3 && strcmp(names[category], role.category[0]) != 0)
            category++;
        assert_in_range(category, 0, 2);
        assert_true(role.stability >= 0.0 && role.category_returns >= 0.0);
        assert_string_equal(role.first_category, names[basis_text[0].text % 3]);
        assert_int_equal(role.outcome, CLIPSPAN_OUTCOME_TOO_FEW_IMAGES);
        assert_true(role.p == -1.0 && role.q == -1.0 && role.relabelled_p == -1.0);
        assert_true(role.enrichment[0] > 0.0 && role.explained_variance[0] > 0.0);
        assert_int_equal(role.control_pools, 1); /* the pool itself: explains exactly as much */
        assert_int_equal(role.control_above, 1);
        assert_true(role.control_variance == role.explained_variance[0]);
    }
    o.resamples = -1;
    drop(again);
    run(again, f, &o);
    assert_int_equal(clipspan_span_get_info(again[0])->resamples, 0);
    assert_true(clipspan_span_get_basis_texts(again[0])[0].any_place == -1.0);
    drop(spans), drop(again);
}

typedef struct heard {
    size_t calls, done, stop_at;
} heard;

static int hear(void *user, size_t done, size_t total)
{
    heard *h = user;
    assert_true(done > h->done && done <= total && total == L * H);
    h->done = done;
    return ++h->calls == h->stop_at;
}

static void progress_counts_heads_and_can_stop(void **state)
{
    fixture *f = *state;
    clipspan_span *spans[L * H];
    clipspan_span_options o = CLIPSPAN_SPAN_OPTIONS_INIT;
    heard h = {0, 0, 0}, stop = {0, 0, 1};
    clipspan_progress progress = {hear, &h}, stopping = {hear, &stop};
    o.threads = 1;
    assert_int_equal(
        clipspan_span_new(spans, f->stats, f->heads, L * H, f->bank, &o, &progress, NULL), 0);
    assert_int_equal(h.done, L * H);
    drop(spans);
    assert_int_equal(
        clipspan_span_new(spans, f->stats, f->heads, L * H, f->bank, &o, &stopping, NULL),
        CLIPSPAN_E_INTERRUPTED);
    for (size_t i = 0; i < L * H; i++)
        assert_null(spans[i]);
}

static void what_cannot_be_is_refused(void **state)
{
    fixture *f = *state;
    clipspan_span_options o = CLIPSPAN_SPAN_OPTIONS_INIT, bad;
    clipspan_head far[1] = {{1, H}}, low[1] = {{-1, 0}};
    clipspan_span *span = NULL;
    clipspan_bank *narrow = NULL;
    clipspan_texts *one = NULL;
    const clipspan_stats *none[1] = {NULL};
    const char *const word[] = {"word"};
    float vector[P] = {1.0f};
    clipspan_role role;
    clipspan_error err;
    assert_int_equal(clipspan_texts_new(&one, word, NULL, 1, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&narrow, one, vector, P - 1, NULL), 0);
    assert_int_equal(clipspan_span_new(&span, f->stats, far, 1, f->bank, NULL, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "L1.H3"));
    assert_int_equal(clipspan_span_new(&span, f->stats, low, 1, f->bank, NULL, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_span_new(&span, f->stats, f->heads, 1, narrow, NULL, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "11"));
    assert_int_equal(clipspan_span_new(&span, NULL, f->heads, 1, f->bank, NULL, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    bad = o, bad.basis_texts = -1;
    assert_int_equal(clipspan_span_new(&span, f->stats, f->heads, 1, f->bank, &bad, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    bad = o, bad.struct_size = 0;
    assert_int_equal(clipspan_span_new(&span, f->stats, f->heads, 1, f->bank, &bad, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    bad = o, bad.blocks = none, bad.block_count = 1;
    assert_int_equal(clipspan_span_new(&span, f->stats, f->heads, 1, f->bank, &bad, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_null(span);
    assert_int_equal(clipspan_span_new(&span, f->stats, f->heads, 0, f->bank, NULL, NULL, &err), 0);
    assert_int_equal(clipspan_span_new(&span, f->stats, f->heads, 1, f->bank, NULL, NULL, &err), 0);
    assert_int_equal(clipspan_span_run_roles(&role, &span, 1, narrow, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    clipspan_bank_free(&narrow);
    vector[3] = NAN;
    assert_int_equal(clipspan_bank_new_vectors(&narrow, one, vector, P, &err), CLIPSPAN_E_NUMBERS);
    assert_non_null(strstr(err.message, "\"word\""));
    clipspan_span_free(&span);
    clipspan_span_free(&span);
    clipspan_texts_free(&one);
}

/* --- The trial model --- */

static char *trial(const char *name)
{
    const char *shared = getenv("CLIPSPAN_SHARED");
    struct stat facts;
    char *path = shared ? cs_tiny_path(shared, name) : NULL;
    if (path && stat(path, &facts) == 0) return path;
    free(path);
    return NULL;
}

/* All images of one list, added to stats. */
static void add_images(clipspan_stats *stats, clipspan_decomposition *parts, const char *csv)
{
    char *root = trial("data/natural"), *path = trial(csv);
    clipspan_inputs_options o = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs = NULL;
    clipspan_error err;
    const char *const *paths;
    const char *source = path;
    size_t count;
    o.root = root;
    if (clipspan_inputs_open(&inputs, &source, 1, &o, &err)) fail_msg("%s", err.message);
    paths = clipspan_inputs_get_paths(inputs);
    count = clipspan_inputs_get_count(inputs);
    for (size_t i = 0; i < count; i += CLIPSPAN_DECOMPOSITION_MOST) {
        size_t some =
            count - i < CLIPSPAN_DECOMPOSITION_MOST ? count - i : CLIPSPAN_DECOMPOSITION_MOST;
        if (clipspan_decomposition_run_files(parts, NULL, paths + i, some, &err) ||
            clipspan_stats_add(stats, parts, &err))
            fail_msg("%s", err.message);
    }
    clipspan_inputs_close(&inputs);
    free(root);
    free(path);
}

static clipspan_bank *published_pool(void)
{
    char *name = trial("data/pools/image_descriptions_general.txt");
    char *file = trial("data/natural/ref/text_general3498.f32");
    float *vectors = malloc(3498 * 384 * sizeof(float));
    clipspan_texts *texts = NULL;
    clipspan_bank *bank = NULL;
    clipspan_error err;
    FILE *in = fopen(file, "rb");
    assert_non_null(in);
    assert_int_equal(fread(vectors, sizeof(float), 3498 * 384, in), 3498 * 384);
    fclose(in);
    if (clipspan_texts_open(&texts, name, &err) ||
        clipspan_bank_new_vectors(&bank, texts, vectors, 384, &err))
        fail_msg("%s", err.message);
    assert_int_equal(clipspan_bank_get_count(bank), 3498);
    clipspan_texts_free(&texts);
    free(vectors);
    free(name);
    free(file);
    return bank;
}

/* The same text, but for blanks at the end of its line, which the record leaves out. */
static int same_text(const char *found, const char *wanted)
{
    size_t size = strlen(wanted);
    return strncmp(found, wanted, size) == 0 && strspn(found + size, " ") == strlen(found + size);
}

/* Shares were written with four digits. */
static void compare(const clipspan_span *span, const clipspan_bank *bank, const json_t *expected)
{
    const clipspan_span_info *info = clipspan_span_get_info(span);
    const clipspan_basis_text *basis_text = clipspan_span_get_basis_texts(span);
    const json_t *texts = json_object_get(expected, "texts");
    const json_t *explained = json_object_get(expected, "explained");
    double sum = 0.0;
    assert_int_equal(info->images, 600);
    assert_int_equal(info->rank, json_integer_value(json_object_get(expected, "rank")));
    assert_int_equal(info->basis_texts, 10);
    for (size_t k = 0; k < 10; k++) {
        const char *found = clipspan_bank_get_name(bank, basis_text[k].text);
        const char *wanted = json_string_value(json_array_get(texts, k));
        sum += basis_text[k].share;
        if (!same_text(found, wanted))
            fail_msg("head (%d, %d), pick %zu: \"%s\" instead of \"%s\"", info->head.layer,
                     info->head.head, k, found, wanted);
        assert_true(fabs(sum - json_number_value(json_array_get(explained, k))) < 6e-5);
    }
}

static void real_images_give_pytorchs_basis_texts(void **state)
{
    char *path = trial("data/natural/expected.json"), *name = trial("data/models/natural");
    json_t *root, *expected;
    clipspan_span_options o = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_model *model = NULL;
    clipspan_encoder *encoder = NULL;
    clipspan_decomposition *parts = NULL;
    clipspan_stats *stats = NULL;
    clipspan_bank *bank;
    clipspan_error err;
    (void)state;
    if (!path || !name) {
        free(path), free(name);
        skip();
    }
    root = json_load_file(path, 0, NULL);
    expected = json_object_get(root, "textspan");
    assert_non_null(expected);
    if (clipspan_model_open(&model, name, NULL, &err) ||
        clipspan_encoder_new(&encoder, model, NULL, &err) ||
        clipspan_decomposition_new(&parts, encoder, NULL, &err) ||
        clipspan_stats_new(&stats, encoder, &err))
        fail_msg("%s", err.message);
    add_images(stats, parts, "data/natural/imagenet200/labels.csv");
    add_images(stats, parts, "data/natural/tiny/labels.csv");
    bank = published_pool();
    o.basis_texts = 10;
    for (int layer = 8; layer < 12; layer++)
        for (int head = 0; head < 6; head++) {
            clipspan_head at = {layer, head};
            clipspan_span *span = NULL;
            char key[16];
            snprintf(key, sizeof key, "%d.%d", layer, head);
            if (clipspan_span_new(&span, stats, &at, 1, bank, &o, NULL, &err))
                fail_msg("%s", err.message);
            compare(span, bank, json_object_get(expected, key));
            clipspan_span_free(&span);
        }
    clipspan_bank_free(&bank);
    clipspan_stats_free(&stats);
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    json_decref(root);
    free(path), free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_basis_text_has_the_largest_variance_of_all_texts),
        cmocka_unit_test(all_basis_texts_together_give_the_contribution_back),
        cmocka_unit_test(blocks_give_stability_and_roles),
        cmocka_unit_test(progress_counts_heads_and_can_stop),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(real_images_give_pytorchs_basis_texts),
    };
    return cmocka_run_group_tests_name("span_api", tests, set_up, tear_down);
}
