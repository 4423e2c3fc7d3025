/* SPDX-License-Identifier: MIT */
/* ftfy's fixes; expected values are ftfy.fix_text(…, fix_encoding=False). */
#include "text/fixes.h"
#include "text_check.h"

#include <time.h>

static void expect(const char *text, const char *want)
{
    cs_codes codes = check_codes(text), out = {0};
    assert_int_equal(cs_fixes_apply(&out, codes.at, codes.count, NULL), CLIPSPAN_OK);
    assert_string_equal(check_utf8(&out), want);
    cs_codes_fini(&codes);
    cs_codes_fini(&out);
}

static void letters_quotes_and_widths(void **state)
{
    (void)state;
    expect("plain text\n", "plain text\n");
    expect("“a” ‘b’ ‛c‟", "\"a\" 'b' 'c\"");
    expect("ﬁ ﬃ ﬅ ﬆ ŉ ǆ Ĳ", "fi ffi ſt st 'n dž IJ");
    expect("ＡＢ　１ ｶﾞ", "AB 1 ガ");
    expect("e\xcc\x81 \xcd\xbe", "é ;");
}

static void controls_escapes_and_line_breaks(void **state)
{
    (void)state;
    expect("a\x01\x08\x0b\x0e\x1f\x7f"
           "b\xef\xbb\xbf"
           "c",
           "abc");
    expect("\x1b[1;31mred\x1b[0m \x1b[x \x1b[12", "red  [12");
    expect("a\r\nb\rc\xe2\x80\xa8"
           "d",
           "a\nb\nc\nd");
    expect("\xc2\x80\xc2\x92\xc2\x81", "€'\xc2\x81"); /* C1 as Windows-1252, then uncurled */
}

static void references_until_the_text_shows_markup(void **state)
{
    (void)state;
    expect("&amp;amp; &EACUTE;", "& É");
    expect("< &amp;\n&amp;", "< &amp;\n&amp;");
    expect("&amp;\n<\n&amp;", "&\n<\n&amp;"); /* only from the line with "<" on */
    expect("&lt;&amp;", "<&");                /* a "<" that a reference made does not count */
    expect("＆ａｍｐ；lt;", "<");
    expect("&amp&#x37E;lt\xcd\xbe", "<");
    expect("&#xFF06;amp;", "&");
}

static void hostile_nesting_takes_linear_time(void **state)
{
    static const struct {
        const char *head, *repeat, *tail;
    } cases[] = {{"&", "amp;", "lt;"},
                 {"&amp", "&semi", ";"},
                 {"&", "#xFF06;", "lt;"},
                 {"&amp", "&#x37E", ";"}};
    size_t i, k;
    clock_t start = clock();
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].repeat);
        cs_codes codes = check_codes(cases[i].head), out = {0};
        while (codes.count < 1000000 - 8)
            for (k = 0; k < n; k++)
                assert_int_equal(cs_codes_push(&codes, (unsigned char)cases[i].repeat[k], NULL),
                                 CLIPSPAN_OK);
        for (k = 0; cases[i].tail[k]; k++)
            assert_int_equal(cs_codes_push(&codes, (unsigned char)cases[i].tail[k], NULL),
                             CLIPSPAN_OK);
        assert_int_equal(cs_fixes_apply(&out, codes.at, codes.count, NULL), CLIPSPAN_OK);
        assert_string_equal(check_utf8(&out), i % 2 ? "&" : "<");
        cs_codes_fini(&codes);
        cs_codes_fini(&out);
    }
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_quotes_and_widths),
        cmocka_unit_test(controls_escapes_and_line_breaks),
        cmocka_unit_test(references_until_the_text_shows_markup),
        cmocka_unit_test(hostile_nesting_takes_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
