/* SPDX-License-Identifier: MIT */
/* What effects, ablate, shortcut and surgery share: a run against classes, labels and groups of its
 * images, and the run whose means stand for components. */
#ifndef CLIPSPAN_CLI_EVALUATION_H
#define CLIPSPAN_CLI_EVALUATION_H

#include <clipspan/clipspan.h>

#include "cli/frame/option_rows.h"
#include "cli/frame/session.h"
#include "cli/frame/settings.h"

/* What is asked of a run. Zero is every member's default. */
typedef struct cli_evaluation_settings {
    cli_class_settings classes;
    const char *from, *labels, *groups, *root, *path_column; /* labels and groups of another file */
    int labels_elsewhere; /* from is for other columns too, and needs none of labels */
    const char *mean;     /* the run whose means count; NULL: the run's own */
    const char *model;    /* where the run's model is now */
    uint64_t random, resamples, seed;
    int published;
} cli_evaluation_settings;

/* Rows that fill a command's member `eval`. */
#define CLI_OPT_EVAL_CLASSES                                                                       \
    CLI_FILE("Classes", "classes", 0, "LIST|FILE|imagenet",                                        \
             "class names separated by commas; a file with one class per line, either a name, or " \
             "key, tab, name, where the key is the label; or imagenet: its 1,000 classes, with "   \
             "keys 0 to 999",                                                                      \
             eval.classes.list)
#define CLI_OPT_EVAL_CLASS                                                                         \
    CLI_LIST("Classes", "class", 0, "NAME",                                                        \
             "one class, whose name may contain commas; may be repeated", eval.classes.names)
#define CLI_OPT_EVAL_TEMPLATES                                                                     \
    CLI_FILE("Classes", "templates", 0, "openai|none|FILE",                                        \
             "prompt templates whose embeddings are averaged: the 80 published ones (openai, "     \
             "default), the bare name (none), or a file with one template per line, with {} for "  \
             "the name",                                                                           \
             eval.classes.templates)
#define CLI_OPT_EVAL_CLASSIFIER                                                                    \
    CLI_FILE("Classes", "classifier", 0, "FILE.npy",                                               \
             "class vectors in place of --templates: float32 [embedding dimension, classes], as "  \
             "embed --classes and the published programs write them",                              \
             eval.classes.classifier)
#define CLI_OPT_EVAL_FROM                                                                          \
    CLI_FILE("Images", "from", 0, "FILE.csv",                                                      \
             "take labels and groups from this file, matched by path, instead of those the run "   \
             "was scanned with",                                                                   \
             eval.from)
#define CLI_OPT_EVAL_LABELS                                                                        \
    CLI_TEXT("Images", "labels", 0, "COLUMN", "column of --from with labels", eval.labels)
#define CLI_OPT_EVAL_GROUPS                                                                        \
    CLI_TEXT("Images", "groups", 0, "COLUMN[,COLUMN]",                                             \
             "columns of --from whose values together define an image's group", eval.groups)
#define CLI_OPT_EVAL_ROOT                                                                          \
    CLI_TEXT("Images", "root", 0, "FOLDER",                                                        \
             "the folder that relative paths in a CSV or list start from (default: the CSV's "     \
             "folder; for a list, the current one)",                                               \
             eval.root)
#define CLI_OPT_EVAL_PATH_COLUMN                                                                   \
    CLI_TEXT("Images", "path-column", 0, "COLUMN",                                                 \
             "the CSV column with paths (default: path, image or file)", eval.path_column)
#define CLI_OPT_EVAL_MEAN                                                                          \
    CLI_TEXT("Run", "mean", 0, "RUN",                                                              \
             "take means and covariances from this run (default: from the evaluated images "       \
             "themselves, "                                                                        \
             "as published)",                                                                      \
             eval.mean)
#define CLI_OPT_EVAL_MODEL                                                                         \
    CLI_TEXT("Run", "model", 0, "MODEL", "where the run's model is now, if it was moved",          \
             eval.model)
#define CLI_OPT_EVAL_RANDOM                                                                        \
    CLI_WHOLE("Computation", "random", 0, "N",                                                     \
              "random sets of heads to compare with, as many of each layer as were chosen "        \
              "(default 200; 5 with --published)",                                                 \
              eval.random, 1, 10000)
#define CLI_OPT_EVAL_PUBLISHED                                                                     \
    CLI_FLAG(                                                                                      \
        "Computation", "published", 0,                                                             \
        "compare as published: with the best of five random sets that are only as many heads",     \
        eval.published)
#define CLI_OPT_EVAL_RESAMPLES                                                                     \
    CLI_WHOLE("Computation", "resamples", 0, "N",                                                  \
              "bootstrap resamples behind the intervals of changes (default 1000)",                \
              eval.resamples, 100, 100000)
#define CLI_OPT_EVAL_SEED                                                                          \
    CLI_WHOLE("Computation", "seed", 0, "N", "seed of random sets and resamples (default 0)",      \
              eval.seed, 0, UINT64_C(1) << 53)
#define CLI_OPT_EVALUATION                                                                         \
    CLI_OPT_EVAL_CLASSES, CLI_OPT_EVAL_CLASS, CLI_OPT_EVAL_TEMPLATES, CLI_OPT_EVAL_CLASSIFIER,     \
        CLI_OPT_EVAL_FROM, CLI_OPT_EVAL_LABELS, CLI_OPT_EVAL_GROUPS, CLI_OPT_EVAL_ROOT,            \
        CLI_OPT_EVAL_PATH_COLUMN, CLI_OPT_EVAL_MEAN, CLI_OPT_EVAL_MODEL

typedef struct cli_evaluation {
    cli_session *session;
    const cli_evaluation_settings *x;
    clipspan_run *run, *mean_run; /* mean_run: NULL, means are the run's own */
    clipspan_model *model;        /* NULL when a classifier was read */
    clipspan_encoder *encoder;    /* of texts, or NULL */
    clipspan_texts *classes;
    clipspan_bank *bank;
    size_t class_count;
    clipspan_evaluation *study; /* once cli_evaluation_study ran */
} cli_evaluation;

/* Opens the run at `path`, means, classes and, for `need_texts`, the text encoder. settings are
 * borrowed until the evaluation is closed. */
clipspan_status cli_evaluation_open(cli_evaluation *ev, cli_session *session, const char *path,
                                    const cli_evaluation_settings *settings, int need_texts,
                                    clipspan_error *err);
void cli_evaluation_close(cli_evaluation *ev);

/* Then the library's evaluation of the run along the classes and these cues, with labels and
 * groups: ev->study. */
clipspan_status cli_evaluation_study(cli_evaluation *ev, const float *cues, size_t cue_count,
                                     clipspan_error *err);

/* What became of keeping a result in a run for its report. One that may not be written keeps
 * nothing, which is said and is no error. Errors: NOMEM. */
clipspan_status cli_evaluation_kept(const cli_evaluation *ev, clipspan_status status,
                                    const clipspan_error *failed, clipspan_error *err);

/* Classes times templates through the evaluation's text encoder; templates NULL: the published. */
clipspan_status cli_classifier_make(clipspan_bank **out, cli_session *session,
                                    clipspan_encoder *encoder, const clipspan_texts *classes,
                                    const char *templates, clipspan_error *err);

#endif
