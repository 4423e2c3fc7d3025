/* SPDX-License-Identifier: MIT */
/* Time of TEXTSPAN from statistics and text vectors, projection of the texts included:
 *
 *     bench_span [--heads 48] [--texts 3498] [--images 2000] [--resamples 0] [--runs 20]
 *                [--threads 1] [--dump FOLDER]        (on one core: taskset -c 1 bench_span)
 *
 * The sizes of ViT-B/16 (coefficients 67 wide, joint image-text embedding space 512 wide, 20 basis
 * texts); random heads whose coefficients have a falling spectrum and a mean, random texts in
 * clusters. --dump writes the data and our basis texts as .npy files, for bench/span_numpy.py. */
#include <clipspan/clipspan.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "decompose/span.h"
#include "peak.h"
#include "tensor/moments.h"

enum { C = 67, P = 512, BASIS_TEXTS = 20, BLOCKS = 64, CLUSTER = 12, MOST_RUNS = 1000 };

typedef struct scene {
    size_t heads, texts, images;
    int resamples, runs, threads;
    const char *dump;
    float *output_map;    /* [heads, C, P] */
    double *coefficients; /* [heads, images, C] */
    float *vectors;       /* [texts, P] */
    double *moments;      /* [heads] of size */
    double *blocks;       /* [heads, BLOCKS] of size */
    size_t size;
} scene;

static cs_random dice = {1};

/* About normal: the sum of twelve uniform numbers. */
static double normal(void)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++)
        sum += (double)(cs_random_next(&dice) >> 11) * 0x1p-53;
    return sum;
}

static void *must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "bench_span: out of memory\n");
        exit(1);
    }
    return memory;
}

/* Rows of about equal length, but the last three, which are far smaller, as in a real head. */
static void make_head(scene *s, size_t head)
{
    float *output_map = s->output_map + head * C * P;
    double *coefficients = s->coefficients + head * s->images * C, mean[C], spread[C];
    for (size_t i = 0; i < C; i++) {
        for (size_t d = 0; d < P; d++)
            output_map[i * P + d] = (float)(normal() * (i < C - 3 ? 0.05 : 0.002));
        mean[i] = normal() * 0.05;
        spread[i] = 0.1 / sqrt(1.0 + (double)i);
    }
    for (size_t n = 0; n < s->images; n++)
        for (size_t i = 0; i < C; i++)
            coefficients[n * C + i] = (double)(float)(mean[i] + spread[i] * normal());
}

static void make_texts(scene *s)
{
    float centre[P];
    for (size_t t = 0; t < s->texts; t++) {
        float *vector = s->vectors + t * P;
        double size = 0.0;
        for (size_t d = 0; d < P; d++) {
            if (t % CLUSTER == 0) centre[d] = (float)normal();
            vector[d] = centre[d] + (float)normal();
            size += (double)vector[d] * (double)vector[d];
        }
        for (size_t d = 0; d < P; d++)
            vector[d] /= (float)sqrt(size);
    }
}

static void take_moments(scene *s, size_t head)
{
    double *coefficients = s->coefficients + head * s->images * C, *rows;
    double *all = s->moments + head * s->size, *blocks = s->blocks + head * BLOCKS * s->size;
    rows = must(malloc(s->images * C * sizeof *rows));
    memcpy(rows, coefficients, s->images * C * sizeof *rows);
    for (size_t b = 0; b < BLOCKS; b++) {
        size_t from = b * s->images / BLOCKS, to = (b + 1) * s->images / BLOCKS;
        cs_moments_of_rows(blocks + b * s->size, rows + from * C, to - from, C, C);
        cs_moments_merge(all, blocks + b * s->size, C);
    }
    free(rows);
}

static void make(scene *s)
{
    s->size = cs_moments_size(C);
    s->output_map = must(calloc(s->heads * C * P, sizeof *s->output_map));
    s->coefficients = must(calloc(s->heads * s->images * C, sizeof *s->coefficients));
    s->vectors = must(calloc(s->texts * P, sizeof *s->vectors));
    s->moments = must(calloc(s->heads * s->size, sizeof *s->moments));
    s->blocks = must(calloc(s->heads * BLOCKS * s->size, sizeof *s->blocks));
    make_texts(s);
    for (size_t h = 0; h < s->heads; h++) {
        make_head(s, h);
        take_moments(s, h);
    }
}

static void check(clipspan_status status, const clipspan_error *err)
{
    if (status == CLIPSPAN_OK) return;
    fprintf(stderr, "bench_span: %s\n", err->message);
    exit(1);
}

