/* SPDX-License-Identifier: MIT */
/* What is checked for every run, whatever holds it; the rest is its back end's. */
#include "base/memory.h"
#include "run/run_inside.h"

#include <clipspan/run.h>
#include <string.h>

void cs_run_close(cs_run **run)
{
    cs_run *r = run ? *run : NULL;
    if (!r) return;
    r->ops->close(r);
    *run = NULL;
}

cs_run *cs_run_own(const cs_run *run)
{
    union {
        const cs_run *shared;
        cs_run *own;
    } r;
    r.shared = run;
    return r.own;
}

/* ---- Facts ---- */

const clipspan_run_info *cs_run_info(const cs_run *run)
{
    return run->info;
}

const cs_chunk_tree *cs_run_tree(const cs_run *run)
{
    return &run->plan->tree;
}

cs_shape cs_run_shape(const cs_run *run)
{
    return run->plan->shape;
}

const char *cs_run_plan_id(const cs_run *run)
{
    return run->plan->id;
}

int cs_run_has_folder(const cs_run *run)
{
    return run->has_folder;
}

const cs_root *cs_run_root(const cs_run *run)
{
    return run->plan->root;
}

clipspan_status cs_run_fact(char **value, const cs_run *run, const char *key, clipspan_error *err)
{
    *value = NULL;
    return run->ops->fact(value, run, key, err);
}

clipspan_status cs_run_need_merged(const cs_run *run, clipspan_error *err)
{
    if (run->info->merged) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, run->info->path,
                      "is not merged yet: finish it with clipspan scan, or, when all shards are "
                      "scanned, with clipspan merge");
}

clipspan_status cs_run_need_coefficients(const cs_run *run, clipspan_error *err)
{
    if (run->info->coefficients != CLIPSPAN_COEFFICIENTS_NONE) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_NOT_FOUND, run->info->path,
        "keeps no coefficients of its images, which this needs; scan with --coefficients f32 or "
        "f16");
}

int cs_run_has_layer(const cs_run *run, size_t layer)
{
    const cs_part_plan *plan = run->plan;
    return plan->coefficients != CLIPSPAN_COEFFICIENTS_NONE && layer >= plan->first_layer &&
           layer - plan->first_layer < plan->layers;
}

clipspan_status cs_run_need_layer(const cs_run *run, size_t layer, clipspan_error *err)
{
    const cs_part_plan *plan = run->plan;
    CS_TRY(cs_run_need_coefficients(run, err));
    if (cs_run_has_layer(run, layer)) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, run->info->path,
                      "keeps the coefficients of layers %zu to %zu; those of layer %zu, which this "
                      "needs, were not kept. Scan with all layers",
                      plan->first_layer, plan->first_layer + plan->layers - 1, layer);
}

clipspan_status cs_run_need_contributions(const cs_run *run, clipspan_error *err)
{
    CS_TRY(cs_run_need_coefficients(run, err));
    if (run->plan->contributions) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_NOT_FOUND, run->info->path,
        "keeps the coefficients of layers %zu to %zu alone; the contributions of MLPs "
        "and of class-token self-attention, which this needs, were not kept. Scan with "
        "all layers",
        run->plan->first_layer, run->plan->first_layer + run->plan->layers - 1);
}

/* ---- Images and results ---- */

clipspan_status cs_run_images(const cs_run *run, uint64_t first, uint64_t count, cs_index_each each,
                              void *context, clipspan_error *err)
{
    if (first > run->info->images || count > run->info->images - first)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "images of places %llu to %llu were asked for; the run has %llu",
                       (unsigned long long)first, (unsigned long long)(first + count),
                       (unsigned long long)run->info->images);
    return run->ops->images(run, first, count, each, context, err);
}

clipspan_status cs_run_set_result(const cs_run *run, const char *kind, const char *name,
                                  const char *value, clipspan_error *err)
{
    return run->ops->set_result(run, kind, name, value, err);
}

clipspan_status cs_run_result(char **value, const cs_run *run, const char *kind, const char *name,
                              clipspan_error *err)
{
    *value = NULL;
    return run->ops->result(value, run, kind, name, err);
}

clipspan_status cs_run_result_names(const cs_run *run, const char *kind,
                                    clipspan_status (*each)(void *context, const char *name,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err)
{
    return run->ops->result_names(run, kind, each, context, err);
}

/* ---- Statistics and output maps ---- */

clipspan_status cs_run_statistics_id(char out[65], const cs_run *run, clipspan_error *err)
{
    CS_TRY(cs_run_need_merged(run, err));
    return run->ops->statistics_id(out, run, err);
}

clipspan_status cs_run_statistics(double *stats, const cs_run *run, clipspan_error *err)
{
    CS_TRY(cs_run_need_merged(run, err));
    return run->ops->statistics(stats, run, err);
}

static clipspan_status check_block(const cs_run *run, uint64_t block, clipspan_error *err)
{
    CS_TRY(cs_run_need_merged(run, err));
    if (block < run->info->blocks) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "block %llu was asked for; the run has %llu",
                   (unsigned long long)block, (unsigned long long)run->info->blocks);
}

