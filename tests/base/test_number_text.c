/* SPDX-License-Identifier: MIT */
/* Numbers as text: three digits, and no rounding to what means something else. */
#include "base/number_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NONE "\xE2\x80\x93"

typedef struct number_case {
    double value;
    const char *percent, *share;
} number_case;

static void percentages_do_not_mislead(void **state)
{
    static const number_case cases[] = {
        {0, "0 %", "0 %"},
        {-0.0, "0 %", "0 %"},
        {1e-300, "<0.01 %", "<0.01 %"},
        {0.00009, "<0.01 %", "<0.01 %"},
        {-0.00009, ">-0.01 %", ">-0.01 %"},
        {0.0001, "0.01 %", "0.0100 %"},
        {0.0004, "0.04 %", "0.0400 %"},
        {0.00045123, "0.05 %", "0.0451 %"},
        {0.0009499, "0.09 %", "0.0950 %"},
        {0.00096, "0.1 %", "0.0960 %"},
        {0.004121, "0.4 %", "0.412 %"},
        {0.031249, "3.1 %", "3.12 %"},
        {0.09999, "10.0 %", "10.0 %"},
        {0.41234, "41.2 %", "41.2 %"},
        {-0.25, "-25.0 %", "-25.0 %"},
        {0.9994, "99.9 %", "99.9 %"},
        {0.9995, "99.95 %", "99.95 %"},
        {0.99956, "99.96 %", "99.96 %"},
        {0.99994, "99.99 %", "99.99 %"},
        {0.99995, ">99.99 %", ">99.99 %"},
        {0.9999999, ">99.99 %", ">99.99 %"},
        {-0.9999999, "<-99.99 %", "<-99.99 %"},
        {1, "100 %", "100 %"},
        {0.9999999999999999, "100 %", "100 %"}, /* one rounding apart */
        {-1, "-100 %", "-100 %"},
        {1.00001, ">100 %", ">100 %"},
        {1.0004, "100.04 %", "100.04 %"},
        {1.003, "100.3 %", "100.3 %"},
        {1.236, "124 %", "124 %"},
        {12.3456, "1,235 %", "1,235 %"},
        {1e20, "1.00e+22 %", "1.00e+22 %"},
        {(double)NAN, NONE, NONE},
        {(double)INFINITY, NONE, NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(cs_number_percent(cases[i].value).text, cases[i].percent);
        assert_string_equal(cs_number_share(cases[i].value).text, cases[i].share);
    }
}

/* Whatever the value: "100 %" only for 1, "0 %" only for 0, and never "100.0", "0.0" or "-0". */
static void ends_are_kept_for_ends(void **state)
{
    (void)state;
    for (int i = 1; i < 200000; i++) {
        const double value = i / 200000.0;
        const char *texts[2] = {cs_number_percent(value).text, cs_number_share(value).text};
        for (int k = 0; k < 2; k++) {
            assert_int_not_equal(strncmp(texts[k], "100", 3), 0);
            assert_int_not_equal(strcmp(texts[k], "0.0 %"), 0);
            assert_int_not_equal(strcmp(texts[k], "0.00 %"), 0);
            assert_int_not_equal(strcmp(texts[k], "0 %"), 0);
        }
    }
}

static void intervals_and_changes(void **state)
{
    (void)state;
    assert_string_equal(cs_number_interval(0.6931, 0.8188).text, "69.3 to 81.9 %");
    assert_string_equal(cs_number_interval(0, 0.0212).text, "0 to 2.1 %");
    assert_string_equal(cs_number_interval(0.9, 1).text, "90.0 to 100 %");
    assert_string_equal(cs_number_interval(0.9, 0.9996).text, "90.0 to 99.96 %");
    assert_string_equal(cs_number_interval((double)NAN, 1).text, "");
    assert_string_equal(cs_number_points(0).text, "0");
    assert_string_equal(cs_number_points(-0.123).text, "-12.3");
    assert_string_equal(cs_number_points(1).text, "+100.0");
    assert_string_equal(cs_number_points(0.0004).text, "+0.04");
    assert_string_equal(cs_number_points(0.00004).text, "<0.01");
    assert_string_equal(cs_number_points(-0.00004).text, ">-0.01");
    assert_string_equal(cs_number_points((double)NAN).text, NONE);
}

static void significant_digits(void **state)
{
    (void)state;
    assert_string_equal(cs_number_digits(2.305, 3).text, "2.31");
    assert_string_equal(cs_number_digits(-12.345, 3).text, "-12.3");
    assert_string_equal(cs_number_digits(0.41234, 3).text, "0.412");
    assert_string_equal(cs_number_digits(0.0412, 3).text, "0.0412");
    assert_string_equal(cs_number_digits(0.99996, 3).text, "1.00");
    assert_string_equal(cs_number_digits(9.996, 3).text, "10.0");
    assert_string_equal(cs_number_digits(999.7, 3).text, "1,000");
    assert_string_equal(cs_number_digits(12345.6, 3).text, "12,346");
    assert_string_equal(cs_number_digits(12345.6, 6).text, "12345.6");
    assert_string_equal(cs_number_digits(0.000013, 3).text, "1.30e-05");
    assert_string_equal(cs_number_digits(-1e15, 3).text, "-1.00e+15");
    assert_string_equal(cs_number_digits(0, 3).text, "0");
    assert_string_equal(cs_number_digits(-0.0, 3).text, "0");
    assert_string_equal(cs_number_digits(-(double)INFINITY, 3).text, NONE);
}

static void fixed_decimals(void **state)
{
    (void)state;
    assert_string_equal(cs_number_fixed(-0.01524, 4).text, "-0.0152");
    assert_string_equal(cs_number_fixed(-0.00004, 4).text, "0.0000");
    assert_string_equal(cs_number_signed(0.01524, 4).text, "+0.0152");
    assert_string_equal(cs_number_signed(-0.01524, 4).text, "-0.0152");
    assert_string_equal(cs_number_signed(0.00004, 4).text, "0.0000");
    assert_string_equal(cs_number_fixed(-1e300, 4).text, "-1.00e+300");
    assert_string_equal(cs_number_signed((double)NAN, 2).text, NONE);
}

static void counts_sizes_and_times(void **state)
{
    (void)state;
    assert_string_equal(cs_number_count(0).text, "0");
    assert_string_equal(cs_number_count(999).text, "999");
    assert_string_equal(cs_number_count(1000).text, "1,000");
    assert_string_equal(cs_number_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(cs_number_of(1, "image").text, "1 image");
    assert_string_equal(cs_number_of(0, "image").text, "0 images");
    assert_string_equal(cs_number_of(1234, "class").text, "1,234 classes");
    assert_string_equal(cs_number_of(UINT64_MAX, "published image").text,
                        "18,446,744,073,709,551,615 published images");
    assert_string_equal(cs_number_bytes(999).text, "999 bytes");
    assert_string_equal(cs_number_bytes(1234).text, "1.23 kB");
    assert_string_equal(cs_number_bytes(599e6).text, "599 MB");
    assert_string_equal(cs_number_bytes(12345e12).text, "12,345 TB");
    assert_string_equal(cs_number_millions(86.2e6).text, "86.2 M");
    assert_string_equal(cs_number_millions((double)NAN).text, NONE);
    assert_string_equal(cs_number_duration(12.3).text, "12 s");
    assert_string_equal(cs_number_duration(1080).text, "18 min");
    assert_string_equal(cs_number_duration(36000).text, "10.0 h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentages_do_not_mislead),
        cmocka_unit_test(ends_are_kept_for_ends),
        cmocka_unit_test(intervals_and_changes),
        cmocka_unit_test(significant_digits),
        cmocka_unit_test(fixed_decimals),
        cmocka_unit_test(counts_sizes_and_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
