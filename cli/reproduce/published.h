/* SPDX-License-Identifier: MIT */
/* The paper's models, tables, head lists and texts that clipspan reproduce measures anew; its
 * figures are in figures.h. docs/reproduce.md says the same in words. */
#ifndef CLIPSPAN_CLI_PUBLISHED_H
#define CLIPSPAN_CLI_PUBLISHED_H

#include <stddef.h>

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

#define CLI_ROLE_TEXTS 5
typedef struct cli_paper_role {
    int layer, head;
    const char *role, *texts[CLI_ROLE_TEXTS];
} cli_paper_role;

const cli_paper_table *cli_paper_tables(size_t *count);
const cli_paper_model *cli_paper_models(size_t *count);
const cli_paper_model *cli_paper_model_named(const char *name); /* "ViT-L-14", or NULL */
const cli_paper_role *cli_paper_roles(size_t *count);           /* of ViT-L-14 */

#endif
