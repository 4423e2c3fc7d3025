/* SPDX-License-Identifier: MIT */
/* Every kernel at every level against the generic one, over odd sizes and so odd addresses (arrays
 * end at a fence, see fence.h), strides and special values; and the generic kernels against
 * formulas and identities that do not need them. A level that this CPU lacks is skipped by name.
 * Tolerances are those of simd.h, where their reasons stand. */
#include "base/memory.h"
#include "fence.h"
#include "tensor/simd.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const size_t sizes[] = {96, 197, 257, 768, 1000};

/* The i-th size to try: 1 to 70, then the list above; 0 at the end. */
static size_t size_at(size_t i)
{
    if (i < 70) return i + 1;
    return i - 70 < COUNT(sizes) ? sizes[i - 70] : 0;
}

/* The next level above generic that this CPU has. */
static const cs_simd *next_level(int *level)
{
    while (++*level <= CS_AVX512) {
        const cs_simd *table = cs_simd_get((cs_level)*level);
        if (table) return table;
        print_message("level %d: not on this CPU, skipped\n", *level);
    }
    return NULL;
}

#define EACH_LEVEL(s)                                                                              \
    int level_ = CS_GENERIC;                                                                       \
    for (const cs_simd *s; (s = next_level(&level_));)

static uint64_t seed = 1;

/* Uniform in [-1, 1). */
static float chance(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(seed >> 40) * 0x1p-23 - 1.0);
}

static float *chances(size_t count, float factor, float offset)
{
    float *x = fence_new(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = offset + factor * chance();
    return x;
}

static float *copied(const float *x, size_t count)
{
    float *y = fence_new(count, sizeof *y);
    memcpy(y, x, count * sizeof *y);
    return y;
}

static float of_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double ulp_of(double x)
{
    float f = fabsf((float)x);
    return f < FLT_MIN ? 0x1p-149 : (double)(nextafterf(f, INFINITY) - f);
}

/* Both not a number, the same infinity, or within `ulps` of a or `absolute`. */
static void assert_near(double a, double b, double ulps, double absolute)
{
    if ((isnan(a) && isnan(b)) || a == b) return;
    if (fabs(a - b) <= fmax(ulps * ulp_of(a), absolute)) return;
    fail_msg("expected %.9g, found %.9g", a, b);
}

/* --- LayerNorm --- */

/* Rows that try a kernel: ordinary, far from zero, huge, tiny, constant, one odd one out. */
static float *norm_rows(size_t width, size_t ld)
{
    static const float factor[] = {1.0f, 1.0f, 1e30f, 1e-18f, 0.0f, 1.0f};
    static const float offset[] = {0.1f, 1e4f, 0.0f, 1e-18f, 3.3f, 0.0f};
    float *x = fence_new(5 * ld + width, sizeof *x);
    for (size_t i = 0; i < 6; i++)
        for (size_t d = 0; d < (i < 5 ? ld : width); d++)
            x[i * ld + d] = offset[i] + factor[i] * chance();
    x[5 * ld] = 1e6f;
    return x;
}

static void layer_norm_is_near_generic(void **state)
{
    const cs_simd *g = cs_simd_get(CS_GENERIC);
    (void)state;
    EACH_LEVEL(s)
    {
        for (size_t k = 0, width; (width = size_at(k)); k++) {
            const size_t ld = width + 3, all = 5 * ld + width;
            float *x = norm_rows(width, ld), *gain = chances(width, 0.5f, 1.0f);
            float *bias = chances(width, 0.2f, 0.0f);
            float *a = copied(x, all), *b = copied(x, all);
            uint16_t *half = fence_new(all, sizeof *half);
            memset(half, 0, all * sizeof *half);
            g->layer_norm(a, ld, x, ld, 6, width, gain, bias, 1e-5f);
            s->layer_norm(b, ld, b, ld, 6, width, gain, bias, 1e-5f); /* in place */
            s->layer_norm_bf16(half, ld, x, ld, 6, width, gain, bias, 1e-5f);
            for (size_t i = 0; i < 6; i++) {
                double error = 0.0, size = 0.0;
                for (size_t d = 0; d < width; d++) {
                    double y = (double)a[i * ld + d], e = y - (double)b[i * ld + d];
                    error += e * e;
                    size += y * y;
                    /* One bf16 step of y, and what cancels against the bias. */
                    assert_near(y, (double)of_bf16(half[i * ld + d]), 0.0,
                                0x1p-8 * 1.001 * fabs(y) + 2e-6);
                }
                assert_true(sqrt(error) <= 4e-7 * sqrt(size));
                for (size_t d = width; d < ld && i < 5; d++) {
                    assert_true(b[i * ld + d] == x[i * ld + d]);
                    assert_int_equal(half[i * ld + d], 0);
                }
            }
            fence_free(x), fence_free(gain), fence_free(bias);
            fence_free(a), fence_free(b), fence_free(half);
        }
    }
}

static void layer_norm_of_a_constant_row_is_the_bias(void **state)
{
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t width = 1; s && width < 70; width++) {
            float *x = chances(width, 0.0f, 1234.567f), *gain = chances(width, 1.0f, 0.0f);
            float *bias = chances(width, 1.0f, 0.0f), *y = fence_new(width, sizeof *y);
            s->layer_norm(y, width, x, width, 1, width, gain, bias, 1e-5f);
            assert_memory_equal(y, bias, width * sizeof *y);
            x[width / 2] = NAN;
            s->layer_norm(y, width, x, width, 1, width, gain, bias, 1e-5f);
            for (size_t d = 0; d < width; d++)
                assert_true(isnan(y[d]));
            fence_free(x), fence_free(gain), fence_free(bias), fence_free(y);
        }
    }
}

