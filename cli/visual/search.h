/* SPDX-License-Identifier: MIT */
/* The search command at work, shared by the files that make it up. */
#ifndef CLIPSPAN_CLI_SEARCH_H
#define CLIPSPAN_CLI_SEARCH_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"

/* Heads that are compared together, and how much they count. */
typedef struct cli_search_group {
    char name[64];
    double weight;
    clipspan_head *heads; /* NULL: the whole embedding */
    size_t head_count;
    clipspan_search *search;
} cli_search_group;

/* What is looked for: an image or a text, and how much it counts. */
typedef struct cli_search_item {
    const char *name;
    double weight;
    int is_text;
    float *heads;  /* images: [L, H, P] */
    float *vector; /* texts and embeddings: [P] */
} cli_search_item;

typedef struct cli_search_settings {
    cli_text_settings texts;
    cli_output_settings out;
    cli_list like, unlike;
    const char *region, *role, *heads, *root, *model;
    int compare;
    uint64_t top;
} cli_search_settings;

typedef struct cli_search_job {
    cli_session *session;
    const cli_search_settings *x;
    clipspan_run *run;
    const clipspan_run_info *info;
    clipspan_model *model;
    clipspan_atlas *atlas;
    cli_search_group *groups;
    cli_search_item *items;
    size_t group_count, item_count;
    double region[4];
    int has_region;
} cli_search_job;

/* Groups of --heads and --role; the whole embedding without either. */
clipspan_status cli_search_groups(cli_search_job *job, clipspan_error *err);

/* Images and texts of the query, through the run's model. */
clipspan_status cli_search_items(cli_search_job *job, clipspan_error *err);

/* Whether a name of --like is one of an image of the run: no file, or "#17". */
int cli_search_is_stored(const char *name);

/* Fills the item from the run's coefficients, for the heads of all groups. Errors: NOT_FOUND,
 * ARGUMENT (more than one is called so; it was skipped), those of reading the run. */
clipspan_status cli_search_stored(const cli_search_job *job, cli_search_item *item,
                                  clipspan_error *err);

/* What a group's heads are asked: [head_count, P] or [P]; back with cs_free. */
clipspan_status cli_search_query(float **out, const cli_search_job *job,
                                 const cli_search_group *group, const cli_search_item *item,
                                 clipspan_error *err);

void cli_search_free(cli_search_job *job);

#endif
