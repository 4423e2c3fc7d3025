/* SPDX-License-Identifier: MIT */
/* SplitMix64's published first numbers, and that numbers below a bound are even. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_sequence_is_that_of_splitmix64(void **state)
{
    cs_random zero = {0}, other = {1234567};
    (void)state;
    assert_true(cs_random_next(&zero) == 0xe220a8397b1dcdafu);
    assert_true(cs_random_next(&zero) == 0x6e789e6aa1b965f4u);
    assert_true(cs_random_next(&zero) == 0x06c45d188009454fu);
    assert_true(cs_random_next(&other) == 6457827717110365317u);
    assert_true(cs_random_next(&other) == 3203168211198807973u);
}

static void numbers_below_a_bound_are_even(void **state)
{
    enum { BOUND = 7, DRAWS = 70000 };
    cs_random random = {1};
    size_t counts[BOUND] = {0};
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = cs_random_below(&random, BOUND);
        assert_true(x < BOUND);
        counts[x]++;
    }
    for (int i = 0; i < BOUND; i++) /* five standard deviations: 460 */
        assert_in_range(counts[i], DRAWS / BOUND - 460, DRAWS / BOUND + 460);
    assert_true(cs_random_below(&random, 1) == 0);
    for (int i = 0; i < 100; i++)
        assert_true(cs_random_below(&random, UINT64_MAX / 2 + 2) <= UINT64_MAX / 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_that_of_splitmix64),
        cmocka_unit_test(numbers_below_a_bound_are_even),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
