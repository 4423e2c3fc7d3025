/* SPDX-License-Identifier: MIT */
/* The inner loops of resampling: plain C, and the same with AVX2. Pillow's arithmetic is of 32-bit
 * integers (8-bit samples times 22-bit weights, one half added first), so the order of the
 * additions does not matter and all levels agree to the last bit. */
#include <stdlib.h>
#include <string.h>

#include "image/resize.h"

#if defined(__x86_64__) && defined(__GNUC__)
#    include <immintrin.h>
#    define WITH_AVX2 1
#else
#    define WITH_AVX2 0
#endif

#define FRACTION 22
#define HALF     (1 << (FRACTION - 1))

#if defined(__GNUC__)
#    define EVERYWHERE static inline __attribute__((always_inline))
#else
#    define EVERYWHERE static inline
#endif

EVERYWHERE unsigned char clip8(int32_t sum)
{
    const int32_t value = sum >> FRACTION;
    return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

EVERYWHERE void row1(unsigned char *out, const unsigned char *in, const cs_weights *weights)
{
    int i, j;
    for (i = 0; i < weights->count; i++) {
        const int32_t *weight = weights->fixed + (size_t)i * (size_t)weights->room;
        const unsigned char *from = in + weights->min[i];
        const int taps = weights->max[i] - weights->min[i];
        int32_t sum = HALF;
        for (j = 0; j < taps; j++)
            sum += from[j] * weight[j];
        out[i] = clip8(sum);
    }
}

EVERYWHERE void add(int32_t *restrict sums, const unsigned char *restrict row, size_t count,
                    int32_t weight)
{
    size_t i;
    for (i = 0; i < count; i++)
        sums[i] += row[i] * weight;
}

EVERYWHERE void clip(unsigned char *restrict out, const int32_t *restrict sums, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++)
        out[i] = clip8(sums[i]);
}

static void row4_generic(unsigned char *out, const unsigned char *in, const cs_weights *weights)
{
    int i, j;
    for (i = 0; i < weights->count; i++) {
        const int32_t *weight = weights->fixed + (size_t)i * (size_t)weights->room;
        const unsigned char *from = in + 4 * (size_t)weights->min[i];
        const int taps = weights->max[i] - weights->min[i];
        int32_t sum[4] = {HALF, HALF, HALF, HALF};
        for (j = 0; j < taps; j++) {
            sum[0] += from[4 * j] * weight[j];
            sum[1] += from[4 * j + 1] * weight[j];
            sum[2] += from[4 * j + 2] * weight[j];
            sum[3] += from[4 * j + 3] * weight[j];
        }
        clip(out + 4 * (size_t)i, sum, 4);
    }
}

static void row1_generic(unsigned char *out, const unsigned char *in, const cs_weights *weights)
{
    row1(out, in, weights);
}

static void add_generic(int32_t *restrict sums, const unsigned char *restrict row, size_t count,
                        int32_t weight)
{
    add(sums, row, count, weight);
}

static void clip_generic(unsigned char *restrict out, const int32_t *restrict sums, size_t count)
{
    clip(out, sums, count);
}

const cs_resize_kernels cs_resize_generic = {row4_generic, row1_generic, add_generic, clip_generic};

#if WITH_AVX2

#    define AVX2 __attribute__((target("avx2")))

/* Two pixels a step: their 8 samples times one weight four times and the next four times. A last
 * single pixel meets a weight of 0 beside it, and bytes that are readable but not part of the row.
 */
AVX2 static void row4_avx2(unsigned char *out, const unsigned char *in, const cs_weights *weights)
{
    const __m256i twice = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    int i, j;
    for (i = 0; i < weights->count; i++) {
        const int32_t *weight = weights->fixed + (size_t)i * (size_t)weights->room;
        const unsigned char *from = in + 4 * (size_t)weights->min[i];
        const int taps = weights->max[i] - weights->min[i];
        __m256i sums = _mm256_setzero_si256();
        __m128i sum;
        int packed;
        for (j = 0; j < taps; j += 2) {
            const __m128i two = _mm_loadl_epi64((const __m128i *)(const void *)(weight + j));
            const __m128i pixels = _mm_loadl_epi64((const __m128i *)(const void *)(from + 4 * j));
            const __m256i factor = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(two), twice);
            sums = _mm256_add_epi32(sums, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(pixels), factor));
        }
        sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(HALF)), FRACTION);
        sum = _mm_packs_epi32(sum, sum);
        packed = _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
        memcpy(out + 4 * (size_t)i, &packed, 4);
    }
}

AVX2 static void row1_avx2(unsigned char *out, const unsigned char *in, const cs_weights *weights)
{
    row1(out, in, weights);
}

AVX2 static void add_avx2(int32_t *restrict sums, const unsigned char *restrict row, size_t count,
                          int32_t weight)
{
    add(sums, row, count, weight);
}

AVX2 static void clip_avx2(unsigned char *restrict out, const int32_t *restrict sums, size_t count)
{
    clip(out, sums, count);
}

static const cs_resize_kernels with_avx2 = {row4_avx2, row1_avx2, add_avx2, clip_avx2};

#endif

const cs_resize_kernels *cs_resize_best(void)
{
#if WITH_AVX2
    const char *level = getenv("CLIPSPAN_CPU");
    if ((!level || strcmp(level, "generic") != 0) && __builtin_cpu_supports("avx2"))
        return &with_avx2;
#endif
    return &cs_resize_generic;
}