/* One whole run: packing of the texts, all heads. */
static double measure(cs_span **spans, const scene *s, const cs_simd *simd)
{
    cs_span_options options = {BASIS_TEXTS, 0, s->resamples, 1, s->threads, NULL};
    cs_span_head *heads = must(calloc(s->heads, sizeof *heads));
    cs_span_pool *pool = NULL;
    clipspan_error err;
    double start = bench_now();
    for (size_t h = 0; h < s->heads; h++) {
        cs_span_head head = {s->output_map + h * C * P, s->moments + h * s->size,
                             s->blocks + h * BLOCKS * s->size, BLOCKS, s->size};
        heads[h] = head;
    }
    check(cs_span_pool_new(&pool, s->vectors, s->texts, P, simd, &err), &err);
    check(cs_span_run(spans, pool, heads, s->heads, C, &options, NULL, &err), &err);
    cs_span_pool_free(&pool);
    start = bench_now() - start;
    free(heads);
    return start;
}

static void write_array(const scene *s, const char *name, clipspan_dtype dtype, const void *rows,
                        size_t count, const uint64_t *shape, int rank)
{
    char path[4096];
    clipspan_npy *npy = NULL;
    clipspan_error err;
    snprintf(path, sizeof path, "%s/%s.npy", s->dump, name);
    check(clipspan_npy_open(&npy, path, dtype, shape, rank, 1, &err), &err);
    check(clipspan_npy_write(npy, rows, count, &err), &err);
    check(clipspan_npy_finish(npy, &err), &err);
    clipspan_npy_close(&npy);
}

static void dump(const scene *s, cs_span **spans)
{
    uint64_t output_map[] = {C, P}, coefficients[] = {s->images, C}, text[] = {P},
             basis_texts[] = {BASIS_TEXTS};
    uint64_t directions[] = {BASIS_TEXTS, P};
    size_t numbers = s->heads * s->images * C;
    float *single = must(malloc(numbers * sizeof *single));
    int32_t *picked = must(malloc(s->heads * BASIS_TEXTS * sizeof *picked));
    float *all = must(malloc(s->heads * BASIS_TEXTS * P * sizeof *all));
    for (size_t i = 0; i < numbers; i++)
        single[i] = (float)s->coefficients[i];
    for (size_t h = 0; h < s->heads; h++)
        for (size_t k = 0; k < BASIS_TEXTS; k++) {
            picked[h * BASIS_TEXTS + k] =
                k < spans[h]->basis_texts ? (int32_t)spans[h]->basis_text[k].text : -1;
            memcpy(all + (h * BASIS_TEXTS + k) * P, spans[h]->directions + k * P, P * sizeof *all);
        }
    write_array(s, "output_map", CLIPSPAN_FLOAT32, s->output_map, s->heads, output_map, 2);
    write_array(s, "coefficients", CLIPSPAN_FLOAT32, single, s->heads, coefficients, 2);
    write_array(s, "texts", CLIPSPAN_FLOAT32, s->vectors, s->texts, text, 1);
    write_array(s, "basis_texts", CLIPSPAN_INT32, picked, s->heads, basis_texts, 1);
    write_array(s, "directions", CLIPSPAN_FLOAT32, all, s->heads, directions, 2);
    free(single);
    free(picked);
    free(all);
}

static void read_options(scene *s, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t value = (size_t)strtoul(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--heads"))
            s->heads = value;
        else if (!strcmp(argv[i], "--texts"))
            s->texts = value;
        else if (!strcmp(argv[i], "--images"))
            s->images = value;
        else if (!strcmp(argv[i], "--resamples"))
            s->resamples = (int)value;
        else if (!strcmp(argv[i], "--runs"))
            s->runs = (int)value;
        else if (!strcmp(argv[i], "--threads"))
            s->threads = (int)value;
        else if (!strcmp(argv[i], "--dump"))
            s->dump = argv[i + 1];
        else {
            fprintf(stderr, "bench_span: unknown option %s\n", argv[i]);
            exit(2);
        }
    }
    if (s->runs < 1 || s->runs > MOST_RUNS || s->images < BLOCKS || !s->heads || !s->texts) {
        fprintf(stderr, "bench_span: a number is out of range\n");
        exit(2);
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    scene s = {.heads = 48, .texts = 3498, .images = 2000, .runs = 20, .threads = 1};
    static double seconds[MOST_RUNS];
    const cs_simd *simd = cs_simd_best();
    cs_span **spans;
    read_options(&s, argc, argv);
    make(&s);
    spans = must(calloc(s.heads, sizeof(*spans)));
    for (int i = 0; i < s.runs; i++) {
        seconds[i] = measure(spans, &s, simd);
        if (s.dump && i == 0) dump(&s, spans);
        for (size_t h = 0; h < s.heads; h++)
            cs_span_free(&spans[h]);
    }
    qsort(seconds, (size_t)s.runs, sizeof *seconds, by_size);
    printf("TEXTSPAN, %zu heads, %zu texts, %d basis texts, %d resamples, %s, %s, %d thread%s:\n"
           "    %.1f ms minimum, %.1f ms median of %d\n",
           s.heads, s.texts, BASIS_TEXTS, s.resamples, simd->name, clipspan_product_name(),
           s.threads, s.threads == 1 ? "" : "s", 1e3 * seconds[0], 1e3 * seconds[s.runs / 2],
           s.runs);
    return 0;
}
