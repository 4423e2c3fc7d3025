/* SPDX-License-Identifier: MIT */
/* Queries and hits: argument checks around src/study. */
#include "api/query_api.h"
#include "api/handles.h"
#include "atlas/atlas_roles.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "study/study_json.h"

#include <clipspan/run.h>
#include <stdio.h>
#include <string.h>

struct clipspan_query {
    cs_query query;
};

/* ---- Queries ---- */

static clipspan_status check_model(const clipspan_run_info *run, const clipspan_model *model,
                                   clipspan_error *err)
{
    const clipspan_model_info *m = model ? &model->info : NULL;
    if (!m || (m->split_layers == run->layers && m->split_heads == run->heads &&
               m->embed_width == run->embed_width))
        return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "the model has %d layers of %d heads and %d numbers an embedding, the run's %d "
                   "of %d and %d; open it with clipspan_run_open_model",
                   m->split_layers, m->split_heads, m->embed_width, run->layers, run->heads,
                   run->embed_width);
}

clipspan_status clipspan_query_new(clipspan_query **out, const clipspan_run *run,
                                   const clipspan_query_options *options, clipspan_error *err)
{
    clipspan_query_options taken;
    const clipspan_query_options *const o = &taken;
    clipspan_query *q;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_query_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, options, clipspan_query_options, err));
    if (o->compare < CLIPSPAN_COMPARE_COSINE || o->compare > CLIPSPAN_COMPARE_PLAIN)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown way %d to compare", (int)o->compare);
    CS_TRY(check_model(cs_run_info(run->run), o->model, err));
    CS_TRY(cs_run_need_merged(run->run, err));
    CS_TRY(cs_run_need_coefficients(run->run, err));
    q = cs_alloc_zero(1, sizeof *q, "a query", err);
    if (!q) return CLIPSPAN_E_NOMEM;
    q->query.run = run->run;
    q->query.info = cs_run_info(run->run);
    q->query.model = o->model;
    if (o->model) q->query.preprocess = &cs_checkpoint_config(o->model->checkpoint)->preprocess;
    q->query.templates = o->templates;
    q->query.compare = o->compare;
    q->query.threads = o->threads > 0 ? o->threads : cs_threads_default();
    *out = q;
    return CLIPSPAN_OK;
}

void clipspan_query_free(clipspan_query **query)
{
    if (!query || !*query) return;
    cs_query_fini(&(*query)->query);
    cs_free(*query);
    *query = NULL;
}

void clipspan_query_clear(clipspan_query *query)
{
    if (query) cs_query_clear(&query->query);
}

clipspan_status clipspan_query_add_heads(clipspan_query *query, const char *name,
                                         const clipspan_head *heads, size_t count, double weight,
                                         clipspan_error *err)
{
    cs_clear(err);
    if (!query || !name || (!heads && count))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_query_add_heads: an argument is NULL");
    return cs_query_add_heads(&query->query, name, NULL, heads, count, weight, err);
}

clipspan_status clipspan_query_add_role(clipspan_query *query, const clipspan_atlas *atlas,
                                        const char *role, double weight, clipspan_error *err)
{
    const cs_atlas *a = atlas ? atlas->atlas : NULL;
    clipspan_status status;
    clipspan_head *heads;
    size_t count;
    cs_clear(err);
    if (!query || !a || !role)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_query_add_role: an argument is NULL");
    heads = cs_alloc(a->info.heads, sizeof *heads, "heads", err);
    if (!heads) return CLIPSPAN_E_NOMEM;
    status = clipspan_atlas_find_heads(heads, &count, a->info.heads, atlas, role, 0, err);
    if (status == CLIPSPAN_OK)
        status = cs_query_add_heads(&query->query, role, a->info.pool, heads, count, weight, err);
    cs_free(heads);
    return status;
}

static clipspan_status check_region(const double *region, clipspan_error *err)
{
    int i;
    for (i = 0; i < 4; i++)
        if (!(region[i] >= 0.0) || region[i] > 1e9 || (i > 1 && region[i] == 0.0))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "the region %g,%g,%g,%g was asked for; left, top, width and height in "
                           "pixels of the image were expected",
                           region[0], region[1], region[2], region[3]);
    return CLIPSPAN_OK;
}

/* An item that failed is not left in the query. */
static clipspan_status add_run_image(cs_query *q, const char *name, double weight,
                                     clipspan_error *err)
{
    cs_query_item *item;
    clipspan_status status;
    CS_TRY(cs_query_add_item(&item, q, CLIPSPAN_QUERY_STORED, name, weight, err));
    status = cs_query_find(item, q, err);
    if (status == CLIPSPAN_OK) return status;
    cs_free(item->name);
    q->item_count--;
    return status;
}

