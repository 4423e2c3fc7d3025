/* SPDX-License-Identifier: MIT */
/* Statistics of a chunk, a layer's heads or one other component a job, and their merge. */
#include "decompose/head_stats.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "tensor/dot.h"
#include "tensor/moments.h"

#include <math.h>
#include <string.h>

/* ---- The flat array ---- */

cs_head_stats_layout cs_head_stats_plan(cs_shape s)
{
    cs_head_stats_layout y;
    y.head_size = cs_moments_size(s.C);
    y.head_products = s.L * s.H * y.head_size;
    y.embedding = y.head_products + s.L * s.H;
    y.components = y.embedding + s.P + 1;
    y.component_size = s.P + 2;
    y.size = y.components + (3 * s.L + 1) * y.component_size;
    return y;
}

size_t cs_head_stats_size(cs_shape shape)
{
    return cs_head_stats_plan(shape).size;
}

double cs_head_stats_count(const double *stats)
{
    return cs_moments_count(stats); /* of the first head */
}

const double *cs_head_stats_head(const double *stats, cs_shape shape, size_t layer, size_t head)
{
    return stats + (layer * shape.H + head) * cs_moments_size(shape.C);
}

static size_t component_at(cs_shape shape, cs_component_kind kind, size_t index)
{
    cs_head_stats_layout y = cs_head_stats_plan(shape);
    return y.components + ((size_t)kind * shape.L + index) * y.component_size;
}

const double *cs_head_stats_component(const double *stats, cs_shape shape, cs_component_kind kind,
                                      size_t index)
{
    return stats + component_at(shape, kind, index);
}

const double *cs_head_stats_embedding(const double *stats, cs_shape shape)
{
    return stats + cs_head_stats_plan(shape).embedding;
}

/* ---- A chunk ---- */

typedef struct counter_lane {
    cs_product *product;  /* H C rows of coefficients, turned, to sums with the embeddings */
    float *turned;        /* [H C, B] coefficients of a layer's heads */
    float *sums;          /* [H C, P] sum over images of y m^T */
    double *coefficients; /* [B, C] */
    clipspan_error error;
} counter_lane;

struct cs_head_counter {
    const cs_output_map *output_map;
    const cs_simd *simd;
    cs_shape shape;
    size_t room;
    int lanes;
    counter_lane *lane;           /* [lanes] */
    float *embeddings;            /* [P, B] of the chunk, turned */
    cs_matrix *like;              /* B -> P, of zeros: its shape */
    cs_matrix *embeddings_packed; /* while a chunk is at work */
    cs_arena arena;
};

static void plan(cs_head_counter *c)
{
    const cs_shape *s = &c->shape;
    int i;
    c->embeddings = cs_arena_carve(&c->arena, c->room * s->P, sizeof(float));
    for (i = 0; i < c->lanes; i++) {
        c->lane[i].turned = cs_arena_carve(&c->arena, s->H * s->C * c->room, sizeof(float));
        c->lane[i].sums = cs_arena_carve(&c->arena, s->H * s->C * s->P, sizeof(float));
        c->lane[i].coefficients = cs_arena_carve(&c->arena, c->room * s->C, sizeof(double));
    }
}

clipspan_status cs_head_counter_new(cs_head_counter **out, const cs_output_map *output_map,
                                    size_t room, int lanes, const cs_simd *simd,
                                    clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    const cs_shape *s = &output_map->shape;
    cs_product_plan product = {s->H * s->C, CS_STORE, 0, 1};
    cs_head_counter *c = cs_alloc_zero(1, sizeof *c, "head statistics", err);
    int i;
    *out = NULL;
    if (!c) return CLIPSPAN_E_NOMEM;
    c->output_map = output_map;
    c->simd = simd;
    c->shape = *s;
    c->room = room;
    c->lanes = lanes;
    c->lane = cs_alloc_zero((size_t)lanes, sizeof *c->lane, "head statistics", err);
    if (!c->lane) goto done;
    plan(c);
    CS_TRY_DONE(cs_arena_take(&c->arena, "head statistics", err));
    plan(c);
    CS_TRY_DONE(cs_matrix_new(&c->like, c->embeddings, NULL, s->P, room, 1, CLIPSPAN_F32, err));
    for (i = 0; i < lanes; i++)
        CS_TRY_DONE(cs_product_new(&c->lane[i].product, c->like, product, simd, err));
    *out = c;
    c = NULL;
done:
    cs_head_counter_free(&c);
    return status;
}

