/* SPDX-License-Identifier: MIT */
/* Embeddings against classes, counted by class and group: include/clipspan/classify.h. */
#ifndef CLIPSPAN_SRC_STUDY_CLASSIFICATION_H
#define CLIPSPAN_SRC_STUDY_CLASSIFICATION_H

#include <clipspan/classify.h>

#include "base/error.h"
#include "formats/json_write.h"

typedef struct cs_tally {
    char *name;
    uint64_t all, good;
} cs_tally;

typedef struct cs_classification {
    const clipspan_bank *bank;
    clipspan_classification_info info;
    const char **keys; /* [classes] what labels say */
    cs_tally *classes; /* [classes] names NULL */
    cs_tally *groups;  /* [info.groups] by name */
    size_t group_room, rows_room;
    uint64_t all, good, good5;
    /* Figures, made anew after a batch. */
    clipspan_share total, among5;
    clipspan_share *shares;            /* [classes + groups] */
    clipspan_classification_row *rows; /* the same */
    /* The last batch. */
    size_t count, batch_room, likely_room;
    clipspan_prediction *predictions; /* [count] */
    clipspan_likely_class *likely;    /* [count, top] */
    int has_labels, has_groups;
    cs_json_writer json; /* of a document that is open */
    int open;
} cs_classification;

/* top: 1 to the classes. Errors: ARGUMENT, NOMEM. */
clipspan_status cs_classification_new(cs_classification **out, const clipspan_bank *bank,
                                      double scale, size_t top, clipspan_error *err);
/* From now on probabilities are sigmoids of scale * score + bias. */
void cs_classification_use_sigmoid(cs_classification *classification, double bias);
void cs_classification_free(cs_classification **classification);
clipspan_status cs_classification_add(cs_classification *classification,
                                      const clipspan_classification_batch *batch,
                                      clipspan_error *err);

/* Figures of what was counted. Errors: NOMEM. */
clipspan_status cs_classification_sum(cs_classification *classification, clipspan_error *err);

#endif
