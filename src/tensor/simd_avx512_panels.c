/* SPDX-License-Identifier: MIT */
/* The kernels of panels.h with AVX-512. Four columns by four vectors keep 16 sums, four vectors and
 * one factor in 21 of the 32 registers. */
#include "tensor/panels.h"
#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    include "tensor/simd_avx512.h"

#    define VEC        __m512
#    define TILE_VECS  4
#    define vec_zero   _mm512_setzero_ps
#    define vec_load   _mm512_loadu_ps
#    define vec_store  _mm512_storeu_ps
#    define vec_splat  _mm512_set1_ps
#    define vec_sub    _mm512_sub_ps
#    define vec_mul    _mm512_mul_ps
#    define vec_fma    _mm512_fmadd_ps
#    define WIDE       __m512d
#    define WIDE_LANES 8
#    define wide_zero  _mm512_setzero_pd
#    define wide_load  _mm512_loadu_pd
#    define wide_store _mm512_storeu_pd
#    define wide_splat _mm512_set1_pd
#    define wide_fma   _mm512_fmadd_pd
#    define wide_sum   _mm512_reduce_add_pd
#    define SQUARES    cs_panel_squares_avx512
#    define DEFLATE    cs_panel_deflate_avx512
#    define DOT        cs_rows_dot_avx512
#    define ADD        cs_rows_add_avx512

#    include "tensor/simd_panels.inc"
#else
typedef int cs_simd_avx512_panels_is_not_built; /* ISO C forbids an empty file */
#endif
