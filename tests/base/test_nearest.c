/* SPDX-License-Identifier: MIT */
/* "Did you mean": edits of each kind are found, far words are not guessed at. */
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"info", "embed", "classify", "pixels", "tokens"};

static const char *nearest(const char *word)
{
    return cs_nearest(word, names, sizeof names / sizeof *names);
}

static void test_each_kind_of_edit(void **state)
{
    static const char *const two[] = {"ab"};
    (void)state;
    assert_non_null(cs_nearest("ba", two, 1)); /* a swap is one edit: two letters allow no more */
    assert_string_equal(nearest("embde"), "embed");    /* swap */
    assert_string_equal(nearest("emebd"), "embed");    /* swap inside */
    assert_string_equal(nearest("pixel"), "pixels");   /* missing */
    assert_string_equal(nearest("tokkens"), "tokens"); /* one too many */
    assert_string_equal(nearest("clazzify"), "classify");
    assert_string_equal(nearest("INFO"), "info");
    assert_string_equal(nearest("info"), "info");
}

static void test_far_words_are_not_guessed_at(void **state)
{
    (void)state;
    assert_null(nearest("segment"));
    assert_null(nearest("x"));
    assert_null(nearest(""));
    assert_null(cs_nearest("embed", names, 0));
}

static void test_distance_allowed_is_a_third_plus_one(void **state)
{
    static const char *const one[] = {"abcdef"};
    (void)state;
    assert_non_null(cs_nearest("xyzdef", one, 1)); /* 6 letters: 3 edits */
    assert_null(cs_nearest("wxyzef", one, 1));
}

static void test_first_of_equals_wins(void **state)
{
    static const char *const two[] = {"cat", "car"};
    (void)state;
    assert_ptr_equal(cs_nearest("caz", two, 2), two[0]);
}

static void test_long_names_are_left_out(void **state)
{
    static char word[200];
    const char *one[1] = {word};
    (void)state;
    memset(word, 'a', 63);
    assert_ptr_equal(cs_nearest(word, one, 1), word);
    memset(word, 'a', 64);
    assert_null(cs_nearest(word, one, 1));
    memset(word, 'a', 199);
    assert_null(cs_nearest(word, one, 1));
    assert_null(cs_nearest("aaaa", one, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_edit),
        cmocka_unit_test(test_far_words_are_not_guessed_at),
        cmocka_unit_test(test_distance_allowed_is_a_third_plus_one),
        cmocka_unit_test(test_first_of_equals_wins),
        cmocka_unit_test(test_long_names_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
