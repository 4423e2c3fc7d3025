/* SPDX-License-Identifier: MIT */
/* What the AVX-512 kernel files share. Functions carry their instruction set as an attribute, so
 * that the files need no flags of their own and the rest of the library stays plain x86-64. */
#ifndef CLIPSPAN_SRC_TENSOR_SIMD_AVX512_H
#define CLIPSPAN_SRC_TENSOR_SIMD_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor/simd_tables.h"

#ifndef TARGET
#    define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#endif
#define INLINE static inline __attribute__((always_inline)) TARGET

#define LANES  16
#define LOG2_E 1.44269504088896340736f

/* The first `count` lanes, all from LANES on. */
INLINE __mmask16 lanes_of(size_t count)
{
    return count < LANES ? (__mmask16)((1u << count) - 1u) : (__mmask16)0xffffu;
}

/* The first `count` values at x, all lanes from LANES on, zeros behind. Whole vectors go without
 * a mask: masked loads of 64 bytes ran at a third of the memory's rate on data out of cache. */
INLINE __m512 load_part(const float *x, size_t count)
{
    return count < LANES ? _mm512_maskz_loadu_ps(lanes_of(count), x) : _mm512_loadu_ps(x);
}

INLINE void store_part(float *y, size_t count, __m512 a)
{
    if (count < LANES)
        _mm512_mask_storeu_ps(y, lanes_of(count), a);
    else
        _mm512_storeu_ps(y, a);
}

INLINE __m256i load_half_part(const uint16_t *x, size_t count)
{
    if (count < LANES) return _mm256_maskz_loadu_epi16(lanes_of(count), x);
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

INLINE void store_half_part(uint16_t *y, size_t count, __m256i a)
{
    if (count < LANES)
        _mm256_mask_storeu_epi16(y, lanes_of(count), a);
    else
        _mm256_storeu_si256((__m256i *)(void *)y, a);
}

/* 2^y, at most 1.1 ULP off where the result is normal. 2^f on [0, 1) is a polynomial, exactly 1 at
 * f = 0, minimax in relative error (2e-9 before rounding). The CPU takes y apart into whole and f
 * and puts the exponent on: overflow gives infinity, underflow 0, NaN stays. */
INLINE __m512 exp2_of(__m512 y)
{
    __m512 f = _mm512_reduce_ps(y, _MM_FROUND_TO_NEG_INF);
    __m512 p = _mm512_set1_ps(0x1.c5417ap-13f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.46d64ap-10f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.3d0b92p-7f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.c68912p-5f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.ebfd58p-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.62e42cp-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, y);
}

/* x[j] = 2^(unit (x[j] - max x)) over one row; returns the sum of what it wrote. A NaN may hide
 * the largest value, but then the sum is NaN whatever that was. */
INLINE float exp2_row(float *x, size_t n, float unit)
{
    const size_t whole = n / LANES * LANES;
    const __mmask16 rest = lanes_of(n - whole);
    const __m512 scale = _mm512_set1_ps(unit);
    __m512 top = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
    for (size_t j = 0; j < whole; j += LANES)
        top = _mm512_max_ps(top, _mm512_loadu_ps(x + j));
    top = _mm512_max_ps(top, _mm512_mask_loadu_ps(top, rest, x + whole));
    top = _mm512_set1_ps(_mm512_reduce_max_ps(top));
    for (size_t j = 0; j < whole; j += LANES) {
        __m512 y = _mm512_sub_ps(_mm512_loadu_ps(x + j), top);
        y = exp2_of(unit == 1.0f ? y : _mm512_mul_ps(y, scale));
        _mm512_storeu_ps(x + j, y);
        sum = _mm512_add_ps(sum, y);
    }
    if (rest) {
        __m512 y = _mm512_sub_ps(_mm512_maskz_loadu_ps(rest, x + whole), top);
        y = exp2_of(unit == 1.0f ? y : _mm512_mul_ps(y, scale));
        _mm512_mask_storeu_ps(x + whole, rest, y);
        sum = _mm512_mask_add_ps(sum, rest, sum, y);
    }
    return _mm512_reduce_add_ps(sum);
}

/* y = factor * x; y may be x. */
INLINE void scaled(float *y, const float *x, size_t count, float factor)
{
    const __m512 f = _mm512_set1_ps(factor);
    for (size_t i = 0; i < count; i += LANES)
        store_part(y + i, count - i, _mm512_mul_ps(f, load_part(x + i, count - i)));
}

/* Row i, lane j of a becomes row j, lane i: first within 4 by 4 blocks, then the blocks. */
INLINE void transpose(__m512 a[LANES])
{
    __m512 b[LANES];
    UNROLL
    for (int i = 0; i < LANES; i += 4) {
        __m512d t0 = _mm512_castps_pd(_mm512_unpacklo_ps(a[i], a[i + 1]));
        __m512d t1 = _mm512_castps_pd(_mm512_unpackhi_ps(a[i], a[i + 1]));
        __m512d t2 = _mm512_castps_pd(_mm512_unpacklo_ps(a[i + 2], a[i + 3]));
        __m512d t3 = _mm512_castps_pd(_mm512_unpackhi_ps(a[i + 2], a[i + 3]));
        b[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(t0, t2));
        b[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(t0, t2));
        b[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(t1, t3));
        b[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(t1, t3));
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        __m512 even0 = _mm512_shuffle_f32x4(b[i], b[4 + i], 0x88);
        __m512 even1 = _mm512_shuffle_f32x4(b[8 + i], b[12 + i], 0x88);
        __m512 odd0 = _mm512_shuffle_f32x4(b[i], b[4 + i], 0xdd);
        __m512 odd1 = _mm512_shuffle_f32x4(b[8 + i], b[12 + i], 0xdd);
        a[i] = _mm512_shuffle_f32x4(even0, even1, 0x88);
        a[4 + i] = _mm512_shuffle_f32x4(odd0, odd1, 0x88);
        a[8 + i] = _mm512_shuffle_f32x4(even0, even1, 0xdd);
        a[12 + i] = _mm512_shuffle_f32x4(odd0, odd1, 0xdd);
    }
}

/* Rounds to bf16, to nearest, ties to even; a NaN keeps its upper bits and becomes quiet. */
INLINE __m256i bf16_of(__m512 x)
{
    __m512i bits = _mm512_castps_si512(x), high = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __m512i rounded = _mm512_srli_epi32(up, 16);
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    rounded = _mm512_mask_or_epi32(rounded, nan, high, _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(rounded);
}

void cs_attention_avx512(float *out, size_t ldo, const float *q, size_t ldq, const float *k,
                         size_t ldk, const float *v, size_t ldv, size_t queries, size_t n,
                         size_t head_width, float scale, float *row, float *work);
void cs_attention_avx512_bf16(uint16_t *out, size_t ldo, const float *q, size_t ldq, const float *k,
                              size_t ldk, const float *v, size_t ldv, size_t queries, size_t n,
                              size_t head_width, float scale, float *row, float *work);

#endif
