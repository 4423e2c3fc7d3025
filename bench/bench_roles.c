/* SPDX-License-Identifier: MIT */
/* Time of an atlas's heads from statistics and text vectors: basis texts of the pool and of a
 * control pool, resamples, rotations, relabellings, control pools, judgement.
 *
 *     bench_roles [--heads 384] [--texts 3498] [--rotations 1000] [--controls 10]
 *                 [--resamples 200] [--threads 2] [--about 1]
 *
 * The sizes of ViT-L/14 (coefficients 67 wide, embedding dimension 768, 20 basis texts). --about 1:
 * every head is about a category, so that all rotations are needed; 0: none is, and tests end
 * early. Heads repeat after 48. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "decompose/role_test.h"
#include "decompose/rotation_null.h"
#include "peak.h"
#include "tensor/moments.h"

enum { C = 67, P = 768, BASIS_TEXTS = 20, BLOCKS = 64, OWN = 48, GROUPS = 31, IMAGES = 1024 };

typedef struct scene {
    size_t heads, texts, rotations, controls, size;
    int resamples, threads, about;
    float *maps, *vectors; /* [OWN, C, P], [1 + controls, texts, P] */
    double *moments;       /* [OWN, 1 + BLOCKS, size] */
} scene;

static cs_random dice = {1};

static void *must(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "bench_roles: out of memory\n");
    exit(1);
}

static void check(clipspan_status status, const clipspan_error *err)
{
    if (status == CLIPSPAN_OK) return;
    fprintf(stderr, "bench_roles: %s\n", err->message);
    exit(1);
}

/* Texts of a category lie around a direction of their own. */
static void make_texts(scene *s)
{
    float *centres = must(malloc(GROUPS * P * sizeof *centres));
    for (size_t i = 0; i < (size_t)GROUPS * P; i++)
        centres[i] = (float)cs_random_normal(&dice);
    for (size_t t = 0; t < (1 + s->controls) * s->texts; t++) {
        float *v = s->vectors + t * P;
        const float *centre = centres + t % s->texts % GROUPS * P;
        double size = 0.0;
        for (size_t d = 0; d < P; d++) {
            v[d] = (float)cs_random_normal(&dice) + (t < s->texts ? 0.7f * centre[d] : 0.0f);
            size += (double)v[d] * (double)v[d];
        }
        for (size_t d = 0; d < P; d++)
            v[d] /= (float)sqrt(size);
    }
    free(centres);
}

static void make_head(scene *s, size_t head, double *rows)
{
    float *map = s->maps + head * C * P;
    double *all = s->moments + head * (1 + BLOCKS) * s->size;
    for (size_t i = 0; i < C; i++)
        for (size_t d = 0; d < P; d++)
            map[i * P + d] = s->about && i < 6
                                 ? s->vectors[(head % GROUPS + i * GROUPS) * P + d] * 1.4f
                                 : (float)(cs_random_normal(&dice) * (i < C - 3 ? 0.05 : 0.002));
    for (size_t n = 0; n < IMAGES; n++)
        for (size_t i = 0; i < C; i++)
            rows[n * C + i] = 0.1 * cs_random_normal(&dice) / sqrt(1.0 + (double)i);
    for (size_t b = 0; b < BLOCKS; b++) {
        double *block = all + (1 + b) * s->size;
        cs_moments_of_rows(block, rows + b * IMAGES / BLOCKS * C, IMAGES / BLOCKS, C, C);
        cs_moments_merge(all, block, C);
    }
}

static void make(scene *s)
{
    double *rows = must(malloc((size_t)IMAGES * C * sizeof *rows));
    s->size = cs_moments_size(C);
    s->maps = must(malloc((size_t)OWN * C * P * sizeof *s->maps));
    s->vectors = must(malloc((1 + s->controls) * s->texts * P * sizeof *s->vectors));
    s->moments = must(calloc(OWN * (1 + BLOCKS) * s->size, sizeof *s->moments));
    make_texts(s);
    for (size_t h = 0; h < OWN; h++)
        make_head(s, h, rows);
    free(rows);
}