void cs_head_counter_free(cs_head_counter **counter)
{
    cs_head_counter *c = counter ? *counter : NULL;
    int i;
    if (!c) return;
    for (i = 0; c->lane && i < c->lanes; i++)
        cs_product_free(&c->lane[i].product);
    cs_matrix_free(&c->like);
    cs_free(c->lane);
    cs_arena_fini(&c->arena);
    cs_free(c);
    *counter = NULL;
}

size_t cs_head_counter_memory(const cs_head_counter *counter)
{
    return counter->arena.size;
}

typedef struct chunk_job {
    double *stats;
    cs_head_counter *counter;
    const cs_coefficients *coefficients;
    cs_head_stats_layout layout;
} chunk_job;

/* In float64, eight sums side by side. */
static double dot_f32(const float *a, const float *b, size_t count)
{
    double part[8] = {0.0};
    size_t i, k;
    for (i = 0; i + 8 <= count; i += 8)
        for (k = 0; k < 8; k++)
            part[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < count; i++)
        part[i % 8] += (double)a[i] * (double)b[i];
    return ((part[0] + part[1]) + (part[2] + part[3])) +
           ((part[4] + part[5]) + (part[6] + part[7]));
}

/* Moments of every head of a layer, and the means of c . m = sum over A of A (sum of y m^T), which
 * needs no copy of A that is packed for products. */
static clipspan_status count_heads(const chunk_job *j, counter_lane *lane, size_t l,
                                   clipspan_error *err)
{
    cs_head_counter *c = j->counter;
    const cs_coefficients *coefficients = j->coefficients;
    const cs_shape *s = &c->shape;
    size_t B = coefficients->room, h, i, k, n;
    memset(lane->turned, 0, s->H * s->C * B * sizeof *lane->turned);
    for (h = 0; h < s->H; h++) {
        for (i = 0, n = 0; i < B; i++) {
            double *y = lane->coefficients + n * s->C;
            if (!coefficients->used[i]) continue;
            cs_coefficients_get(y, coefficients, i, l, h);
            for (k = 0; k < s->C; k++)
                lane->turned[(h * s->C + k) * B + i] = (float)y[k];
            n++;
        }
        cs_moments_of_rows(j->stats + (l * s->H + h) * j->layout.head_size, lane->coefficients, n,
                           s->C, s->C);
    }
    CS_TRY(cs_product_run(lane->product, lane->sums, lane->turned, 0, c->embeddings_packed, err));
    n = cs_coefficients_count(coefficients);
    for (h = 0; h < s->H; h++) {
        const float *rows = cs_output_map_head(c->output_map, l, h),
                    *sums = lane->sums + h * s->C * s->P;
        double product = dot_f32(rows, sums, s->C * s->P);
        j->stats[j->layout.head_products + l * s->H + h] = n ? product / (double)n : 0.0;
    }
    return CLIPSPAN_OK;
}

/* out : mean [P], sum of squared distances to it, and with `product` the mean of x . m, over used
 * slots of x : [B, P]. */
static void count_component(double *out, const float *x, const cs_coefficients *coefficients,
                            int product)
{
    size_t P = coefficients->shape.P, n = cs_coefficients_count(coefficients), i, p;
    double squares = 0.0, dots = 0.0;
    memset(out, 0, (P + 1) * sizeof *out);
    for (i = 0; i < coefficients->room; i++)
        for (p = 0; p < P && coefficients->used[i]; p++)
            out[p] += (double)x[i * P + p];
    for (p = 0; p < P && n; p++)
        out[p] /= (double)n;
    for (i = 0; i < coefficients->room; i++)
        for (p = 0; p < P && coefficients->used[i]; p++) {
            double value = (double)x[i * P + p];
            squares += (value - out[p]) * (value - out[p]);
            dots += value * (double)coefficients->embedding[i * P + p];
        }
    out[P] = squares;
    if (product) out[P + 1] = n ? dots / (double)n : 0.0;
}

