/* SPDX-License-Identifier: MIT */
/* Remedies of a cue on a small run: what every row must be, by the calls that it is made of; no
 * pruned head in a random set; the document read back is the same; damaged ones are refused. */
#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"
#include "run_craft.h"
#include "study/cues.h"
#include "study/study_json.h"
#include "tiny.h"

enum { ROWS = 50, CLASSES = 3, MOST = 64 };

static run_craft craft;
static char *path;
static clipspan_run *run;
static clipspan_bank *bank, *other;
static float vectors[5 * MOST];
static size_t P;

static clipspan_bank *new_bank(const char *const *names, const char *const *keys, size_t first,
                               size_t count)
{
    clipspan_bank *made;
    clipspan_texts *texts;
    assert_int_equal(clipspan_texts_new(&texts, names, keys, count, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&made, texts, vectors + first * P, P, NULL), 0);
    clipspan_texts_free(&texts);
    return made;
}

static int set_up(void **state)
{
    static const char *const names[] = {"duck", "hen", "swan", "x", "y"}, *const keys[] = {
                                                                              "l0", "l1", "l2",
                                                                              "l3", "l4"};
    uint32_t seed = 11;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&run, path, NULL), 0);
    P = (size_t)clipspan_run_get_info(run)->embed_width;
    for (size_t i = 0; i < 5 * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    bank = new_bank(names, keys, 0, CLASSES);
    other = new_bank(names, keys, 1, 4);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_bank_free(&other);
    clipspan_run_close(&run);
    free(path);
    run_craft_fini(&craft);
    return 0;
}

/* Labels and groups by hand: class i % 3, or unknown for every seventh; group i % 2. */
static void label(int32_t *labels, int32_t *groups)
{
    for (int i = 0; i < ROWS; i++) {
        labels[i] = i % 7 == 6 ? -1 : i % CLASSES;
        groups[i] = i % 11 == 10 ? -1 : i % 2;
    }
}

static clipspan_evaluation *evaluate(int labelled)
{
    static const char *const names[] = {"even", "odd", "empty"};
    clipspan_evaluation_options o = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    int32_t labels[ROWS], groups[ROWS];
    clipspan_evaluation *ev;
    clipspan_error err;
    label(labels, groups);
    for (size_t i = 0; i < ROWS && !labelled; i++)
        labels[i] = -1;
    effects.cues = vectors + 4 * P;
    effects.cue_count = 1;
    o.effects = &effects;
    o.labels = labels;
    if (labelled) {
        o.groups = groups;
        o.group_names = names;
        o.group_count = 3;
    }
    if (clipspan_evaluation_new(&ev, run, bank, &o, NULL, &err)) fail_msg("%s", err.message);
    return ev;
}

static clipspan_remedy *remedies(const clipspan_evaluation *ev, const clipspan_remedy_options *o)
{
    clipspan_remedy *r;
    clipspan_error err;
    if (clipspan_remedy_new(&r, ev, o, NULL, &err)) fail_msg("%s", err.message);
    return r;
}

/* The same figures, wherever they lie. */
static void same_comparison(const clipspan_comparison *a, const clipspan_comparison *b)
{
    assert_memory_equal(a->before, b->before, sizeof *a->before);
    assert_memory_equal(a->after, b->after, sizeof *a->after);
    assert_true(a->change == b->change && a->change_low == b->change_low &&
                a->change_high == b->change_high);
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->group_after, b->group_after);
}

/* One row again, from the public calls below. */
static void check_row(const clipspan_remedy_row *row, const clipspan_evaluation *ev, size_t a,
                      size_t b, const clipspan_comparison *group)
{
    clipspan_effects *effects = clipspan_evaluation_get_effects(ev);
    clipspan_comparisons *c;
    clipspan_change changes[16];
    uint8_t before[ROWS], after[ROWS];
    uint32_t predicted[ROWS];
    clipspan_edit edit = {changes, 0};
    clipspan_shortcut *s;
    assert_int_equal(clipspan_shortcut_new(&s, effects, a, b, 0, NULL), 0);
    assert_int_equal(
        clipspan_shortcut_get_changes(changes, &edit.count, s, row->kind, (int)row->heads, NULL),
        0);
    assert_int_equal(
        clipspan_effects_run(predicted, NULL, NULL, effects, NULL, &edit, 1, NULL, NULL), 0);
    clipspan_evaluation_read_answers(before, ev, clipspan_evaluation_get_predicted(ev));
    clipspan_evaluation_read_answers(after, ev, predicted);
    assert_int_equal(clipspan_comparisons_new(&c, before, after, clipspan_evaluation_get_groups(ev),
                                              ROWS, 3, 200, 5, NULL),
                     0);
    same_comparison(row->overall, clipspan_comparisons_get_overall(c));
    same_comparison(row->worst, clipspan_comparisons_get_worst(c));
    same_comparison(group, clipspan_comparisons_get_group(c, 1));
    clipspan_comparisons_free(&c);
    clipspan_shortcut_free(&s);
}

