/* SPDX-License-Identifier: MIT */
/* Images of the run itself as what is looked for: their coefficients are there, so neither their
 * files nor the model are needed. contribution = y A, with y of decompose/coefficients.h. */
#include <clipspan/run.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/query.h"

/* "#17": an index in the list. */
static int is_index(const char *name)
{
    return name[0] == '#' && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1) &&
           strlen(name) < 18;
}

/* The image that is meant. */
typedef struct wanted {
    const char *name, *folder;
    int64_t index; /* -1: by name */
    int exact;
    uint64_t named; /* images whose path ends so */
    uint64_t run_index, found;
    char *skipped; /* why it was; NULL: it was not */
} wanted;

static int same_path(const wanted *w, const char *path)
{
    const size_t folder = strlen(w->folder);
    if (strcmp(path, w->name) == 0) return 1;
    return folder && strncmp(w->name, w->folder, folder) == 0 && w->name[folder] == '/' &&
           strcmp(w->name + folder + 1, path) == 0;
}

/* What is behind one of its slashes. */
static int ends_in(const char *path, const char *name)
{
    const size_t longer = strlen(path), shorter = strlen(name);
    return longer > shorter && strcmp(path + longer - shorter, name) == 0 &&
           path[longer - shorter - 1] == '/';
}

static clipspan_status match_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    wanted *w = context;
    const int exact =
        w->index >= 0 ? row->list_index == (uint64_t)w->index : same_path(w, row->path);
    const int named = w->index < 0 && ends_in(row->path, w->name);
    if (w->exact || (!exact && !named)) return CLIPSPAN_OK;
    if (w->index < 0 && row->duplicate_of >= 0) return CLIPSPAN_OK; /* the first is meant */
    w->named += named;
    w->exact = exact;
    w->run_index = row->run_index;
    w->found = row->list_index;
    cs_free(w->skipped);
    w->skipped = NULL;
    if (strcmp(row->status, "ok") == 0) return CLIPSPAN_OK;
    w->skipped = cs_strdup(row->error && *row->error ? row->error : row->status, err);
    return w->skipped ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status judge_find(const wanted *w, const clipspan_run_info *info,
                                  clipspan_error *err)
{
    if (w->index >= 0 && !w->exact)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: the run has images #0 to #%llu", w->name,
                       (unsigned long long)info->images - 1);
    if (!w->exact && w->named == 0)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, w->name,
                          "there is no such file, and no image of the run has this path or one "
                          "that ends in it");
    if (!w->exact && w->named > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%llu images of the run have a path that ends in \"%.200s\"; give all of "
                       "it, as the run has it",
                       (unsigned long long)w->named, w->name);
    if (w->skipped)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "\"%.200s\" was skipped when the run was made: %s",
                       w->name, w->skipped);
    return CLIPSPAN_OK;
}

clipspan_status cs_query_find(cs_query_item *item, const cs_query *query, clipspan_error *err)
{
    wanted w = {.name = item->name, .folder = query->info->folder, .index = -1};
    clipspan_status status;
    if (is_index(item->name)) w.index = strtoll(item->name + 1, NULL, 10);
    status = cs_run_images(query->run, 0, query->info->images, match_row, &w, err);
    if (status == CLIPSPAN_OK) status = judge_find(&w, query->info, err);
    cs_free(w.skipped);
    item->shown.run_index = w.run_index;
    item->shown.index = w.found;
    return status;
}

/* ---- Contributions ---- */

/* Row of the image in its chunk. */
static clipspan_status find_row(size_t *row, const cs_run_chunk *chunk, uint64_t run_index,
                                clipspan_error *err)
{
    for (*row = 0; *row < chunk->count; ++*row)
        if (chunk->run_indices[*row] == run_index) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, cs_run_info(chunk->run)->path,
                      "chunk %llu does not hold the image at place %llu, as the index says",
                      (unsigned long long)chunk->chunk, (unsigned long long)run_index);
}

/* out : [P] = y A of one head   y : [CS_CHUNK, C]   rows : [C, P] */
static clipspan_status read_head(float *out, const cs_run_chunk *chunk, size_t row,
                                 clipspan_head head, double *y, float *rows, clipspan_error *err)
{
    const cs_shape shape = cs_run_shape(chunk->run);
    size_t p, c;
    CS_TRY(cs_run_chunk_coefficients(y, chunk, (size_t)head.layer, (size_t)head.head, err));
    CS_TRY(cs_run_output_map_head(rows, chunk->run, (size_t)head.layer, (size_t)head.head, err));
    for (p = 0; p < shape.P; p++) {
        double sum = 0.0;
        for (c = 0; c < shape.C; c++)
            sum += y[row * shape.C + c] * (double)rows[c * shape.P + p];
        out[p] = (float)sum;
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_heads(cs_query_item *item, const cs_query *query,
                                  const cs_run_chunk *chunk, size_t row, clipspan_error *err)
{
    const cs_shape s = cs_run_shape(query->run);
    double *y = cs_alloc(CS_CHUNK, s.C * sizeof *y, "coefficients of a chunk", err);
    float *rows = y ? cs_alloc(s.C, s.P * sizeof *rows, "a head's output map", err) : NULL;
    clipspan_status status = rows ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    size_t g, h;
    for (g = 0; g < query->group_count && status == CLIPSPAN_OK; g++) {
        const clipspan_query_group *group = &query->groups[g].shown;
        for (h = 0; h < group->head_count && status == CLIPSPAN_OK; h++) {
            const clipspan_head head = group->heads[h];
            const size_t at = (size_t)head.layer * s.H + (size_t)head.head;
            status = read_head(item->heads + at * s.P, chunk, row, head, y, rows, err);
        }
    }
    cs_free(rows);
    cs_free(y);
    return status;
}

static clipspan_status read_embedding(float *out, const cs_run_chunk *chunk, size_t row,
                                      clipspan_error *err)
{
    const size_t P = cs_run_shape(chunk->run).P;
    float *vectors = cs_alloc(CS_CHUNK, P * sizeof *vectors, "embeddings of a chunk", err);
    clipspan_status status;
    if (!vectors) return CLIPSPAN_E_NOMEM;
    status = cs_run_chunk_embedding(vectors, chunk, err);
    if (status == CLIPSPAN_OK) memcpy(out, vectors + row * P, P * sizeof *out);
    cs_free(vectors);
    return status;
}

clipspan_status cs_query_read_stored(cs_query_item *item, const cs_query *query,
                                     clipspan_error *err)
{
    const cs_shape s = cs_run_shape(query->run);
    cs_run_chunk chunk = {0};
    clipspan_status status;
    size_t row;
    CS_TRY(cs_run_need_coefficients(query->run, err));
    cs_free(item->heads);
    item->heads = cs_alloc_zero(s.L * s.H, s.P * sizeof *item->heads, "contributions", err);
    item->vector = cs_alloc(s.P, sizeof *item->vector, "an embedding", err);
    status = CLIPSPAN_E_NOMEM;
    if (!item->heads || !item->vector) goto done;
    CS_TRY_DONE(cs_run_chunk_open(&chunk, query->run, item->shown.run_index / CS_CHUNK, err));
    CS_TRY_DONE(find_row(&row, &chunk, item->shown.run_index, err));
    CS_TRY_DONE(read_embedding(item->vector, &chunk, row, err));
    status = read_heads(item, query, &chunk, row, err);
done:
    cs_run_chunk_fini(&chunk);
    if (status != CLIPSPAN_OK) { /* not there: a later run reads it again */
        cs_free(item->vector);
        item->vector = NULL;
    }
    return status;
}
