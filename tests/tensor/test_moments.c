/* SPDX-License-Identifier: MIT */
/* Moments against the definition in long double, and the algebra of merging. */
#include "tensor/moments.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS  203
#define WIDTH 13

/* Correlated columns of very different sizes, the last one constant. */
static void fill(double *rows)
{
    uint32_t state = 17;
    size_t i, j;
    for (i = 0; i < ROWS; i++) {
        double shared = 0.0;
        for (j = 0; j < WIDTH; j++) {
            state = state * 1664525u + 1013904223u;
            shared = 0.5 * shared + (double)(state >> 8) / 16777216.0 - 0.5;
            rows[i * WIDTH + j] = (shared + 3.0) * pow(10.0, (double)j - 6.0);
        }
        rows[i * WIDTH + WIDTH - 1] = 0.1;
    }
}

/* Two passes in long double. */
static void expect(const double *moments, const double *rows, size_t count, double tolerance)
{
    long double mean[WIDTH];
    const double *m = cs_moments_comoments(moments, WIDTH);
    size_t i, j, r;
    for (j = 0; j < WIDTH; j++) {
        mean[j] = 0.0L;
        for (r = 0; r < count; r++)
            mean[j] += (long double)rows[r * WIDTH + j] / (long double)count;
        assert_true(fabs(cs_moments_mean(moments)[j] - (double)mean[j]) <=
                    1e-14 * fabs((double)mean[j]));
    }
    assert_true(cs_moments_count(moments) == (double)count);
    for (i = 0; i < WIDTH; i++)
        for (j = i; j < WIDTH; j++) {
            long double sum = 0.0L, ii = 0.0L, jj = 0.0L;
            for (r = 0; r < count; r++) {
                long double a = (long double)rows[r * WIDTH + i] - mean[i];
                long double b = (long double)rows[r * WIDTH + j] - mean[j];
                sum += a * b;
                ii += a * a;
                jj += b * b;
            }
            if (i == WIDTH - 1 || j == WIDTH - 1)
                assert_true(m[cs_moments_at(j, i, WIDTH)] == 0.0);
            else
                assert_true(fabsl((long double)m[cs_moments_at(j, i, WIDTH)] - sum) <=
                            (long double)tolerance * sqrtl(ii * jj));
        }
}

static double *moments_of(const double *rows, size_t count)
{
    double *copy = malloc((count ? count : 1) * WIDTH * sizeof *copy);
    double *out = malloc(cs_moments_size(WIDTH) * sizeof *out);
    memcpy(copy, rows, count * WIDTH * sizeof *copy);
    cs_moments_of_rows(out, copy, count, WIDTH, WIDTH);
    free(copy);
    return out;
}

static void two_passes(void **state)
{
    static const size_t counts[] = {1, 2, 3, 32, ROWS};
    double rows[ROWS * WIDTH];
    size_t i;
    (void)state;
    fill(rows);
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        double *m = moments_of(rows, counts[i]);
        expect(m, rows, counts[i], 1e-13);
        free(m);
    }
}

/* Merging chunks of 32 gives what all rows together give. */
static void merges(void **state)
{
    double rows[ROWS * WIDTH], *sum = calloc(cs_moments_size(WIDTH), sizeof *sum);
    size_t at;
    (void)state;
    fill(rows);
    for (at = 0; at < ROWS; at += 32) {
        double *part = moments_of(rows + at * WIDTH, ROWS - at < 32 ? ROWS - at : 32);
        cs_moments_merge(sum, part, WIDTH);
        free(part);
    }
    expect(sum, rows, ROWS, 1e-13);
    free(sum);
}

static void nothing_changes_nothing(void **state)
{
    double rows[ROWS * WIDTH], *none, *some, *copy;
    size_t size = cs_moments_size(WIDTH) * sizeof *rows;
    (void)state;
    fill(rows);
    none = moments_of(rows, 0);
    some = moments_of(rows, 7);
    copy = malloc(size);
    memcpy(copy, some, size);
    cs_moments_merge(some, none, WIDTH);
    assert_memory_equal(some, copy, size);
    cs_moments_merge(none, some, WIDTH);
    assert_memory_equal(none, copy, size);
    free(none);
    free(some);
    free(copy);
}

static void matrices(void **state)
{
    double rows[] = {1.0, 2.0, 3.0, 6.0}, m[6], out[4];
    const double none[6] = {0};
    (void)state;
    assert_int_equal(cs_moments_size(2), 6);
    cs_moments_of_rows(m, rows, 2, 2, 2); /* means 2 and 4; M = 2, 4, 8 */
    cs_moments_get_covariance(out, m, 2);
    assert_true(out[0] == 2.0 && out[1] == 4.0 && out[2] == 4.0 && out[3] == 8.0);
    cs_moments_get_second(out, m, 2);
    assert_true(out[0] == 5.0 && out[1] == 10.0 && out[2] == 10.0 && out[3] == 20.0);
    cs_moments_get_covariance(out, none, 2);
    assert_true(out[0] == 0.0 && out[3] == 0.0);
    cs_moments_get_second(out, none, 2);
    assert_true(out[0] == 0.0 && out[3] == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_passes),
        cmocka_unit_test(merges),
        cmocka_unit_test(nothing_changes_nothing),
        cmocka_unit_test(matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
