/* SPDX-License-Identifier: MIT */
/* Which table is chosen, and that every table is complete. */
#define _POSIX_C_SOURCE 200809L
#include "tensor/simd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"generic", "avx2", "avx512"};

static cs_level highest(void)
{
    int level = CS_AVX512;
    while (!cs_simd_get((cs_level)level))
        level--;
    return (cs_level)level;
}

static void the_best_level_is_the_highest(void **state)
{
    (void)state;
    unsetenv("CLIPSPAN_CPU");
    assert_int_equal(cs_simd_best()->level, highest());
}

static void the_environment_forces_a_level_down(void **state)
{
    (void)state;
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        setenv("CLIPSPAN_CPU", names[level], 1);
        cs_level expected = cs_simd_get((cs_level)level) ? (cs_level)level : highest();
        assert_int_equal(cs_simd_best()->level, expected);
    }
}

static void an_unknown_level_counts_as_not_set(void **state)
{
    static const char *const unknown[] = {"", "AVX2", "avx2 ", "sse9", "generic,avx2"};
    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        setenv("CLIPSPAN_CPU", unknown[i], 1);
        assert_int_equal(cs_simd_best()->level, highest());
    }
    assert_null(cs_simd_get((cs_level)(CS_AVX512 + 1)));
    assert_null(cs_simd_get((cs_level)-1));
}

static void every_table_is_complete(void **state)
{
    (void)state;
    assert_non_null(cs_simd_get(CS_GENERIC));
    for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
        const cs_simd *s = cs_simd_get((cs_level)level);
        if (!s) continue;
        assert_int_equal(s->level, level);
        assert_string_equal(s->name, names[level]);
        assert_true(s->layer_norm && s->layer_norm_bf16 && s->gelu && s->quick_gelu && s->softmax &&
                    s->attention && s->attention_path && s->add && s->norm && s->f32_from_f16 &&
                    s->f32_from_bf16 && s->bf16_from_f32 && s->count_odd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_level_is_the_highest),
        cmocka_unit_test(the_environment_forces_a_level_down),
        cmocka_unit_test(an_unknown_level_counts_as_not_set),
        cmocka_unit_test(every_table_is_complete),
    };
    return cmocka_run_group_tests_name("simd_level", tests, NULL, NULL);
}