/* Jobs: L layers of heads, the embedding, then the 3 L + 1 components. */
static void run_job(void *context, size_t index, int lane_number)
{
    const chunk_job *j = context;
    const cs_coefficients *coefficients = j->coefficients;
    const cs_shape *s = &coefficients->shape;
    size_t L = s->L, one = coefficients->room * s->P, t;
    const float *x;
    if (index < L) {
        counter_lane *lane = &j->counter->lane[lane_number];
        if (lane->error.code == CLIPSPAN_OK) count_heads(j, lane, index, &lane->error);
        return;
    }
    if (index == L) {
        count_component(j->stats + j->layout.embedding, coefficients->embedding, coefficients, 0);
        return;
    }
    t = index - L - 1;
    x = t < L       ? coefficients->attention + t * one
        : t < 2 * L ? coefficients->class_self_attention + (t - L) * one
                    : coefficients->mlp + (t - 2 * L) * one;
    count_component(j->stats + j->layout.components + t * j->layout.component_size, x, coefficients,
                    1);
}

clipspan_status cs_head_stats_run(double *stats, cs_head_counter *counter,
                                  const cs_coefficients *coefficients, int threads,
                                  clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const cs_shape *s = &counter->shape;
    chunk_job job = {stats, counter, coefficients, cs_head_stats_plan(*s)};
    size_t i, p;
    int t;
    for (p = 0; p < s->P; p++)
        for (i = 0; i < coefficients->room; i++)
            counter->embeddings[p * coefficients->room + i] = coefficients->embedding[i * s->P + p];
    CS_TRY(cs_matrix_new(&counter->embeddings_packed, counter->embeddings, NULL, s->P,
                         coefficients->room, 1, CLIPSPAN_F32, err));
    for (t = 0; t < counter->lanes; t++)
        cs_clear(&counter->lane[t].error);
    cs_parallel_for(4 * s->L + 2, threads, run_job, &job);
    for (t = 0; t < counter->lanes && status == CLIPSPAN_OK; t++) {
        status = counter->lane[t].error.code;
        if (status != CLIPSPAN_OK && err) *err = counter->lane[t].error;
    }
    cs_matrix_free(&counter->embeddings_packed);
    return status;
}

/* ---- Merging and checking ---- */

/* mean [P] and squares of two sets of na and nb rows. */
static void merge_squares(double *into, const double *other, size_t P, double na, double nb)
{
    double part = nb / (na + nb), distance = 0.0;
    size_t p;
    for (p = 0; p < P; p++) {
        double step = other[p] - into[p];
        distance += step * step;
        into[p] += step * part;
    }
    into[P] += other[P] + distance * na * part;
}

void cs_head_stats_merge(double *into, const double *other, cs_shape shape)
{
    cs_head_stats_layout y = cs_head_stats_plan(shape);
    double na = cs_head_stats_count(into), nb = cs_head_stats_count(other), part;
    size_t i;
    if (nb == 0.0) return;
    if (na == 0.0) {
        memcpy(into, other, y.size * sizeof *into);
        return;
    }
    part = nb / (na + nb);
    for (i = 0; i < shape.L * shape.H; i++) {
        cs_moments_merge(into + i * y.head_size, other + i * y.head_size, shape.C);
        into[y.head_products + i] +=
            (other[y.head_products + i] - into[y.head_products + i]) * part;
    }
    merge_squares(into + y.embedding, other + y.embedding, shape.P, na, nb);
    for (i = 0; i < 3 * shape.L + 1; i++) {
        double *mine = into + y.components + i * y.component_size;
        const double *theirs = other + y.components + i * y.component_size;
        merge_squares(mine, theirs, shape.P, na, nb);
        mine[shape.P + 1] += (theirs[shape.P + 1] - mine[shape.P + 1]) * part;
    }
}

