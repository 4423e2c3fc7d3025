/* SPDX-License-Identifier: MIT */
/* Attention read backwards: which keys, weighted, a weighted sum over queries comes from. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_ATTENTION_ROWS_H
#define CLIPSPAN_SRC_DECOMPOSE_ATTENTION_ROWS_H

#include <stddef.h>

/* r[h,j] = sum_i w[h,i] A[i,j], A[i,:] = softmax_j(scale q[i] . k[j]), of one head of a layer.
 * r : [rows, N]   w : [rows, N]   q, k : [N, K], rows ld apart   work : (K + 1) N doubles.
 * Sums are float64. */
void cs_attention_rows(double *r, const double *w, size_t rows, const float *q, const float *k,
                       size_t ld, size_t N, size_t K, double scale, double *work);

#endif
