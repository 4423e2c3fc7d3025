/* SPDX-License-Identifier: MIT */
/* Decisions that rest on a spurious cue: the heads that carry it, remedies, and accuracy with them.
 * Conventions: clipspan.h; the arithmetic of one pair of classes: effects.h. */
#ifndef CLIPSPAN_REMEDY_H
#define CLIPSPAN_REMEDY_H

#include <clipspan/base.h>
#include <clipspan/edit.h>
#include <clipspan/effects.h>
#include <clipspan/study.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Cues: the two concepts that a decision may rest on ---- */

/* Directions of the joint image-text embedding space with their words. */
typedef struct clipspan_cues clipspan_cues;

typedef struct clipspan_cues_info {
    const char *words;       /* as given, "water|sea;grass", or the strongest text that was found */
    size_t count;            /* directions: 1, or those that were found */
    int found;               /* 1: nobody named the cue */
    const char *pool;        /* where it was looked for, for readers; NULL */
    const char *names_class; /* a class that `words` name: the cue is then the class itself, and
                                nothing spurious. NULL: none */
} clipspan_cues_info;

/* A text of a pool, less the mean of its category's texts. */
typedef struct clipspan_found_cue {
    const char *text, *category;
    double strength;         /* sum of Vq over heads / sum of V, 0 to 1: effects.h */
    const char *names_class; /* a class that the text names, or NULL */
} clipspan_found_cue;

/* "T1|T2;T3|T4": mean of the unit vectors of the first side's texts less that of the second's, each
 * of 1 to 64. encoder: of texts. classes: whose names are looked for in the texts, or NULL. Errors:
 * ARGUMENT (not two sides), those of clipspan_encoder_run_texts. */
CLIPSPAN_API clipspan_status clipspan_cues_new(clipspan_cues **out, const char *words,
                                               clipspan_encoder *encoder,
                                               const clipspan_bank *classes, clipspan_error *err);
/* The cues that explain most of the margin between the first two classes over the images of a run,
 * of the texts of a pool whose category begins with "!" (not of objects): 10 at most, strongest
 * first. pool: unit vectors with keys; name: what it is called, for readers, or NULL. threads 0:
 * default. Errors: as clipspan_cue_search and clipspan_effects_new. */
CLIPSPAN_API clipspan_status clipspan_cues_new_search(clipspan_cues **out, const clipspan_run *run,
                                                      const clipspan_bank *classes,
                                                      const clipspan_bank *pool, const char *name,
                                                      int threads,
                                                      const clipspan_progress *progress,
                                                      clipspan_error *err);
CLIPSPAN_API void clipspan_cues_free(clipspan_cues **cues);
CLIPSPAN_API const clipspan_cues_info *clipspan_cues_get_info(const clipspan_cues *cues);
/* Those that were found; NULL beyond the last, and where the cue was given. */
CLIPSPAN_API const clipspan_found_cue *clipspan_cues_get_found(const clipspan_cues *cues,
                                                               size_t index);
/* [count, P]; the first is the one to make an evaluation's effects with. */
CLIPSPAN_API const float *clipspan_cues_get_directions(const clipspan_cues *cues);

/* ---- Remedies ---- */

/* For every pair of 2 to 12 classes, and with three or more each class against the rest: heads
 * ranked by how much of their contribution to the margin the cue explains; what is recommended,
 * without labels, which may be to leave the model as it is; and the accuracy of the evaluated
 * images with it, beside no change, the best of every kind, baselines on the whole embedding, the
 * best in hindsight, and random sets of heads that are changed the same way. Direct effects. */
typedef struct clipspan_remedy clipspan_remedy;

/* Another classification of the same images, on which a remedy has side effects. */
typedef struct clipspan_remedy_side_options {
    size_t struct_size;
    const char *name, *words; /* for readers: "texture", and as it was given; copied */
    const clipspan_bank *bank;
    const int32_t
        *labels; /* [images of the evaluation] class of the bank or -1; NULL: none known */
} clipspan_remedy_side_options;
#define CLIPSPAN_REMEDY_SIDE_OPTIONS_INIT                                                          \
    {                                                                                              \
        sizeof(clipspan_remedy_side_options), NULL, NULL, NULL, NULL                               \
    }

