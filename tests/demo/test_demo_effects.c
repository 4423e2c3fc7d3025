/* SPDX-License-Identifier: MIT */
/* Mean-ablations and replaced heads of the demo model against the published arithmetic on exported
 * components (ref/published_effects.py; tolerance and reason in data/MANIFEST-effects), and the
 * shortcut that is known to be there. */
#include "base/memory.h"
#include "npy_array.h"
#include "run/run_open.h"
#include "tiny.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SCENES = 440, EDITS = 13, LAYERS = 4, HEADS = 8, LAST = 2 };
#define CLOSE     1e-5
#define SAY_CLOSE 1e-6

static char *folder, *path;
static clipspan_model *model;
static clipspan_encoder *encoder;
static clipspan_run *run;
static clipspan_effects *effects;
static clipspan_bank *pool;
static int32_t labels[SCENES], groups[SCENES]; /* by row */
static uint64_t numbers[SCENES];               /* in the list, by row */
static size_t rows;

static void must(clipspan_status status, const clipspan_error *err)
{
    if (status != CLIPSPAN_OK) fail_msg("%s", err->message);
}

static clipspan_texts *open_texts(const char *name)
{
    char file[4096];
    clipspan_texts *texts;
    clipspan_error err;
    snprintf(file, sizeof file, "%s/demo/%s", getenv("CLIPSPAN_DATA"), name);
    must(clipspan_texts_open(&texts, file, &err), &err);
    return texts;
}

/* The names of all classes, for TEXTSPAN; those of the background are no objects. */
static clipspan_texts *all_names(void)
{
    static const char *const factors[] = {"shape", "colour", "texture",    "size",
                                          "place", "count",  "background", "bird"};
    clipspan_texts *files[8], *all;
    const char *names[100], *keys[100];
    clipspan_error err;
    char file[64];
    size_t count = 0;
    for (int f = 0; f < 8; f++) {
        snprintf(file, sizeof file, "classes/%s.txt", factors[f]);
        files[f] = open_texts(file);
        for (size_t i = 0; i < clipspan_texts_get_count(files[f]) && count < 100; i++) {
            names[count] = clipspan_texts_get_text(files[f], i);
            keys[count++] = f == 6 ? "!background" : factors[f];
        }
    }
    must(clipspan_texts_new(&all, names, keys, count, &err), &err);
    for (int f = 0; f < 8; f++)
        clipspan_texts_free(&files[f]);
    return all;
}

static void scan_scenes(void)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    char file[4096];
    const char *source = file;
    clipspan_inputs *inputs;
    clipspan_error err;
    snprintf(file, sizeof file, "%s/demo/test.csv", getenv("CLIPSPAN_DATA"));
    options.labels = "bird";
    options.groups = "group";
    folder = cs_tiny_memory_folder();
    path = cs_tiny_path(folder, "run");
    must(clipspan_model_open(&model, "demo", NULL, &err), &err);
    must(clipspan_inputs_open(&inputs, &source, 1, &options, &err), &err);
    must(clipspan_run_plan(NULL, path, model, inputs, NULL, NULL, &err), &err);
    must(clipspan_run_scan(NULL, path, model, NULL, NULL, &err), &err);
    must(clipspan_run_merge(path, NULL, &err), &err);
    must(clipspan_run_open(&run, path, &err), &err);
    clipspan_inputs_close(&inputs);
}

static int take_row(void *user, const clipspan_run_image *p)
{
    static const char *const names[] = {"duck on grass", "duck on water", "hen on grass",
                                        "hen on water"};
    (void)user;
    labels[rows] = strcmp(p->label, "hen") == 0 ? 0 : strcmp(p->label, "duck") == 0 ? 1 : -1;
    groups[rows] = -1;
    for (int g = 0; g < 4; g++)
        if (strcmp(p->group, names[g]) == 0) groups[rows] = g;
    numbers[rows++] = p->list_index;
    return 0;
}

static int set_up(void **state)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_effects_options wish = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_texts *classes = open_texts("classes/bird.txt"),
                   *templates = open_texts("classes/bird.templates.txt"), *sides,
                   *words = all_names();
    static const char *const cue[] = {"water", "grass"};
    float q[2 * 128], *vectors = malloc(clipspan_texts_get_count(words) * 128 * sizeof *vectors);
    clipspan_bank *bank;
    clipspan_error err;
    (void)state;
    scan_scenes();
    must(clipspan_run_read_images(run, 0, SCENES, take_row, NULL, &err), &err);
    options.modality = CLIPSPAN_TEXT;
    must(clipspan_encoder_new(&encoder, model, &options, &err), &err);
    must(clipspan_bank_new_classes(&bank, encoder, classes, templates, NULL, &err), &err);
    must(clipspan_texts_new(&sides, cue, NULL, 2, &err), &err);
    must(clipspan_encoder_run_texts(q, encoder, sides, NULL, &err), &err);
    for (int p = 0; p < 128; p++)
        q[p] -= q[128 + p];
    wish.cues = q;
    wish.cue_count = 1;
    must(clipspan_effects_new(&effects, run, bank, &wish, NULL, &err), &err);
    must(clipspan_encoder_run_texts(vectors, encoder, words, NULL, &err), &err);
    must(clipspan_bank_new_vectors(&pool, words, vectors, 128, &err), &err);
    assert_int_equal(clipspan_effects_get_images(effects), SCENES);
    clipspan_bank_free(&bank);
    clipspan_texts_free(&sides);
    clipspan_texts_free(&classes);
    clipspan_texts_free(&templates);
    clipspan_texts_free(&words);
    free(vectors);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_effects_free(&effects);
    clipspan_bank_free(&pool);
    clipspan_run_close(&run);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    free(path);
    return 0;
}

