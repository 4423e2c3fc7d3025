/* SPDX-License-Identifier: MIT */
/* Attention with bf16 products and float32 sums (AVX512-BF16), for the bf16 mode: queries, keys,
 * values and weights are rounded to bf16 as they are packed, two to a cell; scores, exponentials
 * and sums stay float32. The instruction takes denormals as zero. */
#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    define TARGET                                                                                 \
        __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")))
#    include "tensor/simd_avx512.h"

#    define VEC         __m512
#    define TILE_ROWS   6
#    define TILE_VECS   4
#    define DEPTH       2
#    define OUT         uint16_t
#    define ATTENTION   cs_attention_avx512_bf16
#    define vec_zero    _mm512_setzero_ps
#    define vec_load    _mm512_load_ps
#    define vec_store   _mm512_store_ps
#    define vec_add     _mm512_add_ps
#    define put_weights scaled

INLINE __m512 vec_step(__m512 sum, const float *a, __m512 b)
{
    __m512i cell = _mm512_castps_si512(_mm512_set1_ps(*a));
    return _mm512_dpbf16_ps(sum, (__m512bh)cell, (__m512bh)_mm512_castps_si512(b));
}

/* Up to 32 floats, times factor, as 16 cells. */
INLINE __m512 cells_of(const float *x, size_t count, __m512 factor)
{
    __m512 low = load_part(x, count);
    __m512 high = _mm512_setzero_ps();
    if (count > LANES) high = load_part(x + LANES, count - LANES);
    __m512bh cells = _mm512_cvtne2ps_pbh(_mm512_mul_ps(high, factor), _mm512_mul_ps(low, factor));
    return _mm512_castsi512_ps((__m512i)cells);
}

INLINE void pack_keys(float *to, size_t ldt, const float *k, size_t ldk, size_t rows,
                      size_t columns)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 a[LANES];
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        a[i] = i < rows ? cells_of(k + i * ldk, columns, one) : _mm512_setzero_ps();
    transpose(a);
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        if (2 * i < columns) _mm512_store_ps(to + i * ldt, a[i]);
}

INLINE void pack_values(float *to, const float *v, size_t ldv, size_t rows, size_t columns)
{
    __m512 first = load_part(v, columns), second = _mm512_setzero_ps();
    if (rows > 1) second = load_part(v + ldv, columns);
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first));
    __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
    __m512i cells = _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
    _mm512_store_ps(to, _mm512_castsi512_ps(cells));
}

/* Cells of count floats; to may be where they come from, since each cell lies before its floats. */
INLINE void pack_row(float *to, const float *x, size_t count, float factor)
{
    for (size_t i = 0; i < count; i += (size_t)2 * LANES)
        _mm512_mask_storeu_ps(to + i / 2, lanes_of((count - i + 1) / 2),
                              cells_of(x + i, count - i, _mm512_set1_ps(factor)));
}

INLINE void pack_query(float *to, const float *q, size_t count, float factor)
{
    pack_row(to, q, count, factor);
}

INLINE void pack_weights(float *w, size_t n)
{
    pack_row(w, w, n, 1.0f);
}

INLINE void put_row(uint16_t *out, const float *sums, size_t count, float factor)
{
    for (size_t i = 0; i < count; i += LANES) {
        __m512 x = load_part(sums + i, count - i);
        x = _mm512_mul_ps(_mm512_set1_ps(factor), x);
        store_half_part(out + i, count - i, (__m256i)_mm512_cvtneps_pbh(x));
    }
}

#    include "tensor/simd_attention.inc"
#endif
