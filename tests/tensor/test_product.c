/* SPDX-License-Identifier: MIT */
/* Products against float64, their epilogues, and what they promise about bytes. */
#include "base/memory.h"
#include "base/parallel.h"
#include "tensor/product.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t seed = 7;

/* Uniform in [-1, 1). */
static float draw(void)
{
    seed = seed * 1664525U + 1013904223U;
    return (float)(seed >> 8) / 8388608.0F - 1.0F;
}

static float *random_array(size_t count)
{
    float *x = cs_alloc_aligned(count + 16, sizeof *x, "test", NULL);
    size_t i;
    assert_non_null(x);
    for (i = 0; i < count; i++)
        x[i] = draw();
    return x;
}

static double apply(cs_epilogue epilogue, double v, double before)
{
    if (epilogue == CS_ADD) return before + v;
    if (epilogue == CS_ACT_GELU) return 0.5 * v * erfc(-v / sqrt(2.0));
    if (epilogue == CS_ACT_QUICK) return v / (1.0 + exp(-1.702 * v));
    return v;
}

static float round_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000U;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float from_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

typedef struct shape {
    size_t rows, inputs, outputs;
} shape;

static const shape shapes[] = {{1, 1, 1},   {1, 36, 20},   {3, 36, 108},  {10, 144, 36},
                               {5, 17, 13}, {50, 96, 288}, {197, 64, 65}, {16, 512, 256}};

/* Largest error relative to the sum of |x| |w| behind each number. Activations add their own
 * absolute error, 3e-7. */
static void check(shape s, cs_epilogue epilogue, int bias, size_t panels,
                  clipspan_precision precision, int bf16_out)
{
    float *x = random_array(s.rows * s.inputs), *w = random_array(s.outputs * s.inputs);
    float *b = random_array(s.outputs), *y = random_array(s.rows * s.outputs);
    float *before = random_array(s.rows * s.outputs), *xp = random_array(s.rows * s.inputs);
    uint16_t *xh = cs_alloc_aligned(s.rows * s.inputs, sizeof *xh, "test", NULL), *yh;
    int half = precision == CLIPSPAN_BF16;
    cs_product_plan plan = {s.rows, epilogue, bf16_out, 1};
    cs_matrix *matrix = NULL;
    cs_product *product = NULL;
    clipspan_error err;
    size_t i, j, p, width = s.inputs / panels;
    memcpy(before, y, s.rows * s.outputs * sizeof *y);
    assert_int_equal(
        cs_matrix_new(&matrix, w, bias ? b : NULL, s.outputs, s.inputs, panels, precision, &err),
        0);
    assert_int_equal(cs_product_new(&product, matrix, plan, cs_simd_best(), &err), 0);
    for (p = 0; p < panels; p++) /* x in panels */
        for (i = 0; i < s.rows; i++)
            memcpy(xp + p * s.rows * width + i * width, x + i * s.inputs + p * width,
                   width * sizeof *x);
    cs_simd_best()->bf16_from_f32(xh, xp, s.rows * s.inputs);
    assert_int_equal(
        cs_product_run(product, y, half ? (void *)xh : xp, s.rows * width, matrix, &err), 0);
    yh = (uint16_t *)(void *)y;
    for (i = 0; i < s.rows; i++)
        for (j = 0; j < s.outputs; j++) {
            double sum = bias ? (double)b[j] : 0.0, size = fabs(sum), want, got, allowed;
            for (p = 0; p < s.inputs; p++) {
                double a = (double)(half ? round_bf16(x[i * s.inputs + p]) : x[i * s.inputs + p]);
                double c = (double)(half ? round_bf16(w[j * s.inputs + p]) : w[j * s.inputs + p]);
                sum += a * c;
                size += fabs(a * c);
            }
            want = apply(epilogue, sum, (double)before[i * s.outputs + j]);
            got = (double)(bf16_out ? from_bf16(yh[i * s.outputs + j]) : y[i * s.outputs + j]);
            /* float32 sums in any order; bf16 output is rounded once more, to 8 bits */
            allowed = 6e-8 * (2.0 + sqrt((double)s.inputs)) * (size + 1.0) +
                      (epilogue > CS_ADD ? 3e-7 : 0.0);
            if (bf16_out) allowed += fabs(want) / 256.0;
            if (!(fabs(got - want) <= allowed))
                fail_msg("%zu x %zu x %zu, epilogue %d, precision %d, [%zu, %zu]: got %.9g, "
                         "expected %.9g, allowed %.2g",
                         s.rows, s.inputs, s.outputs, (int)epilogue, half, i, j, got, want,
                         allowed);
        }
    cs_product_free(&product);
    cs_matrix_free(&matrix);
    cs_free(x);
    cs_free(xp);
    cs_free(w);
    cs_free(b);
    cs_free(y);
    cs_free(before);
    cs_free(xh);
}

