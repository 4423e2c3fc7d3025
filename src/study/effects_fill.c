/* SPDX-License-Identifier: MIT */
/* Reading what components say: a chunk is opened once for all components that are asked for, chunks
 * side by side. A row depends on its image alone, so the bytes are those of any number of
 * threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress_part.h"
#include "study/effects_inside.h"

#include <clipspan/run.h>
#include <string.h>

#define STEP 64 /* chunks between two looks at progress */

typedef struct fill_job {
    const cs_effect_fill *fill;
    double *sums; /* instead of components: of the embeddings */
    const cs_effects *e;
    size_t first;           /* chunk */
    clipspan_error *errors; /* [chunks of this stretch] */
} fill_job;

/* Scaled sums of a row of z: what stands in to : [width] becomes an image's scores. */
static void scale_row(double *to, const double *s, const double *last, size_t width)
{
    for (size_t c = 0; c < width; c++)
        to[c] = to[c] * s[0] + s[0] * last[c] + s[1] * last[width + c] + s[2] * last[2 * width + c];
}

/* ABREAST images at once, whose sums do not wait for each other; sums run over k as in any other
 * row, so the bytes are the same. width is a constant where this is called, NARROW at most. */
#define ABREAST 4
#define NARROW  4
static inline void rows_abreast(double *out, const float *z, const double *u, size_t K,
                                size_t width)
{
    double sum[ABREAST][NARROW] = {{0.0}};
    for (size_t k = 0; k < K; k++)
        for (size_t i = 0; i < ABREAST; i++)
            for (size_t c = 0; c < width; c++)
                sum[i][c] += (double)z[i * K + k] * u[k * width + c];
    for (size_t i = 0; i < ABREAST; i++)
        memcpy(out + i * width, sum[i], width * sizeof **sum);
}

static void one_row(double *to, const float *z, const double *u, size_t K, size_t width)
{
    memset(to, 0, width * sizeof *to);
    for (size_t k = 0; k < K; k++, u += width) {
        const double y = (double)z[k];
        for (size_t c = 0; c < width; c++)
            to[c] += y * u[c];
    }
}

/* out : [count, width]   z : [count, K]   scale : [count, 3]   u : [C, width] */
static void head_rows(double *out, const float *z, const double *scale, const double *u,
                      size_t count, size_t K, size_t width)
{
    const double *last = u + K * width;
    size_t i = 0;
    for (; width <= NARROW && i + ABREAST <= count; i += ABREAST) {
        double *to = out + i * width;
        const float *from = z + i * K;
        switch (width) {
        case 1: rows_abreast(to, from, u, K, 1); break;
        case 2: rows_abreast(to, from, u, K, 2); break;
        case 3: rows_abreast(to, from, u, K, 3); break;
        default: rows_abreast(to, from, u, K, NARROW);
        }
    }
    for (; i < count; i++)
        one_row(out + i * width, z + i * K, u, K, width);
    for (i = 0; i < count; i++)
        scale_row(out + i * width, scale + 3 * i, last, width);
}

/* out : [count, Q] = x : [count, P] times the vectors, in four interleaved sums. */
static void vector_rows(double *out, const float *x, size_t count, const cs_effects *e)
{
    const size_t P = e->shape.P;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < e->Q; c++) {
            const float *a = x + i * P, *w = e->vectors + c * P;
            double s[4] = {0}, rest = 0.0;
            size_t j = 0;
            for (; j + 4 <= P; j += 4)
                for (size_t k = 0; k < 4; k++)
                    s[k] += (double)a[j + k] * (double)w[j + k];
            for (; j < P; j++)
                rest += (double)a[j] * (double)w[j];
            out[i * e->Q + c] = (s[0] + s[1]) + (s[2] + s[3]) + rest;
        }
}

static clipspan_status check_rows(const cs_effects *e, const cs_run_chunk *chunk,
                                  clipspan_error *err)
{
    const size_t expected = e->first_row[chunk->chunk + 1] - e->first_row[chunk->chunk];
    if (chunk->count == expected) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, cs_run_info(e->run)->path,
                      "chunk %llu holds %zu used images, where the index says %zu; scan it again",
                      (unsigned long long)chunk->chunk, chunk->count, expected);
}

static clipspan_status fill_components(const cs_effect_fill *f, const cs_run_chunk *chunk,
                                       float *room, size_t row, clipspan_error *err)
{
    const cs_effects *e = f->e;
    const size_t LH = e->shape.L * e->shape.H, C = e->shape.C;
    double scale[CS_CHUNK * 3];
    CS_TRY(cs_run_chunk_scale(scale, chunk, err));
    for (size_t i = 0; i < f->count; i++) {
        const size_t t = f->components[i];
        double *out = f->out[i] + row * f->width;
        if (t < LH) {
            const double *u = f->readers ? f->readers[i] : e->readers + t * C * e->Q;
            CS_TRY(cs_run_chunk_z(room, chunk, t / e->shape.H, t % e->shape.H, err));
            head_rows(out, room, scale, u, chunk->count, e->shape.K, f->width);
            continue;
        }
        if (t <= LH + e->shape.L)
            CS_TRY(cs_run_chunk_mlp(room, chunk, t - LH, err));
        else
            CS_TRY(cs_run_chunk_class_self_attention(room, chunk, t - LH - e->shape.L - 1, err));
        vector_rows(out, room, chunk->count, e);
    }
    return CLIPSPAN_OK;
}

