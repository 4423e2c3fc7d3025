/* SPDX-License-Identifier: MIT */
/* The published program's arrays, a chunk at a time: a head's components are its coefficients times
 * its output map. A run has its images in an order of its own, so every row is written at its place
 * in the list. */
#include "export/official.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress_part.h"
#include "formats/npy.h"

#include <clipspan/run.h>
#include <stdio.h>
#include <string.h>

enum { ATTN, MLP, CLS, ARRAYS };

typedef struct array_job {
    const cs_run *run;
    cs_shape shape;
    float *bases;        /* [L, H, C, P] */
    uint32_t *row;       /* [images] of the place: its row in the arrays */
    float *rows[ARRAYS]; /* of one chunk, as in the files */
    float *lanes;        /* [threads, CS_CHUNK, P] vectors of one component */
    double *work;        /* [threads, CS_CHUNK, C + P] coefficients and sums */
    cs_npy_writer *files[ARRAYS];
    cs_run_chunk chunk;
    clipspan_error *errors; /* [threads] */
} array_job;

/* ---- Which row an image has ---- */

typedef struct row_job {
    uint32_t *number;   /* [images] of the place */
    uint32_t *position; /* [images] 1 where the image of that number is used */
} row_job;

static clipspan_status note_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    row_job *j = context;
    (void)err;
    j->number[row->run_index] = (uint32_t)row->list_index;
    j->position[row->list_index] = strcmp(row->status, "ok") == 0;
    return CLIPSPAN_OK;
}

/* row : [images], by place. */
static clipspan_status number_rows(uint32_t *row, const cs_run *run, clipspan_error *err)
{
    const uint64_t images = cs_run_info(run)->images;
    row_job job = {row, cs_alloc_zero((size_t)images, sizeof *row, "the order of images", err)};
    clipspan_status status;
    uint32_t next = 0;
    if (!job.position) return CLIPSPAN_E_NOMEM;
    status = cs_run_images(run, 0, images, note_row, &job, err);
    for (uint64_t i = 0; i < images; i++) {
        uint32_t used = job.position[i];
        job.position[i] = next;
        next += used;
    }
    for (uint64_t run_index = 0; run_index < images && status == CLIPSPAN_OK; run_index++)
        row[run_index] = job.position[row[run_index]];
    cs_free(job.position);
    return status;
}

/* ---- One chunk ---- */

static clipspan_status head_rows(const array_job *j, size_t index, int lane, clipspan_error *err)
{
    const cs_shape *s = &j->shape;
    const float *A = j->bases + index * s->C * s->P;
    double *y = j->work + (size_t)lane * CS_CHUNK * (s->C + s->P), *sum = y + CS_CHUNK * s->C;
    CS_TRY(cs_run_chunk_coefficients(y, &j->chunk, index / s->H, index % s->H, err));
    for (size_t i = 0; i < j->chunk.count; i++) {
        float *out = j->rows[ATTN] + (i * s->L * s->H + index) * s->P;
        memset(sum, 0, s->P * sizeof *sum);
        for (size_t c = 0; c < s->C; c++) {
            const double coefficients = y[i * s->C + c];
            for (size_t p = 0; p < s->P; p++)
                sum[p] += coefficients * (double)A[c * s->P + p];
        }
        for (size_t p = 0; p < s->P; p++)
            out[p] = (float)sum[p];
    }
    return CLIPSPAN_OK;
}

/* Vectors of a component of all images, turned into rows of images. */
static void spread(float *out, const float *vectors, size_t count, size_t components,
                   size_t component, size_t P)
{
    for (size_t i = 0; i < count; i++)
        memcpy(out + (i * components + component) * P, vectors + i * P, P * sizeof *out);
}