static void layer_norm_gives_mean_0_and_variance_1(void **state)
{
    const cs_simd *g = cs_simd_get(CS_GENERIC);
    (void)state;
    const size_t width = 768;
    float *x = chances(width, 3.0f, 100.0f), *gain = chances(width, 0.0f, 1.0f);
    float *bias = chances(width, 0.0f, 0.0f), *y = fence_new(width, sizeof *y);
    double sum = 0.0, squares = 0.0;
    g->layer_norm(y, width, x, width, 1, width, gain, bias, 0.0f);
    for (size_t d = 0; d < width; d++) {
        sum += (double)y[d];
        squares += (double)y[d] * (double)y[d];
    }
    assert_true(fabs(sum / (double)width) < 1e-7);
    assert_true(fabs(squares / (double)width - 1.0) < 1e-6);
    fence_free(x), fence_free(gain), fence_free(bias), fence_free(y);
}

/* --- activations --- */

static const float odd_values[] = {0.0f,   -0.0f,  1e-40f, -1e-40f, FLT_MIN,  -FLT_MIN, 1e-7f,
                                   -1e-7f, 5.3f,   -5.3f,  7.999f,  -7.999f,  8.0f,     -8.0f,
                                   40.0f,  -40.0f, -52.2f, -64.5f,  88.0f,    -104.0f,  1e30f,
                                   -1e30f, 3e38f,  -3e38f, NAN,     INFINITY, -INFINITY};

static double exact_gelu(double x)
{
    return x < -40.0 ? 0.0 : 0.5 * x * erfc(-x / sqrt(2.0));
}

static double exact_quick_gelu(double x)
{
    return x < -400.0 ? 0.0 : x / (1.0 + exp(-1.702 * x));
}

