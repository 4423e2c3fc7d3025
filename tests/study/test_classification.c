/* SPDX-License-Identifier: MIT */
/* Classifications by hand: ties, intervals, a group of one image, empty classes and groups, labels
 * that no class has, scores that are not finite, images that were skipped. */
#include "base/memory.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLASSES 6

static const char *const names[CLASSES] = {"a cat", "a dog", "a bird", "a fish", "a cow", "an owl"};
static const char *const keys[CLASSES] = {"cat", "dog", "bird", "fish", "cow", ""};
static clipspan_error err;

static clipspan_bank *new_bank(void)
{
    float vectors[CLASSES][CLASSES] = {{0}};
    clipspan_texts *texts;
    clipspan_bank *bank;
    for (int i = 0; i < CLASSES; i++)
        vectors[i][i] = 1.0F;
    assert_int_equal(clipspan_texts_new(&texts, names, keys, CLASSES, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, &vectors[0][0], CLASSES, &err),
                     CLIPSPAN_OK);
    clipspan_texts_free(&texts);
    return bank;
}

static void near(double found, double right)
{
    if (!(fabs(found - right) <= 1e-9)) fail_msg("%.12g instead of %.12g", found, right);
}

/* Five images: cat right; dog and cat equal, dog is meant; an owl taken for a cow; no label; one
 * that could not be read. */
static const float images[5][CLASSES] = {{0.9F, 0.1F, 0.1F, 0.1F, 0.1F, 0.1F},
                                         {0.5F, 0.5F, 0.1F, 0.1F, 0.1F, 0.1F},
                                         {0.1F, 0.1F, 0.1F, 0.1F, 0.7F, 0.05F},
                                         {0.1F, 0.1F, 0.8F, 0.1F, 0.1F, 0.1F},
                                         {0}};
static const char *const labels[5] = {"cat", "dog", "an owl", "", "cat"};
static const char *const groups[5] = {"cat/red", "dog/red", "owl/", "/red", "x/blue"};

