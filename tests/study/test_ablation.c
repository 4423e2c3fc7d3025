/* SPDX-License-Identifier: MIT */
/* Ablations against edits and comparisons run one by one; random sets; names of components; kept in
 * a run and read back. */
#include "base/memory.h"
#include "study/components.h"
#include "study/random_heads.h"
#include "study_craft.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 50 };

static study_craft study;

static int set_up(void **state)
{
    (void)state;
    study_craft_init(&study, ROWS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    study_craft_fini(&study);
    return 0;
}

static clipspan_ablation *ablate(const clipspan_evaluation *ev,
                                 const clipspan_ablation_options *options)
{
    clipspan_ablation *a;
    clipspan_error err;
    if (clipspan_ablation_new(&a, ev, options, NULL, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    return a;
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

/* Accuracies after an edit, by comparison with the unedited model. */
static clipspan_comparisons *compare_edit(clipspan_evaluation *ev, const clipspan_change *changes,
                                          size_t count, int resamples)
{
    clipspan_comparisons *c;
    const clipspan_edit edit = {changes, count};
    uint32_t predicted[ROWS];
    uint8_t before[ROWS], after[ROWS];
    assert_int_equal(clipspan_effects_run(predicted, NULL, NULL,
                                          clipspan_evaluation_get_effects(ev), NULL, &edit, 1, NULL,
                                          NULL),
                     0);
    clipspan_evaluation_read_answers(before, ev, clipspan_evaluation_get_predicted(ev));
    clipspan_evaluation_read_answers(after, ev, predicted);
    assert_int_equal(clipspan_comparisons_new(&c, before, after, clipspan_evaluation_get_groups(ev),
                                              ROWS, 10, resamples, 3, NULL),
                     0);
    return c;
}

static void a_set_is_its_edit(void **state)
{
    const clipspan_change changes[] = {
        {.layer = 1, .head = 1}, {.layer = 0, .head = 0}, {.layer = 1, .head = 1}};
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    clipspan_comparisons *c;
    const clipspan_ablation_info *info;
    const clipspan_random_set *set;
    clipspan_change around[64];
    clipspan_ablation *a;
    size_t count;
    (void)state;
    options.changes = changes;
    options.change_count = 3;
    options.random_sets = 3;
    options.resamples = 100;
    options.seed = 3;
    a = ablate(ev, &options);
    info = clipspan_ablation_get_info(a);
    assert_int_equal(info->changes, 2); /* none twice */
    assert_int_equal(info->chosen, 2);
    assert_int_equal(info->random_heads, 2);
    assert_int_equal(info->random_sets, 3);
    c = compare_edit(ev, changes, 2, 100);
    same_comparison(clipspan_ablation_get_overall(a), clipspan_comparisons_get_overall(c));
    same_comparison(clipspan_ablation_get_worst(a), clipspan_comparisons_get_worst(c));
    for (size_t g = 0; g < 10; g++)
        same_comparison(clipspan_ablation_get_group(a, g), clipspan_comparisons_get_group(c, g));
    clipspan_comparisons_free(&c);
    assert_int_equal(clipspan_ablation_get_class(a, 2)->before->images, 10);
    assert_null(clipspan_ablation_get_class(a, STUDY_CLASSES));
    clipspan_ablation_free(&a);
    /* MLPs and early layers stand around every random set. */
    options.mlps = 1;
    options.before = 1;
    a = ablate(ev, &options);
    set = clipspan_ablation_get_random(a, 1);
    assert_int_equal(set->count, 2);
    for (count = 0; count < 2; count++) {
        assert_int_equal(set->heads[count].layer > 0, 1);
        around[count] =
            (clipspan_change){.layer = set->heads[count].layer, .head = set->heads[count].head};
    }
    for (size_t i = 2; i < clipspan_ablation_get_info(a)->changes; i++)
        around[count++] = *clipspan_ablation_get_change(a, i);
    around[count++] = (clipspan_change){.layer = 0, .head = 0}; /* chosen and early */
    c = compare_edit(ev, around, count, 0);
    same_comparison(set->overall, clipspan_comparisons_get_overall(c));
    same_comparison(set->worst, clipspan_comparisons_get_worst(c));
    clipspan_comparisons_free(&c);
    clipspan_ablation_free(&a);
    clipspan_evaluation_free(&ev);
}

static void what_is_kept_reads_back(void **state)
{
    const clipspan_change changes[] = {
        {.layer = 1, .head = 1}, {CLIPSPAN_COMPONENT_MLP, -1, 0, CLIPSPAN_CHANGE_SCALE, 0.5, 0, 0}};
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    clipspan_ablation *a, *again;
    study_text one = {0}, two = {0};
    (void)state;
    options.changes = changes;
    options.change_count = 2;
    options.seed = 7;
    a = ablate(ev, &options);
    assert_int_equal(clipspan_ablation_open(&again, study.run, NULL), CLIPSPAN_E_NOT_FOUND);
    assert_int_equal(clipspan_ablation_keep(a, study.run, NULL, NULL), 0);
    assert_int_equal(clipspan_ablation_open(&again, study.run, NULL), 0);
    clipspan_evaluation_free(&ev);
    clipspan_ablation_write_json(a, study_text_put, &one);
    assert_non_null(strstr(one.text, "\"components\": [\"L1.H1\", \"input=0.5\"]"));
    assert_int_equal(clipspan_ablation_get_info(a)->best_random,
                     clipspan_ablation_get_info(again)->best_random);
    clipspan_ablation_free(&a);
    clipspan_ablation_write_json(again, study_text_put, &two);
    assert_string_equal(one.text, two.text);
    clipspan_ablation_free(&again);
    free(one.text);
    free(two.text);
}

static void refused(const clipspan_evaluation *ev, const clipspan_ablation_options *options,
                    const char *words)
{
    clipspan_ablation *a = (clipspan_ablation *)1;
    clipspan_error err;
    assert_int_equal(clipspan_ablation_new(&a, ev, options, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_null(a);
    if (!strstr(err.message, words)) fail_msg("\"%s\" has no \"%s\"", err.message, words);
}

static void what_cannot_be_meant_is_refused(void **state)
{
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    const clipspan_change far = {.layer = 90};
    (void)state;
    refused(ev, NULL, "nothing to ablate");
    options.before = 90;
    refused(ev, &options, "before is 90");
    options.before = 0;
    options.role = "shapes";
    refused(ev, &options, "give both or none");
    options.role = NULL;
    options.changes = &far;
    options.change_count = 1;
    refused(ev, &options, "layer 90");
    clipspan_evaluation_free(&ev);
}

/* Heads 1 and 4 of 2 layers of 3 were pruned. */
static void random_sets_have_no_pruned_heads(void **state)
{
    const clipspan_variance_share variance_shares[6] = {{0.1, 1}, {0, 0}, {0.1, 1},
                                                        {0.1, 1}, {0, 0}, {0.1, 1}};
    cs_random_heads draw, same;
    clipspan_head one[6], two[6];
    int seen[6] = {0};
    (void)state;
    assert_int_equal(cs_random_heads_from(&draw, variance_shares, 2, 3, 0, 11, NULL), 0);
    assert_int_equal(cs_random_heads_from(&same, variance_shares, 2, 3, 0, 11, NULL), 0);
    for (int t = 0; t < 50; t++) {
        int times[6] = {0};
        assert_int_equal(cs_random_heads_next(one, &draw, 3), 3);
        assert_int_equal(cs_random_heads_next(two, &same, 2), 2);
        assert_memory_equal(one, two, 2 * sizeof *one);
        for (int i = 0; i < 3; i++)
            assert_int_equal(times[3 * one[i].layer + one[i].head]++, 0);
        for (int i = 0; i < 6; i++)
            seen[i] += times[i];
    }
    assert_int_equal(seen[1] + seen[4], 0);
    assert_true(seen[0] > 20 && seen[2] > 20 && seen[3] > 20 && seen[5] > 20);
    assert_int_equal(cs_random_heads_next(one, &draw, 6), 4);
    cs_random_heads_fini(&draw);
    cs_random_heads_fini(&same);
    assert_int_equal(cs_random_heads_from(&draw, variance_shares, 2, 3, 1, 11, NULL), 0);
    assert_int_equal(draw.count, 2);
    cs_random_heads_fini(&draw);
}

static void names_read_back(void **state)
{
    static const char *const names[] = {"L22.H11",   "L3.MLP",       "L0.class", "input",
                                        "embedding", "L22.H11=-0.5", "input=0",  "L1.H0=place 17"};
    static const char *const bad[] = {"",         "L",           "L1",
                                      "L1.H",     "L1.H0x",      "L1.H0=",
                                      "inputs",   "L1.H0=nan",   "L1.H0=place x",
                                      "L1.H0=1e", "L12345678.H0"};
    clipspan_change change;
    char out[64];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(cs_change_read(&change, names[i]), 1);
        assert_string_equal(clipspan_change_get_name(out, sizeof out, &change), names[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (cs_change_read(&change, bad[i])) fail_msg("\"%s\" is no component", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_its_edit),
        cmocka_unit_test(what_is_kept_reads_back),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
        cmocka_unit_test(random_sets_have_no_pruned_heads),
        cmocka_unit_test(names_read_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
