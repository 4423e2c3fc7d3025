/* SPDX-License-Identifier: MIT */
/* clipspan_run: argument checks around the reader of src/run. */
#include "api/handles.h"
#include "base/memory.h"
#include "run/run_memory.h"
#include "tensor/moments.h"

#include <clipspan/run.h>
#include <string.h>

clipspan_status clipspan_run_open(clipspan_run **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    clipspan_run *run;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !path)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_open: out or path is NULL");
    run = cs_alloc_zero(1, sizeof *run, "an open run", err);
    if (!run) return CLIPSPAN_E_NOMEM;
    status = cs_run_open(&run->run, path, err);
    if (status == CLIPSPAN_OK)
        *out = run;
    else
        cs_free(run);
    return status;
}

clipspan_status clipspan_run_new_arrays(clipspan_run **out, const clipspan_run_arrays *arrays,
                                        clipspan_error *err)
{
    clipspan_run_arrays taken;
    clipspan_status status;
    clipspan_run *run;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !arrays)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_new_arrays: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, arrays, clipspan_run_arrays, err));
    run = cs_alloc_zero(1, sizeof *run, "an open run", err);
    if (!run) return CLIPSPAN_E_NOMEM;
    status = cs_run_new_arrays(&run->run, &taken, cs_simd_best(), err);
    if (status == CLIPSPAN_OK)
        *out = run;
    else
        cs_free(run);
    return status;
}

void clipspan_run_close(clipspan_run **run)
{
    if (!run || !*run) return;
    cs_run_close(&(*run)->run);
    cs_free(*run);
    *run = NULL;
}

const clipspan_run_info *clipspan_run_get_info(const clipspan_run *run)
{
    return run ? cs_run_info(run->run) : NULL;
}

typedef struct image_call {
    int (*each)(void *user, const clipspan_run_image *image);
    void *user;
} image_call;

static clipspan_status give_image(void *context, const cs_image_row *row, clipspan_error *err)
{
    const image_call *call = context;
    const clipspan_run_image image = {
        row->run_index, row->list_index,   row->path,   row->label, row->group,
        row->bytes,     row->duplicate_of, row->status, row->error, row->columns};
    const int stop = call->each(call->user, &image);
    return stop ? cs_stopped(err, stop, "reading images was stopped") : CLIPSPAN_OK;
}

clipspan_status clipspan_run_read_images(const clipspan_run *run, uint64_t first, uint64_t count,
                                         int (*each)(void *user, const clipspan_run_image *image),
                                         void *user, clipspan_error *err)
{
    image_call call = {each, user};
    cs_clear(err);
    if (!run || !each)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_read_images: run or each is NULL");
    return cs_run_images(run->run, first, count, give_image, &call, err);
}

static clipspan_status check_head(const clipspan_run *run, int layer, int head, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(run);
    if (!run) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "the run is NULL");
    if (layer < 0 || layer >= info->layers || head < 0 || head >= info->heads)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "head L%d.H%d was asked for; the model has layers 0 to %d with heads 0 to %d", layer,
            head, info->layers - 1, info->heads - 1);
    return CLIPSPAN_OK;
}

/* Moments of one head, from the whole or a block. */
static clipspan_status read_moments(double *moments, const cs_run *run, int64_t block, size_t layer,
                                    size_t head, clipspan_error *err)
{
    return block < 0 ? cs_run_head(moments, run, layer, head, err)
                     : cs_run_block_head(moments, run, (uint64_t)block, layer, head, err);
}

clipspan_status clipspan_run_read_head(double *count, double *mean, double *covariance,
                                       const clipspan_run *run, int64_t block, int layer, int head,
                                       clipspan_error *err)
{
    clipspan_status status;
    double *moments;
    size_t C;
    cs_clear(err);
    CS_TRY(check_head(run, layer, head, err));
    if (block < -1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "block is %lld; -1 is the whole",
                       (long long)block);
    C = cs_run_shape(run->run).C;
    moments = cs_alloc(cs_moments_size(C), sizeof *moments, "statistics of a head", err);
    if (!moments) return CLIPSPAN_E_NOMEM;
    status = read_moments(moments, run->run, block, (size_t)layer, (size_t)head, err);
    if (status == CLIPSPAN_OK) {
        if (count) *count = cs_moments_count(moments);
        if (mean) memcpy(mean, cs_moments_mean(moments), C * sizeof *mean);
        if (covariance) cs_moments_get_covariance(covariance, moments, C);
    }
    cs_free(moments);
    return status;
}

clipspan_status clipspan_run_read_output_map(float *rows, const clipspan_run *run, int layer,
                                             int head, clipspan_error *err)
{
    cs_clear(err);
    CS_TRY(check_head(run, layer, head, err));
    if (!rows)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_read_output_map: rows is NULL");
    return cs_run_output_map_head(rows, run->run, (size_t)layer, (size_t)head, err);
}

static void give_run_indices(uint64_t *run_indices, size_t *count, const cs_run_chunk *chunk)
{
    if (count) *count = chunk->count;
    if (run_indices) memcpy(run_indices, chunk->run_indices, chunk->count * sizeof *run_indices);
}

clipspan_status clipspan_run_read_coefficients(double *y, uint64_t *run_indices, size_t *count,
                                               const clipspan_run *run, uint64_t chunk, int layer,
                                               int head, clipspan_error *err)
{
    clipspan_status status;
    cs_run_chunk c = {0};
    cs_clear(err);
    CS_TRY(check_head(run, layer, head, err));
    CS_TRY_DONE(cs_run_chunk_open(&c, run->run, chunk, err));
    give_run_indices(run_indices, count, &c);
    if (y) status = cs_run_chunk_coefficients(y, &c, (size_t)layer, (size_t)head, err);
done:
    cs_run_chunk_fini(&c);
    return status;
}

clipspan_status clipspan_run_read_vectors(float *vectors, uint64_t *run_indices, size_t *count,
                                          const clipspan_run *run, uint64_t chunk,
                                          clipspan_vectors kind, int index, clipspan_error *err)
{
    clipspan_status status;
    cs_run_chunk c = {0};
    int most;
    cs_clear(err);
    if (!run) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_read_vectors: run is NULL");
    most = kind == CLIPSPAN_VECTORS_EMBEDDING ? 0
           : kind == CLIPSPAN_VECTORS_MLP     ? clipspan_run_get_info(run)->layers
                                              : clipspan_run_get_info(run)->layers - 1;
    if (kind < CLIPSPAN_VECTORS_EMBEDDING || kind > CLIPSPAN_VECTORS_CLASS_SELF_ATTENTION ||
        index < 0 || index > most)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "vectors of kind %d, number %d, were asked for; there are kinds 0 to 2 with "
                       "numbers 0, 0 to %d and 0 to %d",
                       (int)kind, index, clipspan_run_get_info(run)->layers,
                       clipspan_run_get_info(run)->layers - 1);
    CS_TRY_DONE(cs_run_chunk_open(&c, run->run, chunk, err));
    give_run_indices(run_indices, count, &c);
    if (!vectors)
        status = CLIPSPAN_OK;
    else if (kind == CLIPSPAN_VECTORS_EMBEDDING)
        status = cs_run_chunk_embedding(vectors, &c, err);
    else if (kind == CLIPSPAN_VECTORS_MLP)
        status = cs_run_chunk_mlp(vectors, &c, (size_t)index, err);
    else
        status = cs_run_chunk_class_self_attention(vectors, &c, (size_t)index, err);
done:
    cs_run_chunk_fini(&c);
    return status;
}
