/* SPDX-License-Identifier: MIT */
/* Coefficients of chosen heads side by side, and products with a query. Sums are float64. */
#include "study/coefficient_search.h"

#include <clipspan/run.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress_part.h"

#define PIECE 1024 /* images a thread takes at a time */

/* ---- Reading ---- */

static clipspan_status read_chunk(cs_search *s, const cs_run *run, uint64_t chunk,
                                  const clipspan_head *heads, double *y, clipspan_error *err)
{
    clipspan_status status;
    cs_run_chunk c = {0};
    size_t h, i, room = (size_t)cs_run_info(run)->used;
    CS_TRY_DONE(cs_run_chunk_open(&c, run, chunk, err));
    if (s->N + c.count > room) {
        status = cs_fail(err, CLIPSPAN_E_FORMAT,
                         "the run's chunks hold more images than its index; it is damaged");
        goto done;
    }
    if (!heads) {
        CS_TRY_DONE(cs_run_chunk_embedding(s->rows + s->N * s->W, &c, err));
    }
    for (h = 0; heads && h < s->heads; h++) {
        float *to = s->rows + (h * room + s->N) * s->W;
        CS_TRY_DONE(
            cs_run_chunk_coefficients(y, &c, (size_t)heads[h].layer, (size_t)heads[h].head, err));
        for (i = 0; i < c.count * s->W; i++)
            to[i] = (float)y[i];
    }
    memcpy(s->run_indices + s->N, c.run_indices, c.count * sizeof *c.run_indices);
    s->N += c.count;
    status = CLIPSPAN_OK;
done:
    cs_run_chunk_fini(&c);
    return status;
}

static clipspan_status read_all(cs_search *s, const cs_run *run, const clipspan_head *heads,
                                const clipspan_progress *progress, clipspan_error *err)
{
    const clipspan_run_info *info = cs_run_info(run);
    clipspan_status status = CLIPSPAN_OK;
    double *y = cs_alloc(CS_CHUNK, s->W * sizeof *y, "coefficients of a chunk", err);
    uint64_t chunk;
    size_t h;
    if (!y) return CLIPSPAN_E_NOMEM;
    for (chunk = 0; chunk < info->chunks && status == CLIPSPAN_OK; chunk++) {
        status = read_chunk(s, run, chunk, heads, y, err);
        if (status == CLIPSPAN_OK)
            status = cs_progress_step(progress, (size_t)chunk + 1, (size_t)info->chunks,
                                      "interrupted while reading coefficients", err);
    }
    for (h = 0; heads && h < s->heads && status == CLIPSPAN_OK; h++)
        status = cs_run_output_map_head(s->output_map + h * s->W * s->P, run,
                                        (size_t)heads[h].layer, (size_t)heads[h].head, err);
    cs_free(y);
    if (status == CLIPSPAN_OK && s->N != info->used)
        status = cs_fail(err, CLIPSPAN_E_FORMAT,
                         "the run's chunks hold %zu images, its index %llu; it is damaged", s->N,
                         (unsigned long long)info->used);
    return status;
}

static void find_means(cs_search *s)
{
    size_t h, n, w;
    for (h = 0; h < s->heads; h++) {
        double *mean = s->mean + h * s->W;
        for (n = 0; n < s->N; n++)
            for (w = 0; w < s->W; w++)
                mean[w] += (double)s->rows[(h * s->N + n) * s->W + w] / (double)s->N;
    }
}

/* ---- Lengths ---- */

typedef struct length_job {
    cs_search *search;
    double *gram; /* [heads, W, W] = A A^T; NULL for embeddings */
} length_job;

