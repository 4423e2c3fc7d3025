/* SPDX-License-Identifier: MIT */
/* Contact sheets of made-up searches: well-formed, complete in themselves, escaped, without a path
 * of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "draw/png_write.h"
#include "page_check.h"
#include "report/hit_page.h"
#include "tiny.h"

static char *folder, *path, *image;

static int set_up(void **state)
{
    static const uint8_t pixels[8 * 12 * 3] = {9};
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "hits.html");
    image = cs_tiny_path(folder, "image.png");
    assert_int_equal(cs_png_write(image, pixels, 8, 12, 3, 1, NULL), CLIPSPAN_OK);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    free(path);
    free(image);
    cs_tiny_remove(&folder);
    return 0;
}

static void a_sheet_is_complete_and_says_no_path(void **state)
{
    clipspan_hits_row rows[] = {
        {.score = 0.51234,
         .file = image,
         .path = "/home/me/birds/gull/1.png",
         .label = "gull",
         .why = "L1.H2 0.3"},
        {.score = 0.00004,
         .file = "/nowhere",
         .path = "/home/me/birds/duck/2.png",
         .label = "<b>",
         .why = "</script><script>alert(1)"},
        {.score = -0.25, .file = "/nowhere", .path = "own/3.png", .label = "", .why = ""},
    };
    cs_hits hits = {.info = {.query = "like /home/me/q.png; by <3",
                             .compare = CLIPSPAN_COMPARE_PLAIN,
                             .hits = 3},
                    .rows = rows,
                    .options = CLIPSPAN_IMAGE_OPTIONS_INIT};
    unsigned char *bytes;
    const char *page;
    size_t size;
    (void)state;
    assert_int_equal(cs_hit_page_write(path, &hits, 0, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_hit_page_write(path, &hits, 0, NULL), CLIPSPAN_E_EXISTS);
    assert_int_equal(cs_file_read_all(&bytes, &size, path, 1u << 20, NULL), CLIPSPAN_OK);
    page = (const char *)bytes;
    page_check(page, size);
    assert_int_equal(page_count(page, "<li>"), 3);
    assert_int_equal(page_count(page, "<img "), 1);
    assert_int_equal(page_count(page, "<script"), 1);
    assert_int_equal(page_count(page, "/home"), 0);
    assert_int_equal(page_count(page, "http"), 1); /* http-equiv */
    assert_non_null(strstr(page, "<title>like q.png; by &lt;3</title>"));
    assert_non_null(
        strstr(page, "<p class=about>plain products of the heads\xE2\x80\x99 contributions</p>"));
    assert_non_null(strstr(page, "<b>1. 0.512</b> <bdi>gull</bdi><br><bdi>1.png</bdi>"
                                 "<small class=folder title=\"gull/1.png\"><bdi>gull</bdi>"));
    assert_non_null(strstr(page, "<b>2. 4.00e-05</b> <bdi>&lt;b&gt;</bdi>"));
    assert_non_null(
        strstr(page, "{\"rank\":3,\"score\":-0.25,\"image\":\"own/3.png\",\"label\":\"\"}"));
    cs_free(bytes);
}

static void nothing_found_is_a_page_too(void **state)
{
    char *other = cs_tiny_path(folder, "none.html");
    const cs_hits none = {.info = {.query = "t"}};
    unsigned char *bytes;
    size_t size;
    (void)state;
    assert_int_equal(cs_hit_page_write(other, &none, 0, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_file_read_all(&bytes, &size, other, 1u << 20, NULL), CLIPSPAN_OK);
    page_check((const char *)bytes, size);
    cs_free(bytes);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sheet_is_complete_and_says_no_path),
        cmocka_unit_test(nothing_found_is_a_page_too),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
