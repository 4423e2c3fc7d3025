/* SPDX-License-Identifier: MIT */
/* Form C: composition, exclusions, Hangul, ordering of marks, and what Unicode 14 leaves alone. */
#include "text/nfc.h"
#include "text_check.h"

#include <time.h>

static void expect(const char *text, const char *want)
{
    cs_codes codes = check_codes(text), work = {0};
    assert_int_equal(cs_nfc_apply(&codes, &work, NULL), CLIPSPAN_OK);
    assert_string_equal(check_utf8(&codes), want);
    cs_codes_fini(&codes);
    cs_codes_fini(&work);
}

static void composes_and_reorders(void **state)
{
    (void)state;
    expect("plain", "plain");
    expect("e\xcc\x81", "\xc3\xa9");
    expect("a\xcc\x88\xcc\xa3", "\xe1\xba\xa1\xcc\x88"); /* dot below goes first */
    expect("q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87");    /* ordered, nothing to compose */
    expect("\xe2\x84\xab", "\xc3\x85");                  /* Angstrom sign */
    expect("\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc");  /* excluded from composition */
    expect("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81");
    expect("\xea\xb0\x80\xe1\x86\xa7", "\xea\xb0\x80\xe1\x86\xa7"); /* U+11A7 is no trailing one */
    expect("\xcd\xbe", ";");
}

static void marks_younger_than_unicode_14_are_starters(void **state)
{
    (void)state;
    /* U+1E08F, Unicode 15, class 230; U+0316 is 220 and would go before it. */
    expect("a\xf0\x9e\x82\x8f\xcc\x96", "a\xf0\x9e\x82\x8f\xcc\x96");
    expect("e\xf0\x9e\x82\x8f\xcc\x81", "e\xf0\x9e\x82\x8f\xcc\x81");
}

static void long_runs_of_marks_are_ordered_as_short_ones(void **state)
{
    cs_codes codes = {0}, work = {0};
    size_t i, n = 300000;
    clock_t start = clock();
    (void)state;
    assert_int_equal(cs_codes_push(&codes, 'q', NULL), CLIPSPAN_OK);
    for (i = 0; i < n; i++)
        assert_int_equal(cs_codes_push(&codes, i % 2 ? 0x316 : 0x301, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_nfc_apply(&codes, &work, NULL), CLIPSPAN_OK);
    assert_int_equal(codes.count, n + 1);
    for (i = 0; i < n; i++)
        assert_int_equal(codes.at[i + 1], i < n / 2 ? 0x316 : 0x301);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
    cs_codes_fini(&codes);
    cs_codes_fini(&work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composes_and_reorders),
        cmocka_unit_test(marks_younger_than_unicode_14_are_starters),
        cmocka_unit_test(long_runs_of_marks_are_ordered_as_short_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
