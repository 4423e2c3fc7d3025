/* SPDX-License-Identifier: MIT */
/* Coefficients of a chunk: what is rounded and what is not, slots that stay empty, and bytes that
 * depend on nothing but the images. */
#include "formats/widen.h"
#include "rig.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 6

static char *folder;
static uint8_t *pixels;

static int write_model(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    cs_rig rig;
    size_t i;
    (void)state;
    tiny.no_text = 1;
    tiny.layers = 4;
    folder = cs_tiny_folder();
    cs_tiny_write_openclip(folder, &tiny, 9);
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, 1, 1);
    pixels = malloc(ROOM * rig.pixels);
    for (i = 0; i < ROOM; i++)
        cs_rig_paint(&rig, pixels + i * rig.pixels, i);
    cs_rig_fini(&rig);
    return 0;
}

static int remove_model(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    free(pixels);
    return 0;
}

static void expect_same(const cs_coefficients *a, const cs_coefficients *b)
{
    assert_int_equal(cs_coefficients_memory(a), cs_coefficients_memory(b));
    assert_memory_equal(a->arena.base, b->arena.base, cs_coefficients_memory(a));
}

/* Lanes, threads and the order in which slots are filled leave no trace. */
static void same_bytes(void **state)
{
    cs_rig one, three;
    size_t i;
    (void)state;
    cs_rig_init(&one, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F16, ROOM, 1);
    cs_rig_init(&three, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F16, ROOM, 3);
    cs_rig_run(&one, pixels, ROOM);
    cs_rig_run(&three, pixels, 2); /* something to be cleared */
    cs_coefficients_clear(three.coefficients);
    for (i = ROOM; i-- > 0;)
        cs_rig_put(&three, i, pixels + i * one.pixels);
    assert_int_equal(cs_coder_finish(three.coder, three.coefficients, 3, NULL), CLIPSPAN_OK);
    expect_same(one.coefficients, three.coefficients);
    cs_rig_fini(&one);
    cs_rig_fini(&three);
}

static int all_zero(const float *x, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++)
        if (x[i] != 0.0F) return 0;
    return 1;
}

static void empty_slots(void **state)
{
    cs_rig rig;
    const cs_shape *s = &rig.shape;
    size_t l;
    (void)state;
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, ROOM, 1);
    cs_coefficients_clear(rig.coefficients);
    cs_rig_put(&rig, 1, pixels);
    cs_rig_put(&rig, 4, pixels + rig.pixels);
    assert_int_equal(cs_coder_finish(rig.coder, rig.coefficients, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_coefficients_count(rig.coefficients), 2);
    for (l = 0; l < s->L; l++) {
        assert_true(
            all_zero(rig.coefficients->class_self_attention + (l * ROOM + 2) * s->P, 2 * s->P));
        assert_true(all_zero(rig.coefficients->attention + (l * ROOM + 2) * s->P, 2 * s->P));
        assert_true(all_zero(rig.coefficients->mlp + (l * ROOM + 2) * s->P, 2 * s->P));
    }
    assert_true(all_zero(rig.coefficients->embedding + 2 * s->P, 2 * s->P));
    cs_rig_fini(&rig);
}

/* f16 rounds z, MLP contributions and class-token self-attention to halves, and nothing else. */
static void halves(void **state)
{
    cs_rig wide, half;
    const cs_shape *s = &wide.shape;
    size_t i, count;
    (void)state;
    cs_rig_init(&wide, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, ROOM, 1);
    cs_rig_init(&half, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F16, ROOM, 1);
    cs_rig_run(&wide, pixels, ROOM);
    cs_rig_run(&half, pixels, ROOM);
    count = s->L * s->D * ROOM;
    for (i = 0; i < count; i++) {
        uint16_t bits;
        float back;
        cs_narrow_f16(&bits, &wide.coefficients->z[i], 1);
        cs_widen_f16(&back, &bits, 1);
        assert_true(half.coefficients->z[i] == back);
    }
    for (i = 0; i < (s->L + 1) * ROOM * s->P; i++) {
        uint16_t bits;
        float back;
        cs_narrow_f16(&bits, &half.coefficients->mlp[i], 1);
        cs_widen_f16(&back, &bits, 1);
        assert_true(half.coefficients->mlp[i] == back);
        assert_true(fabs((double)back - (double)wide.coefficients->mlp[i]) <=
                    fabs((double)wide.coefficients->mlp[i]) * 0x1p-11 + 3e-8);
    }
    assert_memory_equal(half.coefficients->scale, wide.coefficients->scale,
                        3 * ROOM * sizeof(double));
    assert_memory_equal(half.coefficients->embedding, wide.coefficients->embedding,
                        ROOM * s->P * sizeof(float));
    assert_true(memcmp(half.coefficients->z, wide.coefficients->z, count * sizeof(float)) != 0);
    cs_rig_fini(&wide);
    cs_rig_fini(&half);
}

/* A number that no half holds: the message says what to do, and the slot is empty. */
static void beyond_halves(void **state)
{
    cs_rig rig;
    const cs_shape *s = &rig.shape;
    clipspan_error err;
    (void)state;
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F16, ROOM, 1);
    cs_rig_run(&rig, pixels, 2);
    rig.trace.z[s->D + 3] = 65519.0F; /* the largest that rounds to a half */
    assert_int_equal(cs_coder_put(rig.coder, 0, rig.coefficients, 3, &rig.trace, &err),
                     CLIPSPAN_OK);
    rig.trace.z[s->D + 3] = -65520.0F;
    assert_int_equal(cs_coder_put(rig.coder, 0, rig.coefficients, 3, &rig.trace, &err),
                     CLIPSPAN_E_NUMBERS);
    assert_non_null(strstr(err.message, "layer 1"));
    assert_non_null(strstr(err.message, "f32"));
    assert_int_equal(rig.coefficients->used[3], 0);
    assert_true(all_zero(rig.coefficients->z + 3 * s->K, s->K));
    assert_int_equal(cs_coefficients_count(rig.coefficients), 2);
    cs_rig_fini(&rig);
}

/* Coefficients as decomposition.md writes them. */
static void a_code(void **state)
{
    cs_rig rig;
    double y[64];
    size_t k;
    (void)state;
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, ROOM, 1);
    cs_coefficients_clear(rig.coefficients);
    cs_rig_put(&rig, 5, pixels);
    cs_coefficients_get(y, rig.coefficients, 5, 2, 1);
    for (k = 0; k < rig.shape.K; k++)
        assert_true(fabs(y[k] * rig.trace.sigma * rig.trace.norm -
                         (double)rig.trace.z[2 * rig.shape.D + rig.shape.K + k]) < 1e-12);
    assert_true(fabs(y[k] * rig.trace.sigma * rig.trace.norm - 1.0) < 1e-12);
    assert_true(fabs(y[k + 1] / y[k] + rig.trace.mean) < 1e-12);
    assert_true(fabs(y[k + 2] * rig.trace.norm - 1.0) < 1e-12);
    cs_rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes),    cmocka_unit_test(empty_slots), cmocka_unit_test(halves),
        cmocka_unit_test(beyond_halves), cmocka_unit_test(a_code),
    };
    return cmocka_run_group_tests(tests, write_model, remove_model);
}
