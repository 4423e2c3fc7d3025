/* SPDX-License-Identifier: MIT */
/* Facts checked once, arrays read where they lie. */
#include "run/run_open.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/folder.h"
#include "run/part.h"
#include "run/run_facts.h"

#include <pthread.h>
#include <string.h>

struct cs_run {
    cs_run_facts facts;
    cs_index *index;
    pthread_mutex_t lock; /* guards the index */
};

clipspan_status cs_run_open(cs_run **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    cs_run *run;
    char *file;
    *out = NULL;
    run = cs_alloc_zero(1, sizeof *run, "an open run", err);
    file = cs_path_join(path, CS_INDEX_FILE, err);
    if (!run || !file) {
        cs_free(run);
        cs_free(file);
        return CLIPSPAN_E_NOMEM;
    }
    pthread_mutex_init(&run->lock, NULL);
    CS_TRY_DONE(cs_index_open(&run->index, file, err));
    CS_TRY_DONE(cs_run_facts_read(&run->facts, run->index, path, err));
    *out = run;
    run = NULL;
done:
    cs_run_close(&run);
    cs_free(file);
    return status;
}

void cs_run_close(cs_run **run)
{
    cs_run *r = run ? *run : NULL;
    if (!r) return;
    cs_index_close(&r->index);
    cs_run_facts_fini(&r->facts);
    pthread_mutex_destroy(&r->lock);
    cs_free(r);
    *run = NULL;
}

const clipspan_run_info *cs_run_info(const cs_run *run)
{
    return &run->facts.info;
}

const cs_chunk_tree *cs_run_tree(const cs_run *run)
{
    return &run->facts.plan.tree;
}

cs_shape cs_run_shape(const cs_run *run)
{
    return run->facts.plan.shape;
}

const char *cs_run_plan_id(const cs_run *run)
{
    return run->facts.plan.id;
}

char *cs_run_file(const cs_run *run, const char *name, clipspan_error *err)
{
    return cs_path_join(run->facts.info.path, name, err);
}

clipspan_status cs_run_need_merged(const cs_run *run, clipspan_error *err)
{
    const char *path = run->facts.info.path;
    if (run->facts.info.merged) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                      "is not merged yet: finish it with clipspan scan, or, when all shares are "
                      "scanned, with clipspan merge");
}

clipspan_status cs_run_need_codes(const cs_run *run, clipspan_error *err)
{
    const char *path = run->facts.info.path;
    if (run->facts.info.codes != CLIPSPAN_CODES_NONE) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                      "keeps no codes of its pictures, which this needs; scan with --codes f32 or "
                      "f16");
}

/* ---- The index ---- */

/* The lock makes the shared handle safe. */
static cs_run *enter(const cs_run *run)
{
    union {
        const cs_run *shared;
        cs_run *own;
    } r;
    r.shared = run;
    pthread_mutex_lock(&r.own->lock);
    return r.own;
}

static clipspan_status leave(cs_run *run, clipspan_status status)
{
    pthread_mutex_unlock(&run->lock);
    return status;
}

clipspan_status cs_run_fact(char **value, const cs_run *run, const char *key, clipspan_error *err)
{
    cs_run *own = enter(run);
    return leave(own, cs_index_fact(value, own->index, key, err));
}

clipspan_status cs_run_pictures(const cs_run *run, uint64_t first, uint64_t count,
                                cs_index_each each, void *context, clipspan_error *err)
{
    cs_run *own;
    if (first > run->facts.info.pictures || count > run->facts.info.pictures - first)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "pictures of places %llu to %llu were asked for; the run has %llu",
                       (unsigned long long)first, (unsigned long long)(first + count),
                       (unsigned long long)run->facts.info.pictures);
    own = enter(run);
    return leave(own, cs_index_read(own->index, first, count, each, context, err));
}

clipspan_status cs_run_set_result(const cs_run *run, const char *kind, const char *name,
                                  const char *value, clipspan_error *err)
{
    clipspan_status status;
    cs_index *index = NULL;
    int lock = -1;
    char *file = cs_run_file(run, CS_INDEX_FILE, err);
    if (!file) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_folder_lock(&lock, run->facts.info.path, 1, err));
    CS_TRY_DONE(cs_index_edit(&index, file, err));
    CS_TRY_DONE(cs_index_set_result(index, kind, name, value, err));
    status = cs_index_commit(index, err);
