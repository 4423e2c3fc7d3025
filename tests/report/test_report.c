/* SPDX-License-Identifier: MIT */
/* Whole reports of made-up atlases: well-formed, complete in themselves, small, honest about what
 * is missing, the same bytes for the same input. */
#include <clipspan/run.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "atlas_craft.h"
#include "base/file.h"
#include "base/memory.h"
#include "draw/png_write.h"
#include "page_check.h"
#include "report/report.h"
#include "tiny.h"

#define IMAGES 512 /* both ends of 16 heads in four layers, four a side */
#define FILES  24  /* that they are made of */
#define MOST   (5u << 20)

static char *folder, *path;
static char names[FILES][24];
static const char *name_list[IMAGES];

/* An image as busy as a photograph: waves and some noise. */
static void write_image(const char *name, size_t seed)
{
    enum { WIDTH = 96, HEIGHT = 72 };
    static uint8_t pixels[HEIGHT][WIDTH][3];
    uint32_t random = (uint32_t)seed * 7919 + 1;
    char *file = cs_tiny_path(folder, name);
    int x, y, c;
    for (y = 0; y < HEIGHT; y++)
        for (x = 0; x < WIDTH; x++)
            for (c = 0; c < 3; c++) {
                const int wave = (x * (int)(seed % 7 + 1) + y * (c + 1)) % 192;
                random = random * 1664525 + 1013904223;
                pixels[y][x][c] = (uint8_t)(wave + (int)(random >> 27));
            }
    assert_int_equal(cs_png_write(file, &pixels[0][0][0], HEIGHT, WIDTH, 3, 1, NULL), CLIPSPAN_OK);
    free(file);
}

static int set_up(void **state)
{
    size_t i;
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "report.html");
    for (i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "p%03zu.png", i);
        write_image(names[i], i);
    }
    for (i = 0; i < IMAGES; i++)
        name_list[i] = names[i % FILES];
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    free(path);
    cs_tiny_remove(&folder);
    return 0;
}

