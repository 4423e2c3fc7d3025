/* SPDX-License-Identifier: MIT */
/* The classifier against its definition, written out: every class in every template, unit vectors,
 * their mean, divided by its norm; and scores against plain sums. */
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLASSES   5
#define TEMPLATES 3
#define P         13 /* odd: not a multiple of any vector */

static const char *const classes[CLASSES] = {"cat", "small dog", "7", "red {}", "cat"};
static const char *const keys[CLASSES] = {"animal", "animal", NULL, "colour", ""};
static const char *const templates[TEMPLATES] = {"a photo of a {}.", "{}", "{} in the {} snow"};
/* The first "{}" is the place, whatever the class name holds. */
static const char *const prompts[TEMPLATES][CLASSES] = {
    {"a photo of a cat.", "a photo of a small dog.", "a photo of a 7.", "a photo of a red {}.",
     "a photo of a cat."},
    {"cat", "small dog", "7", "red {}", "cat"},
    {"cat in the {} snow", "small dog in the {} snow", "7 in the {} snow", "red {} in the {} snow",
     "cat in the {} snow"}};

typedef struct fixture {
    char *folder;
    clipspan_model *model;
    clipspan_encoder *encoder, *raw; /* raw does not divide by the norm; a classifier must */
    clipspan_texts *classes, *templates;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    f->folder = cs_tiny_folder();
    tiny.embed = P;
    tiny.vocab = 1000;
    cs_tiny_write_openclip(f->folder, &tiny, 9);
    o.modality = CLIPSPAN_TEXT;
    o.threads = 2;
    assert_int_equal(clipspan_model_open(&f->model, f->folder, NULL, NULL), 0);
    assert_int_equal(clipspan_encoder_new(&f->encoder, f->model, &o, NULL), 0);
    o.raw = 1;
    assert_int_equal(clipspan_encoder_new(&f->raw, f->model, &o, NULL), 0);
    assert_int_equal(clipspan_texts_new(&f->classes, classes, keys, CLASSES, NULL), 0);
    assert_int_equal(clipspan_texts_new(&f->templates, templates, NULL, TEMPLATES, NULL), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    clipspan_texts_free(&f->classes);
    clipspan_texts_free(&f->templates);
    clipspan_encoder_free(&f->encoder);
    clipspan_encoder_free(&f->raw);
    clipspan_model_close(&f->model);
    cs_tiny_remove(&f->folder);
    free(f);
    return 0;
}

static void expected_vectors(double out[CLASSES][P], fixture *f)
{
    memset(out, 0, CLASSES * sizeof *out);
    for (int t = 0; t < TEMPLATES; t++)
        for (int c = 0; c < CLASSES; c++) {
            clipspan_texts *one = NULL;
            float e[P];
            double norm = 0.0;
            assert_int_equal(clipspan_texts_new(&one, &prompts[t][c], NULL, 1, NULL), 0);
            assert_int_equal(clipspan_encoder_run_texts(e, f->raw, one, NULL, NULL), 0);
            for (int i = 0; i < P; i++)
                norm += (double)e[i] * (double)e[i];
            for (int i = 0; i < P; i++)
                out[c][i] += (double)e[i] / sqrt(norm);
            clipspan_texts_free(&one);
        }
    for (int c = 0; c < CLASSES; c++) {
        double norm = 0.0;
        for (int i = 0; i < P; i++)
            norm += out[c][i] * out[c][i];
        for (int i = 0; i < P; i++)
            out[c][i] /= sqrt(norm);
    }
}

typedef struct heard {
    size_t done, total;
} heard;

static int hear(void *user, size_t done, size_t total)
{
    heard *h = user;
    assert_true(done >= h->done);
    h->done = done;
    h->total = total;
    return 0;
}

static int stop(void *user, size_t done, size_t total)
{
    (void)user;
    (void)done;
    (void)total;
    return 1;
}

static void a_classifier_is_the_mean_of_unit_vectors(void **state)
{
    fixture *f = *state;
    clipspan_encoder *encoders[2] = {f->encoder, f->raw};
    double expected[CLASSES][P];
    expected_vectors(expected, f);
    for (int e = 0; e < 2; e++) {
        clipspan_bank *bank = NULL;
        const float *vectors;
        heard h = {0, 0};
        clipspan_progress progress = {hear, &h};
        assert_int_equal(clipspan_bank_new_classes(&bank, encoders[e], f->classes, f->templates,
                                                   &progress, NULL),
                         CLIPSPAN_OK);
        assert_int_equal(h.done, CLASSES * TEMPLATES);
        assert_int_equal(h.total, CLASSES * TEMPLATES);
        assert_int_equal(clipspan_bank_get_count(bank), CLASSES);
        assert_int_equal(clipspan_bank_get_width(bank), P);
        vectors = clipspan_bank_get_vectors(bank);
        for (int c = 0; c < CLASSES; c++) {
            assert_string_equal(clipspan_bank_get_name(bank, (size_t)c), classes[c]);
            assert_string_equal(clipspan_bank_get_key(bank, (size_t)c), keys[c] ? keys[c] : "");
            for (int i = 0; i < P; i++)
                assert_true(fabs((double)vectors[c * P + i] - expected[c][i]) < 1e-6);
        }
        assert_null(clipspan_bank_get_name(bank, CLASSES));
        assert_null(clipspan_bank_get_key(bank, CLASSES));
        clipspan_bank_free(&bank);
        assert_null(bank);
        clipspan_bank_free(&bank);
    }
}

static void scores_are_products_of_rows(void **state)
{
    fixture *f = *state;
    clipspan_bank *bank = NULL;
    const float *vectors;
    float embeddings[2][P], scores[2][CLASSES];
    for (int i = 0; i < P; i++) {
        embeddings[0][i] = (float)(i + 1) / 30.0F;
        embeddings[1][i] = i % 2 ? -0.25F : 0.25F;
    }
    assert_int_equal(
        clipspan_bank_new_classes(&bank, f->encoder, f->classes, f->templates, NULL, NULL), 0);
    vectors = clipspan_bank_get_vectors(bank);
    assert_int_equal(clipspan_bank_run_scores(scores[0], bank, embeddings[0], 2, NULL), 0);
    for (int b = 0; b < 2; b++)
        for (int c = 0; c < CLASSES; c++) {
            double sum = 0.0;
            for (int i = 0; i < P; i++)
                sum += (double)embeddings[b][i] * (double)vectors[c * P + i];
            assert_true(fabs((double)scores[b][c] - sum) < 1e-7);
        }
    assert_int_equal(clipspan_bank_run_scores(NULL, bank, NULL, 0, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_bank_run_scores(NULL, bank, embeddings[0], 1, NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_bank_run_scores(scores[0], NULL, embeddings[0], 1, NULL),
                     CLIPSPAN_E_ARGUMENT);
    clipspan_bank_free(&bank);
}

static void what_makes_no_classifier_is_refused(void **state)
{
    static const char *const plain[] = {"a photo of a {}.", "no place"};
    fixture *f = *state;
    clipspan_progress stopping = {stop, NULL};
    clipspan_texts *bad = NULL;
    clipspan_encoder *images = NULL;
    clipspan_bank *bank = NULL;
    clipspan_error err;
    assert_int_equal(clipspan_texts_new(&bad, plain, NULL, 2, NULL), 0);
    assert_int_equal(clipspan_bank_new_classes(&bank, f->encoder, f->classes, bad, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "no place"));
    assert_null(bank);
    assert_int_equal(clipspan_encoder_new(&images, f->model, NULL, NULL), 0);
    assert_int_equal(clipspan_bank_new_classes(&bank, images, f->classes, f->templates, NULL, NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(
        clipspan_bank_new_classes(&bank, f->encoder, f->classes, f->templates, &stopping, &err),
        CLIPSPAN_E_INTERRUPTED);
    assert_null(bank);
    clipspan_encoder_free(&images);
    clipspan_texts_free(&bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_classifier_is_the_mean_of_unit_vectors),
        cmocka_unit_test(scores_are_products_of_rows),
        cmocka_unit_test(what_makes_no_classifier_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
