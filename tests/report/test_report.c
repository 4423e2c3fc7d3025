/* SPDX-License-Identifier: MIT */
/* Whole reports of made-up atlases: well-formed, complete in themselves, small, honest about what
 * is missing, the same bytes for the same input. */
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
    cs_report_options o = {NULL, 0, 1, 1, NULL, NULL};
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
    const cs_report_options three = {NULL, 0, 0, 3, NULL, NULL};
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
    cs_report_options none = {NULL, 1, 0, 1, NULL, NULL}, root = {folder, 0, 0, 1, NULL, NULL};
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
    const cs_report_options noted = {NULL, 0, 0, 1, "<b>drawn</b> scenes", NULL};
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
    assert_non_null(strstr(page, "No head has a clear role"));
    assert_null(strstr(page, "How far to trust names"));
    assert_null(strstr(page, "class=extremes"));
    assert_null(strstr(page, "class=null"));
    assert_null(strstr(page, "returns in"));
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "\xE2\x88\x92"
                             "100"));
    cs_free(page);
}

static void a_claim_comes_with_its_numbers(void **state)
{
    const atlas_craft craft = {2, 2, 12, 0, NULL, NULL, NULL, 0};
    cs_atlas *atlas = atlas_craft_new(&craft);
    cs_atlas_head *head = &atlas->head_parts[3];
    unsigned char *page;
    size_t size;
    (void)state;
    head->variance_share.share = 0.5;
    head->role.outcome = CLIPSPAN_OUTCOME_ROLE;
    head->role.category[0] = "colour";
    head->role.category[1] = "shape";
    head->role.explained_variance[0] = 0.41;
    head->role.explained_variance[1] = 0.123;
    head->role.stability = 0.98;
    head->role.control_variance = 0.0456;
    assert_int_equal(
        cs_report_write(path, atlas, &(cs_report_options){NULL, 0, 1, 1, NULL, NULL}, NULL, NULL),
        CLIPSPAN_OK);
    assert_int_equal(cs_file_read_all(&page, &size, path, 1u << 20, NULL), CLIPSPAN_OK);
    page_check((char *)page, size);
    assert_non_null(strstr(
        (char *)page,
        "<li>Head <a href=\"#L1.H1\">L1.H1</a> has the role <b class=\"chip r1\">"
        "colour</b>: 41.0\xC2\xA0% of its variance lies along <bdi>colour</bdi> texts, stable "
        "in 98.0\xC2\xA0% of resamples.</li>"));
    assert_non_null(strstr((char *)page, "href=\"#L1.H1\" title=\"L1.H1: colour, share of the "
                                         "embedding\xE2\x80\x99s variance "
                                         "50.0\xC2\xA0%\""));
    assert_non_null(strstr((char *)page,
                           "3.33\xC3\x97 as much as along the next, <bdi>shape</bdi>; by chance "
                           "under 4.56\xC2\xA0%"));
    assert_null(strstr((char *)page, "No better than control texts"));
    cs_free(page);
    head->role.control_named = head->role.named;
    assert_int_equal(
        cs_report_write(path, atlas, &(cs_report_options){NULL, 0, 1, 1, NULL, NULL}, NULL, NULL),
        CLIPSPAN_OK);
    assert_int_equal(cs_file_read_all(&page, &size, path, 1u << 20, NULL), CLIPSPAN_OK);
    assert_int_equal(page_count((char *)page, "No better than control texts"), 1);
    cs_free(page);
    atlas_craft_free(&atlas);
}

static void a_report_that_is_there_stays(void **state)
{
    const atlas_craft craft = {2, 2, 12, 0, NULL, NULL, NULL, 0};
    cs_atlas *atlas = atlas_craft_new(&craft);
    clipspan_error err;
    (void)state;
    assert_int_equal(
        cs_report_write(path, atlas, &(cs_report_options){NULL, 0, 1, 0, NULL, NULL}, NULL, &err),
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
        cmocka_unit_test(a_report_that_is_there_stays),
        cmocka_unit_test(an_interruption_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
