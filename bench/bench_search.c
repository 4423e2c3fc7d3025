/* SPDX-License-Identifier: MIT */
/* How long a question to an open search takes.
 *
 *     bench_search [IMAGES [HEADS]]      default: 100,000 images, 6 heads of width 64, P 512
 *
 * Coefficients and output maps are random; printed are the best and the median wall time of 9
 * questions. */
#define _POSIX_C_SOURCE 200809L
#include "base/parallel.h"
#include "study/coefficient_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 9

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static float *noise(size_t count)
{
    float *x = malloc(count * sizeof *x);
    uint32_t seed = 7;
    if (!x) exit(1);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525U + 1013904223U;
        x[i] = (float)seed / 4294967296.0F - 0.5F;
    }
    return x;
}

int main(int argc, char **argv)
{
    cs_search s = {.heads = 6, .N = 100000, .W = 67, .P = 512};
    double seconds[RUNS], *scores;
    float *query;
    s.compare = CLIPSPAN_COMPARE_CENTRED;
    s.threads = cs_threads_default();
    if (argc > 1) s.N = strtoul(argv[1], NULL, 10);
    if (argc > 2) s.heads = strtoul(argv[2], NULL, 10);
    if (s.N < 1 || s.heads < 1) return 2;
    s.rows = noise(s.heads * s.N * s.W);
    s.output_map = noise(s.heads * s.W * s.P);
    s.mean = calloc(s.heads * s.W, sizeof *s.mean);
    query = noise(s.heads * s.P);
    scores = malloc(s.N * sizeof *scores);
    if (!s.mean || !scores) return 1;
    for (int i = 0; i < RUNS; i++) {
        double begin = now();
        if (cs_search_run(scores, &s, query, 0, NULL)) return 1;
        seconds[i] = now() - begin;
    }
    qsort(seconds, RUNS, sizeof *seconds, compare);
    printf("%zu images, %zu heads, %d threads: %.1f ms, median %.1f ms\n", s.N, s.heads, s.threads,
           1e3 * seconds[0], 1e3 * seconds[RUNS / 2]);
    free(s.rows);
    free(s.output_map);
    free(s.mean);
    free(query);
    free(scores);
    return 0;
}
