/* SPDX-License-Identifier: MIT */
/* HTML references, both readings. Expected values are what Python and ftfy print. */
#include "text/entities.h"
#include "text_check.h"

struct pair {
    const char *text, *want;
};

static void expect(void (*apply)(cs_codes *), const struct pair *cases, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        cs_codes codes = check_codes(cases[i].text);
        apply(&codes);
        assert_string_equal(check_utf8(&codes), cases[i].want);
        cs_codes_fini(&codes);
    }
}

static void unescape_reads_as_html5_does(void **state)
{
    static const struct pair cases[] = {
        {"&amp;lt; &lt &ltx", "&lt; < <x"},
        {"&notit; &notin; &NotEqualTilde;", "¬it; ∉ ≂̸"},
        {"&eacute &eacutes &EACUTE;", "é és &EACUTE;"},
        {"&#39;&#x27&#X27;&#39x", "''''x"},
        {"&#150;&#x80;&#129;", "–€\xc2\x81"},
        {"a&#1;b&#xFDD0;c&#xFFFF;d&#x1fffe;e&#11;f", "abcdef"},
        {"&#0;&#xD800;&#x110000;&#99999999999999999999;",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"& && &; &# &#; &#x; &#xg; &nosuch; &a", "& && &; &# &#; &#x; &#xg; &nosuch; &a"},
        {"&CounterClockwiseContourIntegral;", "∳"},
        {"&#9;|&#10;|&#13;", "\t|\n|\r"},
    };
    (void)state;
    expect(cs_entities_unescape, cases, sizeof cases / sizeof *cases);
}

static void fix_needs_the_semicolon_and_knows_upper_case(void **state)
{
    static const struct pair cases[] = {
        {"&amp;amp; &amp &eacute", "&amp; &amp &eacute"},
        {"&EACUTE;&SZLIG;&FFILIG;&NAPOS;", "ÉSSFFI\xca\xbcN"},
        {"&notit; &#59; &#12ab; &#x3b; &#xZZ;", "&notit; &#59; &#12ab; &#x3b; &#xZZ;"},
        {"&#x27;&#233;&#1;", "'é"},
        {"&CounterClockwiseContourIntegral;", "&CounterClockwiseContourIntegral;"}, /* over 24 */
        {"&&amp;;", "&&;"},
    };
    (void)state;
    expect(cs_entities_fix, cases, sizeof cases / sizeof *cases);
}

static size_t same(uint32_t out[8], uint32_t code)
{
    out[0] = code;
    return 1;
}

static void fix_all_same(cs_codes *codes)
{
    cs_entities_fix_all(codes, same);
}

static void fix_all_resolves_nested_references(void **state)
{
    static const struct pair cases[] = {
        {"&amp;amp;amp;amp;lt;", "<"},    {"&amp&semi;&semi;x", "&;x"},
        {"&amp&semi&semi&semi;lt;", "<"}, {"&#38;#38;#x27;", "'"},
        {"a;b;&;&x;;", "a;b;&;&x;;"},
    };
    (void)state;
    expect(fix_all_same, cases, sizeof cases / sizeof *cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unescape_reads_as_html5_does),
        cmocka_unit_test(fix_needs_the_semicolon_and_knows_upper_case),
        cmocka_unit_test(fix_all_resolves_nested_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
