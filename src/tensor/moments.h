/* SPDX-License-Identifier: MIT */
/* Count, mean and co-moments of rows of W numbers, in float64, that add up exactly:
 *
 *     mean = sum_i y_i / n        M = sum_i (y_i - mean)(y_i - mean)^T
 *     two of them:  n = n_a + n_b,  d = mean_b - mean_a,
 *                   mean = mean_a + d n_b / n,  M = M_a + M_b + d d^T n_a n_b / n
 *
 * (Chan, Golub and LeVeque 1983). The covariance is M / (n - 1), the second moment
 * M / n + mean mean^T.
 *
 * Moments are one flat array of float64 that may be stored, read and mapped as it is, with any
 * other arrays around it:
 *
 *     [0] n    [1, 1 + W) mean    [1 + W, size) M, upper triangle row by row: (0,0) (0,1) …
 *                                 (0,W-1) (1,1) … (W-1,W-1)
 *
 * All zeros are the moments of no rows. The same calls give the same bytes; the grouping of merges
 * and the order of rows are part of the result, so whoever merges fixes a tree. Nothing here
 * allocates or fails. */
#ifndef CLIPSPAN_SRC_TENSOR_MOMENTS_H
#define CLIPSPAN_SRC_TENSOR_MOMENTS_H

#include <stddef.h>

/* Numbers in the moments of rows of `width` numbers: 1 + W + W (W + 1) / 2. W at most 1,000,000. */
size_t cs_moments_size(size_t width);

/* Moments of rows : [count, width] float64, row stride `stride` numbers, in their order; `out` is
 * overwritten. The rows are overwritten too: they are left with the mean subtracted. Two passes;
 * every entry is within 1e-14 count sqrt(M_ii M_jj) of exact arithmetic on the given numbers. */
void cs_moments_of_rows(double *out, double *rows, size_t count, size_t stride, size_t width);

/* into = into and other, `into` standing first. They do not overlap. Merging with no rows on either
 * side copies the other's bytes. */
void cs_moments_merge(double *into, const double *other, size_t width);

double cs_moments_count(const double *moments);
const double *cs_moments_mean(const double *moments);                    /* [W] */
const double *cs_moments_comoments(const double *moments, size_t width); /* [W (W + 1) / 2] */

/* Where entry (i, j), in either order, stands in the triangle. */
size_t cs_moments_at(size_t i, size_t j, size_t width);

/* out : [W, W], symmetric, overwritten. covariance: M / (n - 1), zeros for fewer than two rows.
 * second: M / n + mean mean^T, zeros for no rows. */
void cs_moments_get_covariance(double *out, const double *moments, size_t width);
void cs_moments_get_second(double *out, const double *moments, size_t width);

#endif
