/* SPDX-License-Identifier: MIT */
/* Symmetric eigen-problems of small matrices, behind one contract: LAPACK's divide and conquer
 * (dsyevd, through LAPACKE), or cyclic Jacobi in plain C where the build has no LAPACK.
 *
 *     S = V^T diag(values) V        V V^T = 1
 *
 * Both are backward stable: values, and S - V^T diag(values) V, are within n 4e-15 |S|, and V V^T
 * within n 4e-15 of 1, |S| the largest absolute value. */
#ifndef CLIPSPAN_SRC_TENSOR_EIGEN_H
#define CLIPSPAN_SRC_TENSOR_EIGEN_H

#include "base/error.h"

/* Eigenvalues from the largest down, and their eigenvectors.
 *   values : [n]   vectors : [n, n], row i belongs to values[i] and has length 1; of its entries
 *   the largest in absolute value (the first of equal ones) is positive, so that the same matrix
 *   gives the same signs in every build
 *   symmetric : [n, n], the upper triangle is read. n from 0. No aliasing.
 * Errors: NUMBERS (an entry is not finite), NOMEM, INTERNAL (no convergence). */
clipspan_status cs_eigen_symmetric(double *values, double *vectors, const double *symmetric,
                                   size_t n, clipspan_error *err);

/* Whether what the above needs can be had, so that work which ends in it need not begin. Errors:
 * NOMEM; UNSUPPORTED: LAPACK is not there. */
clipspan_status cs_eigen_check(clipspan_error *err);

/* The same by cyclic Jacobi in every build: the oracle of the tests. Slower (n = 67: 8 ms). */
clipspan_status cs_eigen_jacobi(double *values, double *vectors, const double *symmetric, size_t n,
                                clipspan_error *err);

/* Cholesky: S - shift 1 = L L^T. L : [n, n] lower triangle, zeros above; may be S itself. Returns
 * how many leading rows could be done before a pivot was not above 0: n when all eigenvalues of S
 * are above shift; then the rows behind are zero. With `through`, a column whose pivot is not above
 * `through` is left zero instead and the work goes on: for semi-definite S. */
size_t cs_cholesky(double *lower, const double *symmetric, size_t n, double shift, double through);

#endif
