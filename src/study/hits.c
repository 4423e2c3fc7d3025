/* SPDX-License-Identifier: MIT */
/* Scores of all groups and items added up, the highest kept, heads' parts of them. */
#include "study/hits.h"

#include <clipspan/run.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/top.h"
#include "run/image_place.h"

#define TOP 10

void cs_hits_free(cs_hits **hits)
{
    cs_hits *h = hits ? *hits : NULL;
    if (!h) return;
    while (h->owned_count)
        cs_free(h->owned[--h->owned_count]);
    cs_free(h->owned);
    cs_free(h->rows);
    cs_free(h->parts);
    cs_free(h->groups);
    cs_free(h->items);
    cs_free(h->heads);
    cs_free(h);
    *hits = NULL;
}

/* Takes a text over; NULL stays NULL and is an error. */
static clipspan_status own_text(const char **out, cs_hits *h, char *text, clipspan_error *err)
{
    clipspan_status status;
    *out = text;
    if (!text) return CLIPSPAN_E_NOMEM;
    status = cs_grow(&h->owned, &h->owned_room, h->owned_count + 1, sizeof *h->owned, "hits", err);
    if (status == CLIPSPAN_OK)
        h->owned[h->owned_count++] = text;
    else
        cs_free(text);
    return status;
}

static clipspan_status copy_text(const char **out, cs_hits *h, const char *text,
                                 clipspan_error *err)
{
    *out = NULL;
    return text ? own_text(out, h, cs_strdup(text, err), err) : CLIPSPAN_OK;
}

/* ---- Scores ---- */

/* scores : [N] of all groups and items, weighted. */
static clipspan_status add_scores(double *scores, const cs_query *query, size_t N,
                                  clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    double *one = cs_alloc(N, sizeof *one, "scores", err);
    size_t k, n;
    if (!one) return CLIPSPAN_E_NOMEM;
    memset(scores, 0, N * sizeof *scores);
    for (k = 0; k < query->group_count * query->item_count && status == CLIPSPAN_OK; k++) {
        const cs_query_group *g = &query->groups[k / query->item_count];
        const cs_query_item *item = &query->items[k % query->item_count];
        float *asked = NULL;
        status = cs_query_ask(&asked, query, g, item, err);
        if (status == CLIPSPAN_OK)
            status = cs_search_run(one, g->search, asked, item->shown.is_text, err);
        for (n = 0; n < N && status == CLIPSPAN_OK; n++)
            scores[n] += g->shown.weight * item->shown.weight * one[n];
        cs_free(asked);
    }
    cs_free(one);
    return status;
}

/* sum : [heads] what each head of a group gives to a hit, room for as many more behind it. */
static clipspan_status sum_parts(double *sum, const cs_query *query, const cs_query_group *group,
                                 size_t row, clipspan_error *err)
{
    const size_t count = group->shown.head_count;
    clipspan_status status = CLIPSPAN_OK;
    size_t i, h;
    for (i = 0; i < query->item_count && status == CLIPSPAN_OK; i++) {
        const clipspan_query_item *item = &query->items[i].shown;
        double *one = sum + count;
        float *asked = NULL;
        status = cs_query_ask(&asked, query, group, &query->items[i], err);
        if (status == CLIPSPAN_OK)
            status = cs_search_parts(one, group->search, row, asked, item->is_text, err);
        for (h = 0; h < count && status == CLIPSPAN_OK; h++)
            sum[h] += group->shown.weight * item->weight * one[h];
        cs_free(asked);
    }
    return status;
}

/* all : [heads of all groups] a hit's parts, one group after the other. */
static clipspan_status fill_parts(double *all, const cs_query *query, size_t row,
                                  clipspan_error *err)
{
    size_t g;
    for (g = 0; g < query->group_count; g++) {
        const cs_query_group *group = &query->groups[g];
        const size_t count = group->shown.head_count;
        clipspan_status status;
        double *sum;
        if (!count) continue; /* a whole embedding has no heads */
        sum = cs_alloc_zero(2 * count, sizeof *sum, "parts of a score", err);
        if (!sum) return CLIPSPAN_E_NOMEM;
        status = sum_parts(sum, query, group, row, err);
        memcpy(all, sum, count * sizeof *sum);
        cs_free(sum);
        CS_TRY(status);
        all += count;
    }
    return CLIPSPAN_OK;
}