/* Changes of the published edits, in the order of the golden files. */
static size_t make_edit(clipspan_change *to, int edit)
{
    static const clipspan_change named[] = {
        {.layer = 3, .head = 7}, {.layer = 3, .head = 6}, {.layer = 2, .head = 5}};
    size_t count = 0;
    int l, h;
    if (edit == 1 || edit == 3 || edit == 4 + LAYERS)
        for (l = -1; l < LAYERS; l++)
            to[count++] = (clipspan_change){.component = CLIPSPAN_COMPONENT_MLP, .layer = l};
    if (edit == 2 || edit == 3)
        for (l = 0; l < LAYERS; l++)
            to[count++] =
                (clipspan_change){.component = CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION, .layer = l};
    for (l = 0; edit >= 4 && edit < 4 + LAYERS && l <= edit - 4; l++)
        for (h = 0; h < HEADS; h++)
            to[count++] = (clipspan_change){.layer = l, .head = h};
    if (edit < 4 + LAYERS) return count;
    for (h = 0; h < HEADS; h++)
        to[count++] = (clipspan_change){.layer = 0, .head = h};
    memcpy(to + count, named, sizeof named);
    return count + 3;
}

/* Different predictions where the published margin is above CLOSE; others are counted. */
static void check(const uint32_t *predicted, int edit, const cs_npy_array *golden,
                  const cs_npy_array *margin, size_t *close)
{
    size_t off = 0;
    for (size_t i = 0; i < SCENES; i++) {
        const size_t at = (size_t)edit * SCENES + numbers[i];
        if ((double)((const float *)margin->data)[at] <= CLOSE)
            ++*close;
        else
            off += predicted[i] != ((const uint8_t *)golden->data)[at];
    }
    if (off) fail_msg("edit %d: %zu predictions are others", edit, off);
}

static void published_predictions(void **state)
{
    static const int basis_texts[] = {1, 2, 5, 10};
    clipspan_span_options options = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_head heads[LAST * HEADS];
    clipspan_span *spans[LAST * HEADS];
    clipspan_change changes[64];
    uint32_t predicted[SCENES];
    cs_npy_array golden, margin;
    clipspan_error err;
    size_t close = 0;
    (void)state;
    assert_true(cs_npy_array_read(&golden, getenv("CLIPSPAN_DEMO_GOLDEN"), "effects-predicted.npy",
                                  "'|u1'", 1));
    assert_true(cs_npy_array_read(&margin, getenv("CLIPSPAN_DEMO_GOLDEN"), "effects-margin.npy",
                                  "'<f4'", 4));
    for (int e = 0; e < EDITS - 4; e++) {
        const clipspan_edit edit = {changes, make_edit(changes, e)};
        must(clipspan_effects_run(predicted, NULL, NULL, effects, NULL, &edit, 1, NULL, &err),
             &err);
        check(predicted, e, &golden, &margin, &close);
    }
    for (int i = 0; i < LAST * HEADS; i++)
        heads[i] = (clipspan_head){LAYERS - LAST + i / HEADS, i % HEADS};
    options.basis_texts = 10;
    options.resamples = -1;
    must(clipspan_span_new_run(spans, run, heads, LAST * HEADS, pool, &options, NULL, &err), &err);
    for (int k = 0; k < 4; k++) {
        must(clipspan_effects_run_spans(predicted, NULL, effects, NULL,
                                        (const clipspan_span *const *)spans, LAST * HEADS,
                                        basis_texts[k], NULL, &err),
             &err);
        check(predicted, EDITS - 4 + k, &golden, &margin, &close);
    }
    assert_true(close <= 5);
    for (int i = 0; i < LAST * HEADS; i++)
        clipspan_span_free(&spans[i]);
    cs_free(golden.bytes);
    cs_free(margin.bytes);
}