done:
    cs_index_close(&index);
    cs_folder_unlock(&lock);
    cs_free(file);
    return status;
}

/* Results appear while a run is open: they are looked up in the index as it is now. */
static clipspan_status open_newest(cs_index **out, const cs_run *run, clipspan_error *err)
{
    clipspan_status status;
    char *file = cs_run_file(run, CS_INDEX_FILE, err);
    *out = NULL;
    if (!file) return CLIPSPAN_E_NOMEM;
    status = cs_index_open(out, file, err);
    cs_free(file);
    return status;
}

clipspan_status cs_run_result(char **value, const cs_run *run, const char *kind, const char *name,
                              clipspan_error *err)
{
    clipspan_status status;
    cs_index *index;
    *value = NULL;
    CS_TRY(open_newest(&index, run, err));
    status = cs_index_result(value, index, kind, name, err);
    cs_index_close(&index);
    return status;
}

clipspan_status cs_run_result_names(const cs_run *run, const char *kind,
                                    clipspan_status (*each)(void *context, const char *name,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err)
{
    clipspan_status status;
    cs_index *index;
    CS_TRY(open_newest(&index, run, err));
    status = cs_index_result_names(index, kind, each, context, err);
    cs_index_close(&index);
    return status;
}

/* ---- Statistics and bases ---- */

clipspan_status cs_run_statistics(double *stats, const cs_run *run, clipspan_error *err)
{
    clipspan_status status;
    char *path;
    CS_TRY(cs_run_need_merged(run, err));
    path = cs_run_file(run, CS_STATISTICS_FILE, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    status = cs_statistics_read(stats, path, &run->facts.plan, err);
    cs_free(path);
    return status;
}

static clipspan_status block_path(char **path, const cs_run *run, uint64_t block,
                                  clipspan_error *err)
{
    const cs_chunk_tree *tree = &run->facts.plan.tree;
    *path = NULL;
    CS_TRY(cs_run_need_merged(run, err));
    if (block >= tree->blocks)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "block %llu was asked for; the run has %llu",
                       (unsigned long long)block, (unsigned long long)tree->blocks);
    *path = cs_node_path(&run->facts.plan, (cs_node){tree->block_level, block}, err);
    return *path ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_run_block(double *stats, const cs_run *run, uint64_t block, clipspan_error *err)
{
    clipspan_status status;
    char *path;
    CS_TRY(block_path(&path, run, block, err));
    status = cs_statistics_read(stats, path, &run->facts.plan, err);
    cs_free(path);
    return status;
}

clipspan_status cs_run_head(double *moments, const cs_run *run, size_t layer, size_t head,
                            clipspan_error *err)
{
    clipspan_status status;
    char *path;
    CS_TRY(cs_run_need_merged(run, err));
    path = cs_run_file(run, CS_STATISTICS_FILE, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    status = cs_statistics_read_head(moments, path, &run->facts.plan, layer, head, err);
    cs_free(path);
    return status;
}

clipspan_status cs_run_block_head(double *moments, const cs_run *run, uint64_t block, size_t layer,
                                  size_t head, clipspan_error *err)
{
    clipspan_status status;
    char *path;
    CS_TRY(block_path(&path, run, block, err));
    status = cs_statistics_read_head(moments, path, &run->facts.plan, layer, head, err);
    cs_free(path);
    return status;
}

clipspan_status cs_run_basis(float *rows, const cs_run *run, clipspan_error *err)
{
    const cs_tensor_entry *entry;
    cs_safetensors *file;
    clipspan_status status;
    CS_TRY(cs_basis_file_open(&file, &entry, &run->facts.plan, err));
    status = cs_safetensors_read(rows, file, entry, 0, entry->count, err);
    cs_safetensors_close(&file);
    return status;
}

clipspan_status cs_run_basis_head(float *rows, const cs_run *run, size_t layer, size_t head,
                                  clipspan_error *err)
{
    const cs_shape *s = &run->facts.plan.shape;
    const size_t size = s->C * s->P;
    const cs_tensor_entry *entry;
    cs_safetensors *file;
    clipspan_status status;
    CS_TRY(cs_basis_file_open(&file, &entry, &run->facts.plan, err));
    status = cs_safetensors_read(rows, file, entry, (layer * s->H + head) * size, size, err);
    cs_safetensors_close(&file);
    return status;
}

/* ---- Chunks ---- */

clipspan_status cs_run_chunk_open(cs_run_chunk *out, const cs_run *run, uint64_t chunk,
                                  clipspan_error *err)
{
    const cs_part_plan *plan = &run->facts.plan;
    uint8_t status[CS_CHUNK];
    memset(out, 0, sizeof *out);
    if (chunk >= plan->tree.chunks)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "chunk %llu was asked for; the run has %llu",
                       (unsigned long long)chunk, (unsigned long long)plan->tree.chunks);
    out->chunk = chunk;
    out->run = run;
    CS_TRY(cs_chunk_open(&out->file, plan, chunk, err));
    CS_TRY(cs_chunk_read_status(status, out->file, plan, chunk, err));
    for (int i = 0; i < CS_CHUNK; i++) {
        if (status[i] != CS_PICTURE_OK) continue;
        out->slots[out->count] = (uint8_t)i;
        out->places[out->count++] = chunk * CS_CHUNK + (uint64_t)i;
    }
    return CLIPSPAN_OK;
}

void cs_run_chunk_fini(cs_run_chunk *chunk)
{
    cs_safetensors_close(&chunk->file);
}

/* Rows of `width` numbers for the used slots, from row `first` of a tensor on: all CS_CHUNK slots
 * lie there side by side. Read at once when all are used, else row by row. */
static clipspan_status read_rows(float *out, const cs_run_chunk *chunk, const char *name,
                                 size_t first, size_t width, clipspan_error *err)
{
    const cs_tensor_entry *entry = cs_safetensors_find(chunk->file, name);
    size_t i = 0;
    if (!entry) return cs_run_need_codes(chunk->run, err);
    while (i < chunk->count) {
        size_t n = 1; /* neighbours go together */
        while (i + n < chunk->count && chunk->slots[i + n] == chunk->slots[i] + n)
            n++;
        CS_TRY(cs_safetensors_read(out + i * width, chunk->file, entry,
                                   (first + chunk->slots[i]) * width, n * width, err));
        i += n;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_run_chunk_z(float *z, const cs_run_chunk *chunk, size_t layer, size_t head,
                               clipspan_error *err)
{
    const cs_shape *s = &chunk->run->facts.plan.shape;
    return read_rows(z, chunk, "z", (layer * s->H + head) * CS_CHUNK, s->K, err);
}

clipspan_status cs_run_chunk_scale(double *scale, const cs_run_chunk *chunk, clipspan_error *err)
{
    double all[CS_CHUNK][3];
    const cs_tensor_entry *entry = cs_safetensors_find(chunk->file, "scale");
    if (!entry) return cs_run_need_codes(chunk->run, err);
    CS_TRY(cs_safetensors_read_raw(all, chunk->file, entry, 0, entry->count, err));
    for (size_t i = 0; i < chunk->count; i++)
        memcpy(scale + 3 * i, all[chunk->slots[i]], sizeof all[0]);
    return CLIPSPAN_OK;
}

clipspan_status cs_run_chunk_codes(double *y, const cs_run_chunk *chunk, size_t layer, size_t head,
                                   clipspan_error *err)
{
    const cs_shape *s = &chunk->run->facts.plan.shape;
    double scale[CS_CHUNK][3] = {{0}};
    clipspan_status status;
    float *z = cs_alloc((size_t)CS_CHUNK * s->K, sizeof *z, "codes", err);
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
    return read_rows(embedding, chunk, "embedding", 0, chunk->run->facts.plan.shape.P, err);
}

clipspan_status cs_run_chunk_mlp(float *terms, const cs_run_chunk *chunk, size_t index,
                                 clipspan_error *err)
{
    return read_rows(terms, chunk, "mlp", index * CS_CHUNK, chunk->run->facts.plan.shape.P, err);
}

clipspan_status cs_run_chunk_class_part(float *part, const cs_run_chunk *chunk, size_t layer,
                                        clipspan_error *err)
{
    return read_rows(part, chunk, "class_part", layer * CS_CHUNK, chunk->run->facts.plan.shape.P,
                     err);
}
