/* SPDX-License-Identifier: MIT */
/* What was published of the tables that clipspan reproduce measures anew, and where each figure was
 * found. docs/reproduce.md says the same in words. */
#ifndef CLIPSPAN_CLI_PUBLISHED_H
#define CLIPSPAN_CLI_PUBLISHED_H

#include <stddef.h>

/* Where a figure comes from. */
typedef enum cli_source {
    CLI_SOURCE_PAGE,     /* the project page of the paper */
    CLI_SOURCE_RECALLED, /* quoted from memory; nothing at hand confirms it */
    CLI_SOURCE_OTHERS    /* others ran the published program */
} cli_source;
const char *cli_source_name(cli_source source);

typedef enum cli_data_kind {
    CLI_DATA_IMAGENET,   /* folders named by wnid */
    CLI_DATA_WATERBIRDS, /* metadata.csv */
    CLI_DATA_MASKS       /* images and masks of one name */
} cli_data_kind;

/* A model of the paper. */
typedef struct cli_paper_model {
    const char *name; /* "ViT-L-14" */
    const char *full; /* as clipspan finds it: "ViT-L-14/laion2b_s32b_b82k" */
    int layers, heads, head_width, embed_width, patch_size;
    const char *bird_heads; /* that the Waterbirds table ablates */
} cli_paper_model;

typedef struct cli_paper_table {
    const char *name;  /* "waterbirds" */
    const char *place; /* "Table 3" */
    const char *title;
    cli_data_kind data;
    const char *model;  /* name of the model when none is given */
    size_t images;      /* that the published figures are of */
    const char *remark; /* what to keep in mind when figures are compared */
} cli_paper_table;

/* "mlps", "accuracy": a share of 1, or a number of texts for the metric "texts". */
typedef struct cli_figure {
    const char *table, *model, *what, *metric;
    double value;
    cli_source source;
} cli_figure;

#define CLI_ROLE_TEXTS 5
typedef struct cli_paper_role {
    int layer, head;
    const char *role, *texts[CLI_ROLE_TEXTS];
} cli_paper_role;

const cli_paper_table *cli_paper_tables(size_t *count);
const cli_paper_model *cli_paper_models(size_t *count);
const cli_paper_model *cli_paper_model_named(const char *name); /* "ViT-L-14", or NULL */
const cli_paper_role *cli_paper_roles(size_t *count);           /* of ViT-L-14 */

/* NULL: nothing was published as a number, or nothing of this model. */
const cli_figure *cli_figure_find(const char *table, const char *model, const char *what,
                                  const char *metric);
const cli_figure *cli_figures(size_t *count);
int cli_figures_of(const char *table, const char *model); /* whether there are any */

#endif