static void rows_are_what_they_are_made_of(void **state)
{
    clipspan_evaluation *ev = evaluate(1);
    clipspan_remedy_side_options side = CLIPSPAN_REMEDY_SIDE_OPTIONS_INIT, bare = side;
    const clipspan_remedy_side_options *const sides[] = {&side, &bare};
    clipspan_remedy_options o = CLIPSPAN_REMEDY_OPTIONS_INIT;
    const clipspan_remedy_info *info;
    int32_t labels[ROWS], groups[ROWS];
    clipspan_remedy *r;
    size_t pair = 0;
    (void)state;
    label(labels, groups);
    side.name = "texture";
    side.words = "texture=x.txt";
    side.bank = bare.bank = other;
    side.labels = labels;
    bare.name = "bare";
    o.sides = sides;
    o.side_count = 2;
    o.resamples = 200;
    o.seed = 5;
    o.random_sets = 3;
    r = remedies(ev, &o);
    info = clipspan_remedy_get_info(r);
    assert_int_equal(info->pairs, 6); /* three of two classes, three of one against the rest */
    assert_null(info->cue->words);
    assert_int_equal(info->evaluation->images, ROWS);
    for (size_t a = 0; a < CLASSES; a++)
        for (size_t b = a + 1; b < CLASSES; b++, pair++) {
            const clipspan_remedy_pair *p = clipspan_remedy_get_pair(r, pair);
            const clipspan_candidate *chosen = clipspan_remedy_get_candidate(r, pair, p->chosen);
            double top = -1;
            assert_string_equal(p->class_a, clipspan_bank_get_name(bank, a));
            assert_string_equal(p->class_b, clipspan_bank_get_name(bank, b));
            assert_in_range(p->rows, 6, 8);
            for (size_t i = 0; i < p->rows; i++)
                check_row(clipspan_remedy_get_row(r, pair, i), ev, a, b,
                          clipspan_remedy_get_group(r, pair, i, 1));
            assert_int_equal(clipspan_remedy_get_row(r, pair, 1)->heads, chosen->heads);
            assert_int_equal(clipspan_remedy_get_row(r, pair, 1)->kind, chosen->remedy);
            assert_int_equal(clipspan_remedy_get_row(r, pair, p->rows - 1)->role,
                             CLIPSPAN_TRIED_HINDSIGHT);
            assert_int_equal(p->decision->chosen, p->chosen);
            assert_int_equal(p->chosen > 0, p->decision->verdict == CLIPSPAN_VERDICT_REMEDY);
            for (size_t i = 0; i < p->rows; i++) { /* nothing that is eligible does better */
                const clipspan_remedy_row *row = clipspan_remedy_get_row(r, pair, i);
                if (row->role != CLIPSPAN_TRIED_HINDSIGHT &&
                    row->role != CLIPSPAN_TRIED_ALL_HEADS && row->worst->after->share > top)
                    top = row->worst->after->share;
            }
            assert_true(clipspan_remedy_get_row(r, pair, p->rows - 1)->worst->after->share >= top);
            assert_int_equal(p->sides, 2);
            assert_null(clipspan_remedy_get_side(r, pair, 1)->overall);
            assert_int_equal(clipspan_remedy_get_side(r, pair, 0)->overall->before->images,
                             ROWS - ROWS / 7);
            if (chosen->heads && (size_t)chosen->heads < p->heads)
                assert_int_equal(clipspan_remedy_get_random(r, pair)->sets, 3);
            else
                assert_null(clipspan_remedy_get_random(r, pair));
        }
    for (size_t a = 0; a < CLASSES; a++) {
        const clipspan_remedy_pair *p = clipspan_remedy_get_pair(r, 3 + a);
        assert_string_equal(p->class_a, clipspan_bank_get_name(bank, a));
        assert_string_equal(p->class_b, "the rest");
        assert_true(p->against_rest);
        check_row(clipspan_remedy_get_row(r, 3 + a, 1), ev, a, CLIPSPAN_THE_REST,
                  clipspan_remedy_get_group(r, 3 + a, 1, 1));
    }
    assert_null(clipspan_remedy_get_pair(r, 6));
    assert_null(clipspan_remedy_get_row(r, 0, 8));
    assert_null(clipspan_remedy_get_group(r, 0, 0, 3));
    clipspan_evaluation_free(&ev);
    assert_string_equal(clipspan_remedy_get_pair(r, 0)->class_a, "duck"); /* it outlives it */
    clipspan_remedy_free(&r);
}