static double exact_tanh_gelu(double x)
{
    return x < -20.0 ? 0.0
                     : x / (1.0 + exp(-2.0 * sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

static void activations_are_near_the_exact_function(void **state)
{
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t k = 0, count; s && (count = k ? size_at(k - 1) : 40001); k++) {
            float *x = chances(count, 12.0f, 0.0f), *y = fence_new(count, sizeof *y);
            for (size_t i = 0; i < count && i < COUNT(odd_values); i++)
                x[count - 1 - i] = odd_values[i];
            s->gelu(y, x, count);
            for (size_t i = 0; i < count; i++)
                assert_near(exact_gelu((double)x[i]), (double)y[i], 4.0, 1e-7);
            float *in_place = copied(x, count);
            s->gelu(in_place, in_place, count);
            assert_memory_equal(in_place, y, count * sizeof *y);
            s->quick_gelu(y, x, count);
            for (size_t i = 0; i < count; i++)
                assert_near(exact_quick_gelu((double)x[i]), (double)y[i], 4.0, 1e-7);
            s->tanh_gelu(y, x, count);
            for (size_t i = 0; i < count; i++)
                assert_near(exact_tanh_gelu((double)x[i]), (double)y[i], 4.0, 1e-7);
            fence_free(x), fence_free(y), fence_free(in_place);
        }
    }
}

/* --- softmax --- */

static void softmax_is_near_generic_and_sums_to_1(void **state)
{
    const cs_simd *g = cs_simd_get(CS_GENERIC);
    static const float factor[] = {1.0f, 30.0f, 1e30f, 0.0f, 1e-30f};
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t k = 0, n; s && (n = size_at(k)); k++) {
            const size_t ld = n + 2, all = 4 * ld + n;
            float *x = chances(all, 1.0f, 0.0f);
            for (size_t i = 0; i < all; i++)
                x[i] *= factor[i / ld];
            float *a = copied(x, all), *b = copied(x, all);
            g->softmax(a, ld, 5, n);
            s->softmax(b, ld, 5, n);
            for (size_t i = 0; i < 5; i++) {
                double sum = 0.0;
                for (size_t j = 0; j < n; j++) {
                    sum += (double)b[i * ld + j];
                    assert_near((double)a[i * ld + j], (double)b[i * ld + j], 8.0, 1e-9);
                }
                assert_true(fabs(sum - 1.0) < 1e-6);
                for (size_t j = n; j < ld && i < 4; j++)
                    assert_true(b[i * ld + j] == x[i * ld + j]);
            }
            fence_free(x), fence_free(a), fence_free(b);
        }
    }
}

static void softmax_passes_odd_values_through(void **state)
{
    const cs_simd *g = cs_simd_get(CS_GENERIC);
    static const float odd[] = {NAN, INFINITY, -INFINITY, -3e38f, 3e38f};
    (void)state;
    EACH_LEVEL(s)
    {
        for (size_t n = 2; n < 40; n++)
            for (size_t k = 0; k < COUNT(odd); k++)
                for (size_t at = 0; at < n; at++) {
                    float a[40] = {0}, b[40] = {0};
                    a[at] = b[at] = odd[k];
                    a[(at + 1) % n] = b[(at + 1) % n] = 2.0f;
                    g->softmax(a, n, 1, n);
                    s->softmax(b, n, 1, n);
                    for (size_t j = 0; j < n; j++)
                        assert_near((double)a[j], (double)b[j], 8.0, 1e-9);
                }
    }
}

/* --- attention --- */

typedef struct problem {
    size_t n, head_width, queries, ld;
    float *q, *k, *v, *work;
    double v_size, score_size; /* the largest |v| and |scale| |q| |k| */
    float scale;
} problem;

static double largest_norm(const float *x, size_t ld, size_t rows, size_t width)
{
    double most = 0.0;
    for (size_t i = 0; i < rows; i++)
        most = fmax(most, cs_simd_get(CS_GENERIC)->norm(x + i * ld, width));
    return most;
}

static void problem_init(problem *p, size_t n, size_t head_width, size_t queries, float sharp)
{
    const size_t ld = head_width + n % 5;
    *p = (problem){.n = n, .head_width = head_width, .queries = queries, .ld = ld};
    p->scale = sharp / sqrtf((float)head_width);
    p->q = chances((queries - 1) * ld + head_width, 1.0f, 0.0f);
    p->k = chances((n - 1) * ld + head_width, 1.0f, 0.0f);
    p->v = chances((n - 1) * ld + head_width, 2.0f, 0.5f);
    const size_t size = cs_attention_work(n, head_width), lines = (size + 15) / 16 * 16;
    p->work = fence_new(lines, sizeof *p->work); /* whole lines: the start is aligned */
    p->v_size = 2.5;
    p->score_size = (double)p->scale * largest_norm(p->q, ld, queries, head_width) *
                    largest_norm(p->k, ld, n, head_width);
}

