/* SPDX-License-Identifier: MIT */
/* The kernels that are our own, as one table per instruction level. Generic C comes first and is
 * the reference; each level overrides what it does faster. A table is passed or held, never a
 * global, so that tests run all levels in one process. Inputs and outputs do not alias unless a
 * kernel says so. Pointers need no alignment. No kernel reads or writes beyond the shapes stated.
 * All levels use the same order of accumulation for any thread count; levels differ from generic by
 * the stated tolerance only. NaN and infinity pass through. */
#ifndef CLIPSPAN_SRC_TENSOR_SIMD_H
#define CLIPSPAN_SRC_TENSOR_SIMD_H

#include <stddef.h>
#include <stdint.h>

typedef enum cs_level { CS_GENERIC = 0, CS_AVX2 = 1, CS_AVX512 = 2 } cs_level;

typedef struct cs_simd {
    cs_level level;
    const char *name; /* "generic", "avx2", "avx512" */

    /* LayerNorm of rows: y[i,:] = (x[i,:] - mu) / sqrt(var + eps) * gain + bias, var biased.
     * x, y : [rows, D], row strides ldx, ldy in floats; y may be x.   gain, bias : [D]
     * Sums in float64 (or compensated float32): relative error of a row's L2 norm at most 4e-7 of a
     * float64 evaluation. */
    void (*layer_norm)(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t width,
                       const float *gain, const float *bias, float eps);
    /* The same with the result rounded to bf16 (to nearest, ties to even). */
    void (*layer_norm_bf16)(uint16_t *y, size_t ldy, const float *x, size_t ldx, size_t rows,
                            size_t width, const float *gain, const float *bias, float eps);

    /* x / 2 (1 + erf(x / sqrt 2)), error at most 4 ULP or 1e-7 absolute of the exact function; at
     * minus infinity its limit, 0. In place allowed. */
    void (*gelu)(float *y, const float *x, size_t count);
    /* x / (1 + exp(-1.702 x)), the same tolerance. In place allowed. */
    void (*quick_gelu)(float *y, const float *x, size_t count);
    /* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), the same tolerance. In place allowed. */
    void (*tanh_gelu)(float *y, const float *x, size_t count);

    /* Softmax of rows in place: x : [rows, n], row stride ldx; the largest value is subtracted
     * first; rows sum to 1 to 1e-6; each entry within 8 ULP of generic or 1e-9. */
    void (*softmax)(float *x, size_t ldx, size_t rows, size_t n);

    /* Attention of one head over one image (no mask):
     *   out[i,:] = sum_j softmax_j(scale q[i,:] . k[j,:]) v[j,:]
     * q : [queries, K] stride ldq    k, v : [n, K] strides ldk, ldv    out : [queries, K] stride
     * ldo, overwritten    row (may be NULL) : [n] the attention weights of query 0
     * K is 1 to 65,536, n 1 to 65,537.   work : cs_attention_work(n, K) floats, 64-byte aligned,
     * contents undefined before and after. Within 2e-6 (1 + s / 4) of generic, relative to the
     * largest |v|, where s is the largest |scale| |q[i]| |k[j]| (float32 scores of size s are
     * uncertain by about 1e-7 s). A result does not depend on `queries`: the rows of a call with
     * fewer queries are the same bytes. */
    void (*attention)(float *out, size_t ldo, const float *q, size_t ldq, const float *k,
                      size_t ldk, const float *v, size_t ldv, size_t queries, size_t n,
                      size_t head_width, float scale, float *row, float *work);
    /* The same with bf16 products: scale q, k, v and the weights are rounded to bf16, sums are
     * float32, out is rounded to bf16; row stays float32. Within 2^-7 (1 + s) of generic, relative
     * to the largest |v|. NULL where the CPU has no bf16 products. */
    void (*attention_bf16)(uint16_t *out, size_t ldo, const float *q, size_t ldq, const float *k,
                           size_t ldk, const float *v, size_t ldv, size_t queries, size_t n,
                           size_t head_width, float scale, float *row, float *work);

    /* Attention of one query over keys and values that lie anywhere (a token and its ancestors in a
     * prefix tree):
     *   out[:] = sum_j softmax_j(scale q . k_j) v_j
     *   k_j = k + index[j] ldk, v_j = v + index[j] ldv
     * index : [n], n at least 1   work : n floats. The same tolerance as attention. */
    void (*attention_path)(float *out, const float *q, const float *k, size_t ldk, const float *v,
                           size_t ldv, const uint32_t *index, size_t n, size_t head_width,
                           float scale, float *work);

    /* y += x */
    void (*add)(float *y, const float *x, size_t count);
    /* Euclidean norm in float64. */
    double (*norm)(const float *x, size_t count);

    /* Conversions; f32 to bf16 rounds to nearest even, NaN stays NaN (quiet). */
    void (*f32_from_f16)(float *y, const uint16_t *x, size_t count);
    void (*f32_from_bf16)(float *y, const uint16_t *x, size_t count);
    void (*bf16_from_f32)(uint16_t *y, const float *x, size_t count);

    /* Adds to counts[0..2] the number of NaN, infinite and denormal values of x. */
    void (*count_odd)(uint64_t counts[3], const float *x, size_t count);

    /* Vectors in panels (tensor/panels.h), x : [panels, R, CS_PANEL], v : [panels, CS_PANEL]:
     *   panel_squares   v[i] = |F^T x_i|^2, F : [R, CS_PANEL_STRIDE(R)] a lower triangle with zeros
     *                   above its diagonal and behind column R; within R 2^-23 relative
     *   panel_deflate   v[i] += a (c a - 2 b), a = t . x_i, b = u . x_i; within R 2^-23 of the
     *                   sizes of v and the products
     * A vector's result does not depend on the others, nor on its place. */
    void (*panel_squares)(float *v, const float *x, size_t panels, size_t rows, const float *f);
    void (*panel_deflate)(float *v, const float *x, size_t panels, size_t rows, const float *t,
                          const float *u, float c);

    /* Float64, a : [rows, n] with row stride lda, within n 2^-52 of the sizes of the products:
     *   rows_dot   y[i] = a[i,:] . x        rows_add   x += sum_i y[i] a[i,:] */
    void (*rows_dot)(double *y, const double *a, size_t lda, size_t rows, const double *x,
                     size_t n);
    void (*rows_add)(double *x, const double *a, size_t lda, size_t rows, const double *y,
                     size_t n);
} cs_simd;

/* Floats of work space that `attention` needs at any level. */
size_t cs_attention_work(size_t n, size_t head_width);

/* The table of a level, or NULL when this CPU or build cannot run it. cs_simd_best: the best one,
 * or what the environment variable CLIPSPAN_CPU (generic, avx2, avx512) forces it down to; an
 * unknown value or a level above the CPU's counts as not set. */
const cs_simd *cs_simd_get(cs_level level);
const cs_simd *cs_simd_best(void);

#endif