static void find_lengths(void *context, size_t piece, int lane)
{
    const length_job *j = context;
    cs_search *s = j->search;
    size_t first = piece * PIECE, last = first + PIECE < s->N ? first + PIECE : s->N, n, h, a, b;
    (void)lane;
    for (n = first; n < last; n++) {
        double sum = 0.0;
        for (h = 0; h < s->heads; h++) {
            const float *row = s->rows + (h * s->N + n) * s->W;
            const double *mean = s->mean + h * s->W;
            for (a = 0; a < s->W; a++) {
                const double value = (double)row[a] - mean[a];
                double inner = value;
                const double *gram = j->gram ? j->gram + (h * s->W + a) * s->W : NULL;
                for (b = 0, inner = j->gram ? 0.0 : inner; gram && b < s->W; b++)
                    inner += gram[b] * ((double)row[b] - mean[b]);
                sum += value * inner;
            }
        }
        s->length[n] = sqrt(sum > 0.0 ? sum : 0.0);
    }
}

static clipspan_status make_lengths(cs_search *s, clipspan_error *err)
{
    length_job job = {s, NULL};
    size_t h, a, b, p;
    if (s->compare != CLIPSPAN_COMPARE_COSINE) return CLIPSPAN_OK;
    s->length = cs_alloc(s->N, sizeof *s->length, "lengths of images", err);
    if (s->output_map)
        job.gram = cs_alloc_zero(s->heads * s->W, s->W * sizeof *job.gram, "products", err);
    if (!s->length || (s->output_map && !job.gram)) {
        cs_free(job.gram);
        return CLIPSPAN_E_NOMEM;
    }
    for (h = 0; s->output_map && h < s->heads; h++)
        for (a = 0; a < s->W; a++)
            for (b = 0; b < s->W; b++) {
                const float *x = s->output_map + (h * s->W + a) * s->P;
                const float *y = s->output_map + (h * s->W + b) * s->P;
                double sum = 0.0;
                for (p = 0; p < s->P; p++)
                    sum += (double)x[p] * (double)y[p];
                job.gram[(h * s->W + a) * s->W + b] = sum;
            }
    cs_parallel_for((s->N + PIECE - 1) / PIECE, s->threads, find_lengths, &job);
    cs_free(job.gram);
    return CLIPSPAN_OK;
}

clipspan_status cs_search_new(cs_search **out, const cs_run *run, const clipspan_head *heads,
                              size_t count, clipspan_compare compare, int threads,
                              const clipspan_progress *progress, clipspan_error *err)
{
    const cs_shape shape = cs_run_shape(run);
    clipspan_status status;
    cs_search *s;
    size_t used, numbers;
    *out = NULL;
    CS_TRY(cs_run_need_merged(run, err));
    CS_TRY(cs_run_need_coefficients(run, err));
    used = (size_t)cs_run_info(run)->used;
    s = cs_alloc_zero(1, sizeof *s, "a search", err);
    if (!s) return CLIPSPAN_E_NOMEM;
    s->heads = heads ? count : 1;
    s->W = heads ? shape.C : shape.P;
    s->P = shape.P;
    s->compare = compare;
    s->threads = threads;
    if (!cs_size_mul(&numbers, s->heads * s->W, used)) numbers = SIZE_MAX;
    s->run_indices = cs_alloc(used, sizeof *s->run_indices, "places of images", err);
    s->rows = cs_alloc(numbers, sizeof *s->rows, "coefficients of a run", err);
    s->mean = cs_alloc_zero(s->heads, s->W * sizeof *s->mean, "means of coefficients", err);
    if (heads)
        s->output_map = cs_alloc(s->heads * s->W, s->P * sizeof *s->output_map, "output maps", err);
    status = CLIPSPAN_E_NOMEM;
    if (!s->run_indices || !s->rows || !s->mean || (heads && !s->output_map)) goto done;
    CS_TRY_DONE(read_all(s, run, heads, progress, err));
    find_means(s);
    CS_TRY_DONE(make_lengths(s, err));
    *out = s;
    s = NULL;
done:
    cs_search_free(&s);
    return status;
}

void cs_search_free(cs_search **search)
{
    cs_search *s = search ? *search : NULL;
    if (!s) return;
    cs_free(s->run_indices);
    cs_free(s->rows);
    cs_free(s->mean);
    cs_free(s->output_map);
    cs_free(s->length);
    cs_free(s);
    *search = NULL;
}

/* ---- Queries ---- */

/* What is multiplied with an image's numbers, reader : [heads, W], and what is then added for each
 * head, shift : [heads]; *length of the query. */
