/* SPDX-License-Identifier: MIT */
/* The kernels of simd.h in plain C: the reference that every other level is tested against. Inner
 * arithmetic is float64 with the C library's exp and erf, rounded to float32 once at the end, so
 * what separates a fast level from this one is the fast level's error. Read this file to learn what
 * a kernel computes. */
#include "tensor/panels.h"
#include "tensor/simd_tables.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint16_t bf16_of(float x)
{
    uint32_t bits = bits_of(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* Mean and 1 / sqrt(var + eps) of one row. */
static void row_moments(double *mean, double *inverse, const float *x, size_t width, float eps)
{
    double sum = 0.0, squares = 0.0;
    for (size_t d = 0; d < width; d++)
        sum += (double)x[d];
    *mean = sum / (double)width;
    for (size_t d = 0; d < width; d++) {
        double c = (double)x[d] - *mean;
        squares += c * c;
    }
    *inverse = 1.0 / sqrt(squares / (double)width + (double)eps);
}

static void layer_norm(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t width,
                       const float *gain, const float *bias, float eps)
{
    for (size_t i = 0; i < rows; i++, x += ldx, y += ldy) {
        double mean, inverse;
        row_moments(&mean, &inverse, x, width, eps);
        for (size_t d = 0; d < width; d++)
            y[d] = (float)(((double)x[d] - mean) * inverse * (double)gain[d] + (double)bias[d]);
    }
}

static void layer_norm_bf16(uint16_t *y, size_t ldy, const float *x, size_t ldx, size_t rows,
                            size_t width, const float *gain, const float *bias, float eps)
{
    for (size_t i = 0; i < rows; i++, x += ldx, y += ldy) {
        double mean, inverse;
        row_moments(&mean, &inverse, x, width, eps);
        for (size_t d = 0; d < width; d++)
            y[d] = bf16_of(
                (float)(((double)x[d] - mean) * inverse * (double)gain[d] + (double)bias[d]));
    }
}

/* erfc keeps the small values on the negative side; the clamp gives the limit at minus infinity,
 * where the product would be infinity times zero. Below it the result is under 1e-300. */
static void gelu(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double c = x[i] < -38.0f ? -38.0 : (double)x[i];
        y[i] = (float)(c * 0.5 * erfc(c * -0.70710678118654752440));
    }
}

static void quick_gelu(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double c = x[i] < -400.0f ? -400.0 : (double)x[i];
        y[i] = (float)(c / (1.0 + exp(-1.702 * c)));
    }
}

/* (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)); below the clamp the result is under 1e-300. */
static void tanh_gelu(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double c = x[i] < -21.0f ? -21.0 : (double)x[i];
        y[i] = (float)(c / (1.0 + exp(-1.59576912160573071176 * (c + 0.044715 * c * c * c))));
    }
}

static void softmax(float *x, size_t ldx, size_t rows, size_t n)
{
    for (size_t i = 0; i < rows; i++, x += ldx) {
        double top = -(double)INFINITY, sum = 0.0;
        for (size_t j = 0; j < n; j++)
            if ((double)x[j] > top) top = (double)x[j];
        for (size_t j = 0; j < n; j++)
            sum += exp((double)x[j] - top);
        for (size_t j = 0; j < n; j++)
            x[j] = (float)(exp((double)x[j] - top) / sum);
    }
}