clipspan_status cs_head_stats_check(const double *stats, cs_shape shape, const char *path,
                                    clipspan_error *err)
{
    cs_head_stats_layout y = cs_head_stats_plan(shape);
    double count = cs_head_stats_count(stats);
    size_t i, k;
    for (i = 0; i < y.size; i++)
        if (!isfinite(stats[i]))
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "number %zu of the statistics is not finite; the file is damaged", i);
    if (count < 0.0 || count != floor(count))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "the statistics count %g images; the file is damaged", count);
    for (i = 0; i < shape.L * shape.H; i++) {
        const double *head = stats + i * y.head_size;
        const double *comoments = cs_moments_comoments(head, shape.C);
        if (cs_moments_count(head) != count)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "layer %zu, head %zu counts %g images where the first counts %g; "
                              "the file is damaged",
                              i / shape.H, i % shape.H, cs_moments_count(head), count);
        for (k = 0; k < shape.C; k++)
            if (comoments[cs_moments_at(k, k, shape.C)] < 0.0)
                return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                                  "layer %zu, head %zu has a negative variance; the file is "
                                  "damaged",
                                  i / shape.H, i % shape.H);
    }
    for (i = 0; i < 3 * shape.L + 1; i++)
        if (stats[y.components + i * y.component_size + shape.P] < 0.0)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "component %zu has a negative variance; the file is damaged", i);
    if (stats[y.embedding + shape.P] < 0.0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "the embedding has a negative variance; the file is damaged");
    return CLIPSPAN_OK;
}

/* ---- Strength ---- */

/* From n images: squares, mean . mean of m, mean of c . m, and the embedding's squares. */
static cs_variance_share variance_share(double n, double squares, double means, double product,
                                        double total)
{
    cs_variance_share s = {0.0, 0.0};
    if (n < 2.0 || !(total > 0.0)) return s;
    s.variance = squares / total;
    s.share = (product - means) * n / total;
    return s;
}

cs_variance_share cs_head_stats_variance_share(const double *stats, cs_shape shape,
                                               cs_component_kind kind, size_t index)
{
    const double *component = cs_head_stats_component(stats, shape, kind, index);
    const double *m = cs_head_stats_embedding(stats, shape);
    return variance_share(cs_head_stats_count(stats), component[shape.P],
                          cs_dot(component, m, shape.P), component[shape.P + 1], m[shape.P]);
}

void cs_head_stats_head_mean(double *out, const double *stats, cs_shape shape, size_t layer,
                             size_t head, const float *output_map_rows)
{
    const double *mean = cs_moments_mean(cs_head_stats_head(stats, shape, layer, head));
    size_t k, p;
    memset(out, 0, shape.P * sizeof *out);
    for (k = 0; k < shape.C; k++)
        for (p = 0; p < shape.P; p++)
            out[p] += mean[k] * (double)output_map_rows[k * shape.P + p];
}

/* squares = tr(A^T M A) = sum over pairs of M_ij (a_i . a_j). */
cs_variance_share cs_head_stats_head_variance_share(const double *stats, cs_shape shape,
                                                    size_t layer, size_t head,
                                                    const float *output_map_rows, double *work)
{
    cs_head_stats_layout y = cs_head_stats_plan(shape);
    const double *moments = cs_head_stats_head(stats, shape, layer, head);
    const double *m = cs_head_stats_embedding(stats, shape);
    const double *from = cs_moments_comoments(moments, shape.C);
    double squares = 0.0;
    size_t i, j, p;
    for (i = 0; i < shape.C; i++)
        for (j = i; j < shape.C; j++) {
            const float *a = output_map_rows + i * shape.P, *b = output_map_rows + j * shape.P;
            double gram = 0.0;
            for (p = 0; p < shape.P; p++)
                gram += (double)a[p] * (double)b[p];
            squares += *from++ * gram * (i == j ? 1.0 : 2.0);
        }
    cs_head_stats_head_mean(work, stats, shape, layer, head, output_map_rows);
    return variance_share(cs_head_stats_count(stats), squares > 0.0 ? squares : 0.0,
                          cs_dot(work, m, shape.P), stats[y.head_products + layer * shape.H + head],
                          m[shape.P]);
}