clipspan_status clipspan_query_add_image(clipspan_query *query, const char *name,
                                         const double *region, double weight, clipspan_error *err)
{
    cs_query_item *item;
    cs_clear(err);
    if (!query || !name)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_query_add_image: an argument is NULL");
    if (region) CS_TRY(check_region(region, err));
    if (cs_path_kind(name) != 1) {
        if (region)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "a region is a part of an image's file, which \"%.200s\" is not", name);
        return add_run_image(&query->query, name, weight, err);
    }
    CS_TRY(cs_query_add_item(&item, &query->query, CLIPSPAN_QUERY_FILE, name, weight, err));
    item->shown.has_region = region != NULL;
    if (region) memcpy(item->shown.region, region, sizeof item->shown.region);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_query_add_stored(clipspan_query *query, uint64_t index, double weight,
                                          clipspan_error *err)
{
    char name[32];
    cs_clear(err);
    if (!query)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_query_add_stored: query is NULL");
    if (index >= query->query.info->images)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT, "index %llu of the list was asked for; the run has 0 to %llu",
            (unsigned long long)index, (unsigned long long)query->query.info->images - 1);
    snprintf(name, sizeof name, "#%llu", (unsigned long long)index);
    return add_run_image(&query->query, name, weight, err);
}

clipspan_status clipspan_query_add_text(clipspan_query *query, const char *text, double weight,
                                        clipspan_error *err)
{
    cs_query_item *item;
    cs_clear(err);
    if (!query || !text)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_query_add_text: an argument is NULL");
    CS_TRY(cs_query_add_item(&item, &query->query, CLIPSPAN_QUERY_TEXT, text, weight, err));
    item->shown.is_text = 1;
    return CLIPSPAN_OK;
}

clipspan_status clipspan_query_add_vector(clipspan_query *query, const char *name,
                                          const float *vector, double weight, clipspan_error *err)
{
    cs_query_item *item;
    float *copy;
    size_t P;
    cs_clear(err);
    if (!query || !name || !vector)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_query_add_vector: an argument is NULL");
    P = (size_t)query->query.info->embed_width;
    copy = cs_alloc(P, sizeof *copy, "a vector", err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    memcpy(copy, vector, P * sizeof *copy);
    if (cs_query_add_item(&item, &query->query, CLIPSPAN_QUERY_VECTOR, name, weight, err) !=
        CLIPSPAN_OK) {
        cs_free(copy);
        return err ? err->code : CLIPSPAN_E_NOMEM;
    }
    item->shown.is_text = 1;
    item->vector = copy;
    return CLIPSPAN_OK;
}

/* ---- Hits ---- */

clipspan_status clipspan_hits_new(clipspan_hits **out, clipspan_query *query,
                                  const clipspan_hits_options *options,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_hits_options taken;
    const clipspan_hits_options *const o = &taken;
    clipspan_hits *h;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !query)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_hits_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, options, clipspan_hits_options, err));
    CS_TRY(cs_query_ready(&query->query, progress, err));
    h = cs_alloc_zero(1, sizeof *h, "hits", err);
    if (!h) return CLIPSPAN_E_NOMEM;
    status = cs_hits_new(&h->hits, &query->query, o, err);
    if (status == CLIPSPAN_OK)
        *out = h;
    else
        clipspan_hits_free(&h);
    return status;
}

void clipspan_hits_free(clipspan_hits **hits)
{
    if (!hits || !*hits) return;
    cs_hits_free(&(*hits)->hits);
    cs_free(*hits);
    *hits = NULL;
}

const clipspan_hits_info *clipspan_hits_get_info(const clipspan_hits *hits)
{
    return hits ? &hits->hits->info : NULL;
}

const clipspan_hits_row *clipspan_hits_get_row(const clipspan_hits *hits, size_t number)
{
    return hits && number < hits->hits->info.hits ? &hits->hits->rows[number] : NULL;
}

const clipspan_query_group *clipspan_hits_get_group(const clipspan_hits *hits, size_t number)
{
    return hits && number < hits->hits->info.groups ? &hits->hits->groups[number] : NULL;
}

const clipspan_query_item *clipspan_hits_get_item(const clipspan_hits *hits, size_t number)
{
    return hits && number < hits->hits->info.items ? &hits->hits->items[number] : NULL;
}

clipspan_status clipspan_hits_write_json(const clipspan_hits *hits, int flat,
                                         void (*put)(void *to, const char *text, size_t size),
                                         void *to, clipspan_error *err)
{
    cs_json_writer json;
    cs_clear(err);
    if (!hits || !put)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_hits_write_json: an argument is NULL");
    cs_json_begin(&json, put, to, cs_json_form_of(flat), "clipspan.search.v1");
    cs_json_put_hits(&json, hits->hits);
    cs_json_finish(&json);
    return CLIPSPAN_OK;
}
