/* SPDX-License-Identifier: MIT */
/* Attention in float32 with AVX2. A tile of 6 queries by 2 vectors keeps 12 sums, two vectors and
 * one broadcast value in 15 of the 16 registers. */
#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    include "tensor/simd_avx2.h"

#    define VEC         __m256
#    define TILE_ROWS   6
#    define TILE_VECS   2
#    define DEPTH       1
#    define OUT         float
#    define ATTENTION   cs_attention_avx2
#    define vec_zero    _mm256_setzero_ps
#    define vec_load    _mm256_load_ps
#    define vec_store   _mm256_store_ps
#    define vec_add     _mm256_add_ps
#    define pack_query  scaled
#    define put_row     scaled
#    define put_weights scaled

INLINE __m256 vec_step(__m256 sum, const float *a, __m256 b)
{
    return _mm256_fmadd_ps(_mm256_broadcast_ss(a), b, sum);
}

/* Row i, lane j becomes row j, lane i: within 4 by 4 blocks, then the blocks. */
INLINE void pack_keys(float *to, size_t ldt, const float *k, size_t ldk, size_t rows,
                      size_t columns)
{
    __m256 a[LANES], b[LANES];
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        a[i] = i < rows ? load_part(k + i * ldk, columns) : _mm256_setzero_ps();
    UNROLL
    for (int i = 0; i < LANES; i += 4) {
        __m256d t0 = _mm256_castps_pd(_mm256_unpacklo_ps(a[i], a[i + 1]));
        __m256d t1 = _mm256_castps_pd(_mm256_unpackhi_ps(a[i], a[i + 1]));
        __m256d t2 = _mm256_castps_pd(_mm256_unpacklo_ps(a[i + 2], a[i + 3]));
        __m256d t3 = _mm256_castps_pd(_mm256_unpackhi_ps(a[i + 2], a[i + 3]));
        b[i] = _mm256_castpd_ps(_mm256_unpacklo_pd(t0, t2));
        b[i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(t0, t2));
        b[i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(t1, t3));
        b[i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(t1, t3));
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        a[i] = _mm256_permute2f128_ps(b[i], b[4 + i], 0x20);
        a[4 + i] = _mm256_permute2f128_ps(b[i], b[4 + i], 0x31);
    }
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        if (i < columns) _mm256_store_ps(to + i * ldt, a[i]);
}

INLINE void pack_values(float *to, const float *v, size_t ldv, size_t rows, size_t columns)
{
    (void)ldv, (void)rows;
    _mm256_store_ps(to, load_part(v, columns));
}

INLINE void pack_weights(float *w, size_t n)
{
    (void)w, (void)n;
}

#    include "tensor/simd_attention.inc"
#endif
