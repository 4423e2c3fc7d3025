/* SPDX-License-Identifier: MIT */
/* Queries: groups of heads and items, and what a run needs of them. */
#include "study/query.h"

#include <clipspan/run.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

static void free_group(cs_query_group *group)
{
    cs_search_free(&group->search);
    cs_free(group->heads);
    cs_free(group->name);
    cs_free(group->pool);
}

static void free_item(cs_query_item *item)
{
    cs_free(item->heads);
    cs_free(item->vector);
    cs_free(item->name);
}

void cs_query_clear(cs_query *query)
{
    while (query->item_count)
        free_item(&query->items[--query->item_count]);
}

void cs_query_fini(cs_query *query)
{
    cs_query_clear(query);
    while (query->group_count)
        free_group(&query->groups[--query->group_count]);
    cs_free(query->groups);
    cs_free(query->items);
}

static clipspan_status check_weight(double weight, clipspan_error *err)
{
    if (weight > -1e6 && weight < 1e6) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "a part of a query has weight %g; between -1e6 and 1e6 was expected", weight);
}

static clipspan_status check_heads(const cs_query *query, const clipspan_head *heads, size_t count,
                                   clipspan_error *err)
{
    const int L = query->info->layers, H = query->info->heads;
    size_t i;
    if (heads && count < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a search by no heads was asked for");
    for (i = 0; heads && i < count; i++)
        if (heads[i].layer < 0 || heads[i].layer >= L || heads[i].head < 0 || heads[i].head >= H)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "head L%d.H%d was asked for; the run has L0.H0 to L%d.H%d",
                           heads[i].layer, heads[i].head, L - 1, H - 1);
    return CLIPSPAN_OK;
}

/* Images of the run hold the heads of the groups that there were when they were read. */
static void forget_stored(cs_query *query)
{
    size_t i;
    for (i = 0; i < query->item_count; i++) {
        cs_query_item *item = &query->items[i];
        if (item->shown.kind != CLIPSPAN_QUERY_STORED) continue;
        cs_free(item->heads);
        cs_free(item->vector);
        item->heads = item->vector = NULL;
    }
}

clipspan_status cs_query_add_heads(cs_query *query, const char *name, const char *pool,
                                   const clipspan_head *heads, size_t count, double weight,
                                   clipspan_error *err)
{
    cs_query_group *g;
    CS_TRY(check_weight(weight, err));
    CS_TRY(check_heads(query, heads, count, err));
    if (query->group_count == CS_QUERY_GROUPS)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a query has %d groups of heads; more are not taken",
                       CS_QUERY_GROUPS);
    CS_TRY(cs_grow(&query->groups, &query->group_room, query->group_count + 1,
                   sizeof *query->groups, "groups of heads", err));
    g = &query->groups[query->group_count];
    memset(g, 0, sizeof *g);
    g->name = cs_strdup(name, err);
    g->pool = pool ? cs_strdup(pool, err) : NULL;
    g->heads = heads ? cs_alloc(count, sizeof *heads, "heads of a query", err) : NULL;
    if (!g->name || (pool && !g->pool) || (heads && !g->heads)) {
        free_group(g);
        return CLIPSPAN_E_NOMEM;
    }
    if (heads) memcpy(g->heads, heads, count * sizeof *heads);
    g->shown.name = g->name;
    g->shown.pool = g->pool;
    g->shown.weight = weight;
    g->shown.heads = g->heads;
    g->shown.head_count = heads ? count : 0;
    query->group_count++;
    forget_stored(query);
    return CLIPSPAN_OK;
}

