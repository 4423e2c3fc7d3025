/* SPDX-License-Identifier: MIT */
/* The demo model against the truth: what open_clip says of the same scenes (tolerances and reasons
 * in data/MANIFEST), and what the scenes are known to show. CLIPSPAN_DEMO_EVERY=n looks at every
 * n-th scene only, for builds that are slow; accuracies, which are those of all scenes, are left
 * out then. */
#include "base/datadir.h"
#include "base/memory.h"
#include "npy_array.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FACTORS   8
#define SCENES    440
#define CLOSE     1e-5
#define TOLERANCE 1e-5

typedef struct factor {
    const char *name;
    double least; /* accuracy; the birds' is that of their worst group */
} factor;

static const factor factors[FACTORS] = {{"shape", .95},      {"colour", .98}, {"texture", .98},
                                        {"size", .98},       {"place", .98},  {"count", .90},
                                        {"background", .98}, {"bird", .30}};
#define WORST_MOST .70 /* the shortcut is there to be found */

typedef struct demo {
    clipspan_model *model;
    clipspan_encoder *texts;
    float *embeddings; /* [SCENES, P], zeros where a scene is left out */
    size_t width, every;
    char *folder;
    cs_npy_array predicted, margin, bank, right;
} demo;

static void must(clipspan_status status, const clipspan_error *err)
{
    if (status != CLIPSPAN_OK) fail_msg("%s", err->message);
}

static void open_inputs(clipspan_inputs **out, const demo *d, const char *labels)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_error err;
    char path[4096];
    const char *source = path;
    snprintf(path, sizeof path, "%s/test.csv", d->folder);
    options.labels = labels;
    options.groups = labels ? "bird,background" : NULL;
    must(clipspan_inputs_open(out, &source, 1, &options, &err), &err);
    assert_int_equal(clipspan_inputs_get_count(*out), SCENES);
}

static void embed_scenes(demo *d)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder;
    clipspan_inputs *inputs;
    clipspan_error err;
    d->embeddings = cs_alloc_zero(SCENES * d->width, sizeof *d->embeddings, "test", NULL);
    assert_non_null(d->embeddings);
    open_inputs(&inputs, d, NULL);
    must(clipspan_encoder_new(&encoder, d->model, &options, &err), &err);
    for (size_t i = 0; i < SCENES; i += d->every) {
        size_t count = d->every == 1 ? SCENES : 1;
        must(clipspan_encoder_run_files(d->embeddings + i * d->width, NULL, encoder,
                                        clipspan_inputs_get_paths(inputs) + i, count, &err),
             &err);
        if (count == SCENES) break;
    }
    clipspan_encoder_free(&encoder);
    clipspan_inputs_close(&inputs);
}

static int start(void **state)
{
    static demo d;
    const char *every = getenv("CLIPSPAN_DEMO_EVERY"), *golden = getenv("CLIPSPAN_DEMO_GOLDEN");
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_error err;
    char *file;
    assert_non_null(golden);
    d.every = every ? (size_t)atoi(every) : 1;
    assert_true(d.every >= 1);
    assert_true(cs_npy_array_read(&d.predicted, golden, "predicted.npy", "'|u1'", 1));
    assert_true(cs_npy_array_read(&d.margin, golden, "margin.npy", "'<f4'", 4));
    assert_true(cs_npy_array_read(&d.bank, golden, "bank.npy", "'<f8'", 8));
    assert_true(cs_npy_array_read(&d.right, golden, "embeddings.npy", "'<f8'", 8));
    assert_int_equal(d.predicted.rows, FACTORS);
    assert_int_equal(d.predicted.row_size, SCENES);
    assert_int_equal(d.margin.row_size, SCENES);
    must(cs_data_path(&file, "demo/test.csv", &err), &err);
    *strrchr(file, '/') = '\0';
    d.folder = file;
    must(clipspan_model_open(&d.model, "demo", NULL, &err), &err);
    d.width = (size_t)clipspan_model_get_info(d.model)->embed_width;
    assert_int_equal(d.bank.row_size, d.width);
    assert_int_equal(d.right.row_size, d.width);
    options.modality = CLIPSPAN_TEXT;
    must(clipspan_encoder_new(&d.texts, d.model, &options, &err), &err);
    embed_scenes(&d);
    *state = &d;
    return 0;
}

static int stop(void **state)
{
    demo *d = *state;
    clipspan_encoder_free(&d->texts);
    clipspan_model_close(&d->model);
    cs_free(d->embeddings);
    cs_free(d->folder);
    cs_free(d->predicted.bytes);
    cs_free(d->margin.bytes);
    cs_free(d->bank.bytes);
    cs_free(d->right.bytes);
    return 0;
}