static void make_reader(double *reader, double *shift, double *length, const cs_search *s,
                        const float *query, int is_text, double *centred)
{
    const int centre = s->compare != CLIPSPAN_COMPARE_PLAIN;
    double squares = 0.0;
    size_t h, w, p;
    for (h = 0; h < s->heads; h++) {
        const double *mean = s->mean + h * s->W;
        for (p = 0; p < s->P; p++)
            centred[p] = (double)query[h * s->P + p];
        for (w = 0; centre && !is_text && w < s->W; w++)
            for (p = 0; s->output_map && p < s->P; p++)
                centred[p] -= mean[w] * (double)s->output_map[(h * s->W + w) * s->P + p];
        for (p = 0; centre && !is_text && !s->output_map && p < s->P; p++)
            centred[p] -= mean[p];
        for (p = 0; p < s->P; p++)
            squares += centred[p] * centred[p];
        shift[h] = 0.0;
        for (w = 0; w < s->W; w++) {
            double sum = s->output_map ? 0.0 : centred[w];
            for (p = 0; s->output_map && p < s->P; p++)
                sum += (double)s->output_map[(h * s->W + w) * s->P + p] * centred[p];
            reader[h * s->W + w] = sum;
            if (centre) shift[h] -= mean[w] * sum;
        }
    }
    *length = sqrt(squares);
}

static double dot(const float *row, const double *reader, size_t W)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t w, i;
    for (w = 0; w + 4 <= W; w += 4)
        for (i = 0; i < 4; i++)
            sum[i] += (double)row[w + i] * reader[w + i];
    for (; w < W; w++)
        sum[0] += (double)row[w] * reader[w];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

typedef struct query_job {
    const cs_search *search;
    const double *reader, *shift;
    double length, *scores;
} query_job;

static double divisor(const query_job *j, size_t row)
{
    const cs_search *s = j->search;
    double both = s->compare == CLIPSPAN_COMPARE_COSINE ? s->length[row] * j->length : 1.0;
    return both > 0.0 ? both : 1.0;
}

static void score_piece(void *context, size_t piece, int lane)
{
    const query_job *j = context;
    const cs_search *s = j->search;
    size_t first = piece * PIECE, last = first + PIECE < s->N ? first + PIECE : s->N, n, h;
    (void)lane;
    for (n = first; n < last; n++) {
        double sum = 0.0;
        for (h = 0; h < s->heads; h++)
            sum += dot(s->rows + (h * s->N + n) * s->W, j->reader + h * s->W, s->W) + j->shift[h];
        j->scores[n] = sum / divisor(j, n);
    }
}

/* Either all scores, or one row's parts. */
static clipspan_status ask(double *scores, double *parts, size_t row, const cs_search *s,
                           const float *query, int is_text, clipspan_error *err)
{
    query_job job = {s, NULL, NULL, 0.0, scores};
    double *numbers =
        cs_alloc(s->heads * (s->W + 1) + s->P, sizeof *numbers, "a query's readers", err);
    double *shift;
    size_t h;
    if (!numbers) return CLIPSPAN_E_NOMEM;
    shift = numbers + s->heads * s->W;
    make_reader(numbers, shift, &job.length, s, query, is_text, shift + s->heads);
    job.reader = numbers;
    job.shift = shift;
    if (scores) cs_parallel_for((s->N + PIECE - 1) / PIECE, s->threads, score_piece, &job);
    for (h = 0; parts && h < s->heads; h++)
        parts[h] = (dot(s->rows + (h * s->N + row) * s->W, numbers + h * s->W, s->W) + shift[h]) /
                   divisor(&job, row);
    cs_free(numbers);
    return CLIPSPAN_OK;
}

clipspan_status cs_search_run(double *scores, const cs_search *search, const float *query,
                              int is_text, clipspan_error *err)
{
    return ask(scores, NULL, 0, search, query, is_text, err);
}

clipspan_status cs_search_parts(double *parts, const cs_search *search, size_t row,
                                const float *query, int is_text, clipspan_error *err)
{
    return ask(NULL, parts, row, search, query, is_text, err);
}
