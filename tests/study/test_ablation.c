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

static void refused(const clipspan_evaluation *ev, const clipspan_ablation_options *options,
                    const char *words)
{
    clipspan_ablation *a = (clipspan_ablation *)1;
    clipspan_error err;
    assert_int_equal(clipspan_ablation_new(&a, ev, options, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_null(a);
    if (!strstr(err.message, words)) fail_msg("\"%s\" has no \"%s\"", err.message, words);
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
    const clipspan_random_sets *sets;
    const clipspan_head *heads;
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
    sets = clipspan_ablation_get_random(a);
    assert_int_equal(sets->heads_of_set, 2);
    assert_int_equal(sets->sets, 3);
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
    sets = clipspan_ablation_get_random(a);
    assert_int_equal(sets->heads_of_set, 1); /* L0.H0 goes anyway */
    heads = sets->heads + sets->heads_of_set;
    assert_int_equal(heads[0].layer, 1);
    around[0] = (clipspan_change){.layer = 1, .head = heads[0].head};
    count = 1;
    for (size_t i = 2; i < clipspan_ablation_get_info(a)->changes; i++)
        around[count++] = *clipspan_ablation_get_change(a, i);
    around[count++] = (clipspan_change){.layer = 0, .head = 0}; /* chosen and early */
    c = compare_edit(ev, around, count, 0);
    assert_true(sets->accuracy[1] == clipspan_comparisons_get_overall(c)->after->share);
    assert_true(sets->worst[1] == clipspan_comparisons_get_worst(c)->after->share);
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
    assert_true(fabs(clipspan_ablation_get_random(a)->overall->p -
                     clipspan_ablation_get_random(again)->overall->p) < 1e-9);
    assert_null(clipspan_ablation_get_random(again)->heads);
    clipspan_ablation_free(&a);
    clipspan_ablation_write_json(again, study_text_put, &two);
    assert_string_equal(one.text, two.text);
    clipspan_ablation_free(&again);
    free(one.text);
    free(two.text);
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
static void random_sets_match_without_pruned_heads(void **state)
{
    const clipspan_variance_share variance_shares[6] = {{0.1, 1}, {0, 0}, {0.1, 1},
                                                        {0.1, 1}, {0, 0}, {0.1, 1}};
    const clipspan_head chosen[] = {{1, 0}, {1, 1}, {0, 2}};
    cs_random_heads draw;
    clipspan_head one[6];
    int seen[6] = {0};
    (void)state;
    assert_int_equal(cs_random_heads_from(&draw, variance_shares, 2, 3, 0, 11, NULL), 0);
    cs_random_heads_match_number(&draw, 3);
    assert_true(draw.different == 4.0);
    for (int t = 0; t < 50; t++) {
        int times[6] = {0};
        assert_int_equal(cs_random_heads_next(one, &draw), 1);
        for (int i = 0; i < 3; i++)
            assert_int_equal(times[3 * one[i].layer + one[i].head]++, 0);
        for (int i = 0; i < 6; i++)
            seen[i] += times[i];
    }
    assert_int_equal(seen[1] + seen[4], 0);
    assert_true(seen[0] > 20 && seen[2] > 20 && seen[3] > 20 && seen[5] > 20);
    cs_random_heads_match_number(&draw, 6);
    assert_int_equal(draw.some, 4);
    cs_random_heads_match(&draw, chosen, 3); /* of which L1.H1 is pruned: one of each layer */
    assert_int_equal(draw.matching, CLIPSPAN_MATCH_LAYERS);
    assert_int_equal(draw.some, 2);
    assert_true(draw.different == 4.0);
    for (int t = 0; t < 50; t++) {
        assert_int_equal(cs_random_heads_next(one, &draw), 1);
        assert_int_equal(one[0].layer, 0);
        assert_int_equal(one[1].layer, 1);
        assert_int_equal(one[0].head % 2 + one[1].head % 2, 0);
    }
    cs_random_heads_fini(&draw);
    assert_int_equal(cs_random_heads_from(&draw, variance_shares, 2, 3, 1, 11, NULL), 0);
    assert_int_equal(draw.count, 2);
    cs_random_heads_fini(&draw);
}

/* 4 layers of 8 heads with effects 1 to 32, in another order: every total is within 10 % of the
 * chosen one; and a lone head, of which there are 8 in its layer, is matched by effect. */
static void sets_of_the_same_effect_have_it(void **state)
{
    clipspan_variance_share shares[32];
    clipspan_head chosen[3] = {{0, 1}, {2, 3}, {3, 7}}, one[3];
    cs_random_heads draw;
    double total = 0.0;
    (void)state;
    for (size_t i = 0; i < 32; i++)
        shares[i] = (clipspan_variance_share){0.0, 1.0 + (double)(i * 11 % 32) / 16.0};
    for (int i = 0; i < 3; i++)
        total += shares[8 * chosen[i].layer + chosen[i].head].variance;
    assert_int_equal(cs_random_heads_from(&draw, shares, 4, 8, 0, 3, NULL), 0);
    cs_random_heads_match_effect(&draw, chosen, 3);
    for (int t = 0; t < 200; t++) {
        double sum = 0.0;
        assert_int_equal(cs_random_heads_next(one, &draw), 1);
        for (int i = 0; i < 3; i++)
            sum += shares[8 * one[i].layer + one[i].head].variance;
        assert_true(sum >= 0.9 * total - 1e-9 && sum <= 1.1 * total + 1e-9);
    }
    cs_random_heads_match(&draw, chosen, 3);
    assert_int_equal(draw.matching, CLIPSPAN_MATCH_LAYERS);
    assert_true(draw.different == 512.0);
    for (size_t i = 0; i < 32; i++)
        shares[i].variance = 1.0;
    cs_random_heads_fini(&draw);
    assert_int_equal(cs_random_heads_from(&draw, shares, 4, 8, 0, 3, NULL), 0);
    cs_random_heads_match(&draw, chosen, 1);
    assert_int_equal(draw.matching, CLIPSPAN_MATCH_EFFECT);
    assert_true(draw.different == 32.0);
    cs_random_heads_fini(&draw);
}

/* ---- The place of a set that was drawn like the others ---- */

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Largest distance of an empirical distribution from the uniform one, times the root of the count:
 * above 1.63 in 1 of 100 samples. */
static double kolmogorov_smirnov(double *p, size_t count)
{
    double most = 0.0;
    qsort(p, count, sizeof *p, compare_reals);
    for (size_t i = 0; i < count; i++) {
        const double above = (double)(i + 1) / (double)count - p[i],
                     below = p[i] - (double)i / (double)count;
        if (above > most) most = above;
        if (below > most) most = below;
    }
    return most * sqrt((double)count);
}

/* Sets of two heads, one a layer, each ablated and held against 200 that match it. With 50 images
 * many sets do equally well, so that lots decide: without them p would be far too large. */
static void p_of_a_set_drawn_alike_is_uniform(void **state)
{
    enum { SETS = 200 };
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    clipspan_variance_share shares[64];
    const clipspan_run_info *info = clipspan_run_get_info(study.run);
    const size_t L = (size_t)info->layers, H = (size_t)info->heads;
    const clipspan_head like[] = {{0, 0}, {1, 1}};
    double p[2][SETS], distance[2];
    cs_random_heads draw;
    (void)state;
    assert_int_equal(clipspan_run_read_variance_shares(shares, NULL, NULL, NULL, study.run, NULL),
                     0);
    assert_int_equal(cs_random_heads_from(&draw, shares, L, H, 0, 77, NULL), 0);
    cs_random_heads_match(&draw, like, 2);
    for (size_t t = 0; t < SETS; t++) {
        clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
        clipspan_change changes[2] = {{.layer = 0}, {.layer = 1}};
        const clipspan_random_sets *sets;
        clipspan_head heads[2];
        clipspan_ablation *a;
        assert_int_equal(cs_random_heads_next(heads, &draw), 1);
        for (int i = 0; i < 2; i++)
            changes[i].head = heads[i].head;
        options.changes = changes;
        options.change_count = 2;
        options.resamples = -1;
        options.seed = 1000 + t;
        a = ablate(ev, &options);
        sets = clipspan_ablation_get_random(a);
        assert_int_equal(sets->sets, 200);
        assert_int_equal(sets->matching, CLIPSPAN_MATCH_LAYERS);
        p[0][t] = sets->overall->p;
        p[1][t] = sets->worst_group->p;
        clipspan_ablation_free(&a);
    }
    for (int k = 0; k < 2; k++) {
        distance[k] = kolmogorov_smirnov(p[k], SETS);
        print_message("p of %d sets, %s: Kolmogorov-Smirnov %.3f (1 %% above 1.63)\n", SETS,
                      k ? "worst group" : "accuracy", distance[k]);
        assert_true(distance[k] < 1.63);
    }
    cs_random_heads_fini(&draw);
    clipspan_evaluation_free(&ev);
}

/* As published: only as many heads, five sets, and the best of them. */
static void as_published_the_best_of_five(void **state)
{
    const clipspan_change changes[] = {{.layer = 1, .head = 1}, {.layer = 1, .head = 2}};
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_evaluation *ev = study_craft_evaluate(&study, NULL);
    const clipspan_random_sets *sets;
    clipspan_ablation *a;
    size_t best = 0;
    (void)state;
    options.changes = changes;
    options.change_count = 2;
    a = ablate(ev, &options);
    sets = clipspan_ablation_get_random(a);
    assert_int_equal(sets->sets, 200);
    assert_null(sets->best_heads);
    assert_null(sets->best_worst);
    clipspan_ablation_free(&a);
    options.random_heads = 3;
    refused(ev, &options, "as published");
    options.published = 1;
    a = ablate(ev, &options);
    sets = clipspan_ablation_get_random(a);
    assert_int_equal(sets->sets, 5);
    assert_int_equal(sets->heads_of_set, 3);
    assert_int_equal(sets->matching, CLIPSPAN_MATCH_NUMBER);
    for (size_t t = 1; t < 5; t++)
        if (sets->worst[t] > sets->worst[best]) best = t;
    assert_true(sets->best_worst->after->share == sets->worst[best]);
    assert_true(sets->best_overall->after->share == sets->accuracy[best]);
    assert_memory_equal(sets->best_heads, sets->heads + 3 * best, 3 * sizeof *sets->heads);
    clipspan_ablation_free(&a);
    clipspan_evaluation_free(&ev);
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
        cmocka_unit_test(random_sets_match_without_pruned_heads),
        cmocka_unit_test(sets_of_the_same_effect_have_it),
        cmocka_unit_test(p_of_a_set_drawn_alike_is_uniform),
        cmocka_unit_test(as_published_the_best_of_five),
        cmocka_unit_test(names_read_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