static void problem_fini(problem *p)
{
    fence_free(p->q), fence_free(p->k), fence_free(p->v), fence_free(p->work);
}

static void attend(const cs_simd *s, const problem *p, float *out, size_t first, size_t queries,
                   float *row)
{
    s->attention(out, p->head_width, p->q + first * p->ld, p->ld, p->k, p->ld, p->v, p->ld, queries,
                 p->n, p->head_width, p->scale, row, p->work);
}

static void compare_attention(const cs_simd *s, const problem *p)
{
    const size_t all = p->queries * p->head_width;
    float *a = fence_new(all, sizeof *a), *b = fence_new(all, sizeof *b);
    float *row_a = fence_new(p->n, sizeof *a), *row_b = fence_new(p->n, sizeof *b);
    uint16_t *half = fence_new(all, sizeof *half);
    const double error = 2e-6 * (1.0 + p->score_size / 4.0);
    const double coarse = 0x1p-7 * (1.0 + p->score_size);
    attend(cs_simd_get(CS_GENERIC), p, a, 0, p->queries, row_a);
    attend(s, p, b, 0, p->queries, row_b);
    for (size_t i = 0; i < all; i++)
        assert_near((double)a[i], (double)b[i], 0.0, error * p->v_size);
    for (size_t j = 0; j < p->n; j++)
        assert_near((double)row_a[j], (double)row_b[j], 0.0, error);
    if (s->attention_bf16) {
        s->attention_bf16(half, p->head_width, p->q, p->ld, p->k, p->ld, p->v, p->ld, p->queries,
                          p->n, p->head_width, p->scale, row_b, p->work);
        for (size_t i = 0; i < all; i++)
            assert_near((double)a[i], (double)of_bf16(half[i]), 0.0, coarse * p->v_size);
        for (size_t j = 0; j < p->n; j++)
            assert_near((double)row_a[j], (double)row_b[j], 0.0, coarse);
    }
    fence_free(a), fence_free(b), fence_free(row_a), fence_free(row_b), fence_free(half);
}

static void attention_is_near_generic(void **state)
{
    static const size_t widths[] = {1, 3, 8, 16, 17, 33, 40, 64, 65, 88, 104, 512, 1040};
    static const size_t keys[] = {77, 127, 128, 129, 197, 257, 300, 513};
    (void)state;
    EACH_LEVEL(s)
    {
        for (size_t i = 0; i < 70 + COUNT(keys); i++)
            for (size_t w = 0; w < COUNT(widths); w++) {
                if (i < 70 && (i + w) % 3 && i % 16 > 1) continue;
                const size_t n = i < 70 ? i + 1 : keys[i - 70];
                problem p;
                problem_init(&p, n, widths[w], 1 + (n * 7 + w) % 53, w % 2 ? 1.0f : 6.0f);
                compare_attention(s, &p);
                problem_fini(&p);
            }
    }
}

/* Nearly equal weights and values of one sign, the worst for a float32 sum of so many. */
static void attention_takes_the_most_keys(void **state)
{
    (void)state;
    EACH_LEVEL(s)
    {
        problem p;
        problem_init(&p, 65537, 9, 3, 0.1f);
        for (size_t i = 0; i < (p.n - 1) * p.ld + p.head_width; i++)
            p.v[i] = 2.0f + p.v[i] / 5.0f;
        compare_attention(s, &p);
        problem_fini(&p);
    }
}

static void attention_of_a_query_does_not_depend_on_the_others(void **state)
{
    (void)state;
    EACH_LEVEL(s)
    {
        problem p;
        problem_init(&p, 197, 40, 53, 1.0f);
        float *all = fence_new((size_t)53 * 40, sizeof *all), some[9 * 40];
        uint16_t *all_half = fence_new((size_t)53 * 40, sizeof *all_half), some_half[9 * 40];
        attend(s, &p, all, 0, 53, NULL);
        for (size_t queries = 1; queries <= 9; queries++)
            for (size_t first = 0; first + queries <= 53; first++) {
                attend(s, &p, some, first, queries, NULL);
                assert_memory_equal(some, all + first * 40, queries * 40 * sizeof *some);
            }
        if (s->attention_bf16) {
            s->attention_bf16(all_half, 40, p.q, p.ld, p.k, p.ld, p.v, p.ld, 53, 197, 40, p.scale,
                              NULL, p.work);
            for (size_t first = 0; first + 7 <= 53; first++) {
                s->attention_bf16(some_half, 40, p.q + first * p.ld, p.ld, p.k, p.ld, p.v, p.ld, 7,
                                  197, 40, p.scale, NULL, p.work);
                assert_memory_equal(some_half, all_half + first * 40, sizeof(uint16_t) * 7 * 40);
            }
        }
        fence_free(all), fence_free(all_half);
        problem_fini(&p);
    }
}