/* predicted a or b, reading above the mean or not: counted from the effects. */
static void forecasts_count_images_of_the_statistics(void **state)
{
    clipspan_evaluation *ev = evaluate(0);
    clipspan_effects *effects = clipspan_evaluation_get_effects(ev);
    const uint32_t *before = clipspan_evaluation_get_predicted(ev);
    double reading[ROWS], mean;
    uint64_t images[4] = {0}, kept[4] = {0};
    clipspan_remedy *r = remedies(ev, NULL);
    const uint32_t *after = clipspan_remedy_get_predicted(r, 0);
    (void)state;
    assert_true(clipspan_remedy_get_info(r)->evaluation->agreement);
    assert_int_equal(clipspan_remedy_get_info(r)->resamples, 1000);
    assert_null(clipspan_remedy_get_row(r, 0, 0)->worst);
    assert_true(clipspan_remedy_get_row(r, 0, 0)->overall->before->share == 1.0);
    clipspan_effects_read_cue(reading, &mean, effects, 0, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        if (before[i] > 1) continue;
        images[2 * before[i] + (reading[i] > mean)]++;
        kept[2 * before[i] + (reading[i] > mean)] += after[i] == before[i];
    }
    for (size_t k = 0; k < 4; k++) {
        const clipspan_remedy_forecast *f = clipspan_remedy_get_forecast(r, 0, k);
        assert_int_equal(f->images, images[k]);
        assert_int_equal(f->kept, kept[k]);
        assert_string_equal(f->predicted, k < 2 ? "duck" : "hen");
        assert_int_equal(f->first_side, k % 2);
    }
    clipspan_remedy_free(&r);
    clipspan_evaluation_free(&ev);
}

/* Pruned heads write nothing that varies: no random set has them. */
static void random_sets_have_no_pruned_head(void **state)
{
    static const clipspan_head lost[] = {{0, 1}, {1, 2}};
    float z[2 * MOST] = {0};
    clipspan_write_options write = CLIPSPAN_WRITE_OPTIONS_INIT;
    const clipspan_change change = {.layer = 0};
    clipspan_ablation_options o = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_evaluation_options eo = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    char *folder = run_craft_path(&craft, "pruned"), *where = run_craft_path(&craft, "pruned-run");
    int32_t labels[ROWS], groups[ROWS];
    clipspan_model *whole = craft.model;
    clipspan_evaluation *ev;
    const clipspan_random_sets *sets;
    clipspan_ablation *a;
    clipspan_run *of;
    (void)state;
    write.remove = 1;
    assert_int_equal(clipspan_model_write(folder, craft.model, lost, z, 2, &write, NULL, NULL), 0);
    assert_int_equal(clipspan_model_open(&craft.model, folder, NULL, NULL), 0);
    run_craft_plan(&craft, where, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, where, 1, 0, 0);
    run_craft_merge(where);
    assert_int_equal(clipspan_run_open(&of, where, NULL), 0);
    label(labels, groups);
    effects.cues = vectors + 4 * P;
    effects.cue_count = 1;
    eo.effects = &effects;
    eo.labels = labels;
    assert_int_equal(clipspan_evaluation_new(&ev, of, bank, &eo, NULL, NULL), 0);
    o.random_sets = 40;
    o.resamples = -1;
    o.changes = &change;
    o.change_count = 1;
    assert_int_equal(clipspan_ablation_new(&a, ev, &o, NULL, NULL), 0);
    sets = clipspan_ablation_get_random(a);
    assert_int_equal(sets->sets, 40);
    for (size_t i = 0; i < sets->sets * sets->heads_of_set; i++)
        for (size_t k = 0; k < 2; k++)
            assert_false(sets->heads[i].layer == lost[k].layer &&
                         sets->heads[i].head == lost[k].head);
    clipspan_ablation_free(&a);
    clipspan_evaluation_free(&ev);
    clipspan_run_close(&of);
    clipspan_model_close(&craft.model);
    craft.model = whole;
    free(folder);
    free(where);
}

