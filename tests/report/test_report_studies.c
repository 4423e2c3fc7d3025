/* SPDX-License-Identifier: MIT */
/* A report whose effects and ablation come from studies of this process: the program has no part in
 * it. */
#include <clipspan/clipspan.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/handles.h"
#include "atlas_craft.h"
#include "base/file.h"
#include "base/memory.h"
#include "page_check.h"
#include "report/report.h"
#include "study_craft.h"
#include "tiny.h"

enum { ROWS = 50 };

static study_craft study;
static clipspan_evaluation *ev;

static int set_up(void **state)
{
    (void)state;
    study_craft_init(&study, ROWS);
    ev = study_craft_evaluate(&study, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_evaluation_free(&ev);
    study_craft_fini(&study);
    return 0;
}

static void keep_studies(uint64_t *right)
{
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    const clipspan_change changes[] = {{.layer = 1, .head = 1},
                                       {CLIPSPAN_COMPONENT_MLP, 0, 0, 0, 0, 0, 0}};
    clipspan_effects_table *table;
    clipspan_ablation *ablation;
    clipspan_error err;
    options.changes = changes;
    options.change_count = 2;
    options.random_sets = 2;
    if (clipspan_effects_table_new(&table, ev, NULL, NULL, &err) ||
        clipspan_effects_table_keep(table, study.run, NULL, &err) ||
        clipspan_ablation_new(&ablation, ev, &options, NULL, &err) ||
        clipspan_ablation_keep(ablation, study.run, NULL, &err))
        fail_msg("%s", err.message);
    *right = clipspan_effects_table_get_row(table, 0)->correct;
    clipspan_effects_table_free(&table);
    clipspan_ablation_free(&ablation);
}

static void has(const char *page, const char *words)
{
    if (!strstr(page, words)) fail_msg("the page lacks: %s", words);
}

static void the_page_shows_what_was_kept(void **state)
{
    const clipspan_run_info *info = clipspan_run_get_info(study.run);
    const atlas_craft craft = {info->layers, info->heads, 5, 0, NULL, NULL, NULL, 0};
    clipspan_atlas atlas = {atlas_craft_new(&craft)};
    clipspan_report_options options = CLIPSPAN_REPORT_OPTIONS_INIT;
    char *folder = cs_tiny_memory_folder(), *path = cs_tiny_path(folder, "report.html"), words[80];
    clipspan_error err;
    unsigned char *page;
    uint64_t right;
    size_t size;
    (void)state;
    keep_studies(&right);
    options.run = study.run;
    options.no_images = 1;
    if (clipspan_report_write(path, &atlas, &options, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(cs_file_read_all(&page, &size, path, 1U << 22, NULL), CLIPSPAN_OK);
    page_check((char *)page, size);
    has((char *)page, "<section id=effects>");
    has((char *)page, "<section id=ablation>");
    snprintf(words, sizeof words, "%.1f\xC2\xA0%% of 50 images right",
             100.0 * (double)right / ROWS);
    has((char *)page, words);
    has((char *)page, "5 classes");
    has((char *)page, "mean of 2 random sets");
    has((char *)page, ", L0.MLP mean-ablated");
    cs_free(page);
    free(path);
    cs_tiny_remove(&folder);
    atlas_craft_free(&atlas.atlas);
}

/* Heads of the made-up atlas whose role it is, or that lean to it too. */
static size_t count_role(const cs_atlas *atlas, const char *role, int leanings)
{
    size_t count = 0;
    for (size_t i = 0; i < atlas->info.heads; i++) {
        const clipspan_role *r = atlas->heads[i].role;
        count += r->category[0] && strcmp(r->category[0], role) == 0 &&
                 (r->outcome == CLIPSPAN_OUTCOME_ROLE ||
                  (leanings && r->outcome == CLIPSPAN_OUTCOME_LEANING));
    }
    return count;
}

static void heads_are_found_by_role(void **state)
{
    const clipspan_run_info *info = clipspan_run_get_info(study.run);
    const atlas_craft craft = {info->layers, info->heads, 5, 0, NULL, NULL, NULL, 0};
    clipspan_atlas atlas = {atlas_craft_new(&craft)};
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_ablation *ablation;
    clipspan_head heads[64];
    const char *role = NULL;
    study_text text = {0};
    clipspan_error err;
    size_t count, all;
    (void)state;
    for (size_t i = 0; i < atlas.atlas->info.heads; i++)
        if (atlas.atlas->heads[i].role->outcome == CLIPSPAN_OUTCOME_ROLE)
            role = atlas.atlas->heads[i].role->category[0];
    assert_non_null(role);
    assert_int_equal(clipspan_atlas_find_heads(heads, &count, 64, &atlas, role, 0, &err), 0);
    assert_int_equal(count, count_role(atlas.atlas, role, 0));
    assert_int_equal(clipspan_atlas_find_heads(NULL, &all, 0, &atlas, role, 1, &err), 0);
    assert_int_equal(all, count_role(atlas.atlas, role, 1));
    assert_int_equal(clipspan_atlas_find_heads(NULL, &all, 0, &atlas, "no such role", 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, role));
    atlas.atlas->run->path = "elsewhere";
    options.atlas = &atlas;
    options.role = role;
    assert_int_equal(clipspan_ablation_new(&ablation, ev, &options, NULL, &err), CLIPSPAN_E_FORMAT);
    atlas.atlas->run->model_hash = info->model_hash; /* now of the same model */
    if (clipspan_ablation_new(&ablation, ev, &options, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(clipspan_ablation_get_info(ablation)->chosen, count);
    assert_string_equal(clipspan_ablation_get_info(ablation)->role, role);
    assert_string_equal(clipspan_ablation_get_info(ablation)->pool, atlas.atlas->info.pool);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(clipspan_ablation_get_change(ablation, i)->head, heads[i].head);
    clipspan_ablation_write_json(ablation, study_text_put, &text);
    assert_non_null(strstr(text.text, "\"role\": "));
    assert_non_null(strstr(text.text, "\"pool\": "));
    free(text.text);
    clipspan_ablation_free(&ablation);
    atlas_craft_free(&atlas.atlas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_page_shows_what_was_kept),
                                       cmocka_unit_test(heads_are_found_by_role)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
