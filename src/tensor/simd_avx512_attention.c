/* SPDX-License-Identifier: MIT */
/* Attention in float32 with AVX-512. A tile of 6 queries by 4 vectors keeps 24 sums in registers
 * and takes 10 loads for its 24 multiply-adds, well under the two loads a cycle these CPUs do. */
#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    include "tensor/simd_avx512.h"

#    define VEC         __m512
#    define TILE_ROWS   6
#    define TILE_VECS   4
#    define DEPTH       1
#    define OUT         float
#    define ATTENTION   cs_attention_avx512
#    define vec_zero    _mm512_setzero_ps
#    define vec_load    _mm512_load_ps
#    define vec_store   _mm512_store_ps
#    define vec_add     _mm512_add_ps
#    define pack_query  scaled
#    define put_row     scaled
#    define put_weights scaled

INLINE __m512 vec_step(__m512 sum, const float *a, __m512 b)
{
    return _mm512_fmadd_ps(_mm512_set1_ps(*a), b, sum);
}

INLINE void pack_keys(float *to, size_t ldt, const float *k, size_t ldk, size_t rows,
                      size_t columns)
{
    __m512 a[LANES];
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        a[i] = i < rows ? load_part(k + i * ldk, columns) : _mm512_setzero_ps();
    transpose(a);
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        if (i < columns) _mm512_store_ps(to + i * ldt, a[i]);
}

INLINE void pack_values(float *to, const float *v, size_t ldv, size_t rows, size_t columns)
{
    (void)ldv, (void)rows;
    _mm512_store_ps(to, load_part(v, columns));
}

INLINE void pack_weights(float *w, size_t n)
{
    (void)w, (void)n;
}

#    include "tensor/simd_attention.inc"
#endif