/* Softmax of n scores, in place. */
static void soften(double *scores, size_t n)
{
    double top = -(double)INFINITY, sum = 0.0;
    for (size_t j = 0; j < n; j++)
        if (scores[j] > top) top = scores[j];
    for (size_t j = 0; j < n; j++) {
        scores[j] = exp(scores[j] - top);
        sum += scores[j];
    }
    for (size_t j = 0; j < n; j++)
        scores[j] /= sum;
}

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void attention(float *out, size_t ldo, const float *q, size_t ldq, const float *k,
                      size_t ldk, const float *v, size_t ldv, size_t queries, size_t n,
                      size_t head_width, float scale, float *row, float *work)
{
    double *weights = (double *)(void *)work, *sums = weights + n;
    for (size_t i = 0; i < queries; i++) {
        for (size_t j = 0; j < n; j++)
            weights[j] = (double)scale * dot(q + i * ldq, k + j * ldk, head_width);
        soften(weights, n);
        for (size_t j = 0; i == 0 && row && j < n; j++)
            row[j] = (float)weights[j];
        for (size_t d = 0; d < head_width; d++)
            sums[d] = 0.0;
        for (size_t j = 0; j < n; j++)
            for (size_t d = 0; d < head_width; d++)
                sums[d] += weights[j] * (double)v[j * ldv + d];
        for (size_t d = 0; d < head_width; d++)
            out[i * ldo + d] = (float)sums[d];
    }
}

/* The largest score is found first, then each weight is used where it arises, so that one float a
 * key is work space enough. */
static void attention_path(float *out, const float *q, const float *k, size_t ldk, const float *v,
                           size_t ldv, const uint32_t *index, size_t n, size_t head_width,
                           float scale, float *work)
{
    double top = -(double)INFINITY, sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        double score = (double)scale * dot(q, k + index[j] * ldk, head_width);
        if (score > top) top = score;
    }
    for (size_t j = 0; j < n; j++) {
        double weight = exp((double)scale * dot(q, k + index[j] * ldk, head_width) - top);
        work[j] = (float)weight;
        sum += weight;
    }
    for (size_t d = 0; d < head_width; d++) {
        double mixed = 0.0;
        for (size_t j = 0; j < n; j++)
            mixed += (double)work[j] * (double)v[index[j] * ldv + d];
        out[d] = (float)(mixed / sum);
    }
}

static void add(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += x[i];
}

static double norm(const float *x, size_t count)
{
    return sqrt(dot(x, x, count));
}

/* A half is sign, 5 bits of exponent (bias 15), 10 of fraction; the exponent's range fits float32,
 * so its denormals become normal. */
static void f32_from_f16(float *y, const uint16_t *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t sign = (uint32_t)(x[i] & 0x8000u) << 16;
        uint32_t exponent = x[i] >> 10 & 0x1fu, fraction = x[i] & 0x3ffu;
        if (exponent == 0x1f) {
            uint32_t quiet = fraction ? 0x400000u : 0u;
            y[i] = float_of(sign | 0x7f800000u | quiet | fraction << 13);
        } else if (exponent == 0) {
            y[i] = float_of(sign | bits_of((float)fraction * 0x1p-24f));
        } else {
            y[i] = float_of(sign | (exponent + 112u) << 23 | fraction << 13);
        }
    }
}

static void f32_from_bf16(float *y, const uint16_t *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = float_of((uint32_t)x[i] << 16);
}

static void bf16_from_f32(uint16_t *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = bf16_of(x[i]);
}

static void count_odd(uint64_t counts[3], const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t size = bits_of(x[i]) & 0x7fffffffu;
        counts[0] += size > 0x7f800000u;
        counts[1] += size == 0x7f800000u;
        counts[2] += size != 0 && size < 0x00800000u;
    }
}

const cs_simd *cs_simd_table_generic(void)
{
    static const cs_simd table = {
        .level = CS_GENERIC,
        .name = "generic",
        .layer_norm = layer_norm,
        .layer_norm_bf16 = layer_norm_bf16,
        .gelu = gelu,
        .quick_gelu = quick_gelu,
        .tanh_gelu = tanh_gelu,
        .softmax = softmax,
        .attention = attention,
        .attention_path = attention_path,
        .add = add,
        .norm = norm,
        .f32_from_f16 = f32_from_f16,
        .f32_from_bf16 = f32_from_bf16,
        .bf16_from_f32 = bf16_from_f32,
        .count_odd = count_odd,
        .panel_squares = cs_panel_squares_generic,
        .panel_deflate = cs_panel_deflate_generic,
        .rows_dot = cs_rows_dot_generic,
        .rows_add = cs_rows_add_generic,
    };
    return &table;
}
