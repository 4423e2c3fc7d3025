/* SPDX-License-Identifier: MIT */
/* Studies of a run's classification: which images are right, by class and group; what becomes of
 * that when components are mean-ablated. Conventions: clipspan.h. */
#ifndef CLIPSPAN_STUDY_H
#define CLIPSPAN_STUDY_H

#include <clipspan/base.h>
#include <clipspan/effects.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Evaluation: a run against classes, labels and groups of its images ---- */

/* The used images of a run, in order of run_index, their classes and groups, and what the unedited
 * model predicts. Labels and groups are those that the run was planned with, or those of a list of
 * images matched by path (never by the order of files), or the caller's own. Where no image at all
 * has a label, the predictions of the unedited model stand for labels, and every figure is the
 * agreement with them. */
typedef struct clipspan_evaluation clipspan_evaluation;

typedef struct clipspan_evaluation_options {
    size_t struct_size;
    const clipspan_run *means; /* the run of the same model whose means and covariances stand for
                                  components; outlives the evaluation. NULL: the run's own, as
                                  published */
    const clipspan_inputs *inputs;  /* whose labels and groups are taken; NULL: the run's. Paths are
                                      compared in full, relative ones from the run's folder or the
                                      current one */
    const int32_t *labels, *groups; /* [used images] class, group or -1 for unknown; instead of all
                                       others, and groups only with labels. All labels -1:
                                       agreement */
    const char *const *group_names; /* [group_count] of those groups */
    size_t group_count;
    const char *source; /* where labels come from, for readers: "column y of birds.csv"; NULL: words
                           that fit */
    const clipspan_effects_options *effects; /* cues, threads, memory; NULL: defaults. Its `like` is
                                                refused */
} clipspan_evaluation_options;
#define CLIPSPAN_EVALUATION_OPTIONS_INIT                                                           \
    {                                                                                              \
        sizeof(clipspan_evaluation_options), NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL           \
    }

/* What was evaluated. It stands beside every result of a study, and is kept with it. */
typedef struct clipspan_evaluation_info {
    const char *run;                /* folder of the run */
    const char *means;              /* "means over the 200 images of RUN, the evaluated ones …" */
    const char *source;             /* where labels come from; NULL: no image has one */
    const char *const *class_names; /* [classes] in the order of the bank */
    const char *const *group_names; /* [groups] in order of name; the caller's as given */
    size_t classes, groups;
    uint64_t images;     /* used images of the run */
    uint64_t counted;    /* that enter figures: those with a label; all where none has one */
    uint64_t unlabelled; /* the others; 0 where none has a label */
    uint64_t ungrouped;  /* counted, but of no group; 0 without groups */
    int agreement;       /* 1: no image has a label */
} clipspan_evaluation_info;

/* Reads the run, and `means`, once. bank: two classes at least; the classes' keys, or names where
 * they have none, are what labels say. run and means outlive the evaluation; bank and the rest are
 * borrowed for the call. Used by one thread at a time. A group is listed when it has an image with
 * a label, and also without, unless a part of its name is empty ("/brick": the product of a column
 * that is not known). progress counts chunks. Errors: ARGUMENT (a label that no class has, with the
 * nearest; classes of the same key; no image matched or labelled; labels or groups out of range),
 * FORMAT (means of another model; a label "nan"), NOT_FOUND (not merged, coefficients not kept),
 * those of clipspan_effects_new. */
CLIPSPAN_API clipspan_status clipspan_evaluation_new(clipspan_evaluation **out,
                                                     const clipspan_run *run,
                                                     const clipspan_bank *bank,
                                                     const clipspan_evaluation_options *options,
                                                     const clipspan_progress *progress,
                                                     clipspan_error *err);
CLIPSPAN_API void clipspan_evaluation_free(clipspan_evaluation **evaluation);
CLIPSPAN_API const clipspan_evaluation_info *
clipspan_evaluation_get_info(const clipspan_evaluation *evaluation);

/* [info.images] of the used images in order of run_index: labels and groups, -1 where not known
 * (labels are the predictions where none is known), and the class that the unedited model
 * predicts. */