/* The group and head of place `at` among the heads of all groups. */
static clipspan_hit_contribution find_part(const cs_query *query, size_t at, double part)
{
    clipspan_hit_contribution out = {.contribution = part};
    while (at >= query->groups[out.group].shown.head_count)
        at -= query->groups[out.group++].shown.head_count;
    out.head = query->groups[out.group].heads[at];
    return out;
}

static clipspan_status explain_rows(cs_hits *h, const cs_query *query, const size_t *rows,
                                    size_t heads, clipspan_error *err)
{
    const size_t most = h->info.contributions;
    clipspan_status status = CLIPSPAN_OK;
    size_t *best = cs_alloc(most, sizeof *best, "parts of a score", err), i, k, count;
    char why[256];
    double *numbers = cs_alloc(heads + most, sizeof *numbers, "parts of a score", err);
    if (!best || !numbers) status = CLIPSPAN_E_NOMEM;
    for (i = 0; i < h->info.hits && status == CLIPSPAN_OK; i++) {
        clipspan_hit_contribution *parts = h->parts + i * most;
        status = fill_parts(numbers, query, rows[i], err);
        if (status != CLIPSPAN_OK) break;
        count = cs_top_highest(best, numbers + heads, most, numbers, heads);
        for (k = 0; k < count; k++)
            parts[k] = find_part(query, best[k], numbers[best[k]]);
        h->rows[i].contributions = parts;
        h->rows[i].contribution_count = count;
        cs_hits_explain(why, sizeof why, &h->rows[i]);
        status = copy_text(&h->rows[i].why, h, why, err);
    }
    cs_free(numbers);
    cs_free(best);
    return status;
}

/* ---- Rows ---- */

typedef struct row_job {
    cs_hits *hits;
    cs_image_place place;
    clipspan_hits_row *row;
} row_job;

static clipspan_status take_row(void *context, const cs_image_row *found, clipspan_error *err)
{
    const row_job *j = context;
    clipspan_hits_row *row = j->row;
    clipspan_status status;
    char *file;
    row->run_index = found->run_index;
    row->index = found->list_index;
    row->duplicate_of = found->duplicate_of;
    CS_TRY(copy_text(&row->path, j->hits, found->path, err));
    CS_TRY(copy_text(&row->label, j->hits, found->label ? found->label : "", err));
    CS_TRY(copy_text(&row->group, j->hits, found->group ? found->group : "", err));
    status = cs_image_place_find(&file, &j->place, found->path, err);
    if (status == CLIPSPAN_E_NOMEM) return status;
    if (status == CLIPSPAN_OK) return own_text(&row->file, j->hits, file, err);
    cs_clear(err); /* no page opens it */
    return copy_text(&row->file, j->hits, "", err);
}

/* Marks rows of the run that shall not be found: what is looked for, and paths named before. */
typedef struct mark_job {
    const cs_query *query;
    const uint64_t *run_indices; /* [N] */
    unsigned char *left_out;
    size_t at, N;
    int duplicates, others;
} mark_job;

static clipspan_status mark_row(void *context, const cs_image_row *found, clipspan_error *err)
{
    mark_job *j = context;
    size_t i;
    (void)err;
    if (j->at >= j->N || j->run_indices[j->at] != found->run_index)
        return CLIPSPAN_OK; /* it was skipped */
    if (j->duplicates && found->duplicate_of >= 0) j->left_out[j->at] = 1;
    for (i = 0; j->others && i < j->query->item_count; i++) {
        const clipspan_query_item *item = &j->query->items[i].shown;
        if (item->kind == CLIPSPAN_QUERY_STORED && item->run_index == found->run_index)
            j->left_out[j->at] = 1;
    }
    j->at++;
    return CLIPSPAN_OK;
}

/* rows : [most] the best of those that may be found; *count of them. */
static clipspan_status choose_rows(size_t *rows, size_t *count, const double *scores, size_t most,
                                   const cs_query *query, const clipspan_hits_options *o,
                                   clipspan_error *err)
{
    const cs_search *search = query->groups[0].search;
    mark_job job = {query,     search->run_indices, NULL,          0,
                    search->N, o->no_duplicates,    o->others_only};
    double *values = cs_alloc(most, sizeof *values, "hits", err);
    cs_top top = {rows, values, most, 0};
    clipspan_status status = values ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    size_t n;
    if (status == CLIPSPAN_OK && (o->no_duplicates || o->others_only)) {
        job.left_out = cs_alloc_zero(search->N, 1, "hits", err);
        status = job.left_out
                     ? cs_run_images(query->run, 0, query->info->images, mark_row, &job, err)
                     : CLIPSPAN_E_NOMEM;
    }
    for (n = 0; n < search->N && status == CLIPSPAN_OK; n++)
        if (!job.left_out || !job.left_out[n]) cs_top_add(&top, n, scores[n]);
    *count = top.count;
    cs_free(job.left_out);
    cs_free(values);
    return status;
}

