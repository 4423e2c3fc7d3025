/* SPDX-License-Identifier: MIT */
/* Peak arithmetic rate: twelve independent chains of multiply-adds in registers per thread, more
 * than latency times issue width on every CPU so far, and no memory at all. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "peak.h"

#include <time.h>

#include "base/parallel.h"

#define CHAINS 12
#define ROUNDS 400000 /* under 1 ms of vectors: a shared machine has such quiet moments */

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Where the chains start and end, unknown to the compiler, which would drop a chain otherwise. */
static volatile float start = 2.0f, sink[CS_MAX_THREADS];

/* CHAINS values and one step of all of them, spelled out so that each stays in its own register. */
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#if defined(__x86_64__)
#    include <immintrin.h>

__attribute__((target("avx512f"))) static void chains_avx512(void *context, size_t index, int lane)
{
    (void)context, (void)index;
    const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
#    define START(i) __m512 x##i = _mm512_set1_ps(start + (float)(i));
#    define STEP(i)  x##i = _mm512_fmadd_ps(x##i, a, b);
#    define SUM(i)   total = _mm512_add_ps(total, x##i);
    EACH(START)
    for (int i = 0; i < ROUNDS; i++) {
        EACH(STEP)
    }
    __m512 total = a;
    EACH(SUM)
    sink[lane] = _mm512_reduce_add_ps(total);
#    undef START
#    undef STEP
#    undef SUM
}

__attribute__((target("avx2,fma"))) static void chains_avx2(void *context, size_t index, int lane)
{
    (void)context, (void)index;
    const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
#    define START(i) __m256 x##i = _mm256_set1_ps(start + (float)(i));
#    define STEP(i)  x##i = _mm256_fmadd_ps(x##i, a, b);
#    define SUM(i)   total = _mm256_add_ps(total, x##i);
    EACH(START)
    for (int i = 0; i < ROUNDS; i++) {
        EACH(STEP)
    }
    __m256 total = a;
    EACH(SUM)
    sink[lane] = _mm256_cvtss_f32(total);
#    undef START
#    undef STEP
#    undef SUM
}

__attribute__((target("avx512f,avx512bf16"))) static void chains_bf16(void *context, size_t index,
                                                                      int lane)
{
    (void)context, (void)index;
    const __m512 half = _mm512_set1_ps(0.5f);
    const __m512bh a = _mm512_cvtne2ps_pbh(half, half);
#    define START(i) __m512 x##i = _mm512_set1_ps(start + (float)(i));
#    define STEP(i)  x##i = _mm512_dpbf16_ps(x##i, a, a);
#    define SUM(i)   total = _mm512_add_ps(total, x##i);
    EACH(START)
    for (int i = 0; i < ROUNDS; i++) {
        EACH(STEP)
    }
    __m512 total = half;
    EACH(SUM)
    sink[lane] = _mm512_reduce_add_ps(total);
#    undef START
#    undef STEP
#    undef SUM
}
#endif

static void chains_generic(void *context, size_t index, int lane)
{
    (void)context, (void)index;
#define START(i) float x##i = start + (float)(i);
#define STEP(i)  x##i = x##i * 0.999f + 0.001f;
#define SUM(i)   total += x##i;
    EACH(START)
    for (int i = 0; i < ROUNDS; i++) {
        EACH(STEP)
    }
    float total = 0.0f;
    EACH(SUM)
    sink[lane] = total;
#undef START
#undef STEP
#undef SUM
}

static double best_rate(void (*body)(void *, size_t, int), int lanes, int threads, int runs)
{
    double best = 0.0;
    for (int i = 0; i < runs; i++) {
        double begin = bench_now();
        cs_parallel_for((size_t)threads, threads, body, NULL);
        double seconds = bench_now() - begin;
        double rate = 2e-9 * CHAINS * (double)ROUNDS * (double)lanes * (double)threads / seconds;
        if (rate > best) best = rate;
    }
    return best;
}

double bench_peak(cs_level level, int threads, int runs)
{
#if defined(__x86_64__)
    if (level == CS_AVX512) return best_rate(chains_avx512, 16, threads, runs);
    if (level == CS_AVX2) return best_rate(chains_avx2, 8, threads, runs);
#endif
    return best_rate(chains_generic, 1, threads, runs);
}

double bench_peak_bf16(int threads, int runs)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16")) return best_rate(chains_bf16, 32, threads, runs);
#endif
    (void)threads, (void)runs;
    return 0.0;
}