/* ---- Cues ---- */

static void a_cue_that_names_a_class_is_marked(void **state)
{
    static const char *const classes[] = {"duck", "hen"},
                             *const texts[] = {"a photo of Ducks", "water", "sand"},
                             *const keys[] = {"!x", "!x", "!y"};
    clipspan_bank *pool = new_bank(texts, keys, 2, 3);
    clipspan_cues *cues;
    size_t flagged = 0;
    (void)state;
    assert_string_equal(cs_names_class("a photo of Ducks", classes, 2), "duck");
    assert_string_equal(cs_names_class("water;hen", classes, 2), "hen");
    assert_null(cs_names_class("when ducklings swim", classes, 2));
    assert_null(cs_names_class("", classes, 2));
    assert_int_equal(clipspan_cues_new_search(&cues, run, bank, pool, "mine", 1, NULL, NULL), 0);
    assert_true(clipspan_cues_get_info(cues)->found);
    assert_string_equal(clipspan_cues_get_info(cues)->pool, "mine");
    assert_int_equal(clipspan_cues_get_info(cues)->count, 3);
    for (size_t i = 0; i < 3; i++) {
        const clipspan_found_cue *c = clipspan_cues_get_found(cues, i);
        const int names = strcmp(c->text, "a photo of Ducks") == 0;
        assert_int_equal(c->names_class != NULL, names);
        flagged += names;
        if (i == 0) assert_int_equal(clipspan_cues_get_info(cues)->names_class != NULL, names);
    }
    assert_int_equal(flagged, 1);
    assert_null(clipspan_cues_get_found(cues, 3));
    clipspan_cues_free(&cues);
    clipspan_bank_free(&pool);
}

/* ---- Documents ---- */

typedef struct page {
    char text[1 << 17];
    size_t used;
} page;

static void put(void *to, const char *bytes, size_t size)
{
    page *p = to;
    assert_true(p->used + size < sizeof p->text);
    memcpy(p->text + p->used, bytes, size);
    p->used += size;
    p->text[p->used] = '\0';
}

static page *document(const clipspan_remedy *r)
{
    page *p = calloc(1, sizeof *p);
    clipspan_remedy_write_json(r, 0, put, p);
    return p;
}

static clipspan_remedy *full(void)
{
    static const char *const texts[] = {"a duck", "water", "sand"}, *const keys[] = {"!x", "!x",
                                                                                     "!y"};
    clipspan_bank *pool = new_bank(texts, keys, 2, 3);
    clipspan_remedy_side_options side = CLIPSPAN_REMEDY_SIDE_OPTIONS_INIT;
    const clipspan_remedy_side_options *const sides[] = {&side};
    clipspan_remedy_options o = CLIPSPAN_REMEDY_OPTIONS_INIT;
    clipspan_evaluation *ev = evaluate(1);
    clipspan_cues *cues;
    clipspan_remedy *r;
    assert_int_equal(clipspan_cues_new_search(&cues, run, bank, pool, "mine", 1, NULL, NULL), 0);
    side.name = "texture";
    side.words = "x.txt";
    side.bank = other;
    o.cues = cues;
    o.sides = sides;
    o.side_count = 1;
    o.resamples = 50;
    r = remedies(ev, &o);
    clipspan_evaluation_free(&ev);
    clipspan_cues_free(&cues);
    clipspan_bank_free(&pool);
    return r;
}

