/* SPDX-License-Identifier: MIT */
/* Published figures, which the program reads from data/published.tsv: one a line, with where it was
 * read. docs/reproduce.md says the same in words. */
#ifndef CLIPSPAN_CLI_FIGURES_H
#define CLIPSPAN_CLI_FIGURES_H

#include <clipspan/base.h>
#include <stddef.h>

/* "waterbirds", "ViT-L-14", "heads", "worst_group": a share of 1, or a number of texts for the
 * metric "texts". */
typedef struct cli_figure {
    const char *table, *model, *what, *metric;
    double value;
    const char *read; /* where: "project page of the paper, table of spurious cues" */
} cli_figure;

typedef struct cli_figures {
    cli_figure *items;
    size_t count;
    char *text; /* that the items point into */
} cli_figures;

/* All figures of the file `published.tsv` in the data folder. Errors: NOT_FOUND, FORMAT with the
 * line and what was expected there, IO, LIMIT, NOMEM. */
clipspan_status cli_figures_read(cli_figures *figures, clipspan_error *err);
void cli_figures_fini(cli_figures *figures);

/* NULL: no such figure. */
const cli_figure *cli_figure_find(const cli_figures *figures, const char *table, const char *model,
                                  const char *what, const char *metric);

/* Whether there are figures of a table, of one model or (NULL) of any. */
int cli_figures_of(const cli_figures *figures, const char *table, const char *model);

#endif
