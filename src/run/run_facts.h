/* SPDX-License-Identifier: MIT */
/* The facts of a run's index, checked and turned into numbers. */
#ifndef CLIPSPAN_SRC_RUN_RUN_FACTS_H
#define CLIPSPAN_SRC_RUN_RUN_FACTS_H

#include <clipspan/run.h>

#include "run/index.h"
#include "run/part.h"

/* Images that were planned at once: places [first, first + count) of the run, with an order, a
 * plan, packs and nodes of their own. */
typedef struct cs_segment {
    cs_part_plan plan;
    uint64_t first, count;
    char *path, *inside, id[65]; /* its folder, for messages; in the run's root */
} cs_segment;

typedef struct cs_run_facts {
    clipspan_run_info info;
    cs_part_plan plan;  /* of the run: its output maps. tree: chunks of 32 places of the run,
                           wherever its segments meet */
    cs_part_plan whole; /* the same with the plan of its statistics: that of all segments */
    cs_segment *segments;
    size_t segment_count;
    clipspan_image_options image;
    char *folder; /* where relative paths start */
    char *config; /* of the model, or "" */
    int quick_gelu, allow_nonfinite;
    char *texts[20]; /* what info and plan point to */
    size_t text_count;
} cs_run_facts;

/* root: of the run; it has to outlive the facts. To be given back with cs_run_facts_fini in any
 * case. Errors: FORMAT, naming the fact; LIMIT; NOMEM. */
clipspan_status cs_run_facts_read(cs_run_facts *out, cs_index *index, const cs_root *root,
                                  clipspan_error *err);
void cs_run_facts_fini(cs_run_facts *facts);

#endif