/* ---- Results ---- */

static clipspan_status copy_query(cs_hits *h, const cs_query *query, size_t heads,
                                  clipspan_error *err)
{
    clipspan_head *to;
    size_t i;
    h->groups = cs_alloc_zero(query->group_count, sizeof *h->groups, "groups of heads", err);
    h->items = cs_alloc_zero(query->item_count, sizeof *h->items, "what is looked for", err);
    h->heads = to = cs_alloc(heads, sizeof *h->heads, "heads of a query", err);
    if (!h->groups || !h->items || !h->heads) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < query->group_count; i++) {
        const cs_query_group *from = &query->groups[i];
        h->groups[i] = from->shown;
        CS_TRY(copy_text(&h->groups[i].name, h, from->name, err));
        CS_TRY(copy_text(&h->groups[i].pool, h, from->pool, err));
        if (!from->heads) continue;
        memcpy(to, from->heads, from->shown.head_count * sizeof *to);
        h->groups[i].heads = to;
        to += from->shown.head_count;
    }
    for (i = 0; i < query->item_count; i++) {
        h->items[i] = query->items[i].shown;
        CS_TRY(copy_text(&h->items[i].name, h, query->items[i].name, err));
    }
    h->info.groups = query->group_count;
    h->info.items = query->item_count;
    h->info.compare = query->compare;
    h->info.images = query->groups[0].search->N;
    h->options = (clipspan_image_options)CLIPSPAN_IMAGE_OPTIONS_INIT;
    h->options.exif_orient = query->info->exif_orient;
    h->options.max_pixels = query->info->max_pixels;
    return copy_text(&h->info.run, h, query->info->path, err);
}

static clipspan_status describe(cs_hits *h, clipspan_error *err)
{
    char words[1024];
    cs_hits_describe(words, sizeof words, h);
    return copy_text(&h->info.query, h, words, err);
}

static clipspan_status fill(cs_hits *h, const cs_query *query, const clipspan_hits_options *o,
                            size_t *rows, double *scores, size_t heads, clipspan_error *err)
{
    row_job job = {
        h,
        {query->info->path, query->info->folder, o->root, query->info->own, o->images_anywhere},
        NULL};
    const size_t N = h->info.images;
    size_t most = o->top ? o->top : TOP, i;
    if (most > N) most = N;
    CS_TRY(add_scores(scores, query, N, err));
    CS_TRY(choose_rows(rows, &h->info.hits, scores, most, query, o, err));
    h->info.contributions = o->contributions < 0 ? heads
                            : o->contributions   ? (size_t)o->contributions
                                                 : CS_HITS_PARTS;
    if (h->info.contributions > heads) h->info.contributions = heads;
    h->rows = cs_alloc_zero(h->info.hits, sizeof *h->rows, "hits", err);
    if (!cs_size_mul(&i, h->info.hits, h->info.contributions)) i = SIZE_MAX;
    h->parts = cs_alloc_zero(i, sizeof *h->parts, "parts of scores", err);
    if (!h->rows || !h->parts) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < h->info.hits; i++) {
        job.row = &h->rows[i];
        job.row->score = scores[rows[i]];
        CS_TRY(cs_run_images(query->run, query->groups[0].search->run_indices[rows[i]], 1, take_row,
                             &job, err));
    }
    return explain_rows(h, query, rows, heads, err);
}

clipspan_status cs_hits_new(cs_hits **out, const cs_query *query,
                            const clipspan_hits_options *options, clipspan_error *err)
{
    const size_t N = query->groups[0].search->N;
    cs_hits *h = cs_alloc_zero(1, sizeof *h, "hits", err);
    double *scores = cs_alloc(N, sizeof *scores, "scores", err);
    size_t *rows = cs_alloc(N, sizeof *rows, "hits", err), heads = 0, g;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    *out = NULL;
    if (!h || !scores || !rows) goto done;
    for (g = 0; g < query->group_count; g++)
        heads += query->groups[g].shown.head_count;
    CS_TRY_DONE(copy_query(h, query, heads, err));
    CS_TRY_DONE(describe(h, err));
    CS_TRY_DONE(fill(h, query, options, rows, scores, heads, err));
    *out = h;
    h = NULL;
done:
    cs_free(rows);
    cs_free(scores);
    cs_hits_free(&h);
    return status;
}
