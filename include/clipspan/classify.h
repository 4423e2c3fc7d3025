/* SPDX-License-Identifier: MIT */
/* Zero-shot classification of embeddings: likeliest classes, accuracy by class and group.
 * Conventions: clipspan.h. */
#ifndef CLIPSPAN_CLASSIFY_H
#define CLIPSPAN_CLASSIFY_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Embeddings against the classes of a bank, batch by batch, so that no more than one is in memory.
 *
 *     score[c] = cosine with class c        probability[c] = exp(scale score[c]) / sum over classes
 *
 * or, with the option `sigmoid`, each class by itself, as SigLIP has it.
 * (A run's images, with edits of its components: clipspan_evaluation_new.) Used by one thread at a
 * time. */
typedef struct clipspan_classification clipspan_classification;

typedef struct clipspan_classification_options {
    size_t struct_size;
    double scale; /* multiplies scores before the softmax (clipspan_model_read_logit_scale); 0:
                     100 */
    size_t top;   /* classes kept for an image; 0: 5; all if there are fewer */
    int sigmoid;  /* 1: probability[c] = 1 / (1 + exp(-(scale score[c] + bias))), each class by
                     itself */
    double bias;  /* of it (clipspan_model_read_logit_bias) */
} clipspan_classification_options;
#define CLIPSPAN_CLASSIFICATION_OPTIONS_INIT                                                       \
    {                                                                                              \
        sizeof(clipspan_classification_options), 0.0, 0, 0, 0.0                                    \
    }

/* bank: at least two classes; must outlive the classification. Labels are the keys of its classes,
 * or their names where they have no key. options may be NULL. Errors: ARGUMENT (fewer than two
 * classes, two of one key), NOMEM. */
CLIPSPAN_API clipspan_status
clipspan_classification_new(clipspan_classification **out, const clipspan_bank *bank,
                            const clipspan_classification_options *options, clipspan_error *err);
CLIPSPAN_API void clipspan_classification_free(clipspan_classification **classification);

/* Images; all arrays are [count] and, except for embeddings, may be NULL. */
typedef struct clipspan_classification_batch {
    size_t struct_size;
    size_t count;
    const float *embeddings;      /* [count, P] unit vectors */
    const clipspan_error *errors; /* as clipspan_encoder_run_files gives them: an image with one is
                                     skipped */
    const char *const *paths;
    const char *const *labels, *const *groups; /* "" for an image without */
} clipspan_classification_batch;
#define CLIPSPAN_CLASSIFICATION_BATCH_INIT                                                         \
    {                                                                                              \
        sizeof(clipspan_classification_batch), 0, NULL, NULL, NULL, NULL, NULL                     \
    }

/* Classifies a batch and counts it. Nothing is counted when it fails. Errors: ARGUMENT (a label
 * that no class has, with the nearest), NUMBERS (an embedding that is not finite), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_classification_add(clipspan_classification *classification,
                                                         const clipspan_classification_batch *batch,
                                                         clipspan_error *err);

/* One of an image's likely classes. */
typedef struct clipspan_likely_class {
    size_t index; /* in the bank */
    double probability;
    float score;
} clipspan_likely_class;

/* An image of the last batch; its texts are the caller's. */
typedef struct clipspan_prediction {
    const char *path, *label, *group;    /* "" without */
    const char *error;                   /* why it was skipped, or NULL */
    int32_t truth;                       /* class of its label; -1 without */
    size_t before;                       /* classes that scored above `truth` */
    size_t count;                        /* of likely classes; 0 when it was skipped */
    const clipspan_likely_class *likely; /* [count], of equal scores the earlier class first */
} clipspan_prediction;

/* NULL beyond the last of the last batch. */
CLIPSPAN_API const clipspan_prediction *
clipspan_classification_get_prediction(const clipspan_classification *classification,
                                       size_t number);

typedef struct clipspan_classification_row {
    const char *name, *key;         /* of the class, "" as key without; of the group, key NULL */
    const clipspan_share *accuracy; /* without images not a number */
} clipspan_classification_row;

/* Figures of all batches so far. */
typedef struct clipspan_classification_info {
    size_t classes, groups, top;
    double scale;
    uint64_t images, skipped;       /* added; of them not classified */
    int labelled;                   /* 1: some batch had labels */
    const clipspan_share *accuracy; /* of images with a label */
    const clipspan_share *top5;     /* whose class is among the first five; NULL with five classes
                                        or fewer */
    double class_mean;              /* of the accuracies of classes with images; not a number
                                        without */
    int32_t worst_group;            /* with the lowest accuracy, the first of equal ones; -1: none
                                        has images */
    int sigmoid;                    /* as the options say, and */
    double bias;
} clipspan_classification_info;

/* They live until the next batch. Classes in the order of the bank; groups by name. NULL beyond the
 * last. */
CLIPSPAN_API const clipspan_classification_info *
clipspan_classification_get_info(const clipspan_classification *classification);
CLIPSPAN_API const clipspan_classification_row *
clipspan_classification_get_class(const clipspan_classification *classification, size_t index);
CLIPSPAN_API const clipspan_classification_row *
clipspan_classification_get_group(const clipspan_classification *classification, size_t index);

/* ---- As JSON, while batches pass ---- */

/* What a document says beside a classification; any may be NULL or 0. */
typedef struct clipspan_classification_document {
    size_t struct_size;
    int dry_run, rows; /* rows: 1: predictions are in the document */
    const char *model, *output;
    size_t templates;
    uint64_t images, skipped, duplicates; /* at the end; images 0: those that were added */
} clipspan_classification_document;
#define CLIPSPAN_CLASSIFICATION_DOCUMENT_INIT                                                      \
    {                                                                                              \
        sizeof(clipspan_classification_document), 0, 0, NULL, NULL, 0, 0, 0, 0                     \
    }

/* The document clipspan.classify.v1 (docs/json.md), in pieces to `put`: begin, the predictions of
 * the last batch after each with `rows`, end. flat: 1 for lines of path and value, 2 for those of a
 * spreadsheet (--spreadsheet). Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_classification_begin_json(
    clipspan_classification *classification, const clipspan_classification_document *document,
    int flat, void (*put)(void *to, const char *text, size_t size), void *to, clipspan_error *err);
CLIPSPAN_API clipspan_status
clipspan_classification_batch_json(clipspan_classification *classification, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_classification_end_json(
    clipspan_classification *classification, const clipspan_classification_document *document,
    clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
