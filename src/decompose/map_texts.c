/* SPDX-License-Identifier: MIT */
/* The products of every head's output map with the texts, sums in float64. */
#include "decompose/map_texts.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <string.h>

typedef struct maker {
    cs_map_texts *texts;
    const cs_output_map *output_map;
    const double *turned; /* [blocks, P, CS_MAP_BLOCK] the texts */
} maker;

/* sum[i] = row . text i of a block */
static void project(double sum[CS_MAP_BLOCK], const float *row, const double *block, size_t P)
{
    size_t p, i;
    memset(sum, 0, CS_MAP_BLOCK * sizeof *sum);
    for (p = 0; p < P; p++, block += CS_MAP_BLOCK) {
        const double value = (double)row[p];
        for (i = 0; i < CS_MAP_BLOCK; i++)
            sum[i] += value * block[i];
    }
}

static void make_head(void *context, size_t index, int lane)
{
    const maker *m = context;
    cs_map_texts *t = m->texts;
    const cs_shape *s = &t->shape;
    const float *rows = cs_output_map_head(m->output_map, index / s->H, index % s->H);
    size_t block, k, i;
    (void)lane;
    for (block = 0; block < t->blocks; block++)
        for (k = 0; k < s->C; k++) {
            double sum[CS_MAP_BLOCK];
            project(sum, rows + k * s->P, m->turned + block * s->P * CS_MAP_BLOCK, s->P);
            for (i = 0; i < CS_MAP_BLOCK; i++) {
                size_t text = block * CS_MAP_BLOCK + i;
                if (k < s->K)
                    t->u[((index * t->blocks + block) * s->K + k) * CS_MAP_BLOCK + i] =
                        (float)sum[i];
                else if (text < t->T)
                    t->rest[(index * 3 + k - s->K) * t->T + text] = sum[i];
            }
        }
}

/* The texts with CS_MAP_BLOCK of them side by side; cs_free. */
static double *turn(const cs_map_texts *t, clipspan_error *err)
{
    size_t P = t->shape.P, i, p;
    double *turned =
        cs_alloc_zero(t->blocks * CS_MAP_BLOCK, P * sizeof *turned, "texts of maps", err);
    for (i = 0; turned && i < t->T; i++)
        for (p = 0; p < P; p++)
            turned[((i / CS_MAP_BLOCK) * P + p) * CS_MAP_BLOCK + i % CS_MAP_BLOCK] =
                (double)t->vectors[i * P + p];
    return turned;
}

clipspan_status cs_map_texts_new(cs_map_texts **out, const cs_output_map *output_map,
                                 const float *vectors, size_t T, int threads, clipspan_error *err)
{
    cs_map_texts *t = cs_alloc_zero(1, sizeof *t, "texts of maps", err);
    maker m = {t, output_map, NULL};
    double *turned = NULL;
    size_t heads = output_map->shape.L * output_map->shape.H, room;
    *out = NULL;
    if (!t) return CLIPSPAN_E_NOMEM;
    t->shape = output_map->shape;
    t->T = T;
    t->blocks = (T + CS_MAP_BLOCK - 1) / CS_MAP_BLOCK;
    if (!cs_size_mul(&room, heads * t->shape.K, t->blocks * CS_MAP_BLOCK)) room = SIZE_MAX;
    t->u = cs_alloc_aligned(room, sizeof *t->u, "texts of maps", err);
    t->rest = cs_alloc(heads * 3, T * sizeof *t->rest, "texts of maps", err);
    t->vectors = cs_alloc(T, t->shape.P * sizeof *t->vectors, "texts of maps", err);
    if (t->vectors) {
        memcpy(t->vectors, vectors, T * t->shape.P * sizeof *vectors);
        turned = turn(t, err);
    }
    if (!t->u || !t->rest || !turned) {
        cs_free(turned);
        cs_map_texts_free(&t);
        return CLIPSPAN_E_NOMEM;
    }
    m.turned = turned;
    cs_parallel_for(heads, threads, make_head, &m);
    cs_free(turned);
    *out = t;
    return CLIPSPAN_OK;
}

void cs_map_texts_free(cs_map_texts **texts)
{
    cs_map_texts *t = texts ? *texts : NULL;
    if (!t) return;
    cs_free(t->u);
    cs_free(t->rest);
    cs_free(t->vectors);
    cs_free(t);
    *texts = NULL;
}
