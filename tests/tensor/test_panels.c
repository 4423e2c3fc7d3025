/* SPDX-License-Identifier: MIT */
/* Kernels over panels and float64 rows: generic against their formulas, the other levels against
 * generic, arrays ending at a fence. Tolerances are those of simd.h. */
#include "fence.h"
#include "tensor/panels.h"
#include "tensor/simd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 5;

/* Uniform in [-1, 1). */
static double chance(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) * 0x1p-52 - 1.0;
}

static float *floats(size_t count)
{
    float *x = fence_new(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)chance();
    return x;
}

static double *doubles(size_t count)
{
    double *x = fence_new(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = chance();
    return x;
}

static const size_t heights[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 19, 35, 67, 83};

#define EACH(k, list) for (size_t k = 0; k < sizeof(list) / sizeof *(list); k++)

static void squares_are_those_of_the_factor(void **state)
{
    (void)state;
    EACH(k, heights)
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        size_t rows = heights[k], ldf = CS_PANEL_STRIDE(rows), panels = 3;
        float *x, *f, *v;
        if (!simd) continue;
        x = floats(panels * rows * CS_PANEL), f = floats(rows * ldf), v = floats(panels * CS_PANEL);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = i + 1; j < ldf; j++)
                f[i * ldf + j] = 0.0f;
        simd->panel_squares(v, x, panels, rows, f);
        for (size_t i = 0; i < panels * CS_PANEL; i++) {
            const float *vector = x + i / CS_PANEL * rows * CS_PANEL + i % CS_PANEL;
            double expected = 0.0;
            for (size_t j = 0; j < rows; j++) {
                double sum = 0.0;
                for (size_t l = 0; l < rows; l++)
                    sum += (double)f[l * ldf + j] * (double)vector[l * CS_PANEL];
                expected += sum * sum;
            }
            assert_true(fabs((double)v[i] - expected) <=
                        0x1p-23 * ((double)rows + 1.0) * (expected + 0.1));
        }
        fence_free(x), fence_free(f), fence_free(v);
    }
}

static void deflation_follows_its_formula(void **state)
{
    (void)state;
    EACH(k, heights)
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        size_t rows = heights[k], panels = 2;
        float *x, *t, *u, *v, *before, c = 0.37f;
        if (!simd) continue;
        x = floats(panels * rows * CS_PANEL), t = floats(rows), u = floats(rows);
        v = floats(panels * CS_PANEL), before = floats(panels * CS_PANEL);
        memcpy(before, v, panels * CS_PANEL * sizeof *v);
        simd->panel_deflate(v, x, panels, rows, t, u, c);
        for (size_t i = 0; i < panels * CS_PANEL; i++) {
            const float *vector = x + i / CS_PANEL * rows * CS_PANEL + i % CS_PANEL;
            double a = 0.0, b = 0.0, expected;
            for (size_t l = 0; l < rows; l++) {
                a += (double)t[l] * (double)vector[l * CS_PANEL];
                b += (double)u[l] * (double)vector[l * CS_PANEL];
            }
            expected = (double)before[i] + a * ((double)c * a - 2.0 * b);
            assert_true(fabs((double)v[i] - expected) <=
                        0x1p-23 * ((double)rows + 2.0) * (1.0 + fabs(a) + fabs(b) + fabs(a * b)));
        }
        fence_free(x), fence_free(t), fence_free(u), fence_free(v), fence_free(before);
    }
}

static void a_vector_does_not_depend_on_its_place(void **state)
{
    const size_t rows = 21, ldf = CS_PANEL_STRIDE(21);
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *simd = cs_simd_get((cs_level)level);
        float *x, *f, *v, *t, *u;
        if (!simd) continue;
        x = floats(rows * CS_PANEL), f = floats(rows * ldf), v = floats(CS_PANEL);
        t = floats(rows), u = floats(rows);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = i + 1; j < ldf; j++)
                f[i * ldf + j] = 0.0f;
        for (size_t l = 0; l < rows; l++)
            for (size_t i = 1; i < CS_PANEL; i++)
                x[l * CS_PANEL + i] = x[l * CS_PANEL];
        simd->panel_squares(v, x, 1, rows, f);
        simd->panel_deflate(v, x, 1, rows, t, u, 0.5f);
        for (size_t i = 1; i < CS_PANEL; i++)
            assert_memory_equal(v, v + i, sizeof *v);
        fence_free(x), fence_free(f), fence_free(v), fence_free(t), fence_free(u);
    }
}

static void float64_rows_meet_their_formulas(void **state)
{
    static const size_t widths[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 67, 257};
    (void)state;
    EACH(k, widths)
    for (size_t rows = 0; rows < 14; rows++)
        for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
            const cs_simd *simd = cs_simd_get((cs_level)level);
            size_t n = widths[k], lda = n + 3, all = rows ? (rows - 1) * lda + n : 0;
            double *a, *x, *y, *kept, allowed = 0x1p-52 * (double)(n + rows);
            if (!simd) continue;
            a = doubles(all), x = doubles(n), y = doubles(rows), kept = doubles(n);
            simd->rows_dot(y, a, lda, rows, x, n);
            for (size_t i = 0; i < rows; i++) {
                double sum = 0.0, size = 0.0;
                for (size_t j = 0; j < n; j++) {
                    sum += a[i * lda + j] * x[j];
                    size += fabs(a[i * lda + j] * x[j]);
                }
                assert_true(fabs(y[i] - sum) <= allowed * size);
            }
            memcpy(kept, x, n * sizeof *x);
            simd->rows_add(x, a, lda, rows, y, n);
            for (size_t j = 0; j < n; j++) {
                double sum = kept[j], size = fabs(kept[j]);
                for (size_t i = 0; i < rows; i++) {
                    sum += y[i] * a[i * lda + j];
                    size += fabs(y[i] * a[i * lda + j]);
                }
                assert_true(fabs(x[j] - sum) <= allowed * size);
            }
            fence_free(a), fence_free(x), fence_free(y), fence_free(kept);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squares_are_those_of_the_factor),
        cmocka_unit_test(deflation_follows_its_formula),
        cmocka_unit_test(a_vector_does_not_depend_on_its_place),
        cmocka_unit_test(float64_rows_meet_their_formulas),
    };
    return cmocka_run_group_tests_name("panels", tests, NULL, NULL);
}
