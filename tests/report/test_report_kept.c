/* SPDX-License-Identifier: MIT */
/* What the page says of effects, ablations and shortcuts that a run keeps: the numbers of the
 * documents, charts that are complete, nothing where there is nothing, and no trust in what a
 * damaged document says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "atlas_craft.h"
#include "base/file.h"
#include "base/memory.h"
#include "page_check.h"
#include "report/report.h"
#include "study/study_json.h"
#include "tiny.h"

#define EVIL "</title><script>alert(1)</script>&\\\"'"

static char *folder, *path;

static int set_up(void **state)
{
    (void)state;
    folder = cs_tiny_memory_folder(); /* some two hundred pages */
    path = cs_tiny_path(folder, "report.html");
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    free(path);
    cs_tiny_remove(&folder);
    return 0;
}

/* tests/report/data/NAME.json: documents as the commands write them, short. */
static json_t *document(const char *name)
{
    char file[4096];
    json_error_t error;
    json_t *out;
    snprintf(file, sizeof file, "%s/%s.json", getenv("DATA"), name);
    out = json_load_file(file, 0, &error);
    if (!out) fail_msg("%s: %d: %s", file, error.line, error.text);
    return out;
}

/* Results of documents, which it takes; 0 when one is refused, as damaged. */
static int read_results(cs_report_kept *kept, json_t *effects, json_t *ablate, json_t *shortcut)
{
    clipspan_status one = CLIPSPAN_OK, two = CLIPSPAN_OK, three = CLIPSPAN_OK;
    clipspan_error err = {0};
    if (effects) one = cs_effects_table_parse(&kept->effects, effects, "a run", &err);
    if (ablate) two = cs_ablation_parse(&kept->ablate, ablate, "a run", &err);
    if (shortcut) three = cs_remedy_parse(&kept->shortcut, shortcut, "a run", &err);
    json_decref(effects);
    json_decref(ablate);
    json_decref(shortcut);
    if (one == CLIPSPAN_OK && two == CLIPSPAN_OK && three == CLIPSPAN_OK) return 1;
    assert_int_equal(one ? one : two ? two : three, CLIPSPAN_E_FORMAT);
    assert_memory_equal(err.message, "a run: ", 7);
    return 0;
}

/* The page of a model with 2 layers of 2 heads and these documents, which it takes; for cs_free.
 * NULL when a document is refused. */
