/* SPDX-License-Identifier: MIT */
/* The kernels of simd.h for x86-64 CPUs with AVX-512 (F, BW, DQ, VL). Attention has files of its
 * own. Tails go through lane masks, which neither read nor write what they leave out. */
#include "tensor/panels.h"
#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    include "tensor/simd_avx512.h"

/* Eight floats as doubles; the first count of them and zeros. */
INLINE __m512d wide_part(const float *x, size_t count)
{
    __m256 some = _mm256_maskz_loadu_ps((__mmask8)lanes_of(count), x);
    return _mm512_cvtps_pd(some);
}

/* y = ((x - high) inverse + low) gain + bias for one row. The mean goes off in two floats, of which
 * the first leaves x exactly or nearly so: a mean far above the spread costs no accuracy. */
INLINE void layer_norm_row(float *y, uint16_t *y_bf16, const float *x, size_t width,
                           const float *gain, const float *bias, float eps)
{
    __m512d sum0 = _mm512_setzero_pd(), sum1 = sum0, square0 = sum0, square1 = sum0;
    const size_t whole = width / LANES * LANES;
    for (size_t d = 0; d < whole; d += LANES) {
        sum0 = _mm512_add_pd(sum0, _mm512_cvtps_pd(_mm256_loadu_ps(x + d)));
        sum1 = _mm512_add_pd(sum1, _mm512_cvtps_pd(_mm256_loadu_ps(x + d + 8)));
    }
    for (size_t d = whole; d < width; d += 8)
        sum0 = _mm512_add_pd(sum0, wide_part(x + d, width - d));
    const double mean = _mm512_reduce_add_pd(_mm512_add_pd(sum0, sum1)) / (double)width;

    const __m512d middle = _mm512_set1_pd(mean);
    for (size_t d = 0; d < whole; d += LANES) {
        __m512d c0 = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(x + d)), middle);
        __m512d c1 = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(x + d + 8)), middle);
        square0 = _mm512_fmadd_pd(c0, c0, square0);
        square1 = _mm512_fmadd_pd(c1, c1, square1);
    }
    for (size_t d = whole; d < width; d += 8) {
        __mmask8 lanes = (__mmask8)lanes_of(width - d);
        __m512d c = _mm512_maskz_sub_pd(lanes, wide_part(x + d, width - d), middle);
        square0 = _mm512_fmadd_pd(c, c, square0);
    }
    const double squares = _mm512_reduce_add_pd(_mm512_add_pd(square0, square1));
    const double inverse = 1.0 / sqrt(squares / (double)width + (double)eps);

    const __m512 high = _mm512_set1_ps((float)mean), scale = _mm512_set1_ps((float)inverse);
    const __m512 low = _mm512_set1_ps((float)(((double)(float)mean - mean) * inverse));
    for (size_t d = 0; d < width; d += LANES) {
        const size_t some = width - d;
        __m512 c = _mm512_sub_ps(load_part(x + d, some), high);
        c = _mm512_fmadd_ps(c, scale, low);
        c = _mm512_fmadd_ps(c, load_part(gain + d, some), load_part(bias + d, some));
        if (y)
            store_part(y + d, some, c);
        else
            store_half_part(y_bf16 + d, some, bf16_of(c));
    }
}

TARGET static void layer_norm(float *y, size_t ldy, const float *x, size_t ldx, size_t rows,
                              size_t width, const float *gain, const float *bias, float eps)
{
    for (size_t i = 0; i < rows; i++)
        layer_norm_row(y + i * ldy, NULL, x + i * ldx, width, gain, bias, eps);
}

TARGET static void layer_norm_bf16(uint16_t *y, size_t ldy, const float *x, size_t ldx, size_t rows,
                                   size_t width, const float *gain, const float *bias, float eps)
{
    for (size_t i = 0; i < rows; i++)
        layer_norm_row(NULL, y + i * ldy, x + i * ldx, width, gain, bias, eps);
}

/* x Phi(x) = max(x, 0) - t Phi(-t), t = |x|, and t Phi(-t) = t / 2 * 2^(-t r(t)): the logarithm of
 * the normal tail is smooth, so one polynomial r serves all of 0 to 8 (weighted minimax; 6e-9 of
 * t Phi(-t) where that counts). Beyond 8 the tail is below 1e-14 and taken as 0. */
