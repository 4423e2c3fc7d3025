/* SPDX-License-Identifier: MIT */
/* Heads by their own texts for one image: include/clipspan/explain.h says what a cell is. */
#ifndef CLIPSPAN_SRC_STUDY_JOINT_FIGURE_H
#define CLIPSPAN_SRC_STUDY_JOINT_FIGURE_H

#include "run/run_open.h"
#include "study/findings.h"

#define CS_JOINT_MOST 64 /* heads */

typedef struct cs_joint {
    const clipspan_explanation_info *x; /* borrowed */
    const cs_atlas *atlas;              /* borrowed */
    size_t columns, count, text_count;  /* heads; texts of all of them */
    clipspan_head heads[CS_JOINT_MOST];
    size_t first[CS_JOINT_MOST + 1]; /* where a head's texts begin */
    const char **texts;              /* [text_count] the atlas's */
    clipspan_joint_row rows[CS_JOINT_MOST];
    clipspan_joint_cell *cells; /* [count, columns]; NULL before cs_joint_run */
    float *maps;                /* [count, columns, N] of cells */
} cs_joint;

/* heads : [count] or NULL; rows, columns: at least 1. Errors: ARGUMENT, LIMIT, NOMEM. */
clipspan_status cs_joint_new(cs_joint **out, const clipspan_explanation_info *x,
                             const cs_atlas *atlas, const clipspan_head *heads, size_t count,
                             size_t rows, size_t columns, clipspan_error *err);
void cs_joint_free(cs_joint **joint);

/* maps : [count] of each head, [text_count, N]   vectors : [text_count, P] */
clipspan_status cs_joint_run(cs_joint *joint, const float *const *maps, const float *vectors,
                             const cs_run *run, clipspan_error *err);

#endif
