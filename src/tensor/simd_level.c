/* SPDX-License-Identifier: MIT */
/* Which kernel table this CPU and its operating system can run, and what CLIPSPAN_CPU makes of it.
 * The compiler's __builtin_cpu_supports reads CPUID and checks that the system saves the wide
 * registers. */
#include "tensor/simd.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/simd_tables.h"

#if defined(__x86_64__)
#    include <cpuid.h>

/* Half-precision conversion has no name that every compiler's __builtin_cpu_supports knows. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static int has_avx512_bf16(void)
{
    return __builtin_cpu_supports("avx512bf16") != 0;
}
#else
static int has_avx2(void)
{
    return 0;
}

static int has_avx512(void)
{
    return 0;
}

static int has_avx512_bf16(void)
{
    return 0;
}
#endif

/* Rounded up to whole vectors, so that every packed row starts on a vector boundary. */
static size_t padded(size_t count)
{
    return (count + CS_ATTENTION_LANES - 1) / CS_ATTENTION_LANES * CS_ATTENTION_LANES;
}

size_t cs_attention_work(size_t n, size_t head_width)
{
    size_t keys = padded(n) * head_width, values = n * padded(head_width);
    size_t a_query = padded(n) + padded(head_width) + head_width; /* scores, sums, the query */
    return keys + values + CS_ATTENTION_ROWS * a_query;
}

const cs_simd *cs_simd_get(cs_level level)
{
    switch (level) {
    case CS_GENERIC: return cs_simd_table_generic();
    case CS_AVX2: return has_avx2() ? cs_simd_table_avx2() : NULL;
    case CS_AVX512: return has_avx512() ? cs_simd_table_avx512(has_avx512_bf16()) : NULL;
    }
    return NULL;
}

const cs_simd *cs_simd_best(void)
{
    static const cs_level down[] = {CS_AVX512, CS_AVX2, CS_GENERIC};
    const char *forced = getenv("CLIPSPAN_CPU");
    const cs_simd *best = NULL;
    for (size_t i = 0; i < sizeof down / sizeof *down; i++) {
        const cs_simd *table = cs_simd_get(down[i]);
        if (!table) continue;
        if (!best) best = table;
        if (forced && strcmp(forced, table->name) == 0) return table;
    }
    return best;
}
