/* SPDX-License-Identifier: MIT */
/* Eigen-problems: by their definition, against cyclic Jacobi, and where the answer is known. */
#include "tensor/eigen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 107

static uint64_t seed = 3;

/* Uniform in [-1, 1). */
static double chance(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) * 0x1p-52 - 1.0;
}

static double s[MOST * MOST], vectors[MOST * MOST], values[MOST];
static double others[MOST * MOST], other_values[MOST];

/* A random symmetric matrix; with rank below n, positive semi-definite of that rank. */
static void draw(size_t n, size_t rank)
{
    static double half[MOST * MOST];
    for (size_t i = 0; i < n * n; i++)
        half[i] = chance();
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            s[i * n + j] = rank < n ? 0.0 : half[i < j ? i * n + j : j * n + i];
            for (size_t k = 0; k < rank && rank < n; k++)
                s[i * n + j] += half[i * n + k] * half[j * n + k];
        }
}

/* S = V^T diag V and V V^T = 1, sorted, signed. */
static void check_definition(size_t n, const double *w, const double *v)
{
    double size = 0.0, allowed;
    for (size_t i = 0; i < n * n; i++)
        size = fmax(size, fabs(s[i]));
    allowed = 4e-15 * (double)n;
    for (size_t i = 0; i < n; i++) {
        size_t peak = 0;
        for (size_t j = 0; j < n; j++) {
            double made = 0.0, product = 0.0;
            for (size_t k = 0; k < n; k++) {
                made += w[k] * v[k * n + i] * v[k * n + j];
                product += v[i * n + k] * v[j * n + k];
            }
            assert_true(fabs(made - s[i < j ? i * n + j : j * n + i]) <= allowed * size);
            assert_true(fabs(product - (i == j ? 1.0 : 0.0)) <= allowed);
            if (fabs(v[i * n + j]) > fabs(v[i * n + peak])) peak = j;
        }
        assert_true(v[i * n + peak] > 0.0);
        assert_true(i == 0 || w[i - 1] >= w[i]);
    }
}

static void both_solvers_meet_the_definition_and_agree(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 4, 7, 19, 33, 67, 83, 107};
    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int deficient = 0; deficient < 2; deficient++) {
            size_t n = sizes[k];
            draw(n, deficient ? n / 2 : n);
            assert_int_equal(cs_eigen_symmetric(values, vectors, s, n, NULL), CLIPSPAN_OK);
            assert_int_equal(cs_eigen_jacobi(other_values, others, s, n, NULL), CLIPSPAN_OK);
            check_definition(n, values, vectors);
            check_definition(n, other_values, others);
            for (size_t i = 0; i < n; i++)
                assert_true(fabs(values[i] - other_values[i]) <= 4e-15 * (double)(n * n));
        }
}

/* Second differences: eigenvalues 2 - 2 cos(pi k / (n + 1)). */
static void second_differences_have_their_cosines(void **state)
{
    const size_t n = 50;
    (void)state;
    memset(s, 0, sizeof s);
    for (size_t i = 0; i < n; i++) {
        s[i * n + i] = 2.0;
        if (i + 1 < n) s[i * n + i + 1] = -1.0;
        if (i > 0) s[i * n + i - 1] = 7.0; /* the lower triangle is not read */
    }
    assert_int_equal(cs_eigen_symmetric(values, vectors, s, n, NULL), CLIPSPAN_OK);
    for (size_t k = 0; k < n; k++) {
        double expected = 2.0 - 2.0 * cos(acos(-1.0) * (double)(n - k) / (double)(n + 1));
        assert_true(fabs(values[k] - expected) < 1e-13);
    }
    check_definition(n, values, vectors);
}

static void equal_and_zero_eigenvalues_are_no_trouble(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n += 6) {
        memset(s, 0, sizeof s);
        assert_int_equal(cs_eigen_symmetric(values, vectors, s, n, NULL), CLIPSPAN_OK);
        check_definition(n, values, vectors);
        for (size_t i = 0; i < n; i++)
            s[i * n + i] = 1e-200;
        assert_int_equal(cs_eigen_symmetric(values, vectors, s, n, NULL), CLIPSPAN_OK);
        check_definition(n, values, vectors);
        assert_int_equal(cs_eigen_jacobi(values, vectors, s, n, NULL), CLIPSPAN_OK);
        check_definition(n, values, vectors);
    }
    assert_int_equal(cs_eigen_symmetric(values, vectors, s, 0, NULL), CLIPSPAN_OK);
}

static void numbers_that_are_not_finite_are_named(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    clipspan_error err;
    (void)state;
    for (int i = 0; i < 3; i++) {
        draw(5, 5);
        s[1 * 5 + 3] = (double)odd[i];
        assert_int_equal(cs_eigen_symmetric(values, vectors, s, 5, &err), CLIPSPAN_E_NUMBERS);
        assert_non_null(strstr(err.message, "(1, 3)"));
        assert_int_equal(cs_eigen_jacobi(values, vectors, s, 5, &err), CLIPSPAN_E_NUMBERS);
    }
}

static void check_factor(size_t n, double shift, double allowed)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double made = 0.0;
            for (size_t k = 0; k < n; k++)
                made += vectors[i * n + k] * vectors[j * n + k];
            assert_true(fabs(made - s[i * n + j] + (i == j ? shift : 0.0)) <= allowed);
            if (j > i) assert_true(vectors[i * n + j] == 0.0);
        }
}

static void cholesky_says_whether_all_eigenvalues_are_above(void **state)
{
    (void)state;
    for (size_t n = 2; n < 70; n += 9) {
        draw(n, n);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < i; j++)
                s[i * n + j] = s[j * n + i];
            s[i * n + i] += (double)n;
        }
        cs_eigen_jacobi(values, others, s, n, NULL);
        assert_int_equal(cs_cholesky(vectors, s, n, values[n - 1] * 0.999, 0.0), n);
        check_factor(n, values[n - 1] * 0.999, 1e-12);
        assert_true(cs_cholesky(vectors, s, n, values[n - 1] * 1.001, 0.0) < n);
        memcpy(vectors, s, n * n * sizeof *s); /* in place */
        assert_int_equal(cs_cholesky(vectors, vectors, n, 0.0, 0.0), n);
        check_factor(n, 0.0, 1e-12);
    }
}

static void cholesky_goes_through_semi_definite_matrices(void **state)
{
    (void)state;
    for (size_t n = 2; n < 70; n += 9) {
        draw(n, n / 2);
        assert_int_equal(cs_cholesky(vectors, s, n, 0.0, 1e-10), n / 2);
        check_factor(n, 0.0, 1e-7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_solvers_meet_the_definition_and_agree),
        cmocka_unit_test(second_differences_have_their_cosines),
        cmocka_unit_test(equal_and_zero_eigenvalues_are_no_trouble),
        cmocka_unit_test(numbers_that_are_not_finite_are_named),
        cmocka_unit_test(cholesky_says_whether_all_eigenvalues_are_above),
        cmocka_unit_test(cholesky_goes_through_semi_definite_matrices),
    };
    return cmocka_run_group_tests_name("eigen", tests, NULL, NULL);
}
