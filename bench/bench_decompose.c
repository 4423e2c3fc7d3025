/* SPDX-License-Identifier: MIT */
/* What decomposing images costs beside embedding them, in processor time of one thread
 * (OMP_NUM_THREADS=1).
 *
 *     bench_decompose MODEL [--precision f32|bf16] [--runs R]
 *
 * R random images go through a plain and a traced pass in turn, into coefficients and statistics of
 * a chunk. Printed: minimum and median of the passes, what coefficients and statistics take an
 * image, sizes, and how far the sum of all terms is from the embedding. */
#define _POSIX_C_SOURCE 200809L
#include "decompose/contributions.h"
#include "decompose/head_stats.h"
#include "model/image_pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct bench {
    cs_checkpoint *checkpoint;
    const cs_config *config;
    cs_tower *tower;
    cs_image_pass *pass;
    cs_output_map *output_map;
    cs_coder *coder;
    cs_head_counter *counter;
    cs_coefficients *coefficients;
    cs_trace trace;
    double output_map_seconds;
} bench;

typedef struct times {
    double plain[1000], traced[1000], put, finish, stats;
} times;

static clipspan_error err;

/* Seconds of processor time: other work on the machine disturbs it less than a clock. */
static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void stop_on(clipspan_status status)
{
    if (status == CLIPSPAN_OK) return;
    fprintf(stderr, "bench_decompose: %s\n", err.message);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void start(bench *b, const char *model, clipspan_precision precision)
{
    const cs_simd *simd = cs_simd_best();
    double begin;
    memset(b, 0, sizeof *b);
    stop_on(cs_checkpoint_open(&b->checkpoint, model, NULL, &err));
    b->config = cs_checkpoint_config(b->checkpoint);
    stop_on(cs_tower_load(&b->tower, b->checkpoint, CLIPSPAN_IMAGE, precision, 0, 2, simd, &err));
    stop_on(cs_image_pass_new(&b->pass, b->tower, b->config, 1, simd, &err));
    begin = cpu_now();
    stop_on(cs_output_map_new(&b->output_map, b->checkpoint, precision, 1, simd, &err));
    b->output_map_seconds = cpu_now() - begin;
    stop_on(cs_coder_new(&b->coder, b->output_map, b->tower, CS_CHUNK, CS_COEFFICIENTS_F32, 1, simd,
                         &err));
    stop_on(cs_head_counter_new(&b->counter, b->output_map, CS_CHUNK, 1, simd, &err));
    stop_on(cs_coefficients_new(&b->coefficients, b->output_map->shape, CS_CHUNK, &err));
    stop_on(cs_trace_init(&b->trace, b->config, &err));
}

static void finish(bench *b)
{
    cs_trace_fini(&b->trace);
    cs_coefficients_free(&b->coefficients);
    cs_head_counter_free(&b->counter);
    cs_coder_free(&b->coder);
    cs_output_map_free(&b->output_map);
    cs_image_pass_free(&b->pass);
    cs_tower_free(&b->tower);
    cs_checkpoint_close(&b->checkpoint);
}

static void measure(times *t, bench *b, size_t runs)
{
    size_t size = 3 * (size_t)b->config->input_height * (size_t)b->config->input_width, i, r;
    uint8_t *pixels = malloc(size);
    float *embedding = malloc(b->output_map->shape.P * sizeof *embedding);
    double *stats = malloc(cs_head_stats_size(b->output_map->shape) * sizeof *stats), begin;
    uint32_t seed = 1;
    if (!pixels || !embedding || !stats) exit(1);
    t->put = 0.0;
    for (r = 0; r < runs; r++) {
        for (i = 0; i < size; i++) {
            seed = seed * 1664525U + 1013904223U;
            pixels[i] = (uint8_t)(seed >> 24);
        }
        begin = cpu_now();
        stop_on(cs_image_pass_run(embedding, b->pass, pixels, 1, &err));
        t->plain[r] = cpu_now() - begin;
        begin = cpu_now();
        stop_on(cs_image_pass_trace(&b->trace, b->pass, pixels, NULL, &err));
        t->traced[r] = cpu_now() - begin;
        begin = cpu_now();
        stop_on(cs_coder_put(b->coder, 0, b->coefficients, r % CS_CHUNK, &b->trace, &err));
        t->put += (cpu_now() - begin) / (double)runs;
    }
    for (r = 0; r < 2; r++) { /* the second time is measured */
        begin = cpu_now();
        stop_on(cs_coder_finish(b->coder, b->coefficients, 1, &err));
        t->finish = (cpu_now() - begin) / CS_CHUNK;
        begin = cpu_now();
        stop_on(cs_head_stats_run(stats, b->counter, b->coefficients, 1, &err));
        t->stats = (cpu_now() - begin) / CS_CHUNK;
    }
    free(pixels);
    free(embedding);
    free(stats);
}

static void print(const times *t, const bench *b, size_t runs)
{
    const cs_shape *s = &b->output_map->shape;
    double worst = 0.0, off, more = t->put + t->finish + t->stats;
    size_t i;
    for (i = 0; i < CS_CHUNK; i++) {
        off = b->coefficients->used[i]
                  ? cs_contributions_residual(b->output_map, b->coefficients, i)
                  : 0.0;
        worst = off > worst ? off : worst;
    }
    printf("%s: L %zu, H %zu, K %zu, P %zu\n", cs_checkpoint_name(b->checkpoint), s->L, s->H, s->K,
           s->P);
    printf("  plain pass   %.3f ms (median %.3f)\n", t->plain[0] * 1e3, t->plain[runs / 2] * 1e3);
    printf("  traced pass  %.3f ms (median %.3f)\n", t->traced[0] * 1e3, t->traced[runs / 2] * 1e3);
    printf("  coefficients        %.3f ms an image and %.3f ms at the end of a chunk\n",
           t->put * 1e3, t->finish * 1e3);
    printf("  statistics   %.3f ms\n", t->stats * 1e3);
    printf("  together     %.3f of the plain pass (medians)\n",
           (t->traced[runs / 2] + more) / t->plain[runs / 2]);
    printf("  output maps        %.3f s, %.1f MB; statistics %.2f MB; coefficients of a chunk %.1f "
           "MB; coder "
           "%.1f MB; counter %.1f MB\n",
           b->output_map_seconds, (double)(s->L * s->H * s->C * s->P) * 4e-6,
           (double)cs_head_stats_size(*s) * 8e-6,
           (double)cs_coefficients_memory(b->coefficients) * 1e-6,
           (double)cs_coder_memory(b->coder) * 1e-6,
           (double)cs_head_counter_memory(b->counter) * 1e-6);
    printf("  sum of terms %.2e from the embedding\n", worst);
}

int main(int argc, char **argv)
{
    static times t;
    bench b;
    clipspan_precision precision = CLIPSPAN_F32;
    size_t runs = 32;
    int i;
    for (i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--runs"))
            runs = strtoul(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--precision"))
            precision = strcmp(argv[i + 1], "bf16") ? CLIPSPAN_F32 : CLIPSPAN_BF16;
    }
    if (argc < 2 || runs < 1 || runs > sizeof t.plain / sizeof *t.plain) {
        fprintf(stderr, "usage: bench_decompose MODEL [--precision f32|bf16] [--runs R]\n");
        return 2;
    }
    start(&b, argv[1], precision);
    measure(&t, &b, runs);
    qsort(t.plain, runs, sizeof *t.plain, compare);
    qsort(t.traced, runs, sizeof *t.traced, compare);
    print(&t, &b, runs);
    finish(&b);
    return 0;
}
