/* SPDX-License-Identifier: MIT */
/* Symmetric eigen-problems by LAPACKE or cyclic Jacobi, sorted and signed alike; Cholesky. */
#include "tensor/eigen.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

#ifdef CLIPSPAN_LAPACKE
#    include "tensor/lapack.h"
#endif

#define MOST_SWEEPS 60 /* of Jacobi; it converges quadratically, in about 10 */

static clipspan_status check_finite(const double *symmetric, size_t n, clipspan_error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            if (!isfinite(symmetric[i * n + j]))
                return cs_fail(err, CLIPSPAN_E_NUMBERS,
                               "entry (%zu, %zu) of a symmetric %zu x %zu matrix is not finite: "
                               "its statistics come from numbers that are not",
                               i, j, n, n);
    return CLIPSPAN_OK;
}

static void swap_rows(double *a, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

/* From the largest value down, equal ones as they stand; signs as promised. */
static void arrange(double *values, double *vectors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *row = vectors + i * n;
        size_t most = i, peak = 0;
        for (size_t j = i + 1; j < n; j++)
            if (values[j] > values[most]) most = j;
        if (most != i) {
            swap_rows(values + i, values + most, 1);
            swap_rows(row, vectors + most * n, n);
        }
        for (size_t j = 1; j < n; j++)
            if (fabs(row[j]) > fabs(row[peak])) peak = j;
        for (size_t j = 0; j < n && row[peak] < 0.0; j++)
            if (j != peak) row[j] = -row[j];
        row[peak] = fabs(row[peak]);
    }
}

/* One rotation that makes a[p, q] zero; a stays symmetric, vectors' rows turn along. */
static void rotate(double *a, double *vectors, size_t n, size_t p, size_t q)
{
    double apq = a[p * n + q], theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    double t = (theta < 0.0 ? -1.0 : 1.0) / (fabs(theta) + sqrt(theta * theta + 1.0));
    double c = 1.0 / sqrt(t * t + 1.0), s = t * c;
    for (size_t k = 0; k < n; k++) { /* columns */
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) { /* rows */
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        x = vectors[p * n + k], y = vectors[q * n + k];
        vectors[p * n + k] = c * x - s * y;
        vectors[q * n + k] = s * x + c * y;
    }
    a[p * n + q] = a[q * n + p] = 0.0;
}

clipspan_status cs_eigen_jacobi(double *values, double *vectors, const double *symmetric, size_t n,
                                clipspan_error *err)
{
    double *a, largest = 0.0, off = (double)INFINITY;
    CS_TRY(check_finite(symmetric, n, err));
    if (n == 0) return CLIPSPAN_OK;
    a = cs_alloc(n * n, sizeof *a, "an eigen-problem", err);
    if (!a) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            a[i * n + j] = symmetric[(i < j ? i * n + j : j * n + i)];
            vectors[i * n + j] = i == j ? 1.0 : 0.0;
            largest = fmax(largest, fabs(a[i * n + j]));
        }
    for (int sweep = 0; sweep < MOST_SWEEPS && off > largest * 1e-17; sweep++) {
        off = 0.0;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) {
                off = fmax(off, fabs(a[p * n + q]));
                if (fabs(a[p * n + q]) > largest * 1e-18) rotate(a, vectors, n, p, q);
            }
    }
    for (size_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
    cs_free(a);
    arrange(values, vectors, n);
    if (off > largest * 1e-15)
        return cs_fail(err, CLIPSPAN_E_INTERNAL,
                       "the eigenvalues of a %zu x %zu matrix did not converge", n, n);
    return CLIPSPAN_OK;
}

#ifdef CLIPSPAN_LAPACKE

/* Our own loops share out the matrices: threads inside LAPACK would only compete with them, and how
 * many there are would show in the last bits. One built on OpenMP is lent one; an OpenBLAS that has
 * threads of its own hears of it from the process alone (clipspan.h, Process). */
clipspan_status cs_eigen_symmetric(double *values, double *vectors, const double *symmetric,
                                   size_t n, clipspan_error *err)
{
    int info = 0, before;
    clipspan_status status;
    CS_TRY(check_finite(symmetric, n, err));
    if (n == 0) return CLIPSPAN_OK;
    memcpy(vectors, symmetric, n * n * sizeof *vectors);
    /* By columns our upper triangle is LAPACK's lower one, and its eigenvectors are our rows. */
    before = cs_threads_lend(1);
    status = cs_lapack_syevd(&info, vectors, values, (int)n, err);
    cs_threads_return(before);
    CS_TRY(status);
    if (info == CS_LAPACK_NO_MEMORY)
        return cs_fail_memory(err, 2 * n * n * sizeof *vectors, "an eigen-problem");
    if (info != 0)
        return cs_fail(err, CLIPSPAN_E_INTERNAL,
                       "the eigenvalues of a %zu x %zu matrix did not converge (dsyevd says %d)", n,
                       n, info);
    arrange(values, vectors, n);
    return CLIPSPAN_OK;
}

clipspan_status cs_eigen_check(clipspan_error *err)
{
    double matrix[1] = {1.0}, value[1];
    int info;
    return cs_lapack_syevd(&info, matrix, value, 1, err);
}

#else

clipspan_status cs_eigen_check(clipspan_error *err)
{
    (void)err;
    return CLIPSPAN_OK;
}

clipspan_status cs_eigen_symmetric(double *values, double *vectors, const double *symmetric,
                                   size_t n, clipspan_error *err)
{
    return cs_eigen_jacobi(values, vectors, symmetric, n, err);
}

#endif

/* Row by row, so that what is read of S is not yet overwritten when L is S. */
size_t cs_cholesky(double *lower, const double *symmetric, size_t n, double shift, double through)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        double *row = lower + i * n, pivot = symmetric[i * n + i] - shift;
        for (size_t j = 0; j < i; j++) {
            const double *other = lower + j * n;
            double sum = symmetric[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= row[k] * other[k];
            row[j] = other[j] > 0.0 ? sum / other[j] : 0.0;
            pivot -= row[j] * row[j];
        }
        for (size_t j = i; j < n; j++)
            row[j] = 0.0;
        if (pivot > through) {
            row[i] = sqrt(pivot);
            done++;
        } else if (through <= 0.0) {
            memset(row, 0, (n - i) * n * sizeof *row);
            return done;
        }
    }
    return done;
}