CLIPSPAN_API const int32_t *clipspan_evaluation_get_labels(const clipspan_evaluation *evaluation);
CLIPSPAN_API const int32_t *clipspan_evaluation_get_groups(const clipspan_evaluation *evaluation);
CLIPSPAN_API const uint32_t *
clipspan_evaluation_get_predicted(const clipspan_evaluation *evaluation);

/* Accuracy of the unedited model with its interval: of all counted images, of one class, of one
 * group. Where there are no images, `images` is 0 and the rest not a number. NULL beyond the
 * last. */
CLIPSPAN_API const clipspan_share *
clipspan_evaluation_get_accuracy(const clipspan_evaluation *evaluation);
CLIPSPAN_API const clipspan_share *
clipspan_evaluation_get_class(const clipspan_evaluation *evaluation, size_t index);
CLIPSPAN_API const clipspan_share *
clipspan_evaluation_get_group(const clipspan_evaluation *evaluation, size_t index);
/* The group with the lowest accuracy, the first of equal ones; -1 when no group has an image. */
CLIPSPAN_API int32_t clipspan_evaluation_get_worst_group(const clipspan_evaluation *evaluation);

/* Effects of the run, and of `means` (NULL without), along the classes and cues; they live as long
 * as the evaluation. */
CLIPSPAN_API clipspan_effects *
clipspan_evaluation_get_effects(const clipspan_evaluation *evaluation);
CLIPSPAN_API clipspan_effects *clipspan_evaluation_get_means(const clipspan_evaluation *evaluation);

/* answers : [info.images] of predictions : [info.images], for clipspan_comparisons_new: 1 right, 0
 * wrong, CLIPSPAN_NO_ANSWER where the label is not known. */
CLIPSPAN_API void clipspan_evaluation_read_answers(uint8_t *answers,
                                                   const clipspan_evaluation *evaluation,
                                                   const uint32_t *predicted);

/* Labels of the evaluation's images among other classes: labels : [info.images], from inputs, or
 * from the run where that is NULL; *labelled of them are known. Errors: as clipspan_evaluation_new,
 * but that no image has a label is none. */
CLIPSPAN_API clipspan_status clipspan_evaluation_read_labels(int32_t *labels, uint64_t *labelled,
                                                             const clipspan_evaluation *evaluation,
                                                             const clipspan_bank *bank,
                                                             const clipspan_inputs *inputs,
                                                             clipspan_error *err);

/* ---- Effects: components mean-ablated, as published and one by one ---- */

/* Accuracy with components mean-ablated: the published sequence (Gandelsman et al. 2024, section 3:
 * nothing, all MLPs, class-token self-attention, both, attention of layers 0 to l),
 * then every layer, MLP and head alone, and, with a text pool, the published replaced model
 * (section 4): heads of some layers replaced by their reconstruction from basis texts, all others
 * mean-ablated. All of it are direct effects. */
typedef struct clipspan_effects_table clipspan_effects_table;

typedef struct clipspan_effects_table_options {
    size_t struct_size;
    const clipspan_bank
        *pool;               /* vectors of a text pool, as long as they are; NULL: no rows TEXTS */
    const char *pool_name;   /* what it is called, for readers; NULL: no name */
    int first_layer, layers; /* whose heads become texts; layers 0: the last four, or all */
    int texts_per_head;      /* at most, 0: 60; rows have 1, 2, 5, 10, 20, 40, 60, 100, … */
    int threads;             /* 0: clipspan_default_threads() */
    int sequence_only;       /* 1: no rows LAYER, MLP and HEAD, which are most of the work */
} clipspan_effects_table_options;
#define CLIPSPAN_EFFECTS_TABLE_OPTIONS_INIT                                                        \
    {                                                                                              \
        sizeof(clipspan_effects_table_options), NULL, NULL, 0, 0, 0, 0, 0                          \
    }