/* Class names and prompts of a factor, as vectors. */
static void open_bank(clipspan_bank **out, demo *d, const char *name)
{
    clipspan_texts *classes, *templates;
    clipspan_error err;
    char path[4096];
    snprintf(path, sizeof path, "%s/classes/%s.txt", d->folder, name);
    must(clipspan_texts_open(&classes, path, &err), &err);
    snprintf(path, sizeof path, "%s/classes/%s.templates.txt", d->folder, name);
    must(clipspan_texts_open(&templates, path, &err), &err);
    must(clipspan_bank_new_classes(out, d->texts, classes, templates, NULL, &err), &err);
    clipspan_texts_free(&classes);
    clipspan_texts_free(&templates);
}

static double farthest(const float *ours, const double *right, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)ours[i] - right[i]);
        if (!(off <= most)) most = off; /* NaN stays */
    }
    return most;
}

static void embeddings_are_open_clips(void **state)
{
    const demo *d = *state;
    const size_t step = 27;
    double most = 0;
    assert_true((d->right.rows - 1) * step < SCENES);
    for (size_t k = 0; k < d->right.rows; k++) {
        double off;
        if (k * step % d->every) continue;
        off = farthest(d->embeddings + k * step * d->width,
                       (const double *)d->right.data + k * d->width, d->width);
        if (!(off <= most)) most = off;
    }
    if (!(most <= TOLERANCE)) fail_msg("embeddings of scenes are off by %.2e", most);
}

static void class_vectors_are_open_clips(void **state)
{
    demo *d = *state;
    size_t at = 0;
    for (size_t f = 0; f < FACTORS; f++) {
        clipspan_bank *bank;
        size_t count;
        double off;
        open_bank(&bank, d, factors[f].name);
        count = clipspan_bank_get_count(bank);
        assert_true(at + count <= d->bank.rows);
        off = farthest(clipspan_bank_get_vectors(bank),
                       (const double *)d->bank.data + at * d->width, count * d->width);
        if (!(off <= TOLERANCE))
            fail_msg("class vectors of %s are off by %.2e", factors[f].name, off);
        at += count;
        clipspan_bank_free(&bank);
    }
    assert_int_equal(at, d->bank.rows);
}

typedef struct counts {
    size_t all, good, close;
    size_t group_all[4], group_good[4];
} counts;

/* Compares the predictions of one factor with open_clip's and with the labels. */
static void predict(counts *c, demo *d, size_t f)
{
    const uint8_t *predicted = (const uint8_t *)d->predicted.data + f * SCENES;
    const float *margin = (const float *)d->margin.data + f * SCENES;
    clipspan_bank *bank;
    clipspan_inputs *inputs;
    clipspan_error err;
    float scores[16];
    memset(c, 0, sizeof *c);
    open_bank(&bank, d, factors[f].name);
    open_inputs(&inputs, d, factors[f].name);
    assert_true(clipspan_bank_get_count(bank) <= 16);
    for (size_t i = 0; i < SCENES; i += d->every) {
        const char *label = clipspan_inputs_get_label(inputs, i), *key;
        const char *group = clipspan_inputs_get_group(inputs, i);
        size_t best = 0, place = (size_t)(strstr(group, "duck") != NULL) * 2 +
                                 (size_t)(strstr(group, "water") != NULL);
        must(clipspan_bank_run_scores(scores, bank, d->embeddings + i * d->width, 1, &err), &err);
        for (size_t k = 1; k < clipspan_bank_get_count(bank); k++)
            if (scores[k] > scores[best]) best = k;
        if ((double)margin[i] <= CLOSE)
            c->close++;
        else if (best != predicted[i])
            fail_msg("%s of scene %zu: class %zu, where open_clip has %d by %.2e", factors[f].name,
                     i, best, predicted[i], (double)margin[i]);
        if (!*label) continue;
        key = clipspan_bank_get_key(bank, best);
        c->all++;
        c->good += strcmp(key, label) == 0;
        c->group_all[place]++;
        c->group_good[place] += strcmp(key, label) == 0;
    }
    clipspan_inputs_close(&inputs);
    clipspan_bank_free(&bank);
}

static void predictions_are_open_clips_and_true(void **state)
{
    demo *d = *state;
    size_t close = 0;
    for (size_t f = 0; f < FACTORS; f++) {
        counts c;
        double share;
        predict(&c, d, f);
        close += c.close;
        if (d->every > 1) continue;
        assert_true(c.all >= 176);
        share = (double)c.good / (double)c.all;
        if (f == FACTORS - 1) {
            share = 1;
            for (size_t g = 0; g < 4; g++) {
                double of_group = (double)c.group_good[g] / (double)c.group_all[g];
                assert_int_equal(c.group_all[g], 44);
                if (of_group < share) share = of_group;
            }
            if (share > WORST_MOST) fail_msg("worst group of birds: %.3f; no shortcut", share);
        }
        if (share < factors[f].least) fail_msg("%s: accuracy %.3f", factors[f].name, share);
    }
    printf("# %zu predictions not compared: a tie within %.0e\n", close, CLOSE);
    assert_true(close <= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_are_open_clips),
        cmocka_unit_test(class_vectors_are_open_clips),
        cmocka_unit_test(predictions_are_open_clips_and_true),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
