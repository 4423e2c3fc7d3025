/* SPDX-License-Identifier: MIT */
/* Escaping, base64 and figures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/html.h"

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

static void percentages_have_three_digits(void **state)
{
    static const struct {
        double share;
        const char *wanted;
    } cases[] = {
        {0.41234, "41.2" NB "%"},
        {1, "100" NB "%"},
        {0.99999, "100" NB "%"},
        {0.09999, "10.0" NB "%"},
        {0.031249, "3.12" NB "%"},
        {0.004121, "0.412" NB "%"},
        {0.0009949, "0.0995" NB "%"},
        {0.00045123, "0.0451" NB "%"},
        {0, "0" NB "%"},
        {0.00009, "under 0.01" NB "%"},
        {-0.00009, "above " MINUS "0.01" NB "%"},
        {-0.25, MINUS "25.0" NB "%"},
        {12.3456, "1235" NB "%"},
        {(double)NAN, "?"},
    };
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(cs_figure_percent(cases[i].share).text, cases[i].wanted);
}

static void numbers_have_three_digits(void **state)
{
    (void)state;
    assert_string_equal(cs_figure_real(2.305).text, "2.31");
    assert_string_equal(cs_figure_real(-12.345).text, MINUS "12.3");
    assert_string_equal(cs_figure_real(0.41234).text, "0.412");
    assert_string_equal(cs_figure_real(0).text, "0");
    assert_string_equal(cs_figure_real(0.000013).text, "1.30e-05");
    assert_string_equal(cs_figure_real(1234).text, "1234");
    assert_string_equal(cs_figure_real((double)INFINITY).text, "?");
    assert_string_equal(cs_figure_count(0).text, "0");
    assert_string_equal(cs_figure_count(999).text, "999");
    assert_string_equal(cs_figure_count(1000).text, "1,000");
    assert_string_equal(cs_figure_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_cannot_become_markup),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(long_pages_grow),
        cmocka_unit_test(percentages_have_three_digits),
        cmocka_unit_test(numbers_have_three_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
