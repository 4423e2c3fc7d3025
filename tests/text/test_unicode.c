/* SPDX-License-Identifier: MIT */
/* The generated tables: how many code points have each property (as Python 3.11 and the regex
 * module 2026.11 count them), and the cases that a table search gets wrong first. */
#include "text/unicode.h"
#include "text_check.h"

static size_t count_of(int (*has)(uint32_t))
{
    size_t n = 0;
    uint32_t code;
    for (code = 0; code < 0x110000; code++)
        n += (code < 0xd800 || code > 0xdfff) && has(code);
    return n;
}

static void properties_have_the_sizes_of_their_unicode_version(void **state)
{
    (void)state;
    assert_int_equal(count_of(cs_uni_is_letter), 158172);
    assert_int_equal(count_of(cs_uni_is_number), 2247);
    assert_int_equal(count_of(cs_uni_is_digit), 660);
    assert_int_equal(count_of(cs_uni_is_space), 29);
    assert_int_equal(count_of(cs_uni_is_opaque), 829834);
}

static void lower_case_of_every_code_point_sums_to_pythons(void **state)
{
    uint64_t sum = 0;
    uint32_t code;
    (void)state;
    for (code = 0; code < 0x110000; code++) {
        uint32_t out[2];
        size_t n, i;
        if (code >= 0xd800 && code < 0xe000) continue;
        n = cs_uni_lower(out, &code, 1, 0);
        for (i = 0; i < n; i++)
            sum = (sum * 31 + out[i]) % 1000000007;
    }
    assert_int_equal(sum, 795458041);
}

static void sigma_is_final_after_a_letter_and_before_none(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        uint32_t want;
    } cases[] = {{"Σ", 0, 0x3c3},    {"ΑΣ", 1, 0x3c2},    {"ΑΣΑ", 1, 0x3c3}, {"Α.Σ", 2, 0x3c2},
                 {"ΑΣ.Α", 1, 0x3c3}, {"ΑΣ. Α", 1, 0x3c2}, {".Σ", 1, 0x3c3},  {"1Σ", 1, 0x3c3}};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        cs_codes codes = check_codes(cases[i].text);
        uint32_t out[2];
        assert_int_equal(cs_uni_lower(out, codes.at, codes.count, cases[i].at), 1);
        assert_int_equal(out[0], cases[i].want);
        cs_codes_fini(&codes);
    }
}

static void widths_become_plain(void **state)
{
    uint32_t out[2];
    (void)state;
    assert_int_equal(cs_uni_width(out, 0xff21), 1);
    assert_int_equal(out[0], 'A');
    assert_int_equal(cs_uni_width(out, 0x3000), 1);
    assert_int_equal(out[0], ' ');
    assert_int_equal(cs_uni_width(out, 0xffe3), 2);
    assert_int_equal(out[1], 0x304);
    assert_int_equal(cs_uni_width(out, 0xffe7), 1);
    assert_int_equal(out[0], 0xffe7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_have_the_sizes_of_their_unicode_version),
        cmocka_unit_test(lower_case_of_every_code_point_sums_to_pythons),
        cmocka_unit_test(sigma_is_final_after_a_letter_and_before_none),
        cmocka_unit_test(widths_become_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
