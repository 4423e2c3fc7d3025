/* SPDX-License-Identifier: MIT */
/* The kernels of panels.h with AVX2. Four columns by two vectors keep 8 sums, two vectors and one
 * factor in 11 of the 16 registers. */
#include "tensor/panels.h"
#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    include "tensor/simd_avx2.h"

#    define VEC        __m256
#    define TILE_VECS  2
#    define vec_zero   _mm256_setzero_ps
#    define vec_load   _mm256_loadu_ps
#    define vec_store  _mm256_storeu_ps
#    define vec_splat  _mm256_set1_ps
#    define vec_sub    _mm256_sub_ps
#    define vec_mul    _mm256_mul_ps
#    define vec_fma    _mm256_fmadd_ps
#    define WIDE       __m256d
#    define WIDE_LANES 4
#    define wide_zero  _mm256_setzero_pd
#    define wide_load  _mm256_loadu_pd
#    define wide_store _mm256_storeu_pd
#    define wide_splat _mm256_set1_pd
#    define wide_fma   _mm256_fmadd_pd
#    define wide_sum   wide_sum_of
#    define SQUARES    cs_panel_squares_avx2
#    define DEFLATE    cs_panel_deflate_avx2
#    define DOT        cs_rows_dot_avx2
#    define ADD        cs_rows_add_avx2

#    include "tensor/simd_panels.inc"
#else
typedef int cs_simd_avx2_panels_is_not_built; /* ISO C forbids an empty file */
#endif
