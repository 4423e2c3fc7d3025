/* SPDX-License-Identifier: MIT */
/* Pages of made-up explanations: well-formed, complete in themselves, escaped, small, the same
 * bytes for the same input; numbers for the script that read back; letters that can be read. And
 * sheets as SVG. */
#include <math.h>
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
#include "explain_craft.h"
#include "page_check.h"
#include "report/explain_page.h"
#include "report/sheet_svg.h"
#include "report/web.h"
#include "tiny.h"

static const char *const names[] = {"a <b>dog</b> & \"more\"", "</script><script>alert(1)</script>",
                                    "third", "fourth", "fifth"};
static char *folder, *image, *path;

static int set_up(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    image = cs_tiny_path(folder, "image.png");
    path = cs_tiny_path(folder, "page.html");
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    free(image);
    free(path);
    cs_tiny_remove(&folder);
    return 0;
}

/* The page about an explanation, for cs_free, checked. */
static char *write_page(const explain_craft *craft, const atlas_craft *about, int height, int width,
                        size_t *size)
{
    clipspan_explain_options options = CLIPSPAN_EXPLAIN_OPTIONS_INIT;
    cs_explanation *e = explain_craft_new(craft);
    cs_view view = explain_craft_view(craft, image, height, width);
    cs_atlas *atlas = about ? atlas_craft_new(about) : NULL;
    unsigned char *bytes;
    clipspan_error err = {0};
    options.replace = 1;
    options.model = "/some/where/model";
    options.image = "/else/where/a<script>.png";
    if (cs_explain_write(path, e, &view, atlas, &options, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(cs_file_read_all(&bytes, size, path, 64u << 20, NULL), CLIPSPAN_OK);
    if (atlas) atlas_craft_free(&atlas);
    cs_view_fini(&view);
    cs_explanation_free(&e);
    page_check((const char *)bytes, *size);
    return (char *)bytes;
}

static void a_page_is_complete_and_escaped(void **state)
{
    const explain_craft craft = {4, 3, 3, 4, 5, CLIPSPAN_CONTRAST_MEAN, names};
    const atlas_craft about = {4, 3, 6, 8, NULL, "", NULL, 0};
    size_t size, again;
    char *page = write_page(&craft, &about, 60, 90, &size);
    char *same = write_page(&craft, &about, 60, 90, &again);
    (void)state;
    assert_int_equal(size, again);
    assert_memory_equal(page, same, size);
    assert_int_equal(page_count(page, "<section class=text id=t"), 3);
    assert_int_equal(page_count(page, "http"), 1); /* http-equiv */
    assert_int_equal(page_count(page, "url("), 0);
    assert_int_equal(page_count(page, "@import"), 0);
    assert_int_equal(page_count(page, "<script>alert"), 0);
    assert_int_equal(page_count(page, "<script"), 2); /* data and script */
    assert_int_equal(page_count(page, "/where/"), 0); /* of paths, the names alone */
    assert_non_null(strstr(page, "a&lt;script&gt;.png"));
    assert_non_null(strstr(page, "its texts: "));
    /* the image, a map a text, five heads a text */
    assert_int_equal(page_count(page, "<img "), 1 + 3 + 3 * 5);
    cs_free(page);
    cs_free(same);
}

static void one_text_no_atlas_odd_images(void **state)
{
    const explain_craft one = {2, 2, 1, 2, 2, CLIPSPAN_CONTRAST_NONE, names};
    const explain_craft runner_up = {12, 12, 2, 14, 14, CLIPSPAN_CONTRAST_RUNNER_UP, names};
    size_t size;
    char *page = write_page(&one, NULL, 1, 1, &size);
    (void)state;
    assert_null(strstr(page, "its texts: "));
    assert_non_null(strstr(page, "Of the similarity, "));
    cs_free(page);
    page = write_page(&runner_up, NULL, 20, 20000, &size);
    assert_non_null(strstr(page, "runner-up"));
    cs_free(page);
}

/* B/16, five texts, a photograph's size. */
static void a_large_model_is_one_small_page(void **state)
{
    const explain_craft craft = {12, 12, 5, 14, 14, CLIPSPAN_CONTRAST_MEAN, names};
    size_t size;
    char *page = write_page(&craft, NULL, 480, 640, &size);
    (void)state;
    assert_in_range(size, 300000, 3000000);
    cs_free(page);
}

/* A digit of base64. */
static unsigned digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    assert_non_null(at);
    return (unsigned)(at - digits);
}

/* What the script reads is what was explained, within half a step. */
static void numbers_read_back(void **state)
{
    const explain_craft craft = {2, 3, 2, 2, 3, CLIPSPAN_CONTRAST_NONE, names};
    cs_explanation *e = explain_craft_new(&craft);
    size_t size, t, i, heads = 6, N = 7;
    char *page = write_page(&craft, NULL, 40, 60, &size), *at;
    double limits[6];
    (void)state;
    at = strstr(page, "\"limits\":[") + 10;
    for (i = 0; i < heads; i++)
        limits[i] = strtod(at, &at), at++;
    at = strstr(at, "\"maps\":[") + 8;
    for (t = 0; t < 2; t++) {
        const char *text = strchr(at, '"') + 1;
        for (i = 0; i < heads * N; i++) {
            int value = 0, k;
            for (k = 0; k < 2; k++) { /* bytes 2 i and 2 i + 1 */
                const size_t bit = (2 * i + (size_t)k) * 8, place = bit / 6, shift = bit % 6;
                const unsigned two = digit(text[place]) << 6 | digit(text[place + 1]);
                value |= (int)(two >> (4 - shift) & 255) << 8 * k;
            }
            if (value > 32767) value -= 65536;
            assert_true(fabs((double)e->map[t * heads * N + i] - value * limits[i / N] / 32767) <=
                        limits[i / N] / 65000);
        }
        at = strchr(text, '"') + 1;
    }
    cs_explanation_free(&e);
    cs_free(page);
}

static char *findings_of(cs_explanation *e, const double attention[4])
{
    cs_explain_facts facts = {.x = &e->info};
    cs_findings *findings;
    cs_html html;
    memcpy(e->attention, attention, 4 * sizeof *attention);
    assert_int_equal(cs_findings_new(&findings, &e->info, NULL, 3, NULL), CLIPSPAN_OK);
    cs_html_init(&html, NULL);
    facts.findings = findings;
    cs_explain_findings(&html, &facts, 0);
    cs_findings_free(&findings);
    cs_html_put(&html, "");
    assert_int_equal(html.status, CLIPSPAN_OK);
    assert_true(html.room > html.size);
    html.bytes[html.size] = '\0';
    return html.bytes;
}

/* "Most of it" is said of layers that give of what attention gives, not of one that takes. */
static void a_layer_that_works_against_is_not_most_of_it(void **state)
{
    static const double with[4] = {0.5, 0.12, 0.02, 0.05}, against[4] = {0.5, -0.12, 0.02, 0.05};
    const explain_craft craft = {4, 3, 1, 2, 2, CLIPSPAN_CONTRAST_NONE, names};
    cs_explanation *e = explain_craft_new(&craft);
    char *html = findings_of(e, with);
    (void)state;
    assert_non_null(strstr(html, "most of it in layers L0 and L1: <b>+0.6200"));
    cs_free(html);
    html = findings_of(e, against);
    assert_null(strstr(html, "most of it"));
    assert_non_null(strstr(html, "strongest in layers L0, +0.5000, and L1, \xE2\x88\x92"
                                 "0.1200"));
    cs_free(html);
    cs_explanation_free(&e);
}

static double luminance(unsigned colour)
{
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    double sum = 0, c;
    int i;
    for (i = 0; i < 3; i++) {
        c = (colour >> (16 - 8 * i) & 255) / 255.0;
        sum += weight[i] * (c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

/* Letters of the page on its two signed colours: light, dark; print takes those of light. */
static void letters_can_be_read(void **state)
{
    static const unsigned ink[2] = {0x1b1b1b, 0xf0f0f0};
    const char *const *line;
    int rules = 0;
    (void)state;
    for (line = cs_web_explain_css; *line; line++) {
        const char *pos = strstr(*line, "--pos: #"),
                   *neg = pos ? strstr(line[1], "--neg: #") : NULL;
        const char *both[2] = {pos, neg};
        int i;
        if (!pos) continue;
        assert_non_null(neg);
        assert_true(rules < 2);
        for (i = 0; i < 2; i++) {
            const double a = luminance((unsigned)strtoul(both[i] + 8, NULL, 16));
            const double b = luminance(ink[rules]);
            assert_true((fmax(a, b) + 0.05) / (fmin(a, b) + 0.05) >= 4.5);
        }
        rules++;
    }
    assert_int_equal(rules, 2);
}

static void sheets_as_svg(void **state)
{
    static const uint8_t rgb[20 * 30 * 3] = {9};
    char *file = cs_tiny_path(folder, "sheet.svg");
    cs_sheet *sheet;
    unsigned char *bytes;
    size_t size;
    (void)state;
    assert_int_equal(cs_sheet_new(&sheet, 1, 2, 40, 60, 1, NULL), CLIPSPAN_OK);
    cs_sheet_title(sheet, "a <title> & more that is far too long for the width of this sheet");
    cs_sheet_cell(sheet, 0, 0, rgb, 20, 30, "\xC3\xA9t\xC3\xA9", "+0.1");
    cs_sheet_cell(sheet, 0, 1, NULL, 0, 0, "empty", "");
    cs_sheet_bar(sheet, 0, "a bar", 0.5, 1);
    assert_int_equal(cs_sheet_write_svg(sheet, file, 0, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_sheet_write_svg(sheet, file, 0, NULL), CLIPSPAN_E_EXISTS);
    assert_int_equal(cs_file_read_all(&bytes, &size, file, 1u << 20, NULL), CLIPSPAN_OK);
    assert_int_equal(page_count((char *)bytes, "<image "), 2); /* a cell and the bar */
    assert_int_equal(page_count((char *)bytes, "data:image/jpeg;base64,"), 2);
    assert_int_equal(page_count((char *)bytes, "href="), 2);
    assert_non_null(strstr((char *)bytes, ">\xC3\xA9t\xC3\xA9</text>"));
    assert_non_null(
        strstr((char *)bytes, "<title>a &lt;title&gt; &amp; more that is far too long"));
    cs_free(bytes);
    cs_sheet_free(&sheet);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_complete_and_escaped),
        cmocka_unit_test(one_text_no_atlas_odd_images),
        cmocka_unit_test(a_large_model_is_one_small_page),
        cmocka_unit_test(numbers_read_back),
        cmocka_unit_test(a_layer_that_works_against_is_not_most_of_it),
        cmocka_unit_test(letters_can_be_read),
        cmocka_unit_test(sheets_as_svg),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
