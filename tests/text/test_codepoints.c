/* SPDX-License-Identifier: MIT */
/* UTF-8 against the cases of Unicode's table 3-7. */
#include "text_check.h"

static void every_code_point_survives_a_round_trip(void **state)
{
    uint32_t code;
    (void)state;
    for (code = 0; code < 0x110000; code++) {
        unsigned char bytes[4];
        size_t size, taken;
        int valid;
        if (code >= 0xd800 && code < 0xe000) continue;
        size = cs_utf8_put(bytes, code);
        assert_int_equal(cs_utf8_next((const char *)bytes, size, &taken, &valid), code);
        assert_true(valid && taken == size);
    }
}

static void replaces_maximal_subparts(void **state)
{
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"\x80", "\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd"},
        {"\xf0\x9f\x98"
         "a",
         "\xef\xbf\xbd"
         "a"},
        {"\xf0\x9f"
         "ab",
         "\xef\xbf\xbd"
         "ab"},
        {"\xff"
         "a",
         "\xef\xbf\xbd"
         "a"},
    };
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        cs_codes codes = check_codes(cases[i].bytes);
        assert_string_equal(check_utf8(&codes), cases[i].want);
        cs_codes_fini(&codes);
    }
}

static void check_finds_the_first_bad_byte_or_nul(void **state)
{
    (void)state;
    assert_int_equal(cs_utf8_check("caf\xc3\xa9", 5), 5);
    assert_int_equal(cs_utf8_check("ab\xff", 3), 2);
    assert_int_equal(cs_utf8_check("ab\0c", 4), 2);
    assert_int_equal(cs_utf8_check("a\xe2\x82", 3), 1);
    assert_int_equal(cs_utf8_check("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_survives_a_round_trip),
        cmocka_unit_test(replaces_maximal_subparts),
        cmocka_unit_test(check_finds_the_first_bad_byte_or_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