/* The page of an atlas, for cs_free, checked. */
static char *write_page(const atlas_craft *craft, const cs_report_options *options, size_t *size)
{
    cs_report_options o = {NULL, 0, 1, 1, NULL, NULL, 0, 0};
    cs_atlas *atlas = atlas_craft_new(craft);
    unsigned char *bytes;
    clipspan_error err = {0};
    if (options) o = *options;
    o.replace = 1;
    if (cs_report_write(path, atlas, &o, NULL, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    assert_int_equal(cs_file_read_all(&bytes, size, path, 64u << 20, NULL), CLIPSPAN_OK);
    atlas_craft_free(&atlas);
    page_check((const char *)bytes, *size);
    assert_int_equal(strlen((const char *)bytes), *size);
    return (char *)bytes;
}

static void a_large_model_with_images_is_one_small_page(void **state)
{
    const atlas_craft craft = {24, 16, 20, IMAGES, name_list, folder, NULL, 0};
    size_t size;
    char *page = write_page(&craft, NULL, &size);
    (void)state;
    assert_in_range(size, 1000000, MOST);
    assert_int_equal(page_count(page, "<image id="), IMAGES);
    assert_int_equal(page_count(page, "data:image/jpeg"), IMAGES);
    assert_int_equal(page_count(page, "<use href="), 16 * 4 * 8);
    assert_int_equal(page_count(page, "<article "), 24 * 16);
    assert_int_equal(page_count(page, "width=64 height=48 href"), IMAGES); /* aspect kept */
    assert_int_equal(page_count(page, "http"), 1);                         /* http-equiv */
    assert_int_equal(page_count(page, "url("), 0);
    assert_int_equal(page_count(page, "@import"), 0);
    cs_free(page);
}

static void threads_and_repetition_do_not_change_a_byte(void **state)
{
    const atlas_craft craft = {4, 8, 12, 40, name_list, folder, NULL, 0};
    const cs_report_options three = {NULL, 0, 0, 3, NULL, NULL, 0, 0};
    size_t size, again, threaded;
    char *a = write_page(&craft, NULL, &size), *b = write_page(&craft, NULL, &again),
         *c = write_page(&craft, &three, &threaded);
    (void)state;
    assert_int_equal(size, again);
    assert_int_equal(size, threaded);
    assert_memory_equal(a, b, size);
    assert_memory_equal(a, c, size);
    cs_free(a);
    cs_free(b);
    cs_free(c);
}

static void an_image_that_is_gone_keeps_its_name(void **state)
{
    static const char *const some[] = {"p001.png", "gone.png", "p002.png", "report.html"};
    const atlas_craft craft = {4, 2, 12, 4, some, folder, NULL, 0};
    const atlas_craft moved = {4, 2, 12, 4, some, "/nowhere", NULL, 0};
    cs_report_options none = {NULL, 1, 0, 1, NULL, NULL, 0, 0},
                      root = {folder, 0, 0, 1, NULL, NULL, 0, 0};
    size_t size;
    char *page = write_page(&craft, NULL, &size);
    (void)state;
    assert_int_equal(page_count(page, "<image id="), 2);
    assert_non_null(strstr(page, "<bdi>gone.png</bdi>"));
    assert_non_null(strstr(page, "<bdi>report.html</bdi>"));
    assert_non_null(strstr(page, "<bdi>p001.png</bdi>"));
    assert_null(strstr(page, "aria-label=\"gone.png\""));
    cs_free(page);
    page = write_page(&moved, NULL, &size);
    assert_int_equal(page_count(page, "<image id="), 0);
    cs_free(page);
    page = write_page(&moved, &root, &size);
    assert_int_equal(page_count(page, "<image id="), 2);
    cs_free(page);
    page = write_page(&craft, &none, &size);
    assert_int_equal(page_count(page, "<image id="), 0);
    assert_non_null(strstr(page, "<bdi>p001.png</bdi>"));
    cs_free(page);
}

static void texts_from_outside_stay_texts(void **state)
{
    static const char *const evil[] = {"\"><img src=x onerror=alert(1)>.png", "a'&amp;\xFF\n.png"};
    const atlas_craft craft = {
        4, 2, 12, 2, evil, folder, "</small></script><script>alert(1)</script>&\" onload='x", 0};
    const cs_report_options noted = {NULL, 0, 0, 1, "<b>drawn</b> scenes", NULL, 0, 0};
    size_t size;
    char *page = write_page(&craft, &noted, &size);
    (void)state;
    assert_non_null(strstr(page, "<p>&lt;b&gt;drawn&lt;/b&gt; scenes</p>"));
    assert_null(strstr(page, "<script>alert"));
    assert_null(strstr(page, "<img"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot; onload=&#39;x"));
    assert_non_null(strstr(page, "a&#39;&amp;amp;\xEF\xBF\xBD .png"));
    cs_free(page);
}

static void what_was_not_looked_at_is_not_claimed(void **state)
{
    const atlas_craft craft = {3, 2, 12, 0, NULL, NULL, NULL, 1};
    size_t size;
    char *page = write_page(&craft, NULL, &size);
    (void)state;
    assert_non_null(strstr(page, "heads have basis texts, but no roles"));
    assert_null(strstr(page, "No head has a role"));
    assert_null(strstr(page, "How far to trust roles"));
    assert_null(strstr(page, "<section id=ranking>"));
    assert_null(strstr(page, "class=extremes"));
    assert_null(strstr(page, "class=null"));
    assert_null(strstr(page, "returns in"));
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "\xE2\x88\x92"
                             "100"));
    cs_free(page);
}

/* The page of an atlas without images, for cs_free, checked. */
static char *write_atlas(const cs_atlas *atlas)
{
    unsigned char *page;
    size_t size;
    assert_int_equal(cs_report_write(path, atlas,
                                     &(cs_report_options){NULL, 0, 1, 1, NULL, NULL, 0, 0}, NULL,
                                     NULL),
                     CLIPSPAN_OK);
    assert_int_equal(cs_file_read_all(&page, &size, path, 1u << 20, NULL), CLIPSPAN_OK);
    page_check((char *)page, size);
    return (char *)page;
}

static void has(const char *page, const char *words)
{
    if (!strstr(page, words)) fail_msg("the page lacks: %s", words);
}

static void lacks(const char *page, const char *words)
{
    if (strstr(page, words)) fail_msg("the page has: %s", words);
}

/* A role of colour with numbers that are easily found again. */
static void give_role(clipspan_role *role)
{
    role->outcome = CLIPSPAN_OUTCOME_ROLE;
    role->category[0] = role->first_category = "colour";
    role->category[1] = "shape";
    role->explained_variance[0] = 0.41;
    role->control_variance = 0.123;
    role->control_above = 0;
    role->control_pools = 10;
    role->enrichment[0] = 6.54;
    role->enrichment[1] = 3.21;
    role->p = 0.001;
    role->q = 0.00456;
    role->relabelled_p = 0.0005;
    role->stability = 0.98;
}

static void a_claim_comes_with_its_numbers(void **state)
{
    const atlas_craft craft = {2, 2, 12, 0, NULL, NULL, NULL, 0};
    cs_atlas *atlas = atlas_craft_new(&craft);
    cs_atlas_head *head = &atlas->head_parts[3];
    char *page;
    (void)state;
    head->variance_share.share = 0.5;
    atlas->heads[3].weight = 0.15;
    atlas->heads[3].minor = 0;
    give_role(&head->role);
    page = write_atlas(atlas);
    has(page,
        "<li>Head <a href=\"#L1.H1\">L1.H1</a> has the role <b class=\"chip r1\">"
        "<bdi>colour</bdi></b>: 41.0\xC2\xA0% of its variance lies along <bdi>colour</bdi> texts, "
        "12.3\xC2\xA0% along as many control texts. It contributes 50.0\xC2\xA0% of the "
        "embedding\xE2\x80\x99s variance.</li>");
    has(page, "href=\"#L1.H1\" title=\"L1.H1: colour, share of the embedding\xE2\x80\x99s "
              "variance 50.0\xC2\xA0%\"");
    has(page, "5 <bdi>colour</bdi> texts explain 41.0\xC2\xA0% of its variance, as many control "
              "texts 12.3\xC2\xA0% (0 of 10 control pools reach as much); "
              "<i>q</i>\xC2\xA0=\xC2\xA0"
              "0.00456, stable in 98.0\xC2\xA0% of resamples.");
    has(page, "<td>role<td class=n>41.0\xC2\xA0%<td class=n>12.3\xC2\xA0%<td class=n>0 of 10"
              "<td class=n>0.00456");
    has(page, "expected to be false, at a false discovery rate of 5\xC2\xA0%.");
    has(page, "not a caption");
    cs_free(page);
    head->role.first_category = "shape";
    page = write_atlas(atlas);
    has(page, "is of another category, <bdi>shape</bdi>.");
    cs_free(page);
    atlas_craft_free(&atlas);
}

static void five_outcomes_are_told_apart(void **state)
{
    const atlas_craft craft = {1, 6, 12, 0, NULL, NULL, NULL, 0};
    cs_atlas *atlas = atlas_craft_new(&craft);
    char *page;
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        atlas->head_parts[i].variance_share.share = 0.1;
        atlas->heads[i].minor = 0;
        give_role(&atlas->head_parts[i].role);
    }
    atlas->head_parts[1].role.outcome = CLIPSPAN_OUTCOME_LEANING;
    atlas->head_parts[1].role.control_above = 3;
    atlas->head_parts[2].role.outcome = CLIPSPAN_OUTCOME_AMBIGUOUS;
    atlas->head_parts[3].role.outcome = CLIPSPAN_OUTCOME_NONE;
    atlas->head_parts[3].role.p = 0.25;
    atlas->head_parts[4].role.outcome = CLIPSPAN_OUTCOME_TOO_FEW_IMAGES;
    atlas->heads[5].removed = 1;
    page = write_atlas(atlas);
    has(page, "<h4>L0.H0 <b class=\"chip r1\"><bdi>colour</bdi></b></h4>");
    has(page, "<a class=\"r1\" style");
    has(page,
        "<h4>L0.H1 <span>leans to</span> <b class=\"chip r1 pale\"><bdi>colour</bdi></b></h4>");
    has(page, "<a class=\"r1 pale\" style");
    has(page, "No role, since that takes more than every control pool: 5 <bdi>colour</bdi> texts");
    lacks(page, "no better than by control");
    has(page, "<h4>L0.H2 <span>ambiguous: colour or shape</span></h4>");
    has(page, "<a class=\"r0 dot tie\" style");
    has(page, "<bdi>shape</bdi> nearly as much (3.21 times): a role takes 1.5 times");
    has(page, "<h4>L0.H3 <span>no category stands out</span></h4>");
    has(page, "<a class=\"r0 dot\" style");
    has(page, "is as enriched in 25.0\xC2\xA0% of random rotations of the head");
    has(page, "<h4>L0.H4 <span>too few images to tell</span></h4>");
    has(page, "<a class=\"r0 dot few\" style");
    has(page, "Too few images to tell: 12,345, and roles take 481 or more.");
    has(page, "<h4>L0.H5 <span>pruned</span></h4>");
    assert_int_equal(page_count(page, "chip r1\"><bdi>colour</bdi></b></h4>"), 1);
    cs_free(page);
    /* What control texts explain as well has no colour. */
    atlas->head_parts[1].role.control_variance = 0.41;
    page = write_atlas(atlas);
    has(page,
        "<h4>L0.H1 <span>leans to</span> <b class=\"chip r0 pale\"><bdi>colour</bdi></b></h4>");
    has(page, "<a class=\"r0 pale\" style");
    has(page, "explained no better than by control texts");
    cs_free(page);
    atlas_craft_free(&atlas);
}

static void too_few_images_are_no_lack_of_roles(void **state)
{
    const atlas_craft craft = {2, 2, 12, 0, NULL, NULL, NULL, 0};
    cs_atlas *atlas = atlas_craft_new(&craft);
    char *page;
    (void)state;
    atlas->run->used = 24;
    atlas->info.too_few = 4;
    atlas->info.role = atlas->info.leaning = atlas->info.ambiguous = atlas->info.none = 0;
    for (size_t i = 0; i < 4; i++) {
        clipspan_role *role = &atlas->head_parts[i].role;
        role->outcome = CLIPSPAN_OUTCOME_TOO_FEW_IMAGES;
        role->p = role->q = role->relabelled_p = role->stability = -1;
    }
    page = write_atlas(atlas);
    has(page, "<li>Too few images to tell: 24, and roles take 481 or more.</li>");
    has(page, "too few images to tell <i>4</i>");
    lacks(page, "No head has a role");
    lacks(page, "no category stands out");
    lacks(page, "to be false");
    cs_free(page);
    atlas_craft_free(&atlas);
}

/* Heads of little effect are behind a fold, and only roles are counted and in the headline. */
static void what_matters_comes_first(void **state)
{
    const atlas_craft craft = {1, 4, 12, 0, NULL, NULL, NULL, 0};
    cs_atlas *atlas = atlas_craft_new(&craft);
    char *page, *fold, *ranking;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        give_role(&atlas->head_parts[i].role);
        atlas->head_parts[i].variance_share.share = i == 3 ? 0.001 : 0.1;
        atlas->heads[i].minor = i == 3;
        atlas->heads[i].weight = 0.01 * (double)(i + 1);
    }
    atlas->head_parts[2].role.outcome = CLIPSPAN_OUTCOME_LEANING;
    atlas->info.role = 3;
    atlas->info.leaning = 1;
    atlas->info.ambiguous = atlas->info.none = 0;
    atlas->info.minor_share = 0.001;
    page = write_atlas(atlas);
    has(page, "<li>3 of 4 heads have a role (<bdi>colour</bdi>\xC2\xA0"
              "3)");
    has(page, "1 leans to a category");
    has(page, "<details class=minor><summary>and 1 head of little effect: each under "
              "0.5\xC2\xA0% of the embedding\xE2\x80\x99s variance, 0.100\xC2\xA0% together");
    fold = strstr(page, "<details class=minor>");
    has(fold, "id=\"L0.H3\"");
    lacks(fold, "id=\"L0.H2\"");
    ranking = strstr(page, "<section id=ranking>");
    assert_non_null(ranking);
    assert_true(strstr(ranking, ">L0.H2</a>") < strstr(ranking, ">L0.H1</a>"));
    assert_true(strstr(ranking, ">L0.H1</a>") < strstr(ranking, ">L0.H0</a>"));
    cs_free(page);
    atlas_craft_free(&atlas);
}

