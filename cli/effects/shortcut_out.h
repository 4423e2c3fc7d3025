/* SPDX-License-Identifier: MIT */
/* What shortcut found for a pair of classes and a cue, and how it is shown. */
#ifndef CLIPSPAN_CLI_SHORTCUT_OUT_H
#define CLIPSPAN_CLI_SHORTCUT_OUT_H

#include <clipspan/clipspan.h>

#include "cli/effects/ablate_out.h"

/* One remedy, on the evaluated images. */
typedef struct cli_remedy {
    const char *name;             /* "chosen", "ablation", … */
    clipspan_candidate candidate; /* correlation: on the images of the statistics; -1: not known */
    clipspan_comparison overall, worst;
    clipspan_comparison *groups; /* [group_count] */
} cli_remedy;

/* Images predicted as one of the two classes whose cue reading lies on one side of the mean. */
typedef struct cli_pseudo {
    int side, positive;    /* class 0 or 1 of the pair; cue reading above the mean */
    uint64_t images, kept; /* kept: same prediction after */
    double before, after;  /* mean margin of the unedited prediction */
} cli_pseudo;

/* Another classification, before and after the chosen remedy. */
typedef struct cli_side {
    const char *name; /* as given */
    uint64_t images;  /* of the run */
    double kept;      /* share of answers that stay */
    int labelled;
    clipspan_comparison overall; /* where labelled */
} cli_side;

#define CLI_REMEDIES_MOST 10

typedef struct cli_pair {
    size_t a, b;
    clipspan_shortcut *shortcut;
    cli_remedy remedies[CLI_REMEDIES_MOST]; /* the first is "nothing", the second "chosen" */
    size_t remedy_count;
    clipspan_comparison *groups; /* [CLI_REMEDIES_MOST, group_count] of the remedies */
    cli_pseudo pseudo[4];
    cli_trial *trials; /* random sets of as many heads, with the chosen kind of change */
    size_t trial_count;
    cli_side *sides; /* [also] */
    size_t side_count;
} cli_pair;

typedef struct cli_findings {
    const char *cue;    /* as given, or the text that was found */
    clipspan_cue *cues; /* [cue_count] found in the pool, strongest first; the first is used */
    size_t cue_count;
    const clipspan_texts *pool;
    cli_pair *pairs;
    size_t pair_count;
} cli_findings;

clipspan_status cli_findings_show(const cli_evaluation *ev, const cli_findings *f,
                                  clipspan_error *err);

/* Leaves them in the run for its report. */
clipspan_status cli_findings_keep(const cli_evaluation *ev, const cli_findings *f,
                                  clipspan_error *err);

/* As a table for people. */
clipspan_status cli_findings_print(const cli_evaluation *ev, const cli_findings *f,
                                   clipspan_error *err);

/* "mean-ablate 4 heads", of a model of LH heads. */
void cli_remedy_words(char out[64], const clipspan_candidate *candidate, size_t LH);

/* The name of another classification: its column, or its file with classes. */
void cli_side_name(char out[80], const char *given);

/* The best of the random sets, NULL when there are none. */
const cli_trial *cli_best_of(const cli_evaluation *ev, const cli_pair *pair);

#endif