typedef struct clipspan_remedy_options {
    size_t struct_size;
    const clipspan_cues *cues; /* whose first direction is the evaluation's first cue; its words are
                                  copied. NULL: no words */
    const clipspan_remedy_side_options *const *sides; /* [side_count] */
    size_t side_count;
    int random_sets; /* 0: 200, or 5 as published; -1: none */
    int resamples;   /* of the bootstrap; 0: 1000, -1: none */
    uint64_t seed;   /* of sets and resamples */
    int published;   /* 1: random sets as published: matched by number alone, the best is shown */
} clipspan_remedy_options;
#define CLIPSPAN_REMEDY_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_remedy_options), NULL, NULL, 0, 0, 0, 0, 0                                 \
    }

typedef struct clipspan_remedy_info {
    const clipspan_evaluation_info *evaluation;
    const clipspan_cues_info *cue; /* count: that were found, 0 where the cue was given */
    size_t pairs;
    int resamples;
    uint64_t seed;
} clipspan_remedy_info;

/* A pair of classes, or a class and all others. */
typedef struct clipspan_remedy_pair {
    const char *class_a, *class_b;  /* class_b: "the rest" with against_rest */
    size_t heads;                   /* L H, best candidates first, those that counteract last */
    size_t ranked;                  /* heads that may be proposed: the first */
    double variance;                /* sum of V */
    double explained, counteracted; /* sum of Vq of heads with the cue, and against it */
    size_t candidates, chosen;      /* the first is to do nothing */
    size_t rows;                    /* what was tried on the evaluated images */
    size_t sides;
    int against_rest;
    const clipspan_decision *decision;
    const char *why; /* a sentence: what is recommended, with what predicted gain, or why nothing
                        is better than leaving the model as it is */
} clipspan_remedy_pair;

typedef enum clipspan_remedy_role {
    CLIPSPAN_TRIED_NOTHING = 0,
    CLIPSPAN_TRIED_CHOSEN = 1,
    CLIPSPAN_TRIED_ABLATION = 2, /* of each kind that with the least correlation */
    CLIPSPAN_TRIED_SURGERY = 3,
    CLIPSPAN_TRIED_ALL_HEADS = 4, /* cue surgery in all heads */
    CLIPSPAN_TRIED_PROJECT = 5,   /* baselines */
    CLIPSPAN_TRIED_REGRESS = 6,
    CLIPSPAN_TRIED_HINDSIGHT = 7 /* the candidate that turns out best; with labels only */
} clipspan_remedy_role;

/* A remedy on the evaluated images, against nothing. */
typedef struct clipspan_remedy_row {
    clipspan_remedy_role role;
    const char *name; /* "chosen", "baseline: text projection", … */
    clipspan_remedy_kind kind;
    size_t heads;       /* the first of the ranking that are changed; 0 for baselines */
    double correlation; /* clipspan_candidate's; not a number where it is not known */
    const clipspan_comparison *overall, *worst; /* worst: NULL without groups with images */
} clipspan_remedy_row;

/* What the chosen remedy does to images of the statistics, without labels: those predicted as one
 * of the two classes whose cue reading lies on one side of the mean. */
typedef struct clipspan_remedy_forecast {
    const char *predicted;              /* class */
    int first_side;                     /* 1: the reading is above the mean: the cue's first side */
    uint64_t images, kept;              /* kept: same prediction after */
    double margin_before, margin_after; /* mean margin of the unedited prediction */
} clipspan_remedy_forecast;

typedef struct clipspan_remedy_side {
    const char *name, *words;
    uint64_t images;                    /* of the run */
    double kept;                        /* share of predictions kept */
    const clipspan_comparison *overall; /* NULL: no labels */
} clipspan_remedy_side;

