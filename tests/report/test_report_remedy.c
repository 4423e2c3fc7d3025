/* SPDX-License-Identifier: MIT */
/* A caller in C fills the report's section about a shortcut: a run is made, evaluated, remedies are
 * tried and kept, and the page shows their numbers. No program is started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "atlas_craft.h"
#include "base/file.h"
#include "base/memory.h"
#include "page_check.h"
#include "report/report.h"
#include "run/run_open.h"
#include "run_craft.h"

enum { ROWS = 50, CLASSES = 2, MOST = 64 };

static run_craft craft;
static char *path;
static clipspan_run *run;
static clipspan_bank *bank;
static float vectors[(CLASSES + 1) * MOST];

static int set_up(void **state)
{
    static const char *const names[] = {"duck <b>", "hen"};
    clipspan_texts *texts;
    uint32_t seed = 21;
    size_t P;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&run, path, NULL), 0);
    P = (size_t)clipspan_run_get_info(run)->embed_width;
    for (size_t i = 0; i < (CLASSES + 1) * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, CLASSES, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, P, NULL), 0);
    clipspan_texts_free(&texts);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    free(path);
    run_craft_fini(&craft);
    return 0;
}

static clipspan_remedy *find_remedies(void)
{
    static const char *const groups[] = {"land", "water"};
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_evaluation_options o = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    int32_t labels[ROWS], group[ROWS];
    clipspan_evaluation *ev;
    clipspan_remedy *remedy = NULL;
    clipspan_error err;
    for (int i = 0; i < ROWS; i++) {
        labels[i] = i % 2;
        group[i] = i / 2 % 2;
    }
    effects.cues = vectors + CLASSES * clipspan_bank_get_width(bank);
    effects.cue_count = 1;
    o.effects = &effects;
    o.labels = labels;
    o.groups = group;
    o.group_names = groups;
    o.group_count = 2;
    o.source = "by hand";
    if (clipspan_evaluation_new(&ev, run, bank, &o, NULL, &err) ||
        clipspan_remedy_new(&remedy, ev, NULL, NULL, &err))
        fail_msg("%s", err.message);
    clipspan_evaluation_free(&ev);
    return remedy;
}

static char *page_of_run(void)
{
    const atlas_craft made = {2, 3, 5, 0, NULL, NULL, NULL, 0};
    cs_report_kept kept;
    const cs_report_options options = {NULL, 0, 1, 1, NULL, &kept, 0, 0};
    char *file = run_craft_path(&craft, "report.html");
    cs_atlas *atlas = atlas_craft_new(&made);
    clipspan_error err;
    unsigned char *page;
    cs_run *inner;
    size_t size;
    assert_int_equal(cs_run_open(&inner, path, NULL), 0);
    if (cs_report_kept_read(&kept, inner, &err)) fail_msg("%s", err.message);
    assert_int_equal(kept.stale, 0);
    if (cs_report_write(file, atlas, &options, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(cs_file_read_all(&page, &size, file, 1u << 20, NULL), 0);
    page_check((char *)page, size);
    cs_report_kept_fini(&kept);
    cs_run_close(&inner);
    atlas_craft_free(&atlas);
    free(file);
    return (char *)page;
}

static void has(const char *page, const char *words)
{
    if (!strstr(page, words)) fail_msg("the page lacks: %s", words);
}

static void a_caller_fills_the_section(void **state)
{
    clipspan_remedy *remedy = find_remedies();
    const clipspan_remedy_pair *pair = clipspan_remedy_get_pair(remedy, 0);
    char *page = page_of_run();
    clipspan_error err;
    (void)state;
    assert_int_equal(page_count(page, "id=shortcut"), 0); /* nothing is kept yet */
    cs_free(page);
    if (clipspan_remedy_keep(remedy, run, NULL, &err)) fail_msg("%s", err.message);
    page = page_of_run();
    has(page, "<section id=shortcut>");
    has(page, "a direction without words");
    has(page,
        "\xE2\x80\x9C"
        "<bdi>duck &lt;b&gt;</bdi>\xE2\x80\x9D against \xE2\x80\x9C<bdi>hen</bdi>\xE2\x80\x9D");
    has(page, "labels by hand");
    assert_int_equal(pair->chosen, 0); /* nothing is said to take 50 % to 50 % */
    has(page, "no remedy is better than leaving the model as it is");
    assert_null(strstr(page, "chosen without labels"));
    has(page, "<tr><th scope=row>baseline: text projection<");
    has(page, "<tr><th scope=row><bdi>land</bdi><td class=n>26");
    has(page, "<tr><th scope=row><bdi>water</bdi><td class=n>24");
    cs_free(page);
    clipspan_remedy_free(&remedy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_caller_fills_the_section)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
