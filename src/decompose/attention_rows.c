/* SPDX-License-Identifier: MIT */
/* One query's weights at a time, keys transposed so that scores run over neighbours in memory. */
#include "decompose/attention_rows.h"

#include <math.h>
#include <string.h>

void cs_attention_rows(double *r, const double *w, size_t rows, const float *q, const float *k,
                       size_t ld, size_t N, size_t K, double scale, double *work)
{
    double *a = work, *turned = work + N;
    for (size_t j = 0; j < N; j++)
        for (size_t d = 0; d < K; d++)
            turned[d * N + j] = (double)k[j * ld + d];
    memset(r, 0, rows * N * sizeof *r);
    for (size_t i = 0; i < N; i++) {
        double top = -(double)INFINITY, sum = 0.0;
        memset(a, 0, N * sizeof *a);
        for (size_t d = 0; d < K; d++) {
            const double value = scale * (double)q[i * ld + d];
            for (size_t j = 0; j < N; j++)
                a[j] += value * turned[d * N + j];
        }
        for (size_t j = 0; j < N; j++)
            top = a[j] > top ? a[j] : top;
        for (size_t j = 0; j < N; j++) {
            a[j] = exp(a[j] - top);
            sum += a[j];
        }
        for (size_t h = 0; h < rows; h++) {
            const double value = w[h * N + i] / sum;
            for (size_t j = 0; j < N; j++)
                r[h * N + j] += value * a[j];
        }
    }
}