typedef enum clipspan_effect_kind {
    CLIPSPAN_EFFECT_NOTHING = 0,
    CLIPSPAN_EFFECT_MLPS = 1,                 /* and the class token as it enters the first layer */
    CLIPSPAN_EFFECT_CLASS_SELF_ATTENTION = 2, /* class-token self-attention of all layers */
    CLIPSPAN_EFFECT_BOTH = 3,
    CLIPSPAN_EFFECT_UNTIL = 4, /* attention of layers 0 to `layer` */
    CLIPSPAN_EFFECT_LAYER = 5, /* attention of one layer */
    CLIPSPAN_EFFECT_MLP = 6,   /* layer -1: the class token as it enters the first layer */
    CLIPSPAN_EFFECT_HEAD = 7,
    CLIPSPAN_EFFECT_TEXTS = 8
} clipspan_effect_kind;

/* One row. Differences are against the first, NOTHING: above 0 where the component helps. */
typedef struct clipspan_effect {
    clipspan_effect_kind kind;
    const char *name;                          /* "all MLPs", "L22.H11", "5 texts a head" */
    int layer, head;                           /* -1: of none */
    int texts_per_head;                        /* of TEXTS, else 0 */
    uint64_t texts;                            /* different ones among them */
    uint64_t correct;                          /* of info.evaluation->counted */
    double accuracy, low, high, accuracy_drop; /* with Wilson's interval, 0 to 1 */
    double margin, margin_drop; /* mean of the right class's score less the largest other one */
    int32_t worst_group;        /* -1: no group has an image; then the next two not a number */
    double worst, worst_drop;   /* accuracy of the worst group */
    double share, variance; /* of LAYER, MLP and HEAD: share of the embedding's variance, and the
                               component's; else not a number */
    const char *kind_name;  /* as in documents: "mlps", "attention_until", … */
} clipspan_effect;

typedef struct clipspan_effects_table_info {
    const clipspan_evaluation_info *evaluation;
    size_t rows;
    const char *pool;        /* NULL: none, or without a name */
    int first_layer, layers; /* of rows TEXTS; layers 0: there are none */
} clipspan_effects_table_info;

/* progress counts rows and, with a pool, heads. The result outlives the evaluation. Errors:
 * ARGUMENT (layers that are not there, a bank of another width), NOMEM, IO, FORMAT, INTERRUPTED. */
CLIPSPAN_API clipspan_status
clipspan_effects_table_new(clipspan_effects_table **out, const clipspan_evaluation *evaluation,
                           const clipspan_effects_table_options *options,
                           const clipspan_progress *progress, clipspan_error *err);
CLIPSPAN_API void clipspan_effects_table_free(clipspan_effects_table **table);
CLIPSPAN_API const clipspan_effects_table_info *
clipspan_effects_table_get_info(const clipspan_effects_table *table);
/* Row `index`, in order of kind, layer, head; NULL beyond the last. */
CLIPSPAN_API const clipspan_effect *
clipspan_effects_table_get_row(const clipspan_effects_table *table, size_t index);

/* Results are kept in a run for its report, in place of an earlier one; other: the run whose means
 * took part, or NULL. open: what was kept, which is NOT_FOUND too once the statistics that it came
 * from have changed. write_json: the document that the program prints (docs/json.md), in pieces to
 * put(to, …). Errors: NOT_FOUND (nothing kept, not merged), FORMAT (damaged; names the key), WRITE,
 * IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_effects_table_keep(const clipspan_effects_table *table,
                                                         const clipspan_run *run,
                                                         const clipspan_run *other,
                                                         clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_effects_table_open(clipspan_effects_table **out,
                                                         const clipspan_run *run,
                                                         clipspan_error *err);
CLIPSPAN_API void
clipspan_effects_table_write_json(const clipspan_effects_table *table,
                                  void (*put)(void *to, const char *text, size_t size), void *to);

/* ---- Ablation: a set of components, beside random sets of heads that match it ---- */

/* Accuracy before and after an edit, by class and group, with paired bootstrap intervals; and after
 * the mean-ablation of other heads, drawn at random. */
typedef struct clipspan_ablation clipspan_ablation;