static char *page_of_any(json_t *effects, json_t *ablate, json_t *shortcut, int stale)
{
    const atlas_craft craft = {2, 2, 5, 0, NULL, NULL, NULL, 0};
    cs_report_kept kept = {NULL, NULL, NULL, stale};
    const cs_report_options options = {NULL, 0, 1, 1, NULL, &kept, 0, 0};
    cs_atlas *atlas;
    clipspan_error err = {0};
    unsigned char *page;
    size_t size;
    if (!read_results(&kept, effects, ablate, shortcut)) {
        cs_report_kept_fini(&kept);
        return NULL;
    }
    atlas = atlas_craft_new(&craft);
    if (cs_report_write(path, atlas, &options, NULL, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(cs_file_read_all(&page, &size, path, 1u << 20, NULL), CLIPSPAN_OK);
    page_check((char *)page, size);
    assert_null(strstr((char *)page, "nan"));
    assert_null(strstr((char *)page, "inf"));
    cs_report_kept_fini(&kept);
    atlas_craft_free(&atlas);
    return (char *)page;
}

static char *page_of(json_t *effects, json_t *ablate, json_t *shortcut, int stale)
{
    char *page = page_of_any(effects, ablate, shortcut, stale);
    assert_non_null(page);
    return page;
}

static void has(const char *page, const char *words)
{
    if (!strstr(page, words)) fail_msg("the page lacks: %s", words);
}

/* ---- Effects ---- */

static void no_folder_of_this_machine_is_named(void **state)
{
    json_t *d = document("effects");
    char *page;
    (void)state;
    json_object_set_new(d, "run", json_string("/home/me/some/run"));
    json_object_set_new(d, "labels", json_string("column a of /home/me/labels.csv"));
    json_object_set_new(d, "means", json_string("means over 9 images of /home/me/look"));
    page = page_of(d, NULL, NULL, 0);
    assert_null(strstr(page, "/home"));
    has(page, "Images: run; labels column a of labels.csv");
    has(page, "means over 9 images of look");
    cs_free(page);
}

static void effects_are_told_and_drawn(void **state)
{
    char *page = page_of(document("effects"), NULL, NULL, 0);
    (void)state;
    has(page, "<li><a href=\"#effects\">Telling apart</a> \xE2\x80\x9C<bdi>"
              "duck</bdi>\xE2\x80\x9D and \xE2\x80\x9C<bdi>hen</bdi>\xE2\x80\x9D: 75.0\xC2\xA0% of "
              "176 images "
              "right, 71.0\xC2\xA0% without all MLPs; the head that helps most is L1.H0 "
              "(\xE2\x88\x92"
              "8.5 points without it), the one that hurts most L1.H1 (+10.8 points without "
              "it).</li>");
    has(page, "Direct effect.");
    has(page, "means over the 600 images of look");
    has(page, "3 without one not counted");
    has(page, "68.1 to 80.8\xC2\xA0%"); /* Wilson's interval of nothing ablated */
    assert_int_equal(page_count(page, "class=\"curve one\""), 2); /* layers, texts */
    assert_int_equal(page_count(page, "class=\"curve two\""), 2); /* their worst groups */
    assert_int_equal(page_count(page, "class=\"band one\""), 2);
    has(page, "points=\"0,25.0 500,26.0 1000,59.0 \""); /* .75 .74 .41, from the top */
    has(page, "points=\"0,61.4 500,65.9 1000,100.0 \"");
    has(page, "1,000 a head, 1,234 different");
    /* the map: what a head's absence does, in its colour and its number */
    assert_int_equal(page_count(page, "class=\"lose\" style="), 1);
    assert_int_equal(page_count(page, "class=\"gain\" style="), 1);
    has(page, "href=\"#L1.H0\" title=\"L1.H0: accuracy \xE2\x88\x92"
              "8.5 points, margin \xE2\x88\x92"
              "0.0100\"");
    assert_int_equal(page_count(page, "id=ablation"), 0);
    assert_int_equal(page_count(page, "id=shortcut"), 0);
    cs_free(page);
}

static void a_head_misleads_only_beyond_the_interval(void **state)
{
    json_t *d = document("effects");
    char *page;
    (void)state;
    json_object_set_new(json_array_get(json_object_get(d, "heads"), 3), "accuracy",
                        json_real(0.807)); /* 0.808 is the upper end */
    page = page_of(d, NULL, NULL, 0);
    assert_null(strstr(page, "misleads"));
    cs_free(page);
}

static void forget_groups(json_t *d)
{
    static const char *const lists[] = {"sequence", "layers", "mlps", "heads", "texts"};
    json_t *row;
    size_t k, i;
    json_object_set_new(d, "groups", json_integer(0));
    json_object_del(d, "group_names");
    for (k = 0; k < 5; k++)
        json_array_foreach(json_object_get(d, lists[k]), i, row)
            json_object_del(row, "worst_group");
}

static void without_labels_it_is_agreement(void **state)
{
    json_t *d = document("effects");
    char *page;
    (void)state;
    json_object_set_new(d, "labelled", json_false());
    forget_groups(d);
    page = page_of(d, NULL, NULL, 0);
    has(page, "71.0\xC2\xA0% of predictions stay without all MLPs");
    has(page, "no labels, so shown is how often the changed model agrees with the whole one");
    assert_int_equal(page_count(page, "Worst group"), 0);
    assert_int_equal(page_count(page, "by chance<"), 0);
    assert_int_equal(page_count(page, "class=\"curve two\""), 0);
    cs_free(page);
}

/* ---- Ablation and shortcut ---- */

static void an_ablation_is_a_table_with_its_control(void **state)
{
    char *page = page_of(NULL, document("ablate"), NULL, 0);
    (void)state;
    has(page, "<section id=ablation>");
    has(page, "<a href=\"#L1.H1\">L1.H1</a>");
    has(page, ", L0.MLP mean-ablated, telling");
    has(page,
        "the worst group\xE2\x80\x99s share right from 38.6\xC2\xA0% to 63.6\xC2\xA0% (65.5 to "
        "88.8\xC2\xA0%); with 200 random sets (as many heads of each layer), 36.6\xC2\xA0% on "
        "average, 30.0 "
        "to 43.2\xC2\xA0% in 95\xC2\xA0% of them; 23 do at least as well, p\xC2\xA0=\xC2\xA0"
        "0.119.");
    has(page, "1 more: without a labelled image");
    has(page, "<tr><th scope=row><bdi>worst group</bdi><td class=n>44<td class=n>38.6\xC2\xA0%");
    has(page, "<tr><th scope=row><bdi>worst group, mean of 200 random sets");
    has(page, "<td class=n>+40.9<td class=\"n ci\">+22.7 to +59.1");
    cs_free(page);
}

static void a_shortcut_stands_beside_all_baselines(void **state)
{
    char *page = page_of(NULL, NULL, document("shortcut"), 0);
    (void)state;
    has(page,
        "cue surgery, 3 heads, chosen without labels, takes the worst group\xE2\x80\x99s share "
        "right from 38.6\xC2\xA0% to 79.5\xC2\xA0% (65.5 to 88.8\xC2\xA0%); predicted gain +31.0 "
        "points "
        "(+20.0 to +41.0); with labels another would have done better.</li>");
    has(page, "<b>With the labels of these images a remedy that does not use heads would have "
              "done better:</b> text projection, 86.4\xC2\xA0%.");
    has(page, "statistics and means over the 600 images of look");
    has(page, "<h2>A suspected shortcut: \xE2\x80\x9C<bdi>water</bdi>\xE2\x80\x9D or "
              "\xE2\x80\x9C<bdi>sea</bdi>\xE2\x80\x9D against "
              "\xE2\x80\x9C<bdi>grass</bdi>\xE2\x80\x9D</h2>");
    has(page, "<tr class=chosen><th scope=row>recommended: cue surgery, 3 heads");
    has(page, "<tr><th scope=row>mean-ablation, 1 head, least correlation<");
    has(page, "<tr><th scope=row>cue surgery, all heads<");
    has(page, "<tr><th scope=row>baseline: text projection<");
    has(page, "<tr><th scope=row>baseline: whole embedding<");
    has(page, "<tr><th scope=row>best in hindsight: cue surgery, 2 heads<");
    has(page, "<tr><th scope=row>3 random heads, best of 1 random set<");
    assert_int_equal(page_count(page, "cue surgery, 3 heads<td"), 1); /* the choice, not twice */
    has(page, "<title>88.0\xC2\xA0% of the margin\xE2\x80\x99s variance, 87.0\xC2\xA0% the "
              "cue\xE2\x80\x99s</title>");
    assert_int_equal(page_count(page, "<rect class=cue"), 2); /* ranked ones only */
    has(page, "1 group without a labelled image is left out.");
    has(page, "<tr><th scope=row><bdi>texture</bdi><td class=n>58.0\xC2\xA0%");
    has(page, "<tr><th scope=row><bdi>also</bdi><td class=n>90.0\xC2\xA0%</table>");
    cs_free(page);
}

static void what_speaks_against_the_choice_is_said(void **state)
{
    json_t *d = document("shortcut");
    json_t *list = json_object_get(json_array_get(json_object_get(d, "pairs"), 0), "remedies");
    char *page;
    (void)state;
    json_object_set_new(json_object_get(json_array_get(list, 5), "worst_group"), "after",
                        json_real(0.5));
    page = page_of(NULL, NULL, d, 0);
    has(page, "Neither remedy that does not use heads does better here.");
    has(page, "; with the best of 1 random set of as many heads, 41.0\xC2\xA0%.");
    assert_null(strstr(page, "another would have done better.</li>"));
    cs_free(page);
}

/* ---- Nothing, and worse ---- */

static void stale_results_are_named_and_not_shown(void **state)
{
    char *page = page_of(NULL, NULL, NULL, 1);
    (void)state;
    has(page, "Compute them again with clipspan effects, ablate or shortcut.");
    cs_free(page);
    page = page_of(NULL, NULL, NULL, 0);
    assert_null(strstr(page, "Compute them again"));
    assert_null(strstr(page, "id=effects"));
    cs_free(page);
}

/* Counts the members of a document, and puts `by` in the place of one of them. */
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

/* Every member in turn becomes something else. */
static void no_member_is_believed(void **state)
{
    static const char *const by[] = {"null", "-1e300", "\"" EVIL "\"", "[]", "{}", "123456789012"};
    static const char *const documents[] = {"effects", "ablate", "shortcut"};
    size_t refused = 0;
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        const char *name = documents[k];
        json_t *whole = document(name);
        size_t members = 0;
        spoil(whole, &members, SIZE_MAX, whole);
        assert_in_range(members, 40, 2000);
        for (size_t wanted = 0; wanted < members; wanted++) {
            json_t *d = json_deep_copy(whole),
                   *bad = json_loads(by[wanted % 6], JSON_DECODE_ANY, NULL);
            size_t at = 0;
            char *page;
            spoil(d, &at, wanted, bad);
            page = page_of_any(k == 0 ? d : NULL, k == 1 ? d : NULL, k == 2 ? d : NULL, 0);
            if (page) assert_null(strstr(page, "<script>alert"));
            refused += page == NULL;
            cs_free(page);
            json_decref(bad);
        }
        json_decref(whole);
    }
    assert_true(refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_folder_of_this_machine_is_named),
        cmocka_unit_test(effects_are_told_and_drawn),
        cmocka_unit_test(a_head_misleads_only_beyond_the_interval),
        cmocka_unit_test(without_labels_it_is_agreement),
        cmocka_unit_test(an_ablation_is_a_table_with_its_control),
        cmocka_unit_test(a_shortcut_stands_beside_all_baselines),
        cmocka_unit_test(what_speaks_against_the_choice_is_said),
        cmocka_unit_test(stale_results_are_named_and_not_shown),
        cmocka_unit_test(no_member_is_believed),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