static void fill_chunk(void *context, size_t index, int lane)
{
    fill_job *j = context;
    const cs_effects *e = j->e;
    clipspan_error *err = &j->errors[index];
    const size_t wide = e->shape.P > e->shape.K ? e->shape.P : e->shape.K, c = j->first + index;
    cs_run_chunk chunk = {0};
    clipspan_status status;
    float *room;
    (void)lane;
    if (e->first_row[c] == e->first_row[c + 1]) return;
    room = cs_alloc(CS_CHUNK, wide * sizeof *room, "coefficients", err);
    if (!room) return;
    CS_TRY_DONE(cs_run_chunk_open(&chunk, e->run, c, err));
    CS_TRY_DONE(check_rows(e, &chunk, err));
    if (j->sums) {
        CS_TRY_DONE(cs_run_chunk_embedding(room, &chunk, err));
        vector_rows(j->sums + e->first_row[c] * e->Q, room, chunk.count, e);
    } else {
        CS_TRY_DONE(
            fill_components(j->fill, &chunk, room, e->first_row[c] - e->first_row[j->first], err));
    }
done:
    if (status != CLIPSPAN_OK && err->code == CLIPSPAN_OK) err->code = status;
    cs_run_chunk_fini(&chunk);
    cs_free(room);
}

/* The first error of the stretch, in order of chunk. */
static clipspan_status run_job(fill_job *j, size_t first, size_t end, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    j->first = first;
    j->errors = cs_alloc_zero(end - first, sizeof *j->errors, "errors", err);
    if (!j->errors) return CLIPSPAN_E_NOMEM;
    cs_parallel_for(end - first, j->e->threads, fill_chunk, j);
    for (size_t i = 0; i < end - first && status == CLIPSPAN_OK; i++)
        if (j->errors[i].code != CLIPSPAN_OK) {
            status = j->errors[i].code;
            if (err) *err = j->errors[i];
        }
    cs_free(j->errors);
    return status;
}

clipspan_status cs_effects_fill(const cs_effect_fill *fill, size_t first, size_t end,
                                clipspan_error *err)
{
    fill_job j = {.fill = fill, .e = fill->e};
    return fill->count ? run_job(&j, first, end, err) : CLIPSPAN_OK;
}

clipspan_status cs_effects_read_sums(cs_effects *e, const clipspan_progress *progress,
                                     clipspan_error *err)
{
    const size_t chunks = (size_t)cs_run_tree(e->run)->chunks;
    fill_job j = {.sums = e->sums, .e = e};
    for (size_t c = 0; c < chunks; c += STEP) {
        const size_t end = chunks - c < STEP ? chunks : c + STEP;
        CS_TRY(run_job(&j, c, end, err));
        CS_TRY(cs_progress_step(progress, end, chunks, "reading a run was stopped", err));
    }
    return CLIPSPAN_OK;
}

size_t cs_effects_stretch(const cs_effects *e, size_t first, uint64_t row_bytes, uint64_t bytes)
{
    const size_t chunks = (size_t)cs_run_tree(e->run)->chunks;
    size_t end = first + 1;
    while (end < chunks && (e->first_row[end + 1] - e->first_row[first]) * row_bytes <= bytes)
        end++;
    return end;
}

clipspan_status cs_effects_read_row(double *out, const cs_effects *e, size_t component, size_t row,
                                    clipspan_error *err)
{
    const size_t chunk = (size_t)(e->run_indices[row] / CS_CHUNK), at = row - e->first_row[chunk];
    cs_effect_fill fill = {.e = e, .components = &component, .count = 1, .width = e->Q};
    clipspan_status status;
    double *rows;
    if (e->kept[component]) {
        memcpy(out, e->kept[component] + row * e->Q, e->Q * sizeof *out);
        return CLIPSPAN_OK;
    }
    rows = cs_alloc(CS_CHUNK, e->Q * sizeof *rows, "scores", err);
    if (!rows) return CLIPSPAN_E_NOMEM;
    fill.out = &rows;
    status = cs_effects_fill(&fill, chunk, chunk + 1, err);
    if (status == CLIPSPAN_OK) memcpy(out, rows + at * e->Q, e->Q * sizeof *out);
    cs_free(rows);
    return status;
}
