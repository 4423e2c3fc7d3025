/* SPDX-License-Identifier: MIT */
/* Every allocation of an evaluation, effects and an ablation, kept and read back, fails once: each
 * time the call ends in NOMEM, and nothing leaks. */
#include "failing_malloc.h"
#include "study_craft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 20 };

static study_craft study;
static clipspan_bank *pool;

static clipspan_status tabulate(const clipspan_evaluation *ev, clipspan_error *err)
{
    clipspan_effects_table_options options = CLIPSPAN_EFFECTS_TABLE_OPTIONS_INIT;
    clipspan_effects_table *table = NULL, *again = NULL;
    clipspan_status status;
    options.pool = pool;
    options.pool_name = "pool";
    options.layers = 1;
    options.texts_per_head = 2;
    options.threads = 1;
    status = clipspan_effects_table_new(&table, ev, &options, NULL, err);
    if (!status) status = clipspan_effects_table_keep(table, study.run, NULL, err);
    if (!status) status = clipspan_effects_table_open(&again, study.run, err);
    assert_true((again != NULL) == (status == CLIPSPAN_OK));
    clipspan_effects_table_free(&table);
    clipspan_effects_table_free(&again);
    return status;
}

static clipspan_status ablate(const clipspan_evaluation *ev, clipspan_error *err)
{
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    const clipspan_change change = {.layer = 1};
    clipspan_ablation *ablation = NULL, *again = NULL;
    clipspan_status status;
    options.changes = &change;
    options.change_count = 1;
    options.mlps = 1;
    options.random_sets = 1;
    options.resamples = 5;
    status = clipspan_ablation_new(&ablation, ev, &options, NULL, err);
    if (!status) status = clipspan_ablation_keep(ablation, study.run, NULL, err);
    if (!status) status = clipspan_ablation_open(&again, study.run, err);
    assert_true((again != NULL) == (status == CLIPSPAN_OK));
    clipspan_ablation_free(&ablation);
    clipspan_ablation_free(&again);
    return status;
}

static clipspan_status live(clipspan_error *err)
{
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_evaluation *ev;
    clipspan_status status;
    effects.threads = 1;
    options.effects = &effects;
    options.inputs = study.craft.inputs;
    status = clipspan_evaluation_new(&ev, study.run, study.bank, &options, NULL, err);
    assert_true((ev != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = tabulate(ev, err);
    if (!status) status = ablate(ev, err);
    clipspan_evaluation_free(&ev);
    return status;
}

static void every_failed_allocation_is_a_clean_error(void **state)
{
    (void)state;
    study_craft_init(&study, ROWS);
    pool = study_craft_bank(&study, 8, 3);
    assert_int_equal(live(NULL), CLIPSPAN_OK);
    failing_malloc_each(live, 100);
    clipspan_bank_free(&pool);
    study_craft_fini(&study);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