/* Jobs of a chunk: heads, then MLP contributions, then class-token self-attention. */
static void run_item(void *context, size_t index, int lane)
{
    const array_job *j = context;
    const cs_shape *s = &j->shape;
    const size_t heads = s->L * s->H, mlps = s->L + 1;
    float *vectors = j->lanes + (size_t)lane * CS_CHUNK * s->P;
    clipspan_error *error = &j->errors[lane];
    if (error->code != CLIPSPAN_OK) return;
    if (index < heads) {
        head_rows(j, index, lane, error);
    } else if (index < heads + mlps) {
        index -= heads;
        if (cs_run_chunk_mlp(vectors, &j->chunk, index, error) == CLIPSPAN_OK)
            spread(j->rows[MLP], vectors, j->chunk.count, mlps, index, s->P);
    } else {
        index -= heads + mlps;
        if (cs_run_chunk_class_self_attention(vectors, &j->chunk, index, error) == CLIPSPAN_OK)
            spread(j->rows[CLS], vectors, j->chunk.count, s->L, index, s->P);
    }
}

static void row_sizes(size_t sizes[ARRAYS], cs_shape s)
{
    sizes[ATTN] = s.L * s.H * s.P;
    sizes[MLP] = (s.L + 1) * s.P;
    sizes[CLS] = s.L * s.P;
}

static clipspan_status run_chunk(array_job *j, int threads, clipspan_error *err)
{
    const cs_shape *s = &j->shape;
    size_t sizes[ARRAYS];
    row_sizes(sizes, *s);
    cs_parallel_for(s->L * s->H + 2 * s->L + 1, threads, run_item, j);
    for (int t = 0; t < threads; t++)
        if (j->errors[t].code != CLIPSPAN_OK)
            return cs_fail(err, j->errors[t].code, "%s", j->errors[t].message);
    for (size_t i = 0; i < j->chunk.count; i++)
        for (int a = 0; a < ARRAYS; a++)
            CS_TRY(cs_npy_writer_put(j->files[a], j->rows[a] + i * sizes[a],
                                     j->row[j->chunk.run_indices[i]], 1, err));
    return CLIPSPAN_OK;
}

/* ---- All of them ---- */