static double worst_after(const clipspan_shortcut *shortcut, clipspan_remedy_kind remedy, int count)
{
    clipspan_comparisons *comparisons;
    const clipspan_comparison *worst;
    clipspan_change changes[LAYERS * HEADS];
    uint8_t before[SCENES], after[SCENES];
    uint32_t predicted[2 * SCENES];
    double change;
    clipspan_edit edits[2] = {{NULL, 0}, {changes, 0}};
    clipspan_error err;
    must(clipspan_shortcut_get_changes(changes, &edits[1].count, shortcut, remedy, count, &err),
         &err);
    must(clipspan_effects_run(predicted, NULL, NULL, effects, NULL, edits, 2, labels, &err), &err);
    for (size_t i = 0; i < SCENES; i++) {
        before[i] = labels[i] < 0 ? CLIPSPAN_NO_ANSWER : predicted[i] == (uint32_t)labels[i];
        after[i] =
            labels[i] < 0 ? CLIPSPAN_NO_ANSWER : predicted[SCENES + i] == (uint32_t)labels[i];
    }
    must(clipspan_comparisons_new(&comparisons, before, after, groups, SCENES, 4, 200, 1, &err),
         &err);
    worst = clipspan_comparisons_get_worst(comparisons);
    assert_int_equal(clipspan_comparisons_get_overall(comparisons)->before->images, 176);
    assert_true(worst->change_low <= worst->change && worst->change <= worst->change_high);
    change = worst->change;
    clipspan_comparisons_free(&comparisons);
    return change;
}

/* Every head and every candidate as ref/shortcut.py has them. */
static void agrees_with_reference(const clipspan_shortcut *shortcut)
{
    const clipspan_shortcut_info *info = clipspan_shortcut_get_info(shortcut);
    const clipspan_shortcut_head *heads = clipspan_shortcut_get_heads(shortcut);
    const clipspan_candidate *candidates = clipspan_shortcut_get_candidates(shortcut);
    cs_npy_array table;
    const double *row;
    assert_true(cs_npy_array_read(&table, getenv("CLIPSPAN_DEMO_GOLDEN"), "shortcut-heads.npy",
                                  "'<f8'", 8));
    assert_int_equal(table.rows, info->heads);
    row = table.data;
    for (size_t i = 0; i < info->heads; i++, row += 4) {
        assert_int_equal(heads[i].head.layer * HEADS + heads[i].head.head, row[0]);
        assert_true(fabs(heads[i].variance - row[1]) <= SAY_CLOSE * info->variance);
        assert_true(fabs(heads[i].explained - row[2]) <= SAY_CLOSE * info->variance);
        assert_int_equal(heads[i].counteracts, row[3]);
    }
    cs_free(table.bytes);
    assert_true(cs_npy_array_read(&table, getenv("CLIPSPAN_DEMO_GOLDEN"), "shortcut-candidates.npy",
                                  "'<f8'", 8));
    assert_int_equal(table.rows + 2, info->candidates); /* but for those of the embedding */
    row = table.data;
    for (size_t i = 0; i < table.rows; i++, row += 3) {
        assert_int_equal(candidates[i].remedy, row[0]);
        assert_int_equal(candidates[i].heads, row[1]);
        assert_true(fabs(candidates[i].correlation - row[2]) <= CLOSE);
    }
    cs_free(table.bytes);
}

/* The planted shortcut is found in its head, and taking the cue out helps the worst group. */
static void shortcut_is_found(void **state)
{
    const clipspan_shortcut_info *info;
    const clipspan_shortcut_head *heads;
    const clipspan_candidate *chosen;
    clipspan_shortcut *shortcut;
    clipspan_cue cues[3];
    clipspan_error err;
    size_t found;
    (void)state;
    must(clipspan_shortcut_new(&shortcut, effects, 0, 1, 0, &err), &err);
    info = clipspan_shortcut_get_info(shortcut);
    heads = clipspan_shortcut_get_heads(shortcut);
    chosen = &clipspan_shortcut_get_candidates(shortcut)[info->decision.chosen];
    agrees_with_reference(shortcut);
    assert_int_equal(heads[0].head.layer, 3);
    assert_int_equal(heads[0].head.head, 7);
    assert_true(info->explained > 0.5 * info->variance);
    for (size_t i = 0; i < info->heads; i++)
        assert_true(heads[i].explained >= 0.0 && heads[i].explained <= heads[i].variance);
    assert_int_equal(info->decision.verdict, CLIPSPAN_VERDICT_REMEDY);
    assert_int_equal(chosen->remedy, CLIPSPAN_REMEDY_PROJECT); /* the cue leans to the classes */
    assert_true(info->decision.gain_low > 0.1 && info->decision.gain_low < info->decision.gain);
    assert_true(worst_after(shortcut, chosen->remedy, chosen->heads) > 0.15);
    assert_true(worst_after(shortcut, CLIPSPAN_REMEDY_NONE, 0) == 0.0);
    assert_true(worst_after(shortcut, CLIPSPAN_REMEDY_PROJECT, 0) > 0.15);
    must(clipspan_cue_search(cues, NULL, &found, 3, effects, 0, 1, pool, &err), &err);
    assert_int_equal(found, 3);
    for (size_t i = 0; i < found; i++)
        assert_int_equal(clipspan_bank_get_key(pool, cues[i].text)[0], '!');
    assert_true(cues[0].strength >= cues[1].strength && cues[0].strength <= 1.0);
    clipspan_shortcut_free(&shortcut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(published_predictions),
                                       cmocka_unit_test(shortcut_is_found)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