static void a_report_that_is_there_stays(void **state)
{
    const atlas_craft craft = {2, 2, 12, 0, NULL, NULL, NULL, 0};
    cs_atlas *atlas = atlas_craft_new(&craft);
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_report_write(path, atlas,
                                     &(cs_report_options){NULL, 0, 1, 0, NULL, NULL, 0, 0}, NULL,
                                     &err),
                     CLIPSPAN_OK);
    assert_int_equal(cs_report_write(path, atlas, NULL, NULL, &err), CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(cs_report_write("/nowhere/r.html", atlas, NULL, NULL, &err), CLIPSPAN_E_WRITE);
    atlas_craft_free(&atlas);
}

static int lack_memory(void *user, size_t done, size_t total)
{
    (void)user;
    (void)total;
    return done > 0 ? CLIPSPAN_E_NOMEM : 0;
}

static int stop(void *user, size_t done, size_t total)
{
    (void)user;
    (void)total;
    return done > 0;
}

static void an_interruption_leaves_nothing(void **state)
{
    const atlas_craft craft = {4, 16, 12, 100, name_list, folder, NULL, 0};
    const clipspan_progress progress = {stop, NULL};
    cs_atlas *atlas = atlas_craft_new(&craft);
    char *other = cs_tiny_path(folder, "other.html");
    (void)state;
    assert_int_equal(cs_report_write(other, atlas, NULL, &progress, NULL), CLIPSPAN_E_INTERRUPTED);
    assert_int_equal(
        cs_report_write(other, atlas, NULL, &(clipspan_progress){lack_memory, NULL}, NULL),
        CLIPSPAN_E_NOMEM);
    assert_int_equal(cs_path_kind(other), 0);
    free(other);
    atlas_craft_free(&atlas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_model_with_images_is_one_small_page),
        cmocka_unit_test(threads_and_repetition_do_not_change_a_byte),
        cmocka_unit_test(an_image_that_is_gone_keeps_its_name),
        cmocka_unit_test(texts_from_outside_stay_texts),
        cmocka_unit_test(what_was_not_looked_at_is_not_claimed),
        cmocka_unit_test(a_claim_comes_with_its_numbers),
        cmocka_unit_test(five_outcomes_are_told_apart),
        cmocka_unit_test(too_few_images_are_no_lack_of_roles),
        cmocka_unit_test(what_matters_comes_first),
        cmocka_unit_test(a_report_that_is_there_stays),
        cmocka_unit_test(an_interruption_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
