/* SPDX-License-Identifier: MIT */
/* What maps cost beside a plain pass, in processor time of one thread (OMP_NUM_THREADS=1).
 *
 *     bench_maps MODEL [--texts T] [--runs R]
 *
 * R random images go in turn through a plain pass and one whose sink gathers, for T texts, the
 * maps of all heads together, of each head, and those of the other kinds. Printed: medians and
 * their ratios, and beside them how many multiply-adds an image takes here and in the published
 * way, which forms every token's, head's and layer's D-wide term for every query and projects it.
 * */
#define _POSIX_C_SOURCE 200809L
#include "decompose/maps.h"
#include "model/image_pass.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST  1000
#define KINDS 4

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
    fprintf(stderr, "bench_maps: %s\n", err.message);
    exit(1);
}

static void *need(void *memory)
{
    if (!memory) exit(1);
    return memory;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

typedef struct bench {
    cs_checkpoint *checkpoint;
    cs_tower *tower;
    cs_image_pass *pass;
    cs_output_map *output_map;
    cs_map_texts *texts;
    cs_maps *maps[KINDS]; /* the first is NULL: a plain pass */
    cs_map_result out[KINDS];
    cs_trace trace;
    size_t pixels;
} bench;

static void start(bench *b, const char *model, size_t T)
{
    static const cs_map_plan plans[KINDS] = {
        {.layer = 0},
        {.kinds = CS_MAP_HEADS},
        {.kinds = CS_MAP_HEADS, .each = 1},
        {.kinds = CS_MAP_ATTENTION | CS_MAP_ROLLOUT | CS_MAP_PATCHES | CS_MAP_VALUES}};
    const cs_simd *simd = cs_simd_best();
    const cs_config *config;
    float *vectors;
    size_t i, map;
    memset(b, 0, sizeof *b);
    stop_on(cs_checkpoint_open(&b->checkpoint, model, NULL, &err));
    config = cs_checkpoint_config(b->checkpoint);
    b->pixels = 3 * (size_t)config->input_height * (size_t)config->input_width;
    stop_on(
        cs_tower_load(&b->tower, b->checkpoint, CLIPSPAN_IMAGE, CLIPSPAN_F32, 0, 2, simd, &err));
    stop_on(cs_image_pass_new(&b->pass, b->tower, config, 1, simd, &err));
    stop_on(cs_output_map_new(&b->output_map, b->checkpoint, CLIPSPAN_F32, 2, simd, &err));
    stop_on(cs_trace_init(&b->trace, config, &err));
    vectors = need(malloc(T * b->output_map->shape.P * sizeof *vectors));
    for (i = 0; i < T * b->output_map->shape.P; i++)
        vectors[i] = (float)cos((double)i);
    stop_on(cs_map_texts_new(&b->texts, b->output_map, vectors, T, 2, &err));
    free(vectors);
    map = T * b->output_map->shape.N * sizeof(float);
    for (i = 1; i < KINDS; i++) {
        cs_map_result *r = &b->out[i];
        stop_on(cs_maps_new(&b->maps[i], b->texts, b->output_map, b->tower, &plans[i], simd, &err));
        r->heads = need(malloc(map));
        if (i == 2) r->each = need(malloc(b->output_map->shape.L * b->output_map->shape.H * map));
        if (i != 3) continue;
        r->attention = need(malloc(map));
        r->rollout = need(malloc(map));
        r->patches = need(malloc(map));
        r->values = need(malloc(map));
    }
}

static void finish(bench *b)
{
    size_t i;
    for (i = 0; i < KINDS; i++) {
        cs_maps_free(&b->maps[i]);
        free(b->out[i].heads);
        free(b->out[i].each);
        free(b->out[i].attention);
        free(b->out[i].rollout);
        free(b->out[i].patches);
        free(b->out[i].values);
    }
    cs_map_texts_free(&b->texts);
    cs_trace_fini(&b->trace);
    cs_output_map_free(&b->output_map);
    cs_image_pass_free(&b->pass);
    cs_tower_free(&b->tower);
    cs_checkpoint_close(&b->checkpoint);
}

static double run(bench *b, const uint8_t *pixels, size_t kind)
{
    double begin = cpu_now();
    if (kind == 0) {
        stop_on(cs_image_pass_run(b->trace.embedding, b->pass, pixels, 1, &err));
    } else {
        cs_layer_sink sink = cs_maps_sink(b->maps[kind]);
        stop_on(cs_image_pass_trace(&b->trace, b->pass, pixels, &sink, &err));
        stop_on(cs_maps_get(&b->out[kind], b->maps[kind], &b->trace, &err));
    }
    return cpu_now() - begin;
}

static void print(double seconds[KINDS][MOST], const bench *b, size_t runs)
{
    static const char *const names[KINDS] = {"plain pass", "maps of all heads together",
                                             "and of each head",
                                             "attention, rollout, patches and values"};
    const cs_shape *s = &b->output_map->shape;
    double L = (double)s->L, H = (double)s->H, N = (double)s->N, K = (double)s->K, D = (double)s->D;
    double P = (double)s->P, T = (double)b->texts->T;
    size_t i;
    printf("%s: L %zu, H %zu, K %zu, P %zu, N %zu; %zu texts\n", cs_checkpoint_name(b->checkpoint),
           s->L, s->H, s->K, s->P, s->N, b->texts->T);
    for (i = 0; i < KINDS; i++) {
        qsort(seconds[i], runs, sizeof **seconds, compare);
        printf("  %-40s %9.3f ms, %.3f of the plain pass (medians)\n", names[i],
               1e3 * seconds[i][runs / 2], seconds[i][runs / 2] / seconds[0][runs / 2]);
    }
    printf("  multiply-adds an image: here %.3g; published %.3g for the terms of every query, %.3g "
           "to project those of the class token, %.3g for the texts\n",
           L * H * N * K * T, L * N * N * H * K * D, L * N * H * D * P, L * N * H * P * T);
}

int main(int argc, char **argv)
{
    static double seconds[KINDS][MOST];
    size_t T = 10, runs = 15, r, i, kind;
    uint32_t seed = 1;
    uint8_t *pixels;
    bench b;
    int a;
    if (argc < 2) {
        fprintf(stderr, "bench_maps MODEL [--texts T] [--runs R]\n");
        return 2;
    }
    for (a = 2; a + 1 < argc; a += 2) {
        size_t value = strtoul(argv[a + 1], NULL, 10);
        if (strcmp(argv[a], "--texts") == 0)
            T = value < 1 ? 1 : value;
        else
            runs = value < 1 ? 1 : value > MOST ? MOST : value;
    }
    start(&b, argv[1], T);
    pixels = need(malloc(b.pixels));
    for (r = 0; r <= runs; r++) { /* the first time warms up */
        for (i = 0; i < b.pixels; i++) {
            seed = seed * 1664525U + 1013904223U;
            pixels[i] = (uint8_t)(seed >> 24);
        }
        for (kind = 0; kind < KINDS; kind++)
            seconds[kind][r ? r - 1 : 0] = run(&b, pixels, kind);
    }
    print(seconds, &b, runs);
    free(pixels);
    finish(&b);
    return 0;
}
