/* SPDX-License-Identifier: MIT */
/* Accuracies by group against counts made by hand; intervals against formulas and limits. */
#include "decompose/compare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NO CLIPSPAN_NO_ANSWER

/* Four groups: a has four images, b one, c none, d two; image 7 has no group, 8 no answer. */
static const uint8_t before[9] = {1, 0, 0, 0, 1, 0, 1, 0, NO};
static const uint8_t after[9] = {1, 1, 1, 0, 0, 1, 1, 1, NO};
static const int32_t group[9] = {0, 0, 0, 0, 1, 3, 3, -1, 0};

static void near_to(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%.17g where %.17g was expected", found, wanted);
}

static clipspan_comparisons *compare(const uint8_t *was, const uint8_t *is, const int32_t *groups,
                                     size_t count, size_t group_count, int resamples)
{
    clipspan_comparisons *c;
    assert_int_equal(
        clipspan_comparisons_new(&c, was, is, groups, count, group_count, resamples, 7, NULL), 0);
    return c;
}

static void counted_by_hand(void **state)
{
    clipspan_comparisons *c = compare(before, after, group, 9, 4, 0);
    const clipspan_comparison *all = clipspan_comparisons_get_overall(c), *per[4],
                              *worst = clipspan_comparisons_get_worst(c);
    (void)state;
    for (size_t g = 0; g < 4; g++)
        per[g] = clipspan_comparisons_get_group(c, g);
    assert_null(clipspan_comparisons_get_group(c, 4));
    assert_int_equal(all->before->images, 8);
    assert_int_equal(all->before->correct, 3);
    assert_int_equal(all->after->correct, 6);
    near_to(all->change, 3.0 / 8.0, 1e-15);
    near_to(all->change_low, all->change, 0.0);
    assert_int_equal(per[0]->before->images, 4);
    assert_int_equal(per[0]->before->correct, 1);
    assert_int_equal(per[0]->after->correct, 3);
    assert_int_equal(per[1]->before->images, 1);
    near_to(per[1]->change, -1.0, 0.0);
    assert_int_equal(per[2]->before->images, 0);
    near_to(per[2]->before->share, 0.0, 0.0);
    assert_int_equal(per[3]->after->correct, 2);
    /* Before, a is the worst with 1/4; after, b with 0/1; c has no image and is neither. */
    assert_int_equal(worst->group, 0);
    assert_int_equal(worst->group_after, 1);
    near_to(worst->before->share, 0.25, 0.0);
    near_to(worst->after->share, 0.0, 0.0);
    near_to(worst->change, -0.25, 0.0);
    clipspan_comparisons_free(&c);
    assert_null(c);
}

static void nothing_known(void **state)
{
    static const uint8_t none[2] = {NO, NO};
    static const int32_t groups[2] = {-1, -1};
    clipspan_comparisons *c = compare(none, none, groups, 2, 1, 100);
    (void)state;
    assert_int_equal(clipspan_comparisons_get_overall(c)->before->images, 0);
    near_to(clipspan_comparisons_get_overall(c)->change, 0.0, 0.0);
    assert_null(clipspan_comparisons_get_worst(c));
    clipspan_comparisons_free(&c);
}

/* Wilson's bounds are where |p - share| = z sqrt(p (1 - p) / n). */
static void wilson_bounds(void **state)
{
    static const uint64_t cases[][2] = {{0, 1}, {1, 1}, {1, 2}, {7, 10}, {180, 200}, {0, 50}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double n = (double)cases[i][1], share = (double)cases[i][0] / n;
        double low, high;
        cs_wilson(&low, &high, cases[i][0], cases[i][1]);
        assert_true(low >= 0.0 && low <= share && share <= high && high <= 1.0);
        if (low > 0.0) near_to(share - low, 1.959963984540054 * sqrt(low * (1 - low) / n), 1e-12);
        if (high < 1.0)
            near_to(high - share, 1.959963984540054 * sqrt(high * (1 - high) / n), 1e-12);
    }
}

/* 400 images, of which 100 become right and 40 wrong: the change's standard error is
 * sqrt((.35 - .15^2) / 400) = 0.0286; 95 % of resamples lie within 1.96 times that, to 15 %. */
static void bootstrap_width(void **state)
{
    uint8_t was[400], is[400];
    clipspan_comparisons *c, *again;
    const clipspan_comparison *all, *same;
    (void)state;
    for (int i = 0; i < 400; i++) {
        was[i] = i >= 100 && i < 300;
        is[i] = i < 260;
    }
    c = compare(was, is, NULL, 400, 0, 2000);
    all = clipspan_comparisons_get_overall(c);
    near_to(all->change, 0.15, 1e-12);
    near_to(all->change_high - all->change, 1.96 * 0.0286, 0.15 * 1.96 * 0.0286);
    near_to(all->change - all->change_low, 1.96 * 0.0286, 0.15 * 1.96 * 0.0286);
    again = compare(was, is, NULL, 400, 0, 2000);
    same = clipspan_comparisons_get_overall(again);
    near_to(same->change_low, all->change_low, 0.0);
    near_to(same->change_high, all->change_high, 0.0);
    clipspan_comparisons_free(&c);
    clipspan_comparisons_free(&again);
}

static void refuses(void **state)
{
    static const uint8_t odd[1] = {2}, fine[1] = {1};
    static const int32_t beyond[1] = {1};
    clipspan_comparisons *c;
    clipspan_error err;
    (void)state;
    assert_int_equal(clipspan_comparisons_new(NULL, fine, fine, NULL, 1, 0, 0, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_comparisons_new(&c, odd, fine, NULL, 1, 0, 0, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_null(c);
    assert_int_equal(clipspan_comparisons_new(&c, fine, fine, beyond, 1, 1, 0, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_comparisons_new(&c, fine, fine, NULL, 1, 1, -1, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_by_hand), cmocka_unit_test(nothing_known),
        cmocka_unit_test(wilson_bounds), cmocka_unit_test(bootstrap_width),
        cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
