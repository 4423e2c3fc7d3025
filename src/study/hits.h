/* SPDX-License-Identifier: MIT */
/* What a query finds in a run: the images with the highest scores, of equal ones the earlier in the
 * run, and how much each head gives to a hit's score: a hit's parts over all heads of all groups
 * add up to it. */
#ifndef CLIPSPAN_SRC_STUDY_HITS_H
#define CLIPSPAN_SRC_STUDY_HITS_H

#include "study/query.h"

#define CS_HITS_PARTS 3 /* heads named for a hit */

typedef struct cs_hits {
    clipspan_hits_info info;
    clipspan_hits_row *rows;          /* [info.hits] */
    clipspan_hit_contribution *parts; /* [hits, parts] that rows point to */
    clipspan_query_group *groups;     /* [info.groups] */
    clipspan_query_item *items;       /* [info.items] */
    clipspan_head *heads;             /* of all groups */
    char **owned;                     /* texts */
    size_t owned_count, owned_room;
    clipspan_image_options options; /* how the run read its files */
} cs_hits;

/* Runs a query that is ready. Errors: NOMEM, FORMAT, IO. */
clipspan_status cs_hits_new(cs_hits **out, const cs_query *query,
                            const clipspan_hits_options *options, clipspan_error *err);
void cs_hits_free(cs_hits **hits);

/* "like a.jpg, not like b.jpg, text red; by colour, place times -1". */
void cs_hits_describe(char *out, size_t room, const cs_hits *hits);

/* A hit's strongest parts: "L11.H3 0.41, L10.H0 0.12". */
void cs_hits_explain(char *out, size_t room, const clipspan_hits_row *row);

#endif
