/* SPDX-License-Identifier: MIT */
/* What the AVX2 kernel files share. Functions carry their instruction set as an attribute, so that
 * the files need no flags of their own and the rest of the library stays plain x86-64. */
#ifndef CLIPSPAN_SRC_TENSOR_SIMD_AVX2_H
#define CLIPSPAN_SRC_TENSOR_SIMD_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tensor/simd_tables.h"

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define INLINE static inline __attribute__((always_inline)) TARGET

#define LANES  8
#define LOG2_E 1.44269504088896340736f

/* The first `count` lanes, all from LANES on: a window that slides over ones and zeros. */
INLINE __m256i lanes_of(size_t count)
{
    static const int32_t window[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const int32_t *from = window + LANES - (count < LANES ? count : LANES);
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

INLINE __m256 load_part(const float *x, size_t count)
{
    return count < LANES ? _mm256_maskload_ps(x, lanes_of(count)) : _mm256_loadu_ps(x);
}

INLINE void store_part(float *y, size_t count, __m256 a)
{
    if (count < LANES)
        _mm256_maskstore_ps(y, lanes_of(count), a);
    else
        _mm256_storeu_ps(y, a);
}

/* The same for 16-bit values, for which AVX2 has no masks. */
INLINE __m128i load_half_part(const uint16_t *x, size_t count)
{
    uint16_t some[LANES] = {0};
    if (count >= LANES) return _mm_loadu_si128((const __m128i *)(const void *)x);
    memcpy(some, x, count * sizeof *x);
    return _mm_loadu_si128((const __m128i *)(const void *)some);
}

INLINE void store_half_part(uint16_t *y, size_t count, __m128i a)
{
    uint16_t some[LANES];
    if (count >= LANES) {
        _mm_storeu_si128((__m128i *)(void *)y, a);
        return;
    }
    _mm_storeu_si128((__m128i *)(void *)some, a);
    memcpy(y, some, count * sizeof *y);
}

INLINE float sum_of(__m256 a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE float max_of(__m256 a)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

INLINE double wide_sum_of(__m256d a)
{
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

/* 2^y for y below 127.5, at most 1 ULP off; 0 below -126, NaN stays; above, 2^127 and some. With
 * f = y - round(y) in [-0.5, 0.5], 2^f is a polynomial, exactly 1 at f = 0, minimax in relative
 * error (2e-9 before rounding); the whole part is added to the exponent's bits. */
INLINE __m256 exp2_of(__m256 y)
{
    const __m256 low = _mm256_set1_ps(-126.0f), high = _mm256_set1_ps(127.0f);
    __m256 normal = _mm256_cmp_ps(y, low, _CMP_NLT_UQ);
    __m256 c = _mm256_min_ps(high, _mm256_max_ps(low, y));
    __m256 whole = _mm256_round_ps(c, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 f = _mm256_sub_ps(c, whole);
    __m256 p = _mm256_set1_ps(0x1.41fbbcp-13f);
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0x1.5f3e54p-10f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0x1.3b2d4cp-7f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0x1.c6aee8p-5f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0x1.ebfbdcp-3f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0x1.62e430p-1f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1.0f));
    __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
    p = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
    return _mm256_and_ps(p, normal);
}

/* x[j] = 2^(unit (x[j] - max x)) over one row; returns the sum of what it wrote. A NaN may hide
 * the largest value, but then the sum is NaN whatever that was. */
INLINE float exp2_row(float *x, size_t n, float unit)
{
    const __m256 lowest = _mm256_set1_ps(-INFINITY), scale = _mm256_set1_ps(unit);
    const size_t whole = n / LANES * LANES;
    const __m256i rest = lanes_of(n - whole);
    const __m256 kept = _mm256_castsi256_ps(rest);
    __m256 top = lowest, sum = _mm256_setzero_ps();
    for (size_t j = 0; j < whole; j += LANES)
        top = _mm256_max_ps(top, _mm256_loadu_ps(x + j));
    top = _mm256_max_ps(top, _mm256_blendv_ps(lowest, _mm256_maskload_ps(x + whole, rest), kept));
    top = _mm256_set1_ps(max_of(top));
    for (size_t j = 0; j < whole; j += LANES) {
        __m256 y = _mm256_sub_ps(_mm256_loadu_ps(x + j), top);
        y = exp2_of(unit == 1.0f ? y : _mm256_mul_ps(y, scale));
        _mm256_storeu_ps(x + j, y);
        sum = _mm256_add_ps(sum, y);
    }
    if (whole < n) {
        __m256 y = _mm256_sub_ps(_mm256_maskload_ps(x + whole, rest), top);
        y = exp2_of(unit == 1.0f ? y : _mm256_mul_ps(y, scale));
        _mm256_maskstore_ps(x + whole, rest, y);
        sum = _mm256_add_ps(sum, _mm256_and_ps(kept, y));
    }
    return sum_of(sum);
}

/* y = factor * x; y may be x. */
INLINE void scaled(float *y, const float *x, size_t count, float factor)
{
    const __m256 f = _mm256_set1_ps(factor);
    for (size_t i = 0; i < count; i += LANES)
        store_part(y + i, count - i, _mm256_mul_ps(f, load_part(x + i, count - i)));
}

void cs_attention_avx2(float *out, size_t ldo, const float *q, size_t ldq, const float *k,
                       size_t ldk, const float *v, size_t ldv, size_t queries, size_t n,
                       size_t head_width, float scale, float *row, float *work);

#endif
