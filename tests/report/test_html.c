/* SPDX-License-Identifier: MIT */
/* Escaping, base64, figures, paths, data blocks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/html.h"
#include "report/page.h"
#include "report/places.h"

#define NB    "\xC2\xA0"
#define MINUS "\xE2\x88\x92"

static void shows(cs_html *html, const char *wanted)
{
    cs_html_put(html, "|");
    assert_int_equal(html->status, CLIPSPAN_OK);
    assert_int_equal(html->size, strlen(wanted) + 1);
    assert_memory_equal(html->bytes, wanted, strlen(wanted));
    cs_html_fini(html);
}

static void texts_cannot_become_markup(void **state)
{
    cs_html html;
    (void)state;
    cs_html_init(&html, NULL);
    cs_html_text(&html,
                 "<a href=\"x\">&'\x01\n\x7F\xC2\x85\xFF\xED\xA0\x80 \xC3\xA9\xF0\x9F\x98\x80");
    shows(&html, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;    \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                 "\xEF\xBF\xBD \xC3\xA9\xF0\x9F\x98\x80");
}

static void base64_is_that_of_the_rfc(void **state)
{
    static const char *const wanted[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                         "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    size_t i;
    cs_html html;
    (void)state;
    for (i = 0; i < 7; i++) {
        cs_html_init(&html, NULL);
        cs_html_base64(&html, (const unsigned char *)"foobar", i);
        shows(&html, wanted[i]);
    }
    cs_html_init(&html, NULL);
    cs_html_base64(&html, (const unsigned char *)"\xFF\xEF\xBE", 3);
    shows(&html, "/+++");
}

static void long_pages_grow(void **state)
{
    cs_html html;
    int i;
    (void)state;
    cs_html_init(&html, NULL);
    for (i = 0; i < 10000; i++)
        cs_html_format(&html, "%05d,%s", i, "abcd");
    assert_int_equal(html.size, 100000);
    assert_memory_equal(html.bytes + 99990, "09999,abcd", 10);
    cs_html_fini(&html);
}

static void figures_are_markup(void **state)
{
    (void)state;
    assert_string_equal(cs_figure_percent(0.41234).text, "41.2" NB "%");
    assert_string_equal(cs_figure_percent(0.00005).text, "&lt;0.01" NB "%");
    assert_string_equal(cs_figure_percent(-0.00005).text, "&gt;" MINUS "0.01" NB "%");
    assert_string_equal(cs_figure_percent(0.99999).text, "&gt;99.99" NB "%");
    assert_string_equal(cs_figure_percent(-0.25).text, MINUS "25.0" NB "%");
    assert_string_equal(cs_figure_percent((double)NAN).text, "\xE2\x80\x93");
    assert_string_equal(cs_figure_range(-0.01, 0.5).text, MINUS "1.0 to 50.0" NB "%");
    assert_string_equal(cs_figure_points(-0.123).text, MINUS "12.3");
    assert_string_equal(cs_figure_points(0.00004).text, "&lt;0.01");
    assert_string_equal(cs_figure_real(-12.345).text, MINUS "12.3");
    assert_string_equal(cs_figure_real(0.000013).text, "1.30e-05");
    assert_string_equal(cs_figure_fixed(-0.01524, 4).text, MINUS "0.0152");
    assert_string_equal(cs_figure_signed(0.01524, 4).text, "+0.0152");
    assert_string_equal(cs_figure_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

static void place(const char *text, const char *wanted)
{
    cs_html html;
    cs_html_init(&html, NULL);
    cs_html_place(&html, text);
    shows(&html, wanted);
}

static void no_page_says_where_this_machine_keeps_files(void **state)
{
    cs_places places = {0}, apart = {0}, one = {0};
    (void)state;
    place("", "");
    place("photos/a.jpg and 3/4", "photos/a.jpg and 3/4");
    place("/home/me/run", "run");
    place("/home/me/my run/", "my run/");
    place("labels of /home/me/l.csv, column b", "labels of l.csv, column b");
    place("means (/a/b) of '/c/d/'", "means (b) of &#39;d/&#39;");
    place("/ //", "/ /");
    cs_places_add(&places, "/data/birds/gull/1.jpg");
    cs_places_add(&places, "else/2.jpg");
    cs_places_add(&places, "/data/birds/goose/2.jpg");
    assert_string_equal(cs_places_show(&places, "/data/birds/gull/1.jpg"), "gull/1.jpg");
    assert_string_equal(cs_places_show(&places, "/data/birds/goose/2.jpg"), "goose/2.jpg");
    assert_string_equal(cs_places_show(&places, "else/2.jpg"), "else/2.jpg");
    cs_places_add(&apart, "/one/1.jpg");
    cs_places_add(&apart, "/two/2.jpg");
    assert_string_equal(cs_places_show(&apart, "/two/2.jpg"), "2.jpg");
    cs_places_add(&one, "/one/1.jpg");
    assert_string_equal(cs_places_show(&one, "/one/1.jpg"), "1.jpg");
}

static void names_are_set_apart(void **state)
{
    cs_html html;
    (void)state;
    cs_html_init(&html, NULL);
    cs_html_name(&html, "\xD7\x90<");
    shows(&html, "<bdi>\xD7\x90&lt;</bdi>");
}

/* A data block reads as JSON, and nothing in it ends its element. */
static void data_stay_data(void **state)
{
    cs_json_writer json;
    cs_html html;
    (void)state;
    cs_html_init(&html, NULL);
    cs_page_data_begin(&json, &html, "s");
    cs_json_put_text(&json, "</script>", "</script><!--&\xE2\x80\xA8");
    cs_json_put_base64(&json, "b", (const unsigned char *)"foob", 4);
    cs_page_data_end(&json, &html);
    shows(&html, "<script type=\"application/json\" id=data>\n{\n\"schema\":\"s\",\n"
                 "\"\\u003c/script\\u003e\":\"\\u003c/script\\u003e\\u003c!--\\u0026"
                 "\\u2028\",\n\"b\":\"Zm9vYg==\"\n}\n</script>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_cannot_become_markup),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(long_pages_grow),
        cmocka_unit_test(figures_are_markup),
        cmocka_unit_test(no_page_says_where_this_machine_keeps_files),
        cmocka_unit_test(names_are_set_apart),
        cmocka_unit_test(data_stay_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