static void attention_writes_only_its_columns(void **state)
{
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t width = 1; s && width < 40; width++) {
            problem p;
            problem_init(&p, 19, width, 8, 1.0f);
            const size_t ld = width + 7;
            float *out = chances(7 * ld + width, 0.0f, 42.0f);
            s->attention(out, ld, p.q, p.ld, p.k, p.ld, p.v, p.ld, 8, 19, width, p.scale, NULL,
                         p.work);
            for (size_t i = 0; i < 7 * ld + width; i++)
                assert_true(i % ld < width ? out[i] != 42.0f : out[i] == 42.0f);
            fence_free(out);
            problem_fini(&p);
        }
    }
}

static void equal_keys_give_the_mean_of_the_values(void **state)
{
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t n = 1; s && n <= 300; n += n < 40 ? 1 : 37) {
            problem p;
            float out[24 * 3], row[300], path[24];
            uint32_t index[300];
            problem_init(&p, n, 24, 3, 1.0f);
            for (size_t j = 0; j < n; j++) {
                memcpy(p.k + j * p.ld, p.k, 24 * sizeof *p.k);
                index[j] = (uint32_t)(n - 1 - j);
            }
            attend(s, &p, out, 0, 3, row);
            s->attention_path(path, p.q, p.k, p.ld, p.v, p.ld, index, n, 24, p.scale, p.work);
            for (size_t d = 0; d < 24; d++) {
                double mean = 0.0;
                for (size_t j = 0; j < n; j++)
                    mean += (double)p.v[j * p.ld + d] / (double)n;
                for (size_t i = 0; i < 3; i++)
                    assert_near(mean, (double)out[i * 24 + d], 0.0, 5e-6);
                assert_near(mean, (double)path[d], 0.0, 5e-6);
            }
            for (size_t j = 0; j < n; j++)
                assert_near(1.0 / (double)n, (double)row[j], 4.0, 0.0);
            problem_fini(&p);
        }
    }
}

static void attention_keeps_nan_to_its_query(void **state)
{
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        if (!s) continue;
        problem p;
        float clean[30 * 20], out[30 * 20];
        problem_init(&p, 21, 20, 30, 1.0f);
        attend(s, &p, clean, 0, 30, NULL);
        p.q[4 * p.ld + 3] = NAN;
        attend(s, &p, out, 0, 30, NULL);
        for (size_t i = 0; i < 30; i++)
            for (size_t d = 0; d < 20; d++)
                assert_true(i == 4 ? isnan(out[i * 20 + d]) : out[i * 20 + d] == clean[i * 20 + d]);
        problem_fini(&p);
    }
}

static void attention_path_is_attention_of_the_rows_it_names(void **state)
{
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t n = 1; s && n <= 77; n++)
            for (size_t width = 1; width <= 130; width += 1 + width / 3) {
                problem p;
                problem_init(&p, n, width, 1, 3.0f);
                uint32_t *index = fence_new(n, sizeof *index);
                float *out = fence_new(width, sizeof *out), *work = fence_new(n, sizeof *work);
                float *k = fence_new((n - 1) * p.ld + width, sizeof *k);
                float *v = fence_new((n - 1) * p.ld + width, sizeof *v);
                float *expected = fence_new(width, sizeof *expected);
                for (size_t j = 0; j < n; j++) {
                    index[j] = (uint32_t)((j * 5 + 3) % n);
                    memcpy(k + j * p.ld, p.k + index[j] * p.ld, width * sizeof *k);
                    memcpy(v + j * p.ld, p.v + index[j] * p.ld, width * sizeof *v);
                }
                cs_simd_get(CS_GENERIC)
                    ->attention(expected, width, p.q, p.ld, k, p.ld, v, p.ld, 1, n, width, p.scale,
                                NULL, p.work);
                s->attention_path(out, p.q, p.k, p.ld, p.v, p.ld, index, n, width, p.scale, work);
                for (size_t d = 0; d < width; d++)
                    assert_near((double)expected[d], (double)out[d], 0.0,
                                2e-6 * (1.0 + p.score_size / 4.0) * p.v_size);
                fence_free(index), fence_free(out), fence_free(work), fence_free(k);
                fence_free(v), fence_free(expected);
                problem_fini(&p);
            }
    }
}

