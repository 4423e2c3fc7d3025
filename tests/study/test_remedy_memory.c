/* SPDX-License-Identifier: MIT */
/* Every allocation of remedies, cues and prunings fails once: a clean error, and nothing is
 * lost. */
#include <clipspan/clipspan.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_malloc.h"
#include "run_craft.h"

enum { ROWS = 40, CLASSES = 2, MOST = 64 };

static run_craft craft;
static char *path;
static clipspan_bank *bank;
static clipspan_run *run;
static float cue[MOST];

static clipspan_status find(clipspan_error *err)
{
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_evaluation_options o = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_remedy_options ro = CLIPSPAN_REMEDY_OPTIONS_INIT;
    clipspan_remedy_side_options side = CLIPSPAN_REMEDY_SIDE_OPTIONS_INIT;
    const clipspan_remedy_side_options *const sides[] = {&side};
    clipspan_prune_options po = CLIPSPAN_PRUNE_OPTIONS_INIT;
    clipspan_evaluation *ev = NULL;
    clipspan_remedy *remedy = NULL;
    clipspan_cues *cues = NULL;
    clipspan_prune *prune = NULL;
    clipspan_status status;
    effects.cues = cue;
    effects.cue_count = 1;
    effects.threads = 1;
    o.effects = &effects;
    side.name = "side";
    side.bank = bank;
    ro.sides = sides;
    ro.side_count = 1;
    ro.resamples = 5;
    ro.random_sets = 1;
    po.fraction = 0.5;
    status = clipspan_cues_new_search(&cues, run, bank, bank, "pool", 1, NULL, err);
    ro.cues = cues;
    if (!status) status = clipspan_evaluation_new(&ev, run, bank, &o, NULL, err);
    if (!status) status = clipspan_remedy_new(&remedy, ev, &ro, NULL, err);
    if (!status) status = clipspan_prune_new(&prune, craft.model, run, &po, err);
    clipspan_prune_free(&prune);
    clipspan_remedy_free(&remedy);
    clipspan_evaluation_free(&ev);
    clipspan_cues_free(&cues);
    return status;
}

static void every_failed_allocation_is_a_clean_error(void **state)
{
    static const char *const names[] = {"l0", "l1"}, *const keys[] = {"!l0", "!l1"};
    clipspan_inputs_options plain = CLIPSPAN_INPUTS_OPTIONS_INIT;
    float vectors[CLASSES * MOST];
    clipspan_texts *texts;
    uint32_t seed = 4;
    const char *list;
    size_t P;
    (void)state;
    run_craft_init(&craft, ROWS);
    clipspan_inputs_close(&craft.inputs);
    list = craft.list; /* no labels: none needs a class */
    assert_int_equal(clipspan_inputs_open(&craft.inputs, &list, 1, &plain, NULL), 0);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 1, 0, 0);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&run, path, NULL), 0);
    P = (size_t)clipspan_run_get_info(run)->embed_width;
    for (size_t i = 0; i < CLASSES * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
        cue[i % P] += vectors[i] * (i < P ? 1.0f : 0.5f);
    }
    assert_int_equal(clipspan_texts_new(&texts, names, keys, CLASSES, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, P, NULL), 0);
    clipspan_texts_free(&texts);
    failing_malloc_each(find, 100);
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    free(path);
    run_craft_fini(&craft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
