/* SPDX-License-Identifier: MIT */
/* What the files that implement run/effects.h share. */
#ifndef CLIPSPAN_SRC_STUDY_EFFECTS_INSIDE_H
#define CLIPSPAN_SRC_STUDY_EFFECTS_INSIDE_H

#include "study/effects.h"

enum cs_learned { CS_NOT_LEARNED, CS_LEARNED, CS_NO_READING /* that varies: gains are zero */ };

struct cs_effects {
    const cs_run *run;
    cs_shape shape;
    size_t N, Q, classes, cues, T; /* rows, columns, components */
    int threads;
    uint64_t memory, kept_bytes;
    float *vectors;     /* [Q, P] w */
    double *stats;      /* of the run: decompose/head_stats.h */
    double *readers;    /* [L H, C, Q] A w */
    double *means;      /* [T + 1, Q], the embedding's last */
    double *gains;      /* [cues, L H + 1, classes], the embedding's last */
    double *shifts;     /* [cues, L H + 1, classes] mean of the cue's reading times gain */
    double *projection; /* [cues, classes] */
    uint8_t *learned;   /* [cues, L H + 1] cs_learned */
    cs_effects *like;   /* whose edits are made, or NULL */
    double **confined;  /* [cues] each [classes, 1 + like's classes], or NULL: effects_cues.c */
    uint32_t *groups;   /* [N] by answer */
    size_t group_count;
    double *sums;          /* [N, Q] */
    uint64_t *run_indices; /* [N] */
    size_t *first_row;     /* [chunks + 1] of each chunk */
    double **kept;         /* [T] each [N, Q], or NULL */
};

/* Some components of the images of chunks [first, end): what component components[i] says goes to
 * out[i], from row first_row[first] on: [rows, width]. readers[i] : [C, width] for heads, NULL:
 * those of the handle, with width Q, as for other components. */
typedef struct cs_effect_fill {
    const cs_effects *e;
    const size_t *components;
    double *const *out;
    const double *const *readers;
    size_t count, width;
} cs_effect_fill;

clipspan_status cs_effects_fill(const cs_effect_fill *fill, size_t first, size_t end,
                                clipspan_error *err);

/* sums, from every chunk's embeddings. */
clipspan_status cs_effects_read_sums(cs_effects *e, const clipspan_progress *progress,
                                     clipspan_error *err);

/* projection, of all cues. */
void cs_effects_project(cs_effects *e);

/* The end of a stretch of chunks that begins with `first` and whose rows take at most `bytes` at
 * `row_bytes` a row, one chunk at least. */
size_t cs_effects_stretch(const cs_effects *e, size_t first, uint64_t row_bytes, uint64_t bytes);

#endif
