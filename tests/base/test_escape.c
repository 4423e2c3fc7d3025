/* SPDX-License-Identifier: MIT */
/* Escapes of what could steer a terminal, turn words, or be computed by a spreadsheet. */
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void append(void *to, const char *text, size_t size)
{
    strncat(to, text, size);
}

static void expect(const char *text, int cell, const char *wanted)
{
    char found[512] = "";
    cs_escape_put(append, found, text, cell);
    assert_string_equal(found, wanted);
}

/* Every code point of one to three bytes by its number, against the ranges that are named. */
static void test_exactly_the_named_characters_have_escapes(void **state)
{
    (void)state;
    for (unsigned code = 1; code < 0x10000; code++) {
        char text[4] = "", escape[CS_ESCAPE_ROOM], wanted[CS_ESCAPE_ROOM];
        const int control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
        const int turns = code == 0x61C || code == 0x200E || code == 0x200F ||
                          (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
        const int separates = code == 0x2028 || code == 0x2029;
        size_t taken, length, bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
        if (code >= 0xD800 && code < 0xE000) continue;
        if (bytes == 1) {
            text[0] = (char)code;
        } else if (bytes == 2) {
            text[0] = (char)(0xC0 | code >> 6);
            text[1] = (char)(0x80 | (code & 63));
        } else {
            text[0] = (char)(0xE0 | code >> 12);
            text[1] = (char)(0x80 | (code >> 6 & 63));
            text[2] = (char)(0x80 | (code & 63));
        }
        length = cs_escape(escape, text, &taken);
        assert_int_equal(taken, bytes);
        assert_int_equal(cs_is_bidi_control(text), turns);
        assert_int_equal(length != 0, control || turns || separates);
        if (!length) continue;
        snprintf(wanted, sizeof wanted, "\\u%04x", code);
        assert_string_equal(escape, code == 9    ? "\\t"
                                    : code == 10 ? "\\n"
                                    : code == 13 ? "\\r"
                                                 : wanted);
    }
}

static void test_bytes_that_are_no_utf8_are_named(void **state)
{
    (void)state;
    expect("a\x80\xC0\xAF", 0, "a\\x80\\xc0\\xaf");
    expect("\xED\xA0\x80", 0, "\\xed\\xa0\\x80");                        /* a surrogate */
    expect("\xF4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80");               /* beyond U+10FFFF */
    expect("\xE2\x82", 0, "\\xe2\\x82");                                 /* cut at the end */
    expect("\xF0\x9F\x98\x80 \xC3\xA9", 0, "\xF0\x9F\x98\x80 \xC3\xA9"); /* right: kept */
}

static void test_sequences_and_overrides_are_disarmed(void **state)
{
    (void)state;
    expect("\x1B]0;title\x07", 0, "\\u001b]0;title\\u0007");
    expect("\xC2\x9B"
           "2J",
           0, "\\u009b2J");
    expect("photo\xE2\x80\xAEgpj.exe", 0, "photo\\u202egpj.exe");
    expect("a\xE2\x80\xA8"
           "b\n",
           0, "a\\u2028b\\n");
}

static void test_a_backslash_is_doubled_in_cells_only(void **state)
{
    (void)state;
    expect("a\\u202e\t", 0, "a\\u202e\\t");
    expect("a\\u202e\t", 1, "a\\\\u202e\\t");
}

static void test_formulas_are_told_from_numbers(void **state)
{
    (void)state;
    assert_true(cs_is_formula("=1+1"));
    assert_true(cs_is_formula("+cmd|' /C calc'!A0"));
    assert_true(cs_is_formula("-1+1"));
    assert_true(cs_is_formula("@SUM(A1)"));
    assert_true(cs_is_formula("\t=1"));
    assert_true(cs_is_formula("\r=1"));
    assert_false(cs_is_formula("-0.25"));
    assert_false(cs_is_formula("+1e-7"));
    assert_false(cs_is_formula("a=b"));
    assert_false(cs_is_formula(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_the_named_characters_have_escapes),
        cmocka_unit_test(test_bytes_that_are_no_utf8_are_named),
        cmocka_unit_test(test_sequences_and_overrides_are_disarmed),
        cmocka_unit_test(test_a_backslash_is_doubled_in_cells_only),
        cmocka_unit_test(test_formulas_are_told_from_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