typedef struct clipspan_ablation_options {
    size_t struct_size;
    const clipspan_change *changes; /* [change_count]; of one component the first counts */
    size_t change_count;
    const clipspan_atlas *atlas; /* in which heads with the role `role` are looked for, which are
                                    mean-ablated too; both or none */
    const char *role;
    int mlps;   /* 1: all MLPs too, and the class token as it enters; random sets as well */
    int before; /* heads of layers 0 to before - 1 too; random sets as well, and none of their own
                   heads is of these layers */
    int random_sets;     /* 0: 200, or 5 as published; -1: none */
    size_t random_heads; /* of a set, as published; 0: as many as `changes` and `role` name */
    int resamples;       /* of the bootstrap; 0: 1000, -1: none */
    uint64_t seed;       /* of sets and resamples */
    int surgery;   /* 1: changes of any kind are an experiment of their own, without random sets */
    int published; /* 1: random sets as published: matched by number alone, the best is shown */
} clipspan_ablation_options;
#define CLIPSPAN_ABLATION_OPTIONS_INIT                                                             \
    {                                                                                              \
        sizeof(clipspan_ablation_options), NULL, 0, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0             \
    }

typedef struct clipspan_ablation_info {
    const clipspan_evaluation_info *evaluation;
    const char *role, *pool; /* the role that was asked for, and the pool of its atlas; NULL */
    size_t changes;          /* all that were made */
    size_t chosen;           /* the first of them: of `changes` and `role`, not `mlps`, `before` */
    uint64_t changed;        /* images whose prediction is another */
    int surgery;
    int resamples;
    uint64_t seed;
} clipspan_ablation_info;

/* Random sets hold what else was changed beside them. progress counts random sets. The result
 * outlives the evaluation. Errors: ARGUMENT (nothing to ablate, a component that is not there, a
 * role that no head has), NOMEM, IO, FORMAT, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_ablation_new(clipspan_ablation **out,
                                                   const clipspan_evaluation *evaluation,
                                                   const clipspan_ablation_options *options,
                                                   const clipspan_progress *progress,
                                                   clipspan_error *err);
CLIPSPAN_API void clipspan_ablation_free(clipspan_ablation **ablation);
CLIPSPAN_API const clipspan_ablation_info *
clipspan_ablation_get_info(const clipspan_ablation *ablation);

/* NULL beyond the last; worst: NULL where no group has an image, else its `group` and `group_after`
 * are indices into info.evaluation->group_names. A comparison without images has 0 of them. */
CLIPSPAN_API const clipspan_change *clipspan_ablation_get_change(const clipspan_ablation *ablation,
                                                                 size_t index);
CLIPSPAN_API const clipspan_comparison *
clipspan_ablation_get_overall(const clipspan_ablation *ablation);
CLIPSPAN_API const clipspan_comparison *
clipspan_ablation_get_worst(const clipspan_ablation *ablation);
CLIPSPAN_API const clipspan_comparison *
clipspan_ablation_get_class(const clipspan_ablation *ablation, size_t index);
CLIPSPAN_API const clipspan_comparison *
clipspan_ablation_get_group(const clipspan_ablation *ablation, size_t index);
/* NULL without. */
CLIPSPAN_API const clipspan_random_sets *
clipspan_ablation_get_random(const clipspan_ablation *ablation);

/* As of clipspan_effects_table. */
CLIPSPAN_API clipspan_status clipspan_ablation_keep(const clipspan_ablation *ablation,
                                                    const clipspan_run *run,
                                                    const clipspan_run *other, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_ablation_open(clipspan_ablation **out,
                                                    const clipspan_run *run, clipspan_error *err);
CLIPSPAN_API void clipspan_ablation_write_json(const clipspan_ablation *ablation,
                                               void (*put)(void *to, const char *text, size_t size),
                                               void *to);

/* "L22.H11", "L22.MLP", "L22.class", "input", "embedding"; with "=0.5" where it is scaled, "=place
 * 17" where that image's is swapped in. Returns out : [room]. */
CLIPSPAN_API const char *clipspan_change_get_name(char *out, size_t room,
                                                  const clipspan_change *change);

#ifdef __cplusplus
}
#endif
#endif