static void every_shape_and_epilogue_agrees_with_float64(void **state)
{
    size_t i;
    (void)state;
    for (i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check(shapes[i], CS_STORE, 0, 1, CLIPSPAN_F32, 0);
        check(shapes[i], CS_STORE, 1, 1, CLIPSPAN_F32, 0);
        check(shapes[i], CS_ADD, 1, 1, CLIPSPAN_F32, 0);
        check(shapes[i], CS_ADD, 0, 1, CLIPSPAN_F32, 0);
        check(shapes[i], CS_ACT_GELU, 1, 1, CLIPSPAN_F32, 0);
        check(shapes[i], CS_ACT_QUICK, 1, 1, CLIPSPAN_F32, 0);
    }
}

static void panels_add_up(void **state)
{
    static const size_t counts[] = {2, 3, 4};
    const shape s = {21, 144, 40};
    size_t i;
    (void)state;
    for (i = 0; i < 3; i++) {
        check(s, CS_STORE, 1, counts[i], CLIPSPAN_F32, 0);
        check(s, CS_STORE, 0, counts[i], CLIPSPAN_F32, 0);
        check(s, CS_ADD, 1, counts[i], CLIPSPAN_F32, 0);
        check(s, CS_ACT_GELU, 1, counts[i], CLIPSPAN_F32, 0);
        check(s, CS_ACT_QUICK, 1, counts[i], CLIPSPAN_F32, 0);
        if (cs_product_has_bf16()) check(s, CS_ADD, 1, counts[i], CLIPSPAN_BF16, 0);
    }
}

static void bf16_agrees_with_float64_on_rounded_numbers(void **state)
{
    size_t i;
    (void)state;
    if (!cs_product_has_bf16()) skip();
    for (i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check(shapes[i], CS_STORE, 1, 1, CLIPSPAN_BF16, 0);
        check(shapes[i], CS_ADD, 1, 1, CLIPSPAN_BF16, 0);
        check(shapes[i], CS_ACT_GELU, 1, 1, CLIPSPAN_BF16, 1);
        check(shapes[i], CS_ACT_QUICK, 1, 1, CLIPSPAN_BF16, 1);
    }
}

static void bf16_is_refused_where_it_is_not_to_be_had(void **state)
{
    float w[4] = {1, 2, 3, 4};
    cs_matrix *matrix = NULL;
    clipspan_error err;
    (void)state;
    if (cs_product_has_bf16()) skip();
    assert_int_equal(cs_matrix_new(&matrix, w, NULL, 2, 2, 1, CLIPSPAN_BF16, &err),
                     CLIPSPAN_E_UNSUPPORTED);
    assert_null(matrix);
    assert_non_null(strstr(err.message, "bf16"));
}

/* Runs `rows` rows of x, whose panels lie `stride` numbers apart, with a product of its own. */
static void run_part(float *y, const float *x, size_t stride, const cs_matrix *matrix, size_t rows,
                     int threads)
{
    cs_product_plan plan = {rows, CS_STORE, 0, threads};
    cs_product *product = NULL;
    assert_int_equal(cs_product_new(&product, matrix, plan, cs_simd_best(), NULL), 0);
    assert_int_equal(cs_product_run(product, y, x, stride, matrix, NULL), 0);
    cs_product_free(&product);
}

