/* SPDX-License-Identifier: MIT */
/* What a search of a run looks for, put together from heads, images and texts, and what it finds:
 *
 *     score[n] = sum over groups g and items i of  weight_g weight_i s_g(i, n)
 *
 * with s_g the comparison of study/coefficient_search.h by the heads of group g. An image of the
 * run is asked about by its coefficients; any other, or a part of one, is decomposed with the run's
 * model, in the run's precision and read as the run read its files. */
#ifndef CLIPSPAN_SRC_STUDY_QUERY_H
#define CLIPSPAN_SRC_STUDY_QUERY_H

#include "image/image.h"
#include "study/coefficient_search.h"

typedef struct clipspan_run_info clipspan_run_info; /* run.h */

#define CS_QUERY_GROUPS 64   /* at most */
#define CS_QUERY_ITEMS  4096 /* at most */

typedef struct cs_query_group {
    clipspan_query_group shown; /* its texts and heads belong to the group */
    char *name, *pool;
    clipspan_head *heads; /* NULL: the whole embedding */
    cs_search *search;    /* made by the first run */
} cs_query_group;

typedef struct cs_query_item {
    clipspan_query_item shown;
    char *name;
    float *heads;  /* images: [L, H, P]; of an image of the run only the groups' heads */
    float *vector; /* [P] embedding, or a text's vector */
} cs_query_item;

typedef struct cs_query {
    const cs_run *run;
    const clipspan_run_info *info;
    clipspan_model *model;           /* NULL: images of the run alone */
    const cs_preprocess *preprocess; /* the model's */
    const clipspan_texts *templates; /* NULL: "{}" alone */
    clipspan_compare compare;
    int threads;
    cs_query_group *groups;
    cs_query_item *items;
    size_t group_count, group_room, item_count, item_room;
} cs_query;

void cs_query_fini(cs_query *query);
/* Forgets what is looked for; heads and what was read for them stay. */
void cs_query_clear(cs_query *query);

/* heads : [count], copied, or NULL for the whole embedding   pool: of the roles, or NULL */
clipspan_status cs_query_add_heads(cs_query *query, const char *name, const char *pool,
                                   const clipspan_head *heads, size_t count, double weight,
                                   clipspan_error *err);

/* Adds an item with this name; what it holds is read by cs_query_ready. */
clipspan_status cs_query_add_item(cs_query_item **out, cs_query *query, clipspan_query_kind kind,
                                  const char *name, double weight, clipspan_error *err);

/* Finds the image of the run that item->name means: "#17" by its index in the list, else by its
 * path, or by the end of it when one image alone has that. Errors: NOT_FOUND, ARGUMENT (several are
 * called so; it was skipped). */
clipspan_status cs_query_find(cs_query_item *item, const cs_query *query, clipspan_error *err);

/* Everything that a run needs: coefficients of all groups, contributions and vectors of all items.
 * What already exists stays. progress counts chunks of coefficients. */
clipspan_status cs_query_ready(cs_query *query, const clipspan_progress *progress,
                               clipspan_error *err);

/* ---- Between its files ---- */

/* An item's contributions from the run's coefficients, or from its file. */
clipspan_status cs_query_read_stored(cs_query_item *item, const cs_query *query,
                                     clipspan_error *err);
clipspan_status cs_query_read_files(cs_query *query, clipspan_error *err);
clipspan_status cs_query_read_texts(cs_query *query, clipspan_error *err);

/* What a group's heads are asked about an item: out : [heads, P], or [P], for cs_free. */
clipspan_status cs_query_ask(float **out, const cs_query *query, const cs_query_group *group,
                             const cs_query_item *item, clipspan_error *err);

#endif