static void figures_by_hand(void **state)
{
    clipspan_classification_options o = CLIPSPAN_CLASSIFICATION_OPTIONS_INIT;
    clipspan_classification_batch batch = CLIPSPAN_CLASSIFICATION_BATCH_INIT;
    clipspan_bank *bank = new_bank();
    const clipspan_classification_info *info;
    const clipspan_prediction *p;
    clipspan_error errors[5] = {{0}};
    clipspan_classification *c;
    (void)state;
    errors[4].code = CLIPSPAN_E_FORMAT;
    snprintf(errors[4].message, sizeof errors[4].message, "damaged");
    o.top = 2;
    o.scale = 10.0;
    assert_int_equal(clipspan_classification_new(&c, bank, &o, &err), CLIPSPAN_OK);
    batch.count = 2; /* the first two, then the rest */
    batch.embeddings = &images[0][0];
    batch.errors = errors;
    batch.labels = labels;
    batch.groups = groups;
    assert_int_equal(clipspan_classification_add(c, &batch, &err), CLIPSPAN_OK);
    p = clipspan_classification_get_prediction(c, 0);
    assert_int_equal(p->count, 2);
    assert_int_equal(p->likely[0].index, 0);
    assert_int_equal(p->likely[1].index, 1); /* of five equal ones the first */
    near(p->likely[0].probability,
         1.0 / (1.0 + 5.0 * exp(10.0 * (double)(0.1F) - 10.0 * (double)0.9F)));
    p = clipspan_classification_get_prediction(c, 1);
    assert_int_equal(p->likely[0].index, 0);
    assert_int_equal(p->truth, 1);
    assert_int_equal(p->before, 1); /* the cat comes first */
    assert_null(clipspan_classification_get_prediction(c, 2));
    batch.count = 3;
    batch.embeddings = &images[2][0];
    batch.errors = errors + 2;
    batch.labels = labels + 2;
    batch.groups = groups + 2;
    assert_int_equal(clipspan_classification_add(c, &batch, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_classification_get_prediction(c, 0)->before, 5); /* the owl is last */
    assert_int_equal(clipspan_classification_get_prediction(c, 1)->truth, -1);
    assert_string_equal(clipspan_classification_get_prediction(c, 2)->error, "damaged");
    assert_int_equal(clipspan_classification_get_prediction(c, 2)->count, 0);
    info = clipspan_classification_get_info(c);
    assert_int_equal(info->images, 5);
    assert_int_equal(info->skipped, 1);
    assert_int_equal(info->accuracy->images, 3);
    assert_int_equal(info->accuracy->correct, 1);
    near(info->accuracy->share, 1.0 / 3);
    assert_true(info->accuracy->low > 0.06 && info->accuracy->high < 0.80);
    near(info->class_mean, 1.0 / 3); /* of cat, dog and owl */
    near(info->top5->share, 2.0 / 3);
    /* an empty class is no share at all */
    assert_int_equal(clipspan_classification_get_class(c, 3)->accuracy->images, 0);
    assert_true(isnan(clipspan_classification_get_class(c, 3)->accuracy->share));
    assert_string_equal(clipspan_classification_get_class(c, 0)->key, "cat");
    assert_string_equal(clipspan_classification_get_class(c, 5)->key, "an owl");
    /* "/red" has no counted image and is not known in full; "x/blue" is, and empty */
    assert_int_equal(info->groups, 4);
    assert_string_equal(clipspan_classification_get_group(c, 0)->name, "cat/red");
    near(clipspan_classification_get_group(c, 0)->accuracy->share, 1.0);
    assert_string_equal(clipspan_classification_get_group(c, 2)->name, "owl/");
    assert_string_equal(clipspan_classification_get_group(c, 3)->name, "x/blue");
    assert_int_equal(clipspan_classification_get_group(c, 3)->accuracy->images, 0);
    assert_null(clipspan_classification_get_group(c, 4));
    assert_int_equal(info->worst_group, 1);
    clipspan_classification_free(&c);
    clipspan_bank_free(&bank);
}

static void what_cannot_be_counts_nothing(void **state)
{
    static const char *const unknown[1] = {"kat"};
    static const float bad[CLASSES] = {NAN, 0, 0, 0, 0, 0};
    clipspan_classification_batch batch = CLIPSPAN_CLASSIFICATION_BATCH_INIT;
    clipspan_bank *bank = new_bank();
    const clipspan_classification_info *info;
    clipspan_classification *c;
    (void)state;
    assert_int_equal(clipspan_classification_new(&c, bank, NULL, &err), CLIPSPAN_OK);
    batch.count = 1;
    batch.embeddings = &images[0][0];
    batch.labels = unknown;
    assert_int_equal(clipspan_classification_add(c, &batch, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "\"kat\""));
    assert_non_null(strstr(err.message, "did you mean \"cat\""));
    batch.labels = NULL;
    batch.embeddings = bad;
    assert_int_equal(clipspan_classification_add(c, &batch, &err), CLIPSPAN_E_NUMBERS);
    info = clipspan_classification_get_info(c);
    assert_int_equal(info->images, 0);
    assert_int_equal(info->labelled, 0);
    assert_true(isnan(info->accuracy->share));
    assert_true(isnan(info->class_mean));
    assert_int_equal(info->worst_group, -1);
    assert_null(clipspan_classification_get_prediction(c, 0));
    assert_int_equal(clipspan_classification_batch_json(c, &err), CLIPSPAN_E_ARGUMENT);
    clipspan_classification_free(&c);
    clipspan_bank_free(&bank);
}

typedef struct text {
    char bytes[8192];
    size_t size;
} text;

static void take(void *to, const char *bytes, size_t size)
{
    text *t = to;
    assert_true(t->size + size < sizeof t->bytes);
    memcpy(t->bytes + t->size, bytes, size);
    t->bytes[t->size += size] = '\0';
}

static void a_document_in_steps(void **state)
{
    clipspan_classification_document d = CLIPSPAN_CLASSIFICATION_DOCUMENT_INIT;
    clipspan_classification_batch batch = CLIPSPAN_CLASSIFICATION_BATCH_INIT;
    clipspan_bank *bank = new_bank();
    clipspan_classification *c;
    text *t = calloc(1, sizeof *t);
    (void)state;
    d.rows = 1;
    d.model = "tiny";
    assert_int_equal(clipspan_classification_new(&c, bank, NULL, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_classification_begin_json(c, &d, 0, take, t, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_classification_begin_json(c, &d, 0, take, t, &err),
                     CLIPSPAN_E_ARGUMENT);
    batch.count = 2;
    batch.embeddings = &images[0][0];
    batch.labels = labels;
    assert_int_equal(clipspan_classification_add(c, &batch, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_classification_batch_json(c, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_classification_end_json(c, NULL, &err), CLIPSPAN_OK);
    assert_non_null(strstr(t->bytes,
                           "\"label\": \"dog\", \"correct\": false, \"classes\": [{\"key\": "
                           "\"cat\", \"class\": \"a cat\""));
    assert_non_null(strstr(t->bytes, "{\"key\": \"fish\", \"class\": \"a fish\", \"images\": 0, "
                                     "\"correct\": 0}"));
    assert_null(strstr(t->bytes, "per_group"));
    assert_string_equal(t->bytes + t->size - 2, "}\n");
    free(t);
    clipspan_classification_free(&c);
    clipspan_bank_free(&bank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(what_cannot_be_counts_nothing),
        cmocka_unit_test(a_document_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