static void a_row_gives_the_same_bytes_at_every_run(void **state)
{
    size_t rows = 37, inputs = 96, outputs = 130, i;
    float *x = random_array(rows * inputs), *w = random_array(outputs * inputs);
    float *y = random_array(rows * outputs), *again = random_array(rows * outputs);
    cs_matrix *matrix = NULL;
    (void)state;
    assert_int_equal(cs_matrix_new(&matrix, w, NULL, outputs, inputs, 2, CLIPSPAN_F32, NULL), 0);
    run_part(y, x, rows * inputs / 2, matrix, rows, 1);
    for (i = 0; i < 3; i++) {
        run_part(again, x, rows * inputs / 2, matrix, rows, 1);
        assert_memory_equal(y, again, rows * outputs * sizeof *y);
    }
    if (!strncmp(cs_product_name(), "oneDNN", 6) && cs_simd_best()->level == CS_AVX512) {
        for (i = 0; i < rows; i++) { /* packed weights: also for any number and place of rows */
            run_part(again, x + i * inputs / 2, rows * inputs / 2, matrix, 1, 1);
            assert_memory_equal(y + i * outputs, again, outputs * sizeof *y);
        }
        for (i = 2; i <= 7; i++) { /* and for any number of threads */
            run_part(again, x, rows * inputs / 2, matrix, rows, (int)i);
            assert_memory_equal(y, again, rows * outputs * sizeof *y);
        }
    }
    cs_matrix_free(&matrix);
    cs_free(x);
    cs_free(w);
    cs_free(y);
    cs_free(again);
}

typedef struct side {
    const float *x;
    float *y;
    const cs_matrix *matrix;
    cs_product *products[8];
    size_t rows;
} side;

static void run_side(void *context, size_t index, int lane)
{
    const side *s = context;
    (void)lane;
    assert_int_equal(
        cs_product_run(s->products[index], s->y + index * s->rows * 64, s->x, 0, s->matrix, NULL),
        0);
}

static void products_run_side_by_side(void **state)
{
    side s = {random_array(40 * 64), random_array(8 * 40 * 64), NULL, {NULL}, 40};
    cs_product_plan plan = {40, CS_STORE, 0, 1};
    float *w = random_array(64 * 64);
    cs_matrix *matrix = NULL;
    size_t i;
    (void)state;
    assert_int_equal(cs_matrix_new(&matrix, w, NULL, 64, 64, 1, CLIPSPAN_F32, NULL), 0);
    s.matrix = matrix;
    for (i = 0; i < 8; i++)
        assert_int_equal(cs_product_new(&s.products[i], matrix, plan, cs_simd_best(), NULL), 0);
    cs_parallel_for(8, 4, run_side, &s);
    for (i = 1; i < 8; i++)
        assert_memory_equal(s.y, s.y + i * 40 * 64, 40 * 64 * sizeof(float));
    for (i = 0; i < 8; i++)
        cs_product_free(&s.products[i]);
    cs_matrix_free(&matrix);
    cs_free(w);
    cs_free((void *)(uintptr_t)s.x);
    cs_free(s.y);
}

static void wrong_plans_are_refused(void **state)
{
    float w[1] = {1};
    cs_product_plan none = {0, CS_STORE, 0, 1}, rounded = {1, CS_ADD, 1, 1},
                    idle = {1, CS_STORE, 0, 0};
    cs_matrix *matrix = NULL;
    cs_product *product = NULL;
    (void)state;
    assert_int_equal(cs_matrix_new(&matrix, w, NULL, 1, 1, 1, CLIPSPAN_F32, NULL), 0);
    assert_int_equal(cs_product_new(&product, matrix, none, cs_simd_best(), NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(cs_product_new(&product, matrix, rounded, cs_simd_best(), NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(cs_product_new(&product, matrix, idle, cs_simd_best(), NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_null(product);
    cs_matrix_free(&matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_and_epilogue_agrees_with_float64),
        cmocka_unit_test(panels_add_up),
        cmocka_unit_test(bf16_agrees_with_float64_on_rounded_numbers),
        cmocka_unit_test(bf16_is_refused_where_it_is_not_to_be_had),
        cmocka_unit_test(a_row_gives_the_same_bytes_at_every_run),
        cmocka_unit_test(products_run_side_by_side),
        cmocka_unit_test(wrong_plans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
