/* SPDX-License-Identifier: MIT */
/* clipspan reproduce at work: a table of the paper, its data, the model, and the rows that come of
 * them. */
#ifndef CLIPSPAN_CLI_REPRODUCE_H
#define CLIPSPAN_CLI_REPRODUCE_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"
#include "cli/reproduce/figures.h"
#include "cli/reproduce/published.h"

/* How the model at work relates to the one of the published figures. */
typedef enum cli_same { CLI_SAME_NOT, CLI_SAME_SHAPE, CLI_SAME_NAME } cli_same;

/* A measured figure and its published one; either may be missing. */
typedef struct cli_row {
    char what[48], words[96]; /* "mlps", "all MLPs" */
    char part[64];            /* of masks: published, aligned; of birds: the group; else "" */
    const char *metric;       /* accuracy, worst_group, miou, map: shares; texts: a number */
    char heads[256];          /* that are ablated, of birds; else "" */
    int measured, counted;    /* there is a value; an interval */
    double value, low, high;
    uint64_t correct, images; /* when counted */
    const cli_figure *published;
} cli_row;

/* What the texts of one head came out as. */
typedef struct cli_role_row {
    clipspan_head head;
    const cli_paper_role *published; /* or NULL */
    const char *texts[CLI_ROLE_TEXTS];
    size_t count, shared; /* measured texts; published ones among them */
} cli_role_row;

typedef struct cli_reproduce_settings {
    cli_model_settings load;
    cli_encoder_settings encoder;
    cli_class_settings classes;
    cli_output_settings out;
    const char *data, *model, *heads, *pool;
    uint64_t basis_texts, random, seed;
} cli_reproduce_settings;

typedef struct cli_reproduction {
    cli_session *session;
    const cli_reproduce_settings *x;
    cli_evaluation_settings eval; /* of the run; its classes are those that labels match */
    const cli_paper_table *table;
    cli_figures figures;

    char *data;              /* the folder that holds the images or metadata.csv */
    char *masks;             /* of CLI_DATA_MASKS */
    clipspan_texts *classes; /* that labels are matched with; NULL: of the settings */
    char *list;              /* CSV of images with labels and groups; NULL: the folder as it is */
    size_t list_size, list_room;
    const char *labels, *groups; /* columns of the list, or "folder" */
    size_t images, filled;       /* that are listed; classes with images */

    char *out, *run_path, *list_path, *classes_path; /* FOLDER and files in it */
    char *classifier;  /* of the published classes and templates, kept in FOLDER; or NULL */
    const char *model; /* as it is opened */
    char *model_name;
    int layers, heads;
    const cli_paper_model *paper; /* whose figures stand beside */
    cli_same same;

    cli_row *rows;
    size_t count, room;
    cli_role_row *roles;
    size_t role_count;
    clipspan_texts *pool; /* role texts live there */
    uint64_t used;        /* images that were used */
    char remarks[4][320];
    size_t remark_count;
} cli_reproduction;

/* Finds and checks the data of --data, without opening an image: data, list, classes, images.
 * Errors: NOT_FOUND and FORMAT with what is expected where, ARGUMENT. */
clipspan_status cli_reproduce_imagenet(cli_reproduction *r, clipspan_error *err);
clipspan_status cli_reproduce_waterbirds(cli_reproduction *r, clipspan_error *err);
clipspan_status cli_reproduce_masks(cli_reproduction *r, clipspan_error *err);

/* The images of a flat folder with their classes from LOC_val_solution.csv, as a list. */
clipspan_status cli_reproduce_solution(cli_reproduction *r, const char *csv,
                                       const clipspan_texts *classes, clipspan_error *err);

/* The next cell of the list, and what ends it: a comma or a line end. */
clipspan_status cli_reproduce_put(cli_reproduction *r, const char *text, char end,
                                  clipspan_error *err);

/* NOT_FOUND at `path`: what was looked for, the whole layout, and the model that will be needed. */
clipspan_status cli_reproduce_missing(const cli_reproduction *r, const char *path, const char *what,
                                      clipspan_error *err);

/* The layout that a table's data has, in words. */
const char *cli_reproduce_layout(cli_data_kind kind);

/* Rows of the tables; those of the first three and of the birds from a run that is there. */
clipspan_status cli_reproduce_effects(cli_reproduction *r, clipspan_error *err);
clipspan_status cli_reproduce_ablation(cli_reproduction *r, clipspan_error *err);
clipspan_status cli_reproduce_segments(cli_reproduction *r, clipspan_error *err);
clipspan_status cli_reproduce_roles(cli_reproduction *r, clipspan_error *err);

/* Scans into the run FOLDER/run, or takes it up again, and leaves lists of what it was made of
 * beside it. */
clipspan_status cli_reproduce_scan(cli_reproduction *r, clipspan_error *err);

/* Opens the evaluation of the run. Vectors of the classes are kept in FOLDER, since those of a
 * thousand classes in eighty templates take long. */
clipspan_status cli_reproduce_open(cli_evaluation *ev, cli_reproduction *r, int need_texts,
                                   clipspan_error *err);

/* The heads that a table is about: --heads, else those published for a model of this shape.
 * Errors: ARGUMENT with the published ones. */
clipspan_status cli_reproduce_heads(const char **heads, const cli_reproduction *r,
                                    clipspan_error *err);

/* Before any work: whether the model has them. */
clipspan_status cli_reproduce_check_heads(const cli_reproduction *r, clipspan_error *err);

/* The next row, with its published figure; NULL: no memory. */
cli_row *cli_reproduce_row(cli_reproduction *r, const char *what, const char *metric,
                           clipspan_error *err);

/* One more sentence below the table. */
void cli_reproduce_remark(cli_reproduction *r, const char *format, ...) CS_PRINTF(2, 3);

clipspan_status cli_reproduce_show(const cli_reproduction *r, clipspan_error *err);
clipspan_status cli_reproduce_list(const cli_session *session, clipspan_error *err);

#endif
