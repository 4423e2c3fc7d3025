/* SPDX-License-Identifier: MIT */
#include "published.h"
#include "base/random.h"
#include "tensor/eigen.h"
#include "tensor/moments.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

/* Rows of x on the span of the first `rank` right singular vectors of data, which are eigenvectors
 * of data^T data. */
static void project(double *x, size_t rows, const double *data, size_t N, size_t P, size_t rank)
{
    double *gram = take(P * P, sizeof *gram), *v = take(P * P, sizeof *v);
    double *values = take(P, sizeof *values), *along = take(P, sizeof *along);
    for (size_t n = 0; n < N; n++)
        for (size_t a = 0; a < P; a++)
            for (size_t b = 0; b < P; b++)
                gram[a * P + b] += data[n * P + a] * data[n * P + b];
    assert_int_equal(cs_eigen_jacobi(values, v, gram, P, NULL), CLIPSPAN_OK);
    for (size_t i = 0; i < rows; i++) {
        for (size_t a = 0; a < rank; a++) {
            along[a] = 0.0;
            for (size_t d = 0; d < P; d++)
                along[a] += v[a * P + d] * x[i * P + d];
        }
        for (size_t d = 0; d < P; d++) {
            x[i * P + d] = 0.0;
            for (size_t a = 0; a < rank; a++)
                x[i * P + d] += along[a] * v[a * P + d];
        }
    }
    free(gram), free(v), free(values), free(along);
}