/* --- sums, conversions, counts --- */

static void add_and_norm_are_near_generic(void **state)
{
    const cs_simd *g = cs_simd_get(CS_GENERIC);
    (void)state;
    EACH_LEVEL(s)
    {
        for (size_t k = 0, count; (count = size_at(k)); k++) {
            float *x = chances(count, k % 2 ? 1e30f : 1.0f, 0.0f), *a = chances(count, 2.0f, 0.0f);
            float *b = copied(a, count);
            g->add(a, x, count);
            s->add(b, x, count);
            assert_memory_equal(a, b, count * sizeof *a);
            assert_true(fabs(g->norm(x, count) / s->norm(x, count) - 1.0) < 1e-14);
            x[count / 2] = INFINITY;
            assert_true(isinf(s->norm(x, count)));
            fence_free(x), fence_free(a), fence_free(b);
        }
    }
}

static void norm_is_pythagorean(void **state)
{
    static const float x[] = {3e30f, 4e30f};
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        if (!s) continue;
        assert_true(fabs(s->norm(x, 2) / 5e30 - 1.0) < 1e-7);
        assert_true(s->norm(x, 0) == 0.0);
    }
}

/* All 65,536 halves, and every count up to 70. */
static void conversions_to_f32_are_exact(void **state)
{
    const cs_simd *g = cs_simd_get(CS_GENERIC);
    (void)state;
    EACH_LEVEL(s)
    {
        for (size_t k = 0, count; (count = k ? size_at(k - 1) : 65536); k++) {
            uint16_t *x = fence_new(count, sizeof *x);
            float *a = fence_new(count, sizeof *a), *b = fence_new(count, sizeof *b);
            for (size_t i = 0; i < count; i++)
                x[i] = (uint16_t)(k ? i * 977 : i);
            g->f32_from_f16(a, x, count);
            s->f32_from_f16(b, x, count);
            assert_memory_equal(a, b, count * sizeof *a);
            g->f32_from_bf16(a, x, count);
            s->f32_from_bf16(b, x, count);
            assert_memory_equal(a, b, count * sizeof *a);
            fence_free(x), fence_free(a), fence_free(b);
        }
    }
}

static void halves_have_the_value_of_their_definition(void **state)
{
    const cs_simd *g = cs_simd_get(CS_GENERIC);
    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        const uint16_t half = (uint16_t)i;
        const int exponent = (int)(i >> 10 & 31), fraction = (int)(i & 1023);
        const double sign = i & 0x8000 ? -1.0 : 1.0;
        double expected =
            sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
        if (exponent == 31) expected = fraction ? (double)NAN : sign * (double)INFINITY;
        float x;
        g->f32_from_f16(&x, &half, 1);
        assert_near(expected, (double)x, 0.0, 0.0);
        assert_true(isnan(x) || !signbit(x) == !(i & 0x8000));
    }
}

