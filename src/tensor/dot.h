/* SPDX-License-Identifier: MIT */
/* Sums of products in float64, term after term: for short vectors, where a fixed order counts for
 * more than speed. */
#ifndef CLIPSPAN_SRC_TENSOR_DOT_H
#define CLIPSPAN_SRC_TENSOR_DOT_H

#include <stddef.h>

/* x . y, both [n] */
static inline double cs_dot(const double *x, const double *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static inline double cs_dot_f32(const float *x, const float *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

#endif
