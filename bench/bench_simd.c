/* SPDX-License-Identifier: MIT */
/* Rates of our own kernels at every level this CPU has, on the sizes of ViT towers:
 *
 *     bench_simd [RUNS]      (default 100; on one core: taskset -c 1 bench_simd)
 *
 * Prints minimum and median time, and GFLOP/s beside the FMA peak measured in the same run (two
 * products of 2 n n K flops a head; the softmax in between counts for nothing), or GB/s of what a
 * kernel has to read and write. Minimum, because the machine may be shared. */
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

enum { WIDTH = 1280, TOKENS = 257, MANY = 1 << 24, MOST_RUNS = 10000 };

/* What all kernels work on. */
typedef struct scene {
    float *in, *out, *work, *many, row[TOKENS];
    uint16_t *half;
    uint32_t index[TOKENS];
    size_t n, heads, head_width, width; /* of a tower */
} scene;

typedef void kernel(const cs_simd *s, scene *c);

static void run_layer_norm(const cs_simd *s, scene *c)
{
    s->layer_norm(c->out, c->width, c->in, c->width, c->n, c->width, c->many, c->many, 1e-5f);
}

static void run_layer_norm_bf16(const cs_simd *s, scene *c)
{
    s->layer_norm_bf16(c->half, c->width, c->in, c->width, c->n, c->width, c->many, c->many, 1e-5f);
}

static void run_gelu(const cs_simd *s, scene *c)
{
    s->gelu(c->out, c->in, c->n * c->width);
}

static void run_quick_gelu(const cs_simd *s, scene *c)
{
    s->quick_gelu(c->out, c->in, c->n * c->width);
}

/* Rows that are weights already stay weights: the same work each time. */
static void run_softmax(const cs_simd *s, scene *c)
{
    s->softmax(c->out, c->n, c->n, c->n);
}

static void run_attention(const cs_simd *s, scene *c)
{
    const size_t ld = 3 * c->width, k = c->head_width;
    for (size_t h = 0; h < c->heads; h++) {
        const float *q = c->in + h * k;
        s->attention(c->out + h * k, c->width, q, ld, q + c->width, ld, q + 2 * c->width, ld, c->n,
                     c->n, k, 0.125f, c->row, c->work);
    }
}

static void run_attention_bf16(const cs_simd *s, scene *c)
{
    const size_t ld = 3 * c->width, k = c->head_width;
    for (size_t h = 0; h < c->heads; h++) {
        const float *q = c->in + h * k;
        s->attention_bf16(c->half + h * k, c->width, q, ld, q + c->width, ld, q + 2 * c->width, ld,
                          c->n, c->n, k, 0.125f, c->row, c->work);
    }
}

static void run_attention_path(const cs_simd *s, scene *c)
{
    const size_t ld = 3 * c->width, k = c->head_width;
    for (size_t i = 0; i < 100; i++)
        for (size_t h = 0; h < c->heads; h++) {
            const float *q = c->in + h * k;
            s->attention_path(c->out + h * k, q, q + c->width, ld, q + 2 * c->width, ld, c->index,
                              c->n, k, 0.125f, c->work);
        }
}

static void run_add(const cs_simd *s, scene *c)
{
    s->add(c->out, c->in, c->n * c->width);
}

static void run_norm(const cs_simd *s, scene *c)
{
    c->row[0] = (float)s->norm(c->in, c->n * c->width);
}

static void run_f32_from_f16(const cs_simd *s, scene *c)
{
    s->f32_from_f16(c->many, c->half, MANY);
}

static void run_f32_from_bf16(const cs_simd *s, scene *c)
{
    s->f32_from_bf16(c->many, c->half, MANY);
}

static void run_bf16_from_f32(const cs_simd *s, scene *c)
{
    s->bf16_from_f32(c->half, c->many, MANY);
}

static void run_count_odd(const cs_simd *s, scene *c)
{
    uint64_t counts[3] = {0};
    s->count_odd(counts, c->many, MANY);
    c->row[0] = (float)counts[0];
}