INLINE __m512 gelu_of(__m512 x)
{
    const __m512 zero = _mm512_setzero_ps(), end = _mm512_set1_ps(8.0f);
    __m512 t = _mm512_abs_ps(x);
    __mmask16 tail = _mm512_cmp_ps_mask(t, end, _CMP_LT_OQ);
    __m512 r = _mm512_set1_ps(-0x1.21031ap-29f);
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(0x1.6c5fc4p-24f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(-0x1.8f2f36p-20f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(0x1.f121a4p-17f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(-0x1.7b27c2p-14f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(0x1.44ef4cp-12f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(-0x1.3cf0dcp-15f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(-0x1.c5a9b0p-8f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(0x1.ad8cb8p-5f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(0x1.d63ddap-2f));
    r = _mm512_fmadd_ps(r, t, _mm512_set1_ps(0x1.26aec8p+0f));
    __m512 power = exp2_of(_mm512_mul_ps(_mm512_sub_ps(zero, t), r));
    __m512 below = _mm512_maskz_mul_ps(tail, _mm512_mul_ps(_mm512_set1_ps(0.5f), t), power);
    return _mm512_sub_ps(_mm512_max_ps(zero, x), below);
}

/* The clamp gives the limit at minus infinity, where the quotient would be NaN. */
INLINE __m512 quick_gelu_of(__m512 x)
{
    __m512 e = exp2_of(_mm512_mul_ps(x, _mm512_set1_ps(-1.702f * LOG2_E)));
    __m512 c = _mm512_max_ps(_mm512_set1_ps(-1e30f), x);
    return _mm512_div_ps(c, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

/* x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3))); the clamp as above. */
INLINE __m512 tanh_gelu_of(__m512 x)
{
    __m512 c = _mm512_max_ps(_mm512_set1_ps(-10.0f), x);
    __m512 cubic = _mm512_fmadd_ps(_mm512_mul_ps(c, c), _mm512_set1_ps(0.044715f * -1.5957691f),
                                   _mm512_set1_ps(-1.5957691f));
    __m512 e = exp2_of(_mm512_mul_ps(_mm512_mul_ps(c, cubic), _mm512_set1_ps(LOG2_E)));
    return _mm512_div_ps(c, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

TARGET static void tanh_gelu(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        store_part(y + i, count - i, tanh_gelu_of(load_part(x + i, count - i)));
}

TARGET static void gelu(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        store_part(y + i, count - i, gelu_of(load_part(x + i, count - i)));
}

TARGET static void quick_gelu(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        store_part(y + i, count - i, quick_gelu_of(load_part(x + i, count - i)));
}

TARGET static void softmax(float *x, size_t ldx, size_t rows, size_t n)
{
    for (size_t i = 0; i < rows; i++, x += ldx) {
        float sum = exp2_row(x, n, LOG2_E);
        scaled(x, x, n, 1.0f / sum);
    }
}

/* scores[j] = factor q . k_j for `count` keys at once, so that their sums overlap. */
INLINE void path_scores(float *scores, const float *q, const float *k, size_t ldk,
                        const uint32_t *index, size_t head_width, float factor, int count)
{
    const float *key[4];
    __m512 sum[4];
    UNROLL
    for (int j = 0; j < count; j++) {
        key[j] = k + index[j] * ldk;
        sum[j] = _mm512_setzero_ps();
    }
    for (size_t d = 0; d < head_width; d += LANES) {
        const size_t some = head_width - d;
        __m512 a = load_part(q + d, some);
        UNROLL
        for (int j = 0; j < count; j++)
            sum[j] = _mm512_fmadd_ps(a, load_part(key[j] + d, some), sum[j]);
    }
    UNROLL
    for (int j = 0; j < count; j++)
        scores[j] = factor * _mm512_reduce_add_ps(sum[j]);
}

TARGET static void attention_path(float *out, const float *q, const float *k, size_t ldk,
                                  const float *v, size_t ldv, const uint32_t *index, size_t n,
                                  size_t head_width, float scale, float *work)
{
    const float factor = scale * LOG2_E;
    size_t j = 0;
    for (; j + 4 <= n; j += 4)
        path_scores(work + j, q, k, ldk, index + j, head_width, factor, 4);
    for (; j < n; j++)
        path_scores(work + j, q, k, ldk, index + j, head_width, factor, 1);
    const __m512 share = _mm512_set1_ps(1.0f / exp2_row(work, n, 1.0f));
    for (size_t d = 0; d < head_width; d += LANES) {
        const size_t some = head_width - d;
        __m512 sum = _mm512_setzero_ps();
        for (j = 0; j < n; j++)
            sum = _mm512_fmadd_ps(_mm512_set1_ps(work[j]), load_part(v + index[j] * ldv + d, some),
                                  sum);
        store_part(out + d, some, _mm512_mul_ps(sum, share));
    }
}

TARGET static void add(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        const size_t some = count - i;
        store_part(y + i, some, _mm512_add_ps(load_part(y + i, some), load_part(x + i, some)));
    }
}

TARGET static double norm(const float *x, size_t count)
{
    __m512d sum0 = _mm512_setzero_pd(), sum1 = sum0;
    const size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        __m512d a = _mm512_cvtps_pd(_mm256_loadu_ps(x + i));
        __m512d b = _mm512_cvtps_pd(_mm256_loadu_ps(x + i + 8));
        sum0 = _mm512_fmadd_pd(a, a, sum0);
        sum1 = _mm512_fmadd_pd(b, b, sum1);
    }
    for (size_t i = whole; i < count; i += 8) {
        __m512d a = wide_part(x + i, count - i);
        sum0 = _mm512_fmadd_pd(a, a, sum0);
    }
    return sqrt(_mm512_reduce_add_pd(_mm512_add_pd(sum0, sum1)));
}

TARGET static void f32_from_f16(float *y, const uint16_t *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        store_part(y + i, count - i, _mm512_cvtph_ps(load_half_part(x + i, count - i)));
}

TARGET static void f32_from_bf16(float *y, const uint16_t *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        __m512i half = _mm512_cvtepu16_epi32(load_half_part(x + i, count - i));
        store_part(y + i, count - i, _mm512_castsi512_ps(_mm512_slli_epi32(half, 16)));
    }
}

TARGET static void bf16_from_f32(uint16_t *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        store_half_part(y + i, count - i, bf16_of(load_part(x + i, count - i)));
}

/* Classes of vfpclassps: quiet and signalling NaN, the two infinities, denormal. */
#    define IS_NAN      0x81
#    define IS_INFINITE 0x18
#    define IS_DENORMAL 0x20
#    define IS_ODD      (IS_NAN | IS_INFINITE | IS_DENORMAL)

INLINE void count_classes(uint64_t counts[3], __m512 x)
{
    counts[0] += (uint64_t)__builtin_popcount(_mm512_fpclass_ps_mask(x, IS_NAN));
    counts[1] += (uint64_t)__builtin_popcount(_mm512_fpclass_ps_mask(x, IS_INFINITE));
    counts[2] += (uint64_t)__builtin_popcount(_mm512_fpclass_ps_mask(x, IS_DENORMAL));
}

/* Weights are nearly all ordinary: four vectors share one test. */
TARGET static void count_odd(uint64_t counts[3], const float *x, size_t count)
{
    size_t i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES) {
        __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + LANES);
        __m512 c = _mm512_loadu_ps(x + i + 2 * LANES), d = _mm512_loadu_ps(x + i + 3 * LANES);
        __mmask16 ab =
            _kor_mask16(_mm512_fpclass_ps_mask(a, IS_ODD), _mm512_fpclass_ps_mask(b, IS_ODD));
        __mmask16 cd =
            _kor_mask16(_mm512_fpclass_ps_mask(c, IS_ODD), _mm512_fpclass_ps_mask(d, IS_ODD));
        if (_kortestz_mask16_u8(ab, cd)) continue;
        count_classes(counts, a);
        count_classes(counts, b);
        count_classes(counts, c);
        count_classes(counts, d);
    }
    for (; i < count; i += LANES)
        count_classes(counts, load_part(x + i, count - i));
}

#    define KERNELS                                                                                \
        .level = CS_AVX512, .name = "avx512", .layer_norm = layer_norm,                            \
        .layer_norm_bf16 = layer_norm_bf16, .gelu = gelu, .quick_gelu = quick_gelu,                \
        .tanh_gelu = tanh_gelu, .softmax = softmax, .attention = cs_attention_avx512,              \
        .attention_path = attention_path, .add = add, .norm = norm, .f32_from_f16 = f32_from_f16,  \
        .f32_from_bf16 = f32_from_bf16, .bf16_from_f32 = bf16_from_f32, .count_odd = count_odd,    \
        .panel_squares = cs_panel_squares_avx512, .panel_deflate = cs_panel_deflate_avx512,        \
        .rows_dot = cs_rows_dot_avx512, .rows_add = cs_rows_add_avx512

const cs_simd *cs_simd_table_avx512(int has_bf16)
{
    static const cs_simd plain = {KERNELS};
    static const cs_simd with_bf16 = {KERNELS, .attention_bf16 = cs_attention_avx512_bf16};
    return has_bf16 ? &with_bf16 : &plain;
}
#else
const cs_simd *cs_simd_table_avx512(int has_bf16)
{
    (void)has_bf16;
    return NULL;
}
#endif
