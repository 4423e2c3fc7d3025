/* SPDX-License-Identifier: MIT */
/* Components from coefficients: y A in float64, and the tokens of one head from a record of its
 * layer. */
#include "decompose/contributions.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

/* sum += value row */
static void add_row(double *sum, double value, const float *row, size_t P)
{
    size_t p;
    for (p = 0; p < P; p++)
        sum[p] += value * (double)row[p];
}

/* A stretch of P at a time, so that sums need no memory. */
#define STRETCH 256

typedef struct stretch {
    size_t first, count;
    double sum[STRETCH];
} stretch;

static stretch start(size_t first, size_t P)
{
    stretch s;
    memset(&s, 0, sizeof s);
    s.first = first;
    s.count = P - first < STRETCH ? P - first : STRETCH;
    return s;
}

/* Adds c = y A of a head. */
static void add_head(stretch *to, const cs_output_map *output_map,
                     const cs_coefficients *coefficients, size_t slot, size_t l, size_t h)
{
    const cs_shape *s = &coefficients->shape;
    const float *z = coefficients->z + ((l * s->H + h) * coefficients->room + slot) * s->K;
    const float *rows = cs_output_map_head(output_map, l, h) + to->first;
    const double *scale = coefficients->scale + 3 * slot;
    size_t k;
    for (k = 0; k < s->K; k++, rows += s->P)
        add_row(to->sum, (double)z[k] * scale[0], rows, to->count);
    for (k = 0; k < 3; k++, rows += s->P)
        add_row(to->sum, scale[k], rows, to->count);
}

static void put(float *out, const stretch *from)
{
    size_t p;
    if (!out) return;
    for (p = 0; p < from->count; p++)
        out[from->first + p] = (float)from->sum[p];
}

void cs_contributions_get(float *heads, float *layers, float *mlps, float *class_self_attention,
                          const cs_output_map *output_map, const cs_coefficients *coefficients,
                          size_t slot)
{
    const cs_shape *s = &coefficients->shape;
    size_t l, h, p, first, B = coefficients->room;
    for (l = 0; l < s->L && (heads || layers); l++)
        for (first = 0; first < s->P; first += STRETCH) {
            stretch layer = start(first, s->P);
            for (h = 0; h < s->H; h++) {
                stretch head = start(first, s->P);
                add_head(&head, output_map, coefficients, slot, l, h);
                put(heads ? heads + (l * s->H + h) * s->P : NULL, &head);
                for (p = 0; p < head.count; p++)
                    layer.sum[p] += head.sum[p];
            }
            put(layers ? layers + l * s->P : NULL, &layer);
        }
    for (l = 0; mlps && l <= s->L; l++)
        memcpy(mlps + l * s->P, coefficients->mlp + (l * B + slot) * s->P, s->P * sizeof *mlps);
    for (l = 0; class_self_attention && l < s->L; l++)
        memcpy(class_self_attention + l * s->P,
               coefficients->class_self_attention + (l * B + slot) * s->P,
               s->P * sizeof *class_self_attention);
}

double cs_contributions_residual(const cs_output_map *output_map,
                                 const cs_coefficients *coefficients, size_t slot)
{
    const cs_shape *s = &coefficients->shape;
    const float *embedding = coefficients->embedding + slot * s->P;
    double worst = 0.0;
    size_t l, h, p, first;
    for (first = 0; first < s->P; first += STRETCH) {
        stretch sum = start(first, s->P);
        for (l = 0; l < s->L; l++)
            for (h = 0; h < s->H; h++)
                add_head(&sum, output_map, coefficients, slot, l, h);
        for (l = 0; l <= s->L; l++)
            add_row(sum.sum, 1.0,
                    coefficients->mlp + (l * coefficients->room + slot) * s->P + first, sum.count);
        for (p = 0; p < sum.count; p++) {
            double off = fabs(sum.sum[p] - (double)embedding[first + p]);
            if (!(off <= worst)) worst = off;
        }
    }
    return worst;
}

/* ---- Tokens ---- */

static void plan(cs_token_record *r)
{
    const cs_shape *s = &r->shape;
    r->attention = cs_arena_carve(&r->arena, s->L * s->H * s->N, sizeof(float));
    r->values = cs_arena_carve(&r->arena, s->L * s->N * s->D, sizeof(float));
}

clipspan_status cs_token_record_init(cs_token_record *record, cs_shape shape, clipspan_error *err)
{
    memset(record, 0, sizeof *record);
    record->shape = shape;
    plan(record);
    CS_TRY(cs_arena_take(&record->arena, "attention by token", err));
    plan(record);
    return CLIPSPAN_OK;
}

void cs_token_record_fini(cs_token_record *record)
{
    cs_arena_fini(&record->arena);
}

static void keep_layer(void *user, const cs_layer_view *view)
{
    cs_token_record *r = user;
    size_t weights = view->H * view->N, values = view->N * view->H * view->K;
    memcpy(r->attention + view->layer * weights, view->attention, weights * sizeof(float));
    memcpy(r->values + view->layer * values, view->values, values * sizeof(float));
}

cs_layer_sink cs_token_record_sink(cs_token_record *record)
{
    cs_layer_sink sink = {keep_layer, record, NULL, NULL};
    return sink;
}

void cs_contributions_get_tokens(float *out, const cs_output_map *output_map,
                                 const cs_token_record *record, const double *scale, size_t layer,
                                 size_t head)
{
    const cs_shape *s = &record->shape;
    const float *a = record->attention + (layer * s->H + head) * s->N;
    const float *v = record->values + layer * s->N * s->D + head * s->K;
    const float *rows = cs_output_map_head(output_map, layer, head);
    size_t j, k, first;
    for (j = 0; j < s->N; j++, v += s->D)
        for (first = 0; first < s->P; first += STRETCH) {
            stretch sum = start(first, s->P);
            for (k = 0; k < s->K; k++)
                add_row(sum.sum, (double)a[j] * (double)v[k] * scale[0], rows + k * s->P + first,
                        sum.count);
            for (k = 0; k < 3; k++)
                add_row(sum.sum, scale[k] / (double)s->N, rows + (s->K + k) * s->P + first,
                        sum.count);
            put(out + j * s->P, &sum);
        }
}