static double dot(const double *x, const double *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* Variance, divided by N - 1, of the data along t. */
static double variance(const double *data, size_t N, size_t P, const double *t)
{
    double mean = 0.0, squares = 0.0;
    for (size_t n = 0; n < N; n++)
        mean += dot(data + n * P, t, P) / (double)N;
    for (size_t n = 0; n < N; n++) {
        double c = dot(data + n * P, t, P) - mean;
        squares += c * c;
    }
    return squares / (double)(N - 1);
}

/* rows -= (rows . t) t / |t|^2; to += the same. */
static void remove_part(double *rows, double *to, size_t count, size_t P, const double *t)
{
    double squared = dot(t, t, P);
    for (size_t n = 0; n < count; n++) {
        double along = dot(rows + n * P, t, P) / squared;
        for (size_t d = 0; d < P; d++) {
            rows[n * P + d] -= along * t[d];
            if (to) to[n * P + d] += along * t[d];
        }
    }
}

void cs_published_run(size_t *basis_texts, double *variances, double *made, double *data, size_t N,
                      const float *texts, size_t T, size_t P, size_t rank, size_t count)
{
    double *t = take(T * P, sizeof *t), *chosen = take(P, sizeof *chosen);
    for (size_t i = 0; i < T * P; i++)
        t[i] = (double)texts[i];
    project(t, T, data, N, P, rank);
    for (size_t d = 0; d < P; d++) {
        double mean = 0.0;
        for (size_t n = 0; n < N; n++)
            mean += data[n * P + d] / (double)N;
        for (size_t n = 0; n < N; n++) {
            data[n * P + d] -= mean;
            if (made) made[n * P + d] = mean;
        }
    }
    for (size_t k = 0; k < count; k++) {
        variances[k] = -1.0;
        for (size_t i = 0; i < T; i++) {
            double v = variance(data, N, P, t + i * P);
            if (v > variances[k]) variances[k] = v, basis_texts[k] = i;
        }
        memcpy(chosen, t + basis_texts[k] * P, P * sizeof *chosen);
        remove_part(data, made, N, P, chosen);
        remove_part(t, NULL, T, P, chosen);
    }
    free(t), free(chosen);
}

/* Uniform in [-1, 1). */
static double chance(cs_random *random)
{
    return (double)(cs_random_next(random) >> 11) * 0x1p-52 - 1.0;
}

static void draw(cs_scene *s, cs_random *random)
{
    for (size_t i = 0; i < s->heads * s->C * s->P; i++) {
        size_t row = i / s->P % s->C; /* the last three are small, as in a real head */
        s->output_map[i] = (float)(chance(random) * (row + 3 < s->C ? 0.1 : 0.004));
    }
    for (size_t h = 0; h < s->heads; h++)
        for (size_t c = 0; c < s->C; c++) {
            double mean = 0.1 * chance(random), spread = 0.1 / sqrt(1.0 + (double)c);
            for (size_t n = 0; n < s->N; n++)
                s->coefficients[(h * s->N + n) * s->C + c] =
                    (double)(float)(mean + spread * (chance(random) + chance(random)));
        }
    for (size_t t = 0; t < s->T; t++) {
        float *text = s->texts + t * s->P;
        double size = 0.0;
        for (size_t d = 0; d < s->P; d++) {
            double near = t % 2 ? (double)*(text + d - s->P) : chance(random);
            text[d] = (float)(near + (t % 2 ? 0.2 / sqrt((double)s->P) : 0.0) * chance(random));
            size += (double)text[d] * (double)text[d];
        }
        for (size_t d = 0; d < s->P; d++)
            text[d] /= (float)sqrt(size);
    }
}

void cs_scene_count(cs_scene *s)
{
    double *rows = take(s->N * s->C, sizeof *rows);
    memset(s->moments, 0, s->heads * s->size * sizeof *s->moments);
    for (size_t h = 0; h < s->heads; h++) {
        double *blocks = s->blocks + h * CS_SCENE_BLOCKS * s->size;
        memcpy(rows, s->coefficients + h * s->N * s->C, s->N * s->C * sizeof *rows);
        for (size_t b = 0; b < CS_SCENE_BLOCKS; b++) {
            size_t from = b * s->N / CS_SCENE_BLOCKS, to = (b + 1) * s->N / CS_SCENE_BLOCKS;
            cs_moments_of_rows(blocks + b * s->size, rows + from * s->C, to - from, s->C, s->C);
            cs_moments_merge(s->moments + h * s->size, blocks + b * s->size, s->C);
        }
    }
    free(rows);
}

void cs_scene_init(cs_scene *s, size_t heads, size_t C, size_t P, size_t N, size_t T, uint64_t seed)
{
    cs_random random = {seed};
    cs_scene made = {.heads = heads, .C = C, .P = P, .N = N, .T = T, .size = cs_moments_size(C)};
    made.output_map = take(heads * C * P, sizeof *made.output_map);
    made.coefficients = take(heads * N * C, sizeof *made.coefficients);
    made.texts = take(T * P, sizeof *made.texts);
    made.moments = take(heads * made.size, sizeof *made.moments);
    made.blocks = take(heads * CS_SCENE_BLOCKS * made.size, sizeof *made.blocks);
    made.head = take(heads, sizeof *made.head);
    *s = made;
    draw(s, &random);
    cs_scene_count(s);
    for (size_t h = 0; h < heads; h++) {
        cs_span_head head = {s->output_map + h * C * P, s->moments + h * s->size,
                             s->blocks + h * CS_SCENE_BLOCKS * s->size, CS_SCENE_BLOCKS, s->size};
        s->head[h] = head;
    }
}

void cs_scene_fini(cs_scene *s)
{
    free(s->output_map), free(s->coefficients), free(s->texts);
    free(s->moments), free(s->blocks), free(s->head);
    memset(s, 0, sizeof *s);
}

double *cs_scene_data(const cs_scene *s, size_t head)
{
    double *data = take(s->N * s->P, sizeof *data);
    for (size_t n = 0; n < s->N; n++)
        for (size_t c = 0; c < s->C; c++) {
            double y = s->coefficients[(head * s->N + n) * s->C + c];
            for (size_t d = 0; d < s->P; d++)
                data[n * s->P + d] += y * (double)s->output_map[(head * s->C + c) * s->P + d];
        }
    return data;
}