static double measure(clipspan_role *roles, const scene *s, const cs_categories *categories,
                      int control)
{
    const cs_simd *simd = cs_simd_best();
    const float **controls = must(calloc(s->controls + 1, sizeof *controls));
    cs_span_head *heads = must(calloc(s->heads, sizeof *heads));
    cs_span **spans = must(calloc(s->heads, sizeof *spans));
    cs_role_wish wish = {categories, controls, s->controls, s->rotations, C, 1, NULL, NULL};
    cs_span_options options = {BASIS_TEXTS, 0,          control ? 0 : s->resamples,
                               1,           s->threads, control ? NULL : &wish};
    cs_span_pool *pool = NULL;
    clipspan_error err;
    double start = bench_now();
    for (size_t p = 0; p < s->controls; p++)
        controls[p] = s->vectors + (1 + p) * s->texts * P;
    for (size_t h = 0; h < s->heads; h++) {
        const double *moments = s->moments + h % OWN * (1 + BLOCKS) * s->size;
        const cs_span_head head = {s->maps + h % OWN * C * P, moments, moments + s->size, BLOCKS,
                                   s->size};
        heads[h] = head;
    }
    if (!control) check(cs_role_wish_draw(&wish, simd, &err), &err);
    check(cs_span_pool_new(&pool, control ? s->vectors + s->texts * P : s->vectors, s->texts, P,
                           simd, &err),
          &err);
    check(cs_span_run(spans, pool, heads, s->heads, C, &options, NULL, &err), &err);
    for (size_t h = 0; h < s->heads && !control; h++)
        roles[h] = spans[h]->role;
    if (!control) check(cs_roles_judge(roles, NULL, s->heads, CS_ROLES_FDR, &err), &err);
    start = bench_now() - start;
    for (size_t h = 0; h < s->heads; h++)
        cs_span_free(&spans[h]);
    cs_span_pool_free(&pool);
    cs_role_wish_fini(&wish);
    free(controls);
    free(heads);
    free(spans);
    return start;
}

static void read_options(scene *s, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const size_t value = (size_t)strtoul(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--heads")) s->heads = value;
        if (!strcmp(argv[i], "--texts")) s->texts = value;
        if (!strcmp(argv[i], "--rotations")) s->rotations = value;
        if (!strcmp(argv[i], "--controls")) s->controls = value;
        if (!strcmp(argv[i], "--resamples")) s->resamples = (int)value;
        if (!strcmp(argv[i], "--threads")) s->threads = (int)value;
        if (!strcmp(argv[i], "--about")) s->about = (int)value;
    }
}

int main(int argc, char **argv)
{
    static const char *const names[GROUPS] = {
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",  "l",  "m",  "n",  "o", "p",
        "q", "r", "s", "t", "u", "v", "w", "x", "y", "z", "aa", "bb", "cc", "dd", "ee"};
    scene s = {384, 3498, 1000, 10, 0, 200, 2, 1, NULL, NULL, NULL};
    cs_categories *categories = NULL;
    clipspan_role *roles;
    const char **keys;
    double control, all;
    int outcomes[5] = {0};
    read_options(&s, argc, argv);
    make(&s);
    keys = must(malloc(s.texts * sizeof *keys));
    roles = must(malloc(s.heads * sizeof *roles));
    for (size_t t = 0; t < s.texts; t++)
        keys[t] = names[t % GROUPS];
    check(cs_categories_new(&categories, keys, s.texts, NULL), NULL);
    control = measure(roles, &s, categories, 1);
    all = measure(roles, &s, categories, 0);
    for (size_t h = 0; h < s.heads; h++)
        outcomes[roles[h].outcome]++;
    printf("%zu heads, %zu texts, %zu rotations, %zu control pools, %d resamples, %d threads\n",
           s.heads, s.texts, s.rotations, s.controls, s.resamples, s.threads);
    printf("basis texts of a control pool %.2f s; the rest %.2f s; together %.2f s\n", control, all,
           control + all);
    printf("role %d, leaning %d, ambiguous %d, none %d\n", outcomes[4], outcomes[3], outcomes[2],
           outcomes[1]);
    cs_categories_free(&categories);
    free(keys);
    free(roles);
    free(s.maps);
    free(s.vectors);
    free(s.moments);
    return 0;
}
