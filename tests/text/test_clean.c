/* SPDX-License-Identifier: MIT */
/* Cleaning as a whole. */
#include "text/clean.h"
#include "text_check.h"

static void expect(const char *text, size_t size, const char *want)
{
    cs_codes out = {0};
    assert_int_equal(cs_clean_text(&out, text, size, NULL), CLIPSPAN_OK);
    assert_string_equal(check_utf8(&out), want);
    cs_codes_fini(&out);
}

static void spaces_collapse_and_case_drops(void **state)
{
    static const char spaced[] = " \t A\xc2\xa0 B\xe3\x80\x80"
                                 "C\xe1\x9a\x80"
                                 "D\xe2\x80\x8b"
                                 "E\n";
    (void)state;
    expect(spaced, sizeof spaced - 1,
           "a b c d\xe2\x80\x8b"
           "e");
    expect("", 0, "");
    expect(" \n\t ", 4, "");
    expect("a\0b", 3, "ab");
    expect("İ ΟΔΟΣ", strlen("İ ΟΔΟΣ"), "i\xcc\x87 οδος");
}

static void markup_is_unescaped_twice_where_ftfy_leaves_it(void **state)
{
    static const char text[] = "<b> &amp;amp;amp; &amp;lt &copy";
    (void)state;
    expect(text, sizeof text - 1, "<b> &amp; < ©");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spaces_collapse_and_case_drops),
        cmocka_unit_test(markup_is_unescaped_twice_where_ftfy_leaves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
