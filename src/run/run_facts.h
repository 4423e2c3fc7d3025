/* SPDX-License-Identifier: MIT */
/* The facts of a run's index, checked and turned into numbers. */
#ifndef CLIPSPAN_SRC_RUN_RUN_FACTS_H
#define CLIPSPAN_SRC_RUN_RUN_FACTS_H

#include "run/index.h"
#include "run/part.h"

typedef struct cs_run_facts {
    clipspan_run_info info;
    cs_part_plan plan;
    clipspan_picture_options picture;
    char *folder; /* where relative paths start */
    char *config; /* of the model, or "" */
    int quick_gelu, allow_nonfinite;
    char *texts[16]; /* what info and plan point to */
    size_t text_count;
} cs_run_facts;

/* To be given back with cs_run_facts_fini in any case. Errors: FORMAT, naming the fact; LIMIT;
 * NOMEM. */
clipspan_status cs_run_facts_read(cs_run_facts *out, cs_index *index, const char *path,
                                  clipspan_error *err);
void cs_run_facts_fini(cs_run_facts *facts);

#endif
