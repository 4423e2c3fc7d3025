/* SPDX-License-Identifier: MIT */
/* Every allocation of a report fails once: each time it ends in NOMEM, with no page and nothing
 * lost (the sanitizers look), and the next attempt succeeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "atlas_craft.h"
#include "base/file.h"
#include "draw/png_write.h"
#include "explain_craft.h"
#include "failing_malloc.h"
#include "report/explain_page.h"
#include "report/report.h"
#include "study/study_json.h"
#include "tiny.h"

static json_t *document(const char *name)
{
    char file[4096];
    json_t *out;
    snprintf(file, sizeof file, "%s/%s.json", getenv("DATA"), name);
    out = json_load_file(file, 0, NULL);
    assert_non_null(out);
    return out;
}

static void every_failed_allocation_is_a_clean_error(void **state)
{
    static const char *const names[] = {"p.png", "gone.png"};
    static const uint8_t pixels[80 * 70 * 3] = {1, 2, 3};
    char *images = cs_tiny_folder(), *image = cs_tiny_path(images, "p.png"),
         *folder = cs_tiny_folder(), *path = cs_tiny_path(folder, "report.html");
    const atlas_craft craft = {4, 1, 6, 2, names, images, NULL, 0};
    cs_report_kept kept = {NULL, NULL, NULL, 0};
    json_t *effects = document("effects"), *ablate = document("ablate"),
           *shortcut = document("shortcut");
    const cs_report_options options = {NULL, 0, 1, 1, NULL, &kept, 0, 0};
    clipspan_status status;
    clipspan_error err;
    cs_atlas *atlas;
    long n, most;
    (void)state;
    assert_int_equal(cs_effects_table_parse(&kept.effects, effects, "a run", NULL), CLIPSPAN_OK);
    assert_int_equal(cs_ablation_parse(&kept.ablate, ablate, "a run", NULL), CLIPSPAN_OK);
    assert_int_equal(cs_remedy_parse(&kept.shortcut, shortcut, "a run", NULL), CLIPSPAN_OK);
    json_decref(effects);
    json_decref(ablate);
    json_decref(shortcut);
    assert_int_equal(cs_png_write(image, pixels, 80, 70, 3, 0, NULL), CLIPSPAN_OK);
    atlas = atlas_craft_new(&craft);
    failing_armed = 1;
    failing_calls = failing_call = 0;
    status = cs_report_write(path, atlas, &options, NULL, &err);
    most = failing_calls;
    failing_armed = 0;
    assert_int_equal(status, CLIPSPAN_OK);
    assert_in_range(most, 20, 1000);
    cs_tiny_remove(&folder);
    for (n = 1; n <= most; n++) {
        folder = cs_tiny_folder();
        free(path);
        path = cs_tiny_path(folder, "report.html");
        failing_calls = 0;
        failing_call = n;
        failing_armed = 1;
        status = cs_report_write(path, atlas, &options, NULL, &err);
        failing_armed = 0;
        /* The folder's own flush, behind the rename, is an effort only. */
        if (status != CLIPSPAN_E_NOMEM && n < most)
            fail_msg("%ld of %ld: %d", n, most, (int)status);
        assert_int_equal(cs_path_kind(path), status == CLIPSPAN_OK);
        cs_tiny_remove(&folder);
    }
    failing_call = 0;
    free(path);
    free(image);
    cs_tiny_remove(&images);
    cs_report_kept_fini(&kept);
    atlas_craft_free(&atlas);
}

static void explanations_too(void **state)
{
    static const char *const names[] = {"one", "two"};
    const explain_craft craft = {2, 2, 2, 2, 2, CLIPSPAN_CONTRAST_MEAN, names};
    const atlas_craft about = {2, 2, 6, 2, NULL, "", NULL, 0};
    char *folder = cs_tiny_folder(), *image = cs_tiny_path(folder, "image.png"),
         *path = cs_tiny_path(folder, "page.html");
    clipspan_explain_options options = CLIPSPAN_EXPLAIN_OPTIONS_INIT;
    cs_explanation *e = explain_craft_new(&craft);
    cs_view view = explain_craft_view(&craft, image, 20, 30);
    cs_atlas *atlas = atlas_craft_new(&about);
    clipspan_status status;
    clipspan_error err;
    long n, most;
    (void)state;
    options.replace = 1;
    failing_armed = 1;
    failing_calls = failing_call = 0;
    status = cs_explain_write(path, e, &view, atlas, &options, &err);
    most = failing_calls;
    failing_armed = 0;
    assert_int_equal(status, CLIPSPAN_OK);
    assert_in_range(most, 20, 1000);
    for (n = 1; n < most; n++) {
        remove(path);
        failing_calls = 0;
        failing_call = n;
        failing_armed = 1;
        status = cs_explain_write(path, e, &view, atlas, &options, &err);
        failing_armed = 0;
        if (status != CLIPSPAN_E_NOMEM) fail_msg("%ld of %ld: %d", n, most, (int)status);
        assert_int_equal(cs_path_kind(path), 0);
    }
    failing_call = 0;
    atlas_craft_free(&atlas);
    cs_view_fini(&view);
    cs_explanation_free(&e);
    free(image);
    free(path);
    cs_tiny_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_a_clean_error),
                                       cmocka_unit_test(explanations_too)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
