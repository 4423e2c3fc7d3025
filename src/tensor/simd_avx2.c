/* SPDX-License-Identifier: MIT */
/* The kernels of simd.h for x86-64 CPUs with AVX2, FMA and F16C. Attention has a file of its own.
 * Tails go through lane masks, which neither read nor write what they leave out. */
#include "tensor/panels.h"
#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    include "tensor/simd_avx2.h"

/* Four floats as doubles; the first count of them and zeros. */
INLINE __m256d wide_part(const float *x, size_t count)
{
    return _mm256_cvtps_pd(_mm_maskload_ps(x, _mm256_castsi256_si128(lanes_of(count))));
}

INLINE __m256i bits_of(__m256 x)
{
    return _mm256_castps_si256(x);
}

/* Rounds to bf16, to nearest, ties to even; a NaN keeps its upper bits and becomes quiet. */
INLINE __m128i bf16_of(__m256 x)
{
    __m256i high = _mm256_srli_epi32(bits_of(x), 16);
    __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(bits_of(x), _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i nan = bits_of(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
    __m256i wide = _mm256_blendv_epi8(_mm256_srli_epi32(up, 16), quiet, nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
}

/* y = ((x - high) inverse + low) gain + bias for one row. The mean goes off in two floats, of which
 * the first leaves x exactly or nearly so: a mean far above the spread costs no accuracy. */
INLINE void layer_norm_row(float *y, uint16_t *y_bf16, const float *x, size_t width,
                           const float *gain, const float *bias, float eps)
{
    __m256d sum0 = _mm256_setzero_pd(), sum1 = sum0, square0 = sum0, square1 = sum0;
    const size_t whole = width / LANES * LANES;
    for (size_t d = 0; d < whole; d += LANES) {
        sum0 = _mm256_add_pd(sum0, _mm256_cvtps_pd(_mm_loadu_ps(x + d)));
        sum1 = _mm256_add_pd(sum1, _mm256_cvtps_pd(_mm_loadu_ps(x + d + 4)));
    }
    for (size_t d = whole; d < width; d += 4)
        sum0 = _mm256_add_pd(sum0, wide_part(x + d, width - d));
    const double mean = wide_sum_of(_mm256_add_pd(sum0, sum1)) / (double)width;

    const __m256d middle = _mm256_set1_pd(mean);
    for (size_t d = 0; d < whole; d += LANES) {
        __m256d c0 = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(x + d)), middle);
        __m256d c1 = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(x + d + 4)), middle);
        square0 = _mm256_fmadd_pd(c0, c0, square0);
        square1 = _mm256_fmadd_pd(c1, c1, square1);
    }
    double squares = wide_sum_of(_mm256_add_pd(square0, square1));
    for (size_t d = whole; d < width; d++)
        squares += ((double)x[d] - mean) * ((double)x[d] - mean);
    const double inverse = 1.0 / sqrt(squares / (double)width + (double)eps);

    const __m256 high = _mm256_set1_ps((float)mean), scale = _mm256_set1_ps((float)inverse);
    const __m256 low = _mm256_set1_ps((float)(((double)(float)mean - mean) * inverse));
    for (size_t d = 0; d < width; d += LANES) {
        const size_t count = width - d;
        __m256 c = _mm256_sub_ps(load_part(x + d, count), high);
        c = _mm256_fmadd_ps(c, scale, low);
        c = _mm256_fmadd_ps(c, load_part(gain + d, count), load_part(bias + d, count));
        if (y)
            store_part(y + d, count, c);
        else
            store_half_part(y_bf16 + d, count, bf16_of(c));
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
INLINE __m256 gelu_of(__m256 x)
{
    const __m256 zero = _mm256_setzero_ps(), end = _mm256_set1_ps(8.0f);
    __m256 t = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
    __m256 tail = _mm256_cmp_ps(t, end, _CMP_LT_OQ);
    __m256 r = _mm256_set1_ps(-0x1.21031ap-29f);
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(0x1.6c5fc4p-24f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(-0x1.8f2f36p-20f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(0x1.f121a4p-17f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(-0x1.7b27c2p-14f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(0x1.44ef4cp-12f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(-0x1.3cf0dcp-15f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(-0x1.c5a9b0p-8f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(0x1.ad8cb8p-5f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(0x1.d63ddap-2f));
    r = _mm256_fmadd_ps(r, t, _mm256_set1_ps(0x1.26aec8p+0f));
    __m256 power = exp2_of(_mm256_mul_ps(_mm256_sub_ps(zero, t), r));
    __m256 below = _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5f), t), power);
    return _mm256_sub_ps(_mm256_max_ps(zero, x), _mm256_and_ps(tail, below));
}

/* Below -64 the result is under 1e-36; the clamp also keeps the limit at minus infinity. */
INLINE __m256 quick_gelu_of(__m256 x)
{
    __m256 c = _mm256_max_ps(_mm256_set1_ps(-64.0f), x);
    __m256 e = exp2_of(_mm256_mul_ps(c, _mm256_set1_ps(-1.702f * LOG2_E)));
    return _mm256_div_ps(c, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
}

/* x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3))). Below -10 the result is under 1e-36; the clamp
 * also keeps the limit at minus infinity. */
INLINE __m256 tanh_gelu_of(__m256 x)
{
    __m256 c = _mm256_max_ps(_mm256_set1_ps(-10.0f), x);
    __m256 cubic = _mm256_fmadd_ps(_mm256_mul_ps(c, c), _mm256_set1_ps(0.044715f * -1.5957691f),
                                   _mm256_set1_ps(-1.5957691f));
    __m256 e = exp2_of(_mm256_mul_ps(_mm256_mul_ps(c, cubic), _mm256_set1_ps(LOG2_E)));
    return _mm256_div_ps(c, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
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
    __m256 sum[4];
    UNROLL
    for (int j = 0; j < count; j++) {
        key[j] = k + index[j] * ldk;
        sum[j] = _mm256_setzero_ps();
    }
    for (size_t d = 0; d < head_width; d += LANES) {
        const size_t some = head_width - d;
        __m256 a = load_part(q + d, some);
        UNROLL
        for (int j = 0; j < count; j++)
            sum[j] = _mm256_fmadd_ps(a, load_part(key[j] + d, some), sum[j]);
    }
    UNROLL
    for (int j = 0; j < count; j++)
        scores[j] = factor * sum_of(sum[j]);
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
    const __m256 share = _mm256_set1_ps(1.0f / exp2_row(work, n, 1.0f));
    for (size_t d = 0; d < head_width; d += LANES) {
        const size_t some = head_width - d;
        __m256 sum = _mm256_setzero_ps();
        for (j = 0; j < n; j++)
            sum = _mm256_fmadd_ps(_mm256_broadcast_ss(work + j),
                                  load_part(v + index[j] * ldv + d, some), sum);
        store_part(out + d, some, _mm256_mul_ps(sum, share));
    }
}

TARGET static void add(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        const size_t some = count - i;
        store_part(y + i, some, _mm256_add_ps(load_part(y + i, some), load_part(x + i, some)));
    }
}

TARGET static double norm(const float *x, size_t count)
{
    __m256d sum0 = _mm256_setzero_pd(), sum1 = sum0;
    const size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        __m256d a = _mm256_cvtps_pd(_mm_loadu_ps(x + i));
        __m256d b = _mm256_cvtps_pd(_mm_loadu_ps(x + i + 4));
        sum0 = _mm256_fmadd_pd(a, a, sum0);
        sum1 = _mm256_fmadd_pd(b, b, sum1);
    }
    for (size_t i = whole; i < count; i += 4) {
        __m256d a = wide_part(x + i, count - i);
        sum0 = _mm256_fmadd_pd(a, a, sum0);
    }
    return sqrt(wide_sum_of(_mm256_add_pd(sum0, sum1)));
}

TARGET static void f32_from_f16(float *y, const uint16_t *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        store_part(y + i, count - i, _mm256_cvtph_ps(load_half_part(x + i, count - i)));
}

TARGET static void f32_from_bf16(float *y, const uint16_t *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        __m256i half = _mm256_cvtepu16_epi32(load_half_part(x + i, count - i));
        store_part(y + i, count - i, _mm256_castsi256_ps(_mm256_slli_epi32(half, 16)));
    }
}

TARGET static void bf16_from_f32(uint16_t *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        store_half_part(y + i, count - i, bf16_of(load_part(x + i, count - i)));
}

INLINE uint64_t marked(__m256i lanes)
{
    return (uint64_t)__builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(lanes)));
}

/* The value's bits without the sign, as an integer, say what it is: 1 to 0x7fffff a denormal,
 * 0x7f800000 an infinity, above that NaN. Weights are nearly all ordinary: one test comes first. */
INLINE void count_classes(uint64_t counts[3], __m256 x)
{
    const __m256i infinite = _mm256_set1_epi32(0x7f800000), one = _mm256_set1_epi32(1);
    __m256i size = _mm256_and_si256(bits_of(x), _mm256_set1_epi32(0x7fffffff));
    __m256i small = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x007fffff), _mm256_sub_epi32(size, one));
    __m256i denormal = _mm256_andnot_si256(_mm256_cmpgt_epi32(one, size), small);
    __m256i large = _mm256_cmpgt_epi32(size, _mm256_set1_epi32(0x7f7fffff));
    __m256i odd = _mm256_or_si256(denormal, large);
    if (_mm256_testz_si256(odd, odd)) return;
    counts[0] += marked(_mm256_cmpgt_epi32(size, infinite));
    counts[1] += marked(_mm256_cmpeq_epi32(size, infinite));
    counts[2] += marked(denormal);
}

TARGET static void count_odd(uint64_t counts[3], const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        count_classes(counts, load_part(x + i, count - i));
}

const cs_simd *cs_simd_table_avx2(void)
{
    static const cs_simd table = {
        .level = CS_AVX2,
        .name = "avx2",
        .layer_norm = layer_norm,
        .layer_norm_bf16 = layer_norm_bf16,
        .gelu = gelu,
        .quick_gelu = quick_gelu,
        .tanh_gelu = tanh_gelu,
        .softmax = softmax,
        .attention = cs_attention_avx2,
        .attention_path = attention_path,
        .add = add,
        .norm = norm,
        .f32_from_f16 = f32_from_f16,
        .f32_from_bf16 = f32_from_bf16,
        .bf16_from_f32 = bf16_from_f32,
        .count_odd = count_odd,
        .panel_squares = cs_panel_squares_avx2,
        .panel_deflate = cs_panel_deflate_avx2,
        .rows_dot = cs_rows_dot_avx2,
        .rows_add = cs_rows_add_avx2,
    };
    return &table;
}
#else
const cs_simd *cs_simd_table_avx2(void)
{
    return NULL;
}
#endif