clipspan_status cs_query_add_item(cs_query_item **out, cs_query *query, clipspan_query_kind kind,
                                  const char *name, double weight, clipspan_error *err)
{
    cs_query_item *item;
    CS_TRY(check_weight(weight, err));
    if (query->item_count == CS_QUERY_ITEMS)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a query looks for %d things; more are not taken",
                       CS_QUERY_ITEMS);
    CS_TRY(cs_grow(&query->items, &query->item_room, query->item_count + 1, sizeof *query->items,
                   "what is looked for", err));
    item = &query->items[query->item_count];
    memset(item, 0, sizeof *item);
    item->name = cs_strdup(name, err);
    if (!item->name) return CLIPSPAN_E_NOMEM;
    item->shown.kind = kind;
    item->shown.name = item->name;
    item->shown.weight = weight;
    query->item_count++;
    *out = item;
    return CLIPSPAN_OK;
}

static int has_region(const cs_query *query)
{
    size_t i;
    for (i = 0; i < query->item_count; i++)
        if (query->items[i].shown.has_region) return 1;
    return 0;
}

/* A query without heads: the whole embedding, or all heads where a part of an image is looked for,
 * which has no embedding of its own. */
static clipspan_status add_default(cs_query *query, clipspan_error *err)
{
    const size_t L = (size_t)query->info->layers, H = (size_t)query->info->heads;
    clipspan_status status;
    clipspan_head *heads;
    size_t i;
    if (!has_region(query)) return cs_query_add_heads(query, "embedding", NULL, NULL, 0, 1.0, err);
    heads = cs_alloc(L * H, sizeof *heads, "heads", err);
    if (!heads) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < L * H; i++) {
        heads[i].layer = (int)(i / H);
        heads[i].head = (int)(i % H);
    }
    status = cs_query_add_heads(query, "heads", NULL, heads, L * H, 1.0, err);
    cs_free(heads);
    return status;
}

/* Chunks of all groups as one progress. */
typedef struct steps {
    const clipspan_progress *outer;
    size_t group, groups;
} steps;

static int pass_step(void *user, size_t done, size_t total)
{
    const steps *s = user;
    return s->outer->step(s->outer->user, s->group * total + done, s->groups * total);
}

static clipspan_status read_groups(cs_query *query, const clipspan_progress *progress,
                                   clipspan_error *err)
{
    steps s = {progress, 0, query->group_count};
    const clipspan_progress inner = {pass_step, &s};
    for (s.group = 0; s.group < query->group_count; s.group++) {
        cs_query_group *g = &query->groups[s.group];
        if (g->search) continue;
        CS_TRY(cs_search_new(&g->search, query->run, g->heads, g->shown.head_count, query->compare,
                             query->threads, progress && progress->step ? &inner : NULL, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_query_ready(cs_query *query, const clipspan_progress *progress,
                               clipspan_error *err)
{
    size_t i;
    if (!query->item_count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a query looks for nothing; give it an image or a text");
    if (!query->group_count) CS_TRY(add_default(query, err));
    for (i = 0; i < query->group_count && has_region(query); i++)
        if (!query->groups[i].heads)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "a part of an image has no embedding of its own; compare it by heads");
    CS_TRY(read_groups(query, progress, err));
    for (i = 0; i < query->item_count; i++)
        if (query->items[i].shown.kind == CLIPSPAN_QUERY_STORED && !query->items[i].vector)
            CS_TRY(cs_query_read_stored(&query->items[i], query, err));
    CS_TRY(cs_query_read_texts(query, err));
    return cs_query_read_files(query, err);
}

clipspan_status cs_query_ask(float **out, const cs_query *query, const cs_query_group *group,
                             const cs_query_item *item, clipspan_error *err)
{
    const size_t P = (size_t)query->info->embed_width, H = (size_t)query->info->heads;
    const size_t count = group->heads ? group->shown.head_count : 1;
    size_t h;
    *out = cs_alloc(count, P * sizeof **out, "a query", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    for (h = 0; h < count; h++) {
        const float *from = item->vector;
        if (group->heads && item->heads)
            from = item->heads +
                   ((size_t)group->heads[h].layer * H + (size_t)group->heads[h].head) * P;
        memcpy(*out + h * P, from, P * sizeof **out);
    }
    return CLIPSPAN_OK;
}
