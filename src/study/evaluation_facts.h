/* SPDX-License-Identifier: MIT */
/* clipspan_evaluation_info with its strings: every result of a study owns a copy, so that it
 * outlives the evaluation and can be read back from a run. */
#ifndef CLIPSPAN_SRC_STUDY_EVALUATION_FACTS_H
#define CLIPSPAN_SRC_STUDY_EVALUATION_FACTS_H

#include <clipspan/study.h>

#include "base/error.h"

typedef struct cs_evaluation_facts {
    clipspan_evaluation_info info;
    const char **class_names, **group_names; /* [info.classes], [info.groups] */
    char **owned;                            /* [owned_count] strings that all of these point to */
    size_t owned_count, owned_room;
} cs_evaluation_facts;

/* A copy that lives as long as the facts; NULL stays NULL. Errors: NOMEM. */
clipspan_status cs_facts_keep(const char **out, cs_evaluation_facts *facts, const char *text,
                              clipspan_error *err);
/* Sets the names of classes or of groups. */
clipspan_status cs_facts_classes(cs_evaluation_facts *facts, const char *const *names, size_t count,
                                 clipspan_error *err);
clipspan_status cs_facts_groups(cs_evaluation_facts *facts, const char *const *names, size_t count,
                                clipspan_error *err);

/* out must be zero; give it back with cs_facts_fini, also after a failure. Errors: NOMEM. */
clipspan_status cs_facts_copy(cs_evaluation_facts *out, const clipspan_evaluation_info *info,
                              clipspan_error *err);
void cs_facts_fini(cs_evaluation_facts *facts);

#endif