static void bf16_rounds_to_nearest_even(void **state)
{
    static const struct {
        uint32_t bits;
        uint16_t half;
    } cases[] = {
        {0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82},
        {0x3f817fff, 0x3f81}, {0x7f7fffff, 0x7f80}, {0x7f800000, 0x7f80}, {0xff800000, 0xff80},
        {0x7f800001, 0x7fc0}, {0xff800001, 0xffc0}, {0x7fffffff, 0x7fff}, {0x80000000, 0x8000},
        {0x00000001, 0x0000}, {0x00008001, 0x0001}, {0x00018000, 0x0002}, {0x807fffff, 0x8080},
    };
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t count = 1; s && count <= 70; count++) {
            float *x = fence_new(count, sizeof *x);
            uint16_t *y = fence_new(count, sizeof *y);
            for (size_t i = 0; i < count; i++)
                memcpy(x + i, &cases[i % COUNT(cases)].bits, sizeof *x);
            s->bf16_from_f32(y, x, count);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(y[i], cases[i % COUNT(cases)].half);
            fence_free(x), fence_free(y);
        }
    }
}

static void bf16_of_many_values_is_the_same_at_all_levels(void **state)
{
    enum { MANY = 1 << 20 };
    float *x = fence_new(MANY, sizeof *x);
    uint16_t *a = fence_new(MANY, sizeof *a), *b = fence_new(MANY, sizeof *b);
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t bits = i * 4099u; /* spread over all of 32 bits */
        memcpy(x + i, &bits, sizeof bits);
    }
    cs_simd_get(CS_GENERIC)->bf16_from_f32(a, x, MANY);
    EACH_LEVEL(s)
    {
        s->bf16_from_f32(b, x, MANY);
        assert_memory_equal(a, b, MANY * sizeof *a);
    }
    fence_free(x), fence_free(a), fence_free(b);
}

static void odd_values_are_counted_wherever_they_are(void **state)
{
    static const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, 1e-40f, -1e-40f, 0x1p-149f};
    static const int kind[] = {0, 0, 1, 1, 2, 2, 2};
    static const float fine[] = {0.0f, -0.0f, 1.0f, FLT_MIN, -FLT_MIN, FLT_MAX, -FLT_MAX};
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        for (size_t count = 1; s && count <= 200; count += count < 70 ? 1 : 13) {
            float *x = fence_new(count, sizeof *x);
            for (size_t at = 0; at < count; at++) {
                uint64_t counts[3] = {100, 200, 300}, expected[3] = {100, 200, 300};
                for (size_t i = 0; i < count; i++)
                    x[i] = fine[i % COUNT(fine)];
                x[at] = odd[at % COUNT(odd)];
                expected[kind[at % COUNT(odd)]]++;
                s->count_odd(counts, x, count);
                assert_memory_equal(counts, expected, sizeof counts);
            }
            uint64_t counts[3] = {0}, expected[3] = {0};
            for (size_t i = 0; i < count; i++) {
                x[i] = odd[i % COUNT(odd)];
                expected[kind[i % COUNT(odd)]]++;
            }
            s->count_odd(counts, x, count);
            assert_memory_equal(counts, expected, sizeof counts);
            fence_free(x);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_norm_is_near_generic),
        cmocka_unit_test(layer_norm_of_a_constant_row_is_the_bias),
        cmocka_unit_test(layer_norm_gives_mean_0_and_variance_1),
        cmocka_unit_test(activations_are_near_the_exact_function),
        cmocka_unit_test(softmax_is_near_generic_and_sums_to_1),
        cmocka_unit_test(softmax_passes_odd_values_through),
        cmocka_unit_test(attention_is_near_generic),
        cmocka_unit_test(attention_takes_the_most_keys),
        cmocka_unit_test(attention_of_a_query_does_not_depend_on_the_others),
        cmocka_unit_test(attention_writes_only_its_columns),
        cmocka_unit_test(equal_keys_give_the_mean_of_the_values),
        cmocka_unit_test(attention_keeps_nan_to_its_query),
        cmocka_unit_test(attention_path_is_attention_of_the_rows_it_names),
        cmocka_unit_test(add_and_norm_are_near_generic),
        cmocka_unit_test(norm_is_pythagorean),
        cmocka_unit_test(conversions_to_f32_are_exact),
        cmocka_unit_test(halves_have_the_value_of_their_definition),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_of_many_values_is_the_same_at_all_levels),
        cmocka_unit_test(odd_values_are_counted_wherever_they_are),
    };
    return cmocka_run_group_tests_name("simd", tests, NULL, NULL);
}
