/* SPDX-License-Identifier: MIT */
/* Images of the run itself as what is looked for: their coefficients are there, so neither their
 * files nor the model are needed. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/visual/search.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 32

/* "#17": a place in the list. */
static int is_number(const char *name)
{
    return name[0] == '#' && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1) &&
           strlen(name) < 18;
}

int cli_search_is_stored(const char *name)
{
    return is_number(name) || cs_path_kind(name) != 1;
}

/* The image that is meant: by number, by path, or by the end of it when one alone has that. */
typedef struct wanted {
    const char *name, *folder;
    int64_t number; /* -1: by name */
    int exact;
    uint64_t named; /* images whose path ends so */
    uint64_t run_index;
    char *error; /* why it was skipped; NULL: it was not */
    int failed;  /* out of memory */
} wanted;

static int same_path(const wanted *w, const char *path)
{
    const size_t folder = strlen(w->folder);
    if (strcmp(path, w->name) == 0) return 1;
    return folder && strncmp(w->name, w->folder, folder) == 0 && w->name[folder] == '/' &&
           strcmp(w->name + folder + 1, path) == 0;
}

/* The whole path, or what is behind one of its slashes. */
static int ends_in(const char *path, const char *name)
{
    const size_t longer = strlen(path), shorter = strlen(name);
    return longer > shorter && strcmp(path + longer - shorter, name) == 0 &&
           path[longer - shorter - 1] == '/';
}

static int match(void *user, const clipspan_run_image *p)
{
    wanted *w = user;
    const int exact = w->number >= 0 ? p->list_index == (uint64_t)w->number : same_path(w, p->path);
    const int named = w->number < 0 && ends_in(p->path, w->name);
    if (!exact && !named) return 0;
    w->named += named && p->duplicate_of < 0;
    w->exact = exact;
    w->run_index = p->run_index;
    cs_free(w->error);
    w->error = NULL;
    if (strcmp(p->status, "ok") != 0) {
        w->error = cs_strdup(p->error && *p->error ? p->error : p->status, NULL);
        w->failed = !w->error;
    }
    return exact;
}

static clipspan_status find(wanted *w, const cli_search_job *j, clipspan_error *err)
{
    clipspan_status status = clipspan_run_read_images(j->run, 0, j->info->images, match, w, err);
    if (w->failed) return cs_fail_memory(err, 1, "an image of the run");
    if (status != CLIPSPAN_OK && !w->exact) return status;
    if (w->number >= 0 && !w->exact)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: the run has images #0 to #%llu", w->name,
                       (unsigned long long)j->info->images - 1);
    if (!w->exact && w->named == 0)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, w->name,
                          "there is no such file, and no image of the run has this path or one "
                          "that ends in it");
    if (!w->exact && w->named > 1)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "%llu images of the run have a path that ends in \"%.200s\"; give all of it, "
            "as the run has it",
            (unsigned long long)w->named, w->name);
    if (w->error)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "\"%.200s\" was skipped when the run was made: %s",
                       w->name, w->error);
    return CLIPSPAN_OK;
}

/* Row of the image among those of its chunk; `count` when it is not there. */
static size_t row_of(const uint64_t *run_indices, size_t count, uint64_t run_index)
{
    size_t row = 0;
    while (row < count && run_indices[row] != run_index)
        row++;
    return row;
}

static clipspan_status fail_row(const cli_search_job *j, uint64_t run_index, clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, j->info->path,
                      "chunk %llu does not hold the image at place %llu, as the index says",
                      (unsigned long long)run_index / CHUNK, (unsigned long long)run_index);
}

/* What one head wrote: out : [P] = y A.   y : [CHUNK, C]   rows : [C, P] */
static clipspan_status read_head(float *out, const cli_search_job *j, clipspan_head head,
                                 uint64_t run_index, double *y, float *rows, clipspan_error *err)
{
    const size_t P = (size_t)j->info->embed_width, C = (size_t)j->info->head_width + 3;
    uint64_t run_indices[CHUNK];
    size_t count, row;
    CS_TRY(clipspan_run_read_coefficients(y, run_indices, &count, j->run, run_index / CHUNK,
                                          head.layer, head.head, err));
    row = row_of(run_indices, count, run_index);
    if (row == count) return fail_row(j, run_index, err);
    CS_TRY(clipspan_run_read_output_map(rows, j->run, head.layer, head.head, err));
    for (size_t p = 0; p < P; p++) {
        double sum = 0.0;
        for (size_t c = 0; c < C; c++)
            sum += y[row * C + c] * (double)rows[c * P + p];
        out[p] = (float)sum;
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_embedding(float *out, const cli_search_job *j, uint64_t run_index,
                                      clipspan_error *err)
{
    const size_t P = (size_t)j->info->embed_width;
    float *vectors = cs_alloc(CHUNK, P * sizeof *vectors, "embeddings of a chunk", err);
    uint64_t run_indices[CHUNK];
    clipspan_status status;
    size_t count, row;
    if (!vectors) return CLIPSPAN_E_NOMEM;
    status = clipspan_run_read_vectors(vectors, run_indices, &count, j->run, run_index / CHUNK,
                                       CLIPSPAN_VECTORS_EMBEDDING, 0, err);
    row = status == CLIPSPAN_OK ? row_of(run_indices, count, run_index) : 0;
    if (status == CLIPSPAN_OK && row == count) status = fail_row(j, run_index, err);
    if (status == CLIPSPAN_OK) memcpy(out, vectors + row * P, P * sizeof *out);
    cs_free(vectors);
    return status;
}

static clipspan_status read_components(const cli_search_job *j, cli_search_item *item,
                                       uint64_t run_index, clipspan_error *err)
{
    const size_t P = (size_t)j->info->embed_width, C = (size_t)j->info->head_width + 3;
    double *y = cs_alloc(CHUNK, C * sizeof *y, "coefficients of a chunk", err);
    float *rows = cs_alloc(C, P * sizeof *rows, "a head's output map", err);
    clipspan_status status = y && rows ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t g = 0; g < j->group_count && status == CLIPSPAN_OK; g++)
        for (size_t h = 0; h < j->groups[g].head_count && status == CLIPSPAN_OK; h++) {
            const clipspan_head head = j->groups[g].heads[h];
            const size_t at = (size_t)head.layer * (size_t)j->info->heads + (size_t)head.head;
            status = read_head(item->heads + at * P, j, head, run_index, y, rows, err);
        }
    cs_free(rows);
    cs_free(y);
    return status;
}

clipspan_status cli_search_stored(const cli_search_job *j, cli_search_item *item,
                                  clipspan_error *err)
{
    const size_t P = (size_t)j->info->embed_width;
    const size_t heads = (size_t)j->info->layers * (size_t)j->info->heads;
    wanted w = {.name = item->name, .folder = j->info->folder, .number = -1};
    clipspan_status status;
    if (j->has_region)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--region is a part of an image's file, which \"%.200s\" is not",
                       item->name);
    if (is_number(item->name)) w.number = strtoll(item->name + 1, NULL, 10);
    status = find(&w, j, err);
    cs_free(w.error);
    CS_TRY(status);
    item->heads = cs_alloc_zero(heads, P * sizeof *item->heads, "contributions of  ", err);
    item->vector = cs_alloc(P, sizeof *item->vector, "an embedding", err);
    if (!item->heads || !item->vector) return CLIPSPAN_E_NOMEM;
    CS_TRY(read_embedding(item->vector, j, w.run_index, err));
    return read_components(j, item, w.run_index, err);
}
