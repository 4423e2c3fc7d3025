/* SPDX-License-Identifier: MIT */
/* What makes the numbers of a run: model, configuration, preprocessing, precision, kernels. Written
 * as facts (texts by key) into the index when a run is planned, and compared whenever it is
 * scanned. */
#ifndef CLIPSPAN_SRC_RUN_IDENTITY_H
#define CLIPSPAN_SRC_RUN_IDENTITY_H

#include "model/checkpoint.h"
#include "run/index.h"

typedef struct clipspan_plan_options clipspan_plan_options; /* run.h */

/* Where the weights come from, and the options that opened them. */
typedef struct cs_model_source {
    const cs_checkpoint *checkpoint;
    const char *config; /* as clipspan_model_options, or NULL */
    int quick_gelu, allow_nonfinite;
    const char *cpu_level, *product; /* in force */
} cs_model_source;

#define CS_FACTS_MOST 64

typedef struct cs_fact {
    const char *key;
    char *value;
    int binding; /* a difference makes it another run */
} cs_fact;

typedef struct cs_identity {
    cs_fact facts[CS_FACTS_MOST];
    size_t count;
} cs_identity;

/* Facts of a model, hashing its weights (progress counts bytes), and of the options that decide
 * about numbers. Give back with cs_identity_fini in any case. Errors: IO, NOMEM, INTERRUPTED. */
clipspan_status cs_identity_init(cs_identity *identity, const cs_model_source *source,
                                 const clipspan_progress *progress, clipspan_error *err);
/* layers: of the model. */
clipspan_status cs_identity_add_options(cs_identity *identity, const clipspan_plan_options *options,
                                        int layers, clipspan_error *err);
void cs_identity_fini(cs_identity *identity);

/* to : holds the same facts, to be given back with cs_identity_fini in any case. */
clipspan_status cs_identity_copy(cs_identity *to, const cs_identity *from, clipspan_error *err);

/* One more fact; the value is printed as by printf. */
clipspan_status cs_identity_add(cs_identity *identity, const char *key, int binding,
                                clipspan_error *err, const char *format, ...) CS_PRINTF(5, 6);

/* SHA-256 over the lines "key=value" of the binding facts in order. */
void cs_identity_hash(char out[65], const cs_identity *identity);

/* Fails with `code` because a run has `there` where this call has `here`. path: of the run. */
clipspan_status cs_identity_differs(const char *path, const char *key, const char *there,
                                    const char *here, clipspan_status code, clipspan_error *err);

/* Fails with `code` at the first binding fact that the index has differently, with both values.
 * path: of the run. */
clipspan_status cs_identity_compare(const cs_identity *identity, cs_index *index,
                                    clipspan_status code, const char *path, clipspan_error *err);

#endif