static clipspan_status open_files(array_job *j, const cs_official *to, clipspan_error *err)
{
    static const char *const words[] = {"attn", "mlp", "cls_attn"};
    const cs_shape *s = &j->shape;
    const uint64_t shapes[ARRAYS][3] = {{s->L, s->H, s->P}, {s->L + 1, s->P}, {s->L, s->P}};
    CS_TRY(cs_make_folder(to->folder, err));
    cs_output_tidy(to->folder);
    for (int a = 0; a < ARRAYS; a++) {
        char name[512], *path;
        clipspan_status status;
        snprintf(name, sizeof name, "%.200s_%s_%.200s.npy", to->dataset, words[a], to->model);
        path = cs_path_join(to->folder, name, err);
        if (!path) return CLIPSPAN_E_NOMEM;
        status = cs_npy_writer_open(&j->files[a], path, "<f4", shapes[a], a == ATTN ? 3 : 2,
                                    to->replace, err);
        cs_free(path);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

static clipspan_status take_memory(array_job *j, int threads, clipspan_error *err)
{
    const cs_shape *s = &j->shape;
    const size_t lanes = (size_t)threads;
    size_t sizes[ARRAYS];
    row_sizes(sizes, *s);
    for (int a = 0; a < ARRAYS; a++) {
        j->rows[a] = cs_alloc(CS_CHUNK, sizes[a] * sizeof(float), "rows of an array", err);
        if (!j->rows[a]) return CLIPSPAN_E_NOMEM;
    }
    j->bases = cs_alloc(s->L * s->H, s->C * s->P * sizeof *j->bases, "output maps", err);
    j->row =
        cs_alloc((size_t)cs_run_info(j->run)->images, sizeof *j->row, "the order of images", err);
    j->lanes = cs_alloc(lanes * CS_CHUNK, s->P * sizeof *j->lanes, "components", err);
    j->work = cs_alloc(lanes * CS_CHUNK, (s->C + s->P) * sizeof *j->work, "coefficients", err);
    j->errors = cs_alloc_zero(lanes, sizeof *j->errors, "components", err);
    return j->bases && j->row && j->lanes && j->work && j->errors ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void job_fini(array_job *j)
{
    for (int a = 0; a < ARRAYS; a++) {
        cs_npy_writer_close(&j->files[a]);
        cs_free(j->rows[a]);
    }
    cs_free(j->bases);
    cs_free(j->row);
    cs_free(j->lanes);
    cs_free(j->work);
    cs_free(j->errors);
}

static clipspan_status run_chunks(array_job *j, const cs_official *to,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    const cs_chunk_tree *tree = cs_run_tree(j->run);
    for (uint64_t c = 0; c < tree->chunks; c++) {
        const uint64_t done = c * CS_CHUNK + (uint64_t)cs_chunk_places(tree, c);
        clipspan_status status = cs_run_chunk_open(&j->chunk, j->run, c, err);
        if (status == CLIPSPAN_OK && j->chunk.count) status = run_chunk(j, to->threads, err);
        cs_run_chunk_fini(&j->chunk);
        CS_TRY(status);
        CS_TRY(cs_progress_step(progress, (size_t)done, (size_t)tree->images,
                                "the export was stopped", err));
    }
    for (int a = 0; a < ARRAYS; a++)
        CS_TRY(cs_npy_writer_finish(j->files[a], err));
    return CLIPSPAN_OK;
}

clipspan_status cs_official_write_arrays(const cs_official *to, const cs_run *run,
                                         const clipspan_progress *progress, clipspan_error *err)
{
    array_job j = {.run = run, .shape = cs_run_shape(run)};
    clipspan_status status;
    CS_TRY(cs_run_need_merged(run, err));
    CS_TRY(cs_run_need_contributions(run, err));
    CS_TRY_DONE(take_memory(&j, to->threads, err));
    CS_TRY_DONE(cs_run_output_map(j.bases, run, err));
    CS_TRY_DONE(number_rows(j.row, run, err));
    CS_TRY_DONE(open_files(&j, to, err));
    status = run_chunks(&j, to, progress, err);
done:
    job_fini(&j);
    return status;
}

/* ---- Basis texts ---- */

static clipspan_status put(cs_output *out, clipspan_error *err, const char *text)
{
    return cs_output_write(out, text, strlen(text), err);
}

static clipspan_status put_heads(cs_output *out, const cs_atlas *a, clipspan_error *err)
{
    static const char line[] = "------------------\n";
    char title[64];
    for (size_t h = 0; h < a->info.heads; h++) {
        const clipspan_atlas_head *head = &a->heads[h];
        snprintf(title, sizeof title, "%sLayer %d, Head %d\n%s", line, head->head.layer,
                 head->head.head, line);
        CS_TRY(put(out, err, title));
        for (int k = 0; k < head->basis_texts; k++) {
            CS_TRY(put(out, err, a->texts[head->basis_text[k].basis_text->text].text));
            CS_TRY(put(out, err, "\n"));
        }
    }
    snprintf(title, sizeof title, "%sNumber of texts: %zu", line, a->info.distinct);
    return put(out, err, title);
}

static clipspan_status put_file(const char *path, const cs_atlas *a, int replace,
                                clipspan_error *err)
{
    cs_output *out;
    clipspan_status status;
    CS_TRY(cs_output_open(&out, path, replace, err));
    status = put_heads(out, a, err);
    if (status == CLIPSPAN_OK) status = cs_output_commit(out, err);
    cs_output_close(&out);
    return status;
}

clipspan_status cs_official_write_basis_texts(const char *path, const cs_official *to,
                                              const cs_atlas *atlas, clipspan_error *err)
{
    char name[700], *joined;
    clipspan_status status;
    const char *pool = cs_path_name(atlas->info.pool), *dot = strrchr(pool, '.');
    if (path) return put_file(path, atlas, to->replace, err);
    snprintf(name, sizeof name, "%.200s_completeness_%.*s_top_%d_heads_%.200s.txt", to->dataset,
             dot && dot > pool && dot - pool < 200 ? (int)(dot - pool) : 200, pool,
             atlas->info.basis_texts, to->model);
    CS_TRY(cs_make_folder(to->folder, err));
    joined = cs_path_join(to->folder, name, err);
    if (!joined) return CLIPSPAN_E_NOMEM;
    status = put_file(joined, atlas, to->replace, err);
    cs_free(joined);
    return status;
}
