/* SPDX-License-Identifier: MIT */
/* Studies of a run's classification: which images are right, by class and group; what becomes of
 * that when components are mean-ablated. Conventions: clipspan.h. */
#ifndef CLIPSPAN_STUDY_H
#define CLIPSPAN_STUDY_H

#include <clipspan/atlas.h>
#include <clipspan/effects.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Evaluation: a run against classes, labels and groups of its images ---- */

/* The used images of a run, in order of place, their classes and groups, and what the unedited
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
    const char *run;    /* folder of the run */
    const char *means;  /* "means over the 200 pictures of RUN, the evaluated ones …" */
    const char *source; /* where labels come from; NULL: no image has one */
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
 * FORMAT (means of another model; a label "nan"), NOT_FOUND (not merged, codes not kept), those of
 * clipspan_effects_new. */
CLIPSPAN_API clipspan_status clipspan_evaluation_new(clipspan_evaluation **out,
                                                     const clipspan_run *run,
                                                     const clipspan_bank *bank,
                                                     const clipspan_evaluation_options *options,
                                                     const clipspan_progress *progress,
                                                     clipspan_error *err);
CLIPSPAN_API void clipspan_evaluation_free(clipspan_evaluation **evaluation);
CLIPSPAN_API const clipspan_evaluation_info *
clipspan_evaluation_get_info(const clipspan_evaluation *evaluation);

/* [info.images] of the used images in order of place: labels and groups, -1 where not known (labels
 * are the predictions where none is known), and the class that the unedited model predicts. */
CLIPSPAN_API const int32_t *clipspan_evaluation_get_labels(const clipspan_evaluation *evaluation);
CLIPSPAN_API const int32_t *clipspan_evaluation_get_groups(const clipspan_evaluation *evaluation);
CLIPSPAN_API const uint32_t *
clipspan_evaluation_get_predicted(const clipspan_evaluation *evaluation);

/* Accuracy of the unedited model with its interval: of all counted images, of one class, of one
 * group. Where there are no images, `pictures` is 0 and the rest not a number. NULL beyond the
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

/* answers : [info.images] of predictions : [info.images], for clipspan_compare_run: 1 right, 0
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

#ifdef __cplusplus
}
#endif
#endif
