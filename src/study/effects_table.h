/* SPDX-License-Identifier: MIT */
/* Rows of mean-ablations with their accuracies: what clipspan_effects_table is. */
#ifndef CLIPSPAN_SRC_STUDY_EFFECTS_TABLE_H
#define CLIPSPAN_SRC_STUDY_EFFECTS_TABLE_H

#include "base/progress_part.h"
#include "study/effects_texts.h"
#include "study/evaluation.h"

typedef struct cs_effects_table {
    clipspan_effects_table_info info;
    cs_evaluation_facts facts; /* owns all strings */
    clipspan_effect *rows;     /* [info.rows] */
    size_t room;
} cs_effects_table;

/* An empty table about what `facts` says; for cs_effects_table_free. Errors: NOMEM. */
clipspan_status cs_effects_table_new(cs_effects_table **out, const clipspan_evaluation_info *facts,
                                     clipspan_error *err);
void cs_effects_table_free(cs_effects_table **table);

/* "mlps", as in documents. */
const char *cs_effect_kind_name(clipspan_effect_kind kind);

/* How many rows cs_effects_table_run makes of a run. */
size_t cs_effects_table_size(cs_shape shape, int sequence_only);

/* The published sequence and, unless sequence_only, every layer, MLP and head alone, with their
 * shares of the variance. part counts rows. Errors: NOMEM, those of cs_effects_run, INTERRUPTED. */
clipspan_status cs_effects_table_run(cs_effects_table *table, const cs_evaluation *ev,
                                     int sequence_only, const cs_progress_part *part,
                                     clipspan_error *err);

/* Rows that cs_effects_table_texts makes for `most` texts a head. */
size_t cs_effects_table_steps(int most);

/* Heads replaced by 1, 2, 5, … `most` texts each. part counts rows. Errors: as above. */
clipspan_status cs_effects_table_texts(cs_effects_table *table, const cs_evaluation *ev,
                                       const cs_head_texts *heads, size_t count, int most,
                                       const cs_progress_part *part, clipspan_error *err);

/* Appends a row of that kind; *out until the next. Its figures are not a number. Errors: NOMEM. */
clipspan_status cs_effects_table_add(clipspan_effect **out, cs_effects_table *table,
                                     clipspan_effect_kind kind, int layer, int head, int texts,
                                     clipspan_error *err);

/* Differences from the first row, once all accuracies are there. */
void cs_effects_table_subtract(cs_effects_table *table);

#endif