/* evaluation: with one cue at least in its effects. The result outlives it. progress counts pairs.
 * Errors: ARGUMENT (no cue; 13 classes or more; a bank of another width), LIMIT (the contributions
 * of all heads do not fit the memory of the effects), NOMEM, IO, FORMAT, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_remedy_new(clipspan_remedy **out,
                                                 const clipspan_evaluation *evaluation,
                                                 const clipspan_remedy_options *options,
                                                 const clipspan_progress *progress,
                                                 clipspan_error *err);
CLIPSPAN_API void clipspan_remedy_free(clipspan_remedy **remedy);
CLIPSPAN_API const clipspan_remedy_info *clipspan_remedy_get_info(const clipspan_remedy *remedy);

/* All of these: NULL beyond the last. Cues: [info.cue->count] that were found. */
CLIPSPAN_API const clipspan_found_cue *clipspan_remedy_get_cue(const clipspan_remedy *remedy,
                                                               size_t index);
CLIPSPAN_API const clipspan_remedy_pair *clipspan_remedy_get_pair(const clipspan_remedy *remedy,
                                                                  size_t pair);
CLIPSPAN_API const clipspan_shortcut_head *clipspan_remedy_get_head(const clipspan_remedy *remedy,
                                                                    size_t pair, size_t index);
CLIPSPAN_API const clipspan_candidate *clipspan_remedy_get_candidate(const clipspan_remedy *remedy,
                                                                     size_t pair, size_t index);
CLIPSPAN_API const clipspan_remedy_row *clipspan_remedy_get_row(const clipspan_remedy *remedy,
                                                                size_t pair, size_t index);
/* Of group `group` of info.evaluation. */
CLIPSPAN_API const clipspan_comparison *
clipspan_remedy_get_group(const clipspan_remedy *remedy, size_t pair, size_t row, size_t group);
/* Changed as the chosen remedy changes its heads; NULL where it changes none, or all. */
CLIPSPAN_API const clipspan_random_sets *clipspan_remedy_get_random(const clipspan_remedy *remedy,
                                                                    size_t pair);
CLIPSPAN_API const clipspan_remedy_forecast *
clipspan_remedy_get_forecast(const clipspan_remedy *remedy, size_t pair, size_t index); /* of 4 */
CLIPSPAN_API const clipspan_remedy_side *clipspan_remedy_get_side(const clipspan_remedy *remedy,
                                                                  size_t pair, size_t index);
/* [images of the evaluation] predictions with the chosen remedy, to be held against
 * clipspan_evaluation_get_predicted; NULL when read from a run. */
CLIPSPAN_API const uint32_t *clipspan_remedy_get_predicted(const clipspan_remedy *remedy,
                                                           size_t pair);

/* The recommended remedy as changes of weights, for clipspan_model_write, of a model whose
 * embeddings have *width numbers: *count of them, 0 where it is to leave the model as it is or to
 * mean-ablate heads (the first of the ranking). They live as long as the remedy. */
CLIPSPAN_API const clipspan_weight_change *
clipspan_remedy_get_weight_changes(const clipspan_remedy *remedy, size_t pair, size_t *count,
                                   size_t *width);
/* A document that clipspan_remedy_write_json wrote. Errors: NOT_FOUND, IO, FORMAT (names the key),
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_remedy_read(clipspan_remedy **out, const char *path,
                                                  clipspan_error *err);

/* As clipspan_effects_table_keep, _open and _write_json: clipspan.shortcut.v1. flat: 1 for lines
 * of path and value, 2 for those of a spreadsheet (--spreadsheet). */
CLIPSPAN_API clipspan_status clipspan_remedy_keep(const clipspan_remedy *remedy,
                                                  const clipspan_run *run,
                                                  const clipspan_run *other, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_remedy_open(clipspan_remedy **out, const clipspan_run *run,
                                                  clipspan_error *err);
CLIPSPAN_API void clipspan_remedy_write_json(const clipspan_remedy *remedy, int flat,
                                             void (*put)(void *to, const char *text, size_t size),
                                             void *to);

/* ---- Surgery: what becomes of one component, as an experiment ---- */

/* "mean", a number to scale by ("0", "1.5"), or the path of an image as the run has it, whose
 * component is swapped in (activation patching): sets kind, scale and run_index of a change, for
 * clipspan_ablation with `surgery`. Errors: ARGUMENT (none of these), IO, FORMAT. */
CLIPSPAN_API clipspan_status clipspan_surgery_read_value(clipspan_change *change,
                                                         const clipspan_run *run, const char *value,
                                                         clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
