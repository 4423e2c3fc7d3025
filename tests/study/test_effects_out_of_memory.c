/* SPDX-License-Identifier: MIT */
/* Every allocation of effects, a comparison and a shortcut fails once: each time the call ends in
 * NOMEM, or did without that memory, and nothing leaks. */
#include "failing_malloc.h"
#include "run_craft.h"

#include <clipspan/clipspan.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CLASSES = 3, ROWS = 40 };

static run_craft craft;
static char *path;
static clipspan_bank *bank;
static float cue[512];

static clipspan_status ask(clipspan_effects *effects, clipspan_error *err)
{
    const clipspan_change changes[] = {{.head = 1},
                                       {.kind = CLIPSPAN_CHANGE_SWAP},
                                       {.component = CLIPSPAN_COMPONENT_MLP, .layer = -1}};
    const clipspan_edit edits[] = {{NULL, 0}, {changes, 3}};
    uint32_t predicted[2 * ROWS];
    double margins[2 * ROWS];
    uint8_t before[ROWS], after[ROWS];
    clipspan_comparisons *c = NULL;
    clipspan_shortcut *shortcut = NULL;
    clipspan_cue found[2];
    size_t N = clipspan_effects_get_images(effects), count;
    clipspan_status status =
        clipspan_effects_run(predicted, margins, NULL, effects, NULL, edits, 2, NULL, err);
    for (size_t i = 0; !status && i < N; i++) {
        before[i] = predicted[i] == 0;
        after[i] = predicted[N + i] == 0;
    }
    if (!status) status = clipspan_comparisons_new(&c, before, after, NULL, N, 0, 100, 1, err);
    if (!status) status = clipspan_shortcut_new(&shortcut, effects, 0, 1, 0, err);
    if (!status) status = clipspan_cue_search(found, NULL, &count, 2, effects, 0, 1, bank, err);
    clipspan_shortcut_free(&shortcut);
    clipspan_comparisons_free(&c);
    return status;
}

static clipspan_status live(clipspan_error *err)
{
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_effects *effects = NULL;
    clipspan_run *run = NULL;
    clipspan_status status;
    options.cues = cue;
    options.cue_count = 1;
    options.threads = 1;
    status = clipspan_run_open(&run, path, err);
    if (!status) status = clipspan_effects_new(&effects, run, bank, &options, NULL, err);
    assert_true((effects != NULL) == (status == CLIPSPAN_OK));
    if (!status) status = ask(effects, err);
    clipspan_effects_free(&effects);
    clipspan_run_close(&run);
    return status;
}

static void every_failed_allocation_is_a_clean_error(void **state)
{
    static const char *const names[] = {"a", "b", "c"}, *const keys[] = {"!x", "!x", "!y"};
    float vectors[CLASSES * 512];
    clipspan_texts *texts;
    clipspan_run *run;
    size_t P;
    uint32_t seed = 4;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 1, 0, 0);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&run, path, NULL), 0);
    P = (size_t)clipspan_run_get_info(run)->embed_width;
    clipspan_run_close(&run);
    assert_true(P <= 512);
    for (size_t i = 0; i < CLASSES * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 33554432.0f - 0.25f;
        cue[i % P] += vectors[i];
    }
    assert_int_equal(clipspan_texts_new(&texts, names, keys, CLASSES, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, P, NULL), 0);
    clipspan_texts_free(&texts);
    assert_int_equal(live(NULL), CLIPSPAN_OK);
    failing_malloc_each(live, 50);
    clipspan_bank_free(&bank);
    free(path);
    run_craft_fini(&craft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