static void what_a_run_keeps_is_what_was_found(void **state)
{
    clipspan_remedy *r = full(), *again;
    page *one = document(r), *two;
    clipspan_error err;
    (void)state;
    assert_non_null(strstr(one->text, "\"schema\": \"clipspan.shortcut.v1\""));
    assert_non_null(strstr(one->text, "\"names_class\": \"duck\""));
    assert_int_equal(clipspan_remedy_open(&again, run, &err), CLIPSPAN_E_NOT_FOUND);
    if (clipspan_remedy_keep(r, run, NULL, &err)) fail_msg("%s", err.message);
    if (clipspan_remedy_open(&again, run, &err)) fail_msg("%s", err.message);
    two = document(again);
    assert_string_equal(one->text, two->text);
    assert_null(clipspan_remedy_get_predicted(again, 0));
    if (clipspan_remedy_get_random(r, 0))
        assert_true(fabs(clipspan_remedy_get_random(again, 0)->overall->p -
                         clipspan_remedy_get_random(r, 0)->overall->p) < 1e-9);
    free(one);
    free(two);
    clipspan_remedy_free(&again);
    clipspan_remedy_free(&r);
}

static void spoil(json_t *value, size_t *at, size_t wanted, json_t *by)
{
    const char *key;
    json_t *child;
    void *next;
    size_t i;
    json_object_foreach_safe(value, next, key, child)
    {
        if ((*at)++ == wanted)
            json_object_set(value, key, by);
        else
            spoil(child, at, wanted, by);
    }
    json_array_foreach(value, i, child)
    {
        if ((*at)++ == wanted)
            json_array_set(value, i, by);
        else
            spoil(child, at, wanted, by);
    }
}

/* Every member in turn becomes something else: refused, with file and key, or shown as it says. */
static void no_member_is_believed(void **state)
{
    static const char *const by[] = {"null", "-1e300", "\"x\"", "[]", "{}", "123456789012"};
    clipspan_remedy *r = full();
    page *one = document(r);
    json_t *whole = json_loads(one->text, 0, NULL);
    size_t members = 0, refused = 0;
    (void)state;
    assert_non_null(whole);
    spoil(whole, &members, SIZE_MAX, whole);
    for (size_t wanted = 0; wanted < members; wanted++) {
        json_t *d = json_deep_copy(whole), *bad = json_loads(by[wanted % 6], JSON_DECODE_ANY, NULL);
        clipspan_error err = {0};
        cs_remedy *read;
        size_t at = 0;
        clipspan_status status;
        spoil(d, &at, wanted, bad);
        status = cs_remedy_parse(&read, d, "FILE", &err);
        if (status != CLIPSPAN_OK) {
            refused++;
            assert_int_equal(status, CLIPSPAN_E_FORMAT);
            assert_non_null(strstr(err.message, "FILE: "));
            assert_null(read);
        }
        cs_remedy_free(&read);
        json_decref(bad);
        json_decref(d);
    }
    assert_true(refused > members / 2);
    json_decref(whole);
    free(one);
    clipspan_remedy_free(&r);
}

static void what_is_refused(void **state)
{
    clipspan_evaluation_options o = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_change change = {0};
    clipspan_evaluation *ev;
    clipspan_remedy *r;
    clipspan_error err;
    int32_t labels[ROWS], groups[ROWS];
    (void)state;
    label(labels, groups);
    o.labels = labels;
    assert_int_equal(clipspan_evaluation_new(&ev, run, bank, &o, NULL, NULL), 0);
    assert_int_equal(clipspan_remedy_new(&r, ev, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "no cue"));
    assert_null(r);
    clipspan_evaluation_free(&ev);
    assert_int_equal(clipspan_surgery_read_value(&change, run, "mean", NULL), 0);
    assert_int_equal(change.kind, CLIPSPAN_CHANGE_MEAN);
    assert_int_equal(clipspan_surgery_read_value(&change, run, "1.5", NULL), 0);
    assert_int_equal(change.kind, CLIPSPAN_CHANGE_SCALE);
    assert_true(change.scale == 1.5);
    assert_int_equal(clipspan_surgery_read_value(&change, run, "nan", &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "found \"nan\""));
    clipspan_remedy_free(NULL);
    clipspan_cues_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_they_are_made_of),
        cmocka_unit_test(forecasts_count_images_of_the_statistics),
        cmocka_unit_test(random_sets_have_no_pruned_head),
        cmocka_unit_test(a_cue_that_names_a_class_is_marked),
        cmocka_unit_test(what_a_run_keeps_is_what_was_found),
        cmocka_unit_test(no_member_is_believed),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
