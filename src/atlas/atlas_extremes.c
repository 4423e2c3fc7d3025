/* SPDX-License-Identifier: MIT */
/* Top and bottom images: the images that lie farthest along a head's first basis text, in one pass
 * over the coefficients. */
#include "atlas/atlas_make.h"
#include "base/memory.h"

#include <clipspan/run.h>
#include <string.h>

typedef struct extreme_job {
    cs_atlas *atlas;
    cs_shape shape;
    size_t first;
    const double *readers;
    float *z;                   /* [CS_CHUNK, K] */
    double scale[CS_CHUNK * 3]; /* of the chunk at hand */
    uint8_t again[CS_CHUNK];    /* its slots that the list named before */
} extreme_job;

/* Keeps the farthest, the earlier of equal ones. far: size of the projection. */
static void keep(clipspan_atlas_extreme *extremes, int *count, uint64_t run_index,
                 double projection)
{
    const double far = projection < 0.0 ? -projection : projection;
    int at = *count;
    while (at > 0) {
        double other = extremes[at - 1].projection;
        if ((other < 0.0 ? -other : other) >= far) break;
        at--;
    }
    if (at == CLIPSPAN_EXTREMES) return;
    if (*count < CLIPSPAN_EXTREMES) ++*count;
    memmove(extremes + at + 1, extremes + at, (size_t)(*count - 1 - at) * sizeof *extremes);
    extremes[at].image = (size_t)run_index;
    extremes[at].projection = projection;
}

static void project(extreme_job *j, const cs_run_chunk *chunk, size_t at)
{
    clipspan_atlas_head *head = &j->atlas->heads[at];
    cs_atlas_head *parts = &j->atlas->head_parts[at];
    const double *reader = j->readers + (at - j->first) * (j->shape.C + 1);
    const size_t K = j->shape.K;
    for (size_t i = 0; i < chunk->count; i++) {
        const double *scale = j->scale + 3 * i;
        const float *z = j->z + i * K;
        double mixed = 0.0, p;
        if (j->again[chunk->slots[i]]) continue;
        for (size_t k = 0; k < K; k++)
            mixed += (double)z[k] * reader[k];
        p = mixed * scale[0] - reader[K + 3];
        for (size_t k = 0; k < 3; k++)
            p += scale[k] * reader[K + k];
        if (p > 0.0) keep(parts->top, &head->top_count, chunk->run_indices[i], p);
        if (p < 0.0) keep(parts->bottom, &head->bottom_count, chunk->run_indices[i], p);
    }
}

static clipspan_status note_duplicate(void *context, const cs_image_row *row, clipspan_error *err)
{
    extreme_job *j = context;
    (void)err;
    j->again[row->run_index % CS_CHUNK] = row->duplicate_of >= 0;
    return CLIPSPAN_OK;
}

static clipspan_status read_chunk(extreme_job *j, const cs_run_chunk *chunk, clipspan_error *err)
{
    CS_TRY(cs_run_chunk_scale(j->scale, chunk, err));
    for (size_t i = j->first; i < j->atlas->info.heads; i++) {
        clipspan_head at = j->atlas->heads[i].head;
        if (j->atlas->heads[i].basis_texts == 0) continue;
        if (!cs_run_has_layer(chunk->run, (size_t)at.layer)) continue;
        CS_TRY(cs_run_chunk_z(j->z, chunk, (size_t)at.layer, (size_t)at.head, err));
        project(j, chunk, i);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_atlas_find_extremes(cs_atlas *atlas, const cs_run *run, size_t first,
                                       const double *readers, clipspan_error *err)
{
    const cs_chunk_tree *tree = cs_run_tree(run);
    clipspan_status status = CLIPSPAN_OK;
    extreme_job *j;
    if (cs_run_info(run)->coefficients == CLIPSPAN_COEFFICIENTS_NONE || first == atlas->info.heads)
        return CLIPSPAN_OK;
    j = cs_alloc_zero(1, sizeof *j, "top and bottom images", err);
    if (!j) return CLIPSPAN_E_NOMEM;
    j->atlas = atlas;
    j->shape = cs_run_shape(run);
    j->first = first;
    j->readers = readers;
    j->z = cs_alloc(CS_CHUNK, j->shape.K * sizeof *j->z, "coefficients", err);
    if (!j->z) status = CLIPSPAN_E_NOMEM;
    for (uint64_t c = 0; c < tree->chunks && status == CLIPSPAN_OK; c++) {
        cs_run_chunk chunk = {0};
        status = cs_run_images(run, c * CS_CHUNK, (uint64_t)cs_chunk_places(tree, c),
                               note_duplicate, j, err);
        if (status == CLIPSPAN_OK) status = cs_run_chunk_open(&chunk, run, c, err);
        if (status == CLIPSPAN_OK && chunk.count) status = read_chunk(j, &chunk, err);
        cs_run_chunk_fini(&chunk);
    }
    cs_free(j->z);
    cs_free(j);
    return status;
}