clipspan_status cs_run_block(double *stats, const cs_run *run, uint64_t block, clipspan_error *err)
{
    CS_TRY(check_block(run, block, err));
    return run->ops->block(stats, run, block, err);
}

clipspan_status cs_run_head(double *moments, const cs_run *run, size_t layer, size_t head,
                            clipspan_error *err)
{
    CS_TRY(cs_run_need_merged(run, err));
    return run->ops->head(moments, run, layer, head, err);
}

clipspan_status cs_run_block_head(double *moments, const cs_run *run, uint64_t block, size_t layer,
                                  size_t head, clipspan_error *err)
{
    CS_TRY(check_block(run, block, err));
    return run->ops->block_head(moments, run, block, layer, head, err);
}

clipspan_status cs_run_output_map(float *rows, const cs_run *run, clipspan_error *err)
{
    const cs_shape *s = &run->plan->shape;
    return run->ops->output_map(rows, run, 0, s->L * s->H * s->C * s->P, err);
}

clipspan_status cs_run_output_map_head(float *rows, const cs_run *run, size_t layer, size_t head,
                                       clipspan_error *err)
{
    const cs_shape *s = &run->plan->shape;
    const size_t size = s->C * s->P;
    return run->ops->output_map(rows, run, (layer * s->H + head) * size, size, err);
}

/* ---- Chunks ---- */

clipspan_status cs_run_chunk_open(cs_run_chunk *out, const cs_run *run, uint64_t chunk,
                                  clipspan_error *err)
{
    memset(out, 0, sizeof *out);
    if (chunk >= run->plan->tree.chunks)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "chunk %llu was asked for; the run has %llu",
                       (unsigned long long)chunk, (unsigned long long)run->plan->tree.chunks);
    out->chunk = chunk;
    out->run = run;
    return run->ops->chunk_open(out, err);
}

void cs_run_chunk_fini(cs_run_chunk *chunk)
{
    if (chunk->run) chunk->run->ops->chunk_close(chunk);
    chunk->run = NULL;
}

clipspan_status cs_run_chunk_z(float *z, const cs_run_chunk *chunk, size_t layer, size_t head,
                               clipspan_error *err)
{
    const cs_part_plan *plan = chunk->run->plan;
    CS_TRY(cs_run_need_layer(chunk->run, layer, err));
    return chunk->run->ops->chunk_rows(z, chunk, CS_PACK_Z,
                                       (layer - plan->first_layer) * plan->shape.H + head, err);
}

clipspan_status cs_run_chunk_scale(double *scale, const cs_run_chunk *chunk, clipspan_error *err)
{
    CS_TRY(cs_run_need_coefficients(chunk->run, err));
    return chunk->run->ops->chunk_scale(scale, chunk, err);
}

clipspan_status cs_run_chunk_coefficients(double *y, const cs_run_chunk *chunk, size_t layer,
                                          size_t head, clipspan_error *err)
{
    const cs_shape *s = &chunk->run->plan->shape;
    double scale[CS_CHUNK][3] = {{0}};
    clipspan_status status;
    float *z = cs_alloc((size_t)CS_CHUNK * s->K, sizeof *z, "coefficients", err);
    if (!z) return CLIPSPAN_E_NOMEM;
    status = cs_run_chunk_z(z, chunk, layer, head, err);
    if (status == CLIPSPAN_OK) status = cs_run_chunk_scale(scale[0], chunk, err);
    for (size_t i = 0; i < chunk->count && status == CLIPSPAN_OK; i++) {
        for (size_t k = 0; k < s->K; k++)
            y[i * s->C + k] = (double)z[i * s->K + k] * scale[i][0];
        memcpy(y + i * s->C + s->K, scale[i], sizeof scale[i]);
    }
    cs_free(z);
    return status;
}

clipspan_status cs_run_chunk_embedding(float *embedding, const cs_run_chunk *chunk,
                                       clipspan_error *err)
{
    CS_TRY(cs_run_need_coefficients(chunk->run, err));
    return chunk->run->ops->chunk_rows(embedding, chunk, CS_PACK_EMBEDDING, 0, err);
}

clipspan_status cs_run_chunk_mlp(float *components, const cs_run_chunk *chunk, size_t index,
                                 clipspan_error *err)
{
    CS_TRY(cs_run_need_contributions(chunk->run, err));
    return chunk->run->ops->chunk_rows(components, chunk, CS_PACK_MLP, index, err);
}

clipspan_status cs_run_chunk_class_self_attention(float *part, const cs_run_chunk *chunk,
                                                  size_t layer, clipspan_error *err)
{
    CS_TRY(cs_run_need_contributions(chunk->run, err));
    return chunk->run->ops->chunk_rows(part, chunk, CS_PACK_CLASS_SELF_ATTENTION, layer, err);
}