/* A measurement: what runs on which sizes, and how much that is. */
static const struct job {
    const char *name;
    kernel *run;
    size_t n, heads, head_width;
    double flops, bytes; /* per n * width, or per n * n * width for attention; bytes else */
} jobs[] = {
    {"attention B/16", run_attention, 197, 12, 64, 4.0, 0.0},
    {"attention L/14", run_attention, 257, 16, 64, 4.0, 0.0},
    {"attention H/14", run_attention, 257, 16, 80, 4.0, 0.0},
    {"attention_bf16 B/16", run_attention_bf16, 197, 12, 64, 4.0, 0.0},
    {"attention_bf16 H/14", run_attention_bf16, 257, 16, 80, 4.0, 0.0},
    {"attention_path 8 of 512, x100", run_attention_path, 8, 8, 64, 0.0, 800.0},
    {"layer_norm 197 x 768", run_layer_norm, 197, 12, 64, 0.0, 8.0},
    {"layer_norm_bf16 197 x 768", run_layer_norm_bf16, 197, 12, 64, 0.0, 6.0},
    {"gelu 197 x 768", run_gelu, 197, 12, 64, 0.0, 8.0},
    {"quick_gelu 197 x 768", run_quick_gelu, 197, 12, 64, 0.0, 8.0},
    {"softmax 197 x 197", run_softmax, 197, 1, 197, 0.0, 8.0},
    {"add 197 x 768", run_add, 197, 12, 64, 0.0, 12.0},
    {"norm 197 x 768", run_norm, 197, 12, 64, 0.0, 4.0},
    {"f32_from_f16 2^24", run_f32_from_f16, MANY, 1, 1, 0.0, 6.0},
    {"f32_from_bf16 2^24", run_f32_from_bf16, MANY, 1, 1, 0.0, 6.0},
    {"bf16_from_f32 2^24", run_bf16_from_f32, MANY, 1, 1, 0.0, 6.0},
    {"count_odd 2^24", run_count_odd, MANY, 1, 1, 0.0, 4.0},
};

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Times one job; the peak is taken between the runs, since a processor's clock wanders. */
static void measure(const struct job *job, const cs_simd *s, scene *c, int runs)
{
    static double seconds[MOST_RUNS];
    const int bf16 = job->run == run_attention_bf16;
    double peak = 0.0;
    c->n = job->n, c->heads = job->heads, c->head_width = job->head_width;
    c->width = job->heads * job->head_width;
    job->run(s, c);
    for (int i = 0; i < runs; i++) {
        if (job->flops > 0.0 && i % 10 == 0) {
            double rate = bf16 ? bench_peak_bf16(1, 1) : bench_peak(s->level, 1, 1);
            if (rate > peak) peak = rate;
        }
        double start = bench_now();
        job->run(s, c);
        seconds[i] = bench_now() - start;
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, by_size);
    const double size = (double)c->n * (double)c->width * 1e-9;
    printf("%-30s %-8s %9.4f %9.4f ms", job->name, s->name, 1e3 * seconds[0],
           1e3 * seconds[runs / 2]);
    if (job->flops > 0.0) {
        double rate = job->flops * size * (double)c->n / seconds[0];
        printf(" %8.1f GFLOP/s %5.1f %% of %.0f\n", rate, 100.0 * rate / peak, peak);
    } else {
        printf(" %8.1f GB/s\n", job->bytes * size / seconds[0]);
    }
}

int main(int argc, char **argv)
{
    const long asked = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
    const int runs = asked < 1 ? 1 : asked > MOST_RUNS ? MOST_RUNS : (int)asked;
    const size_t cells = (size_t)TOKENS * 3 * WIDTH;
    clipspan_error err;
    scene c = {.n = 0};
    c.in = cs_alloc_aligned(cells, sizeof *c.in, "input", &err);
    c.out = cs_alloc_aligned(cells, sizeof *c.out, "output", &err);
    c.work = cs_alloc_aligned(cs_attention_work(TOKENS, 128), sizeof *c.work, "work", &err);
    c.many = cs_alloc_aligned(MANY, sizeof *c.many, "long array", &err);
    c.half = cs_alloc_aligned(MANY, sizeof *c.half, "long array", &err);
    if (!c.in || !c.out || !c.work || !c.many || !c.half) {
        fprintf(stderr, "bench_simd: %s\n", err.message);
        return 1;
    }
    for (size_t i = 0; i < cells; i++)
        c.in[i] = c.out[i] = (float)(i * 7919 % 1000) * 0.004f - 2.0f;
    for (size_t i = 0; i < MANY; i++) {
        c.many[i] = (float)(i % 1000) * 0.001f;
        c.half[i] = (uint16_t)(0x3c00 + i % 1000);
    }
    for (size_t i = 0; i < TOKENS; i++)
        c.index[i] = (uint32_t)(i * 37 % TOKENS);
    printf("%-30s %-8s %9s %9s\n", "kernel", "level", "min", "median");
    for (size_t j = 0; j < sizeof jobs / sizeof *jobs; j++)
        for (int level = CS_GENERIC; level <= CS_AVX512; level++) {
            const cs_simd *s = cs_simd_get((cs_level)level);
            if (!s || (jobs[j].run == run_attention_bf16 && !s->attention_bf16)) continue;
            measure(jobs + j, s, &c, level == CS_GENERIC ? 1 + runs / 50 : runs);
        }
    cs_free(c.in), cs_free(c.out), cs_free(c.work), cs_free(c.many), cs_free(c.half);
    return 0;
}
