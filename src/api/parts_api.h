/* SPDX-License-Identifier: MIT */
/* What the public handles of parts and their statistics are made of. */
#ifndef CLIPSPAN_SRC_API_PARTS_API_H
#define CLIPSPAN_SRC_API_PARTS_API_H

#include <clipspan/decompose.h>

#include "api/model_handles.h"
#include "decompose/head_stats.h"
#include "decompose/terms.h"

struct clipspan_parts {
    clipspan_encoder *encoder;
    cs_basis *basis; /* the model's */
    cs_coder *coder;
    cs_codes *codes;
    cs_trace *traces; /* [the encoder's lanes] */
    size_t count;     /* pictures of the last run */
    int has_tokens;   /* the next is used */
    cs_token_record record;
};

#define CS_STATS_LEVELS 64

struct clipspan_stats {
    clipspan_model *model;
    clipspan_precision precision;
    cs_basis *basis; /* the model's */
    cs_head_counter *counter;
    int threads;
    double *level[CS_STATS_LEVELS]; /* statistics of 2^i runs of parts, or NULL: a binary counter */
    double *merged;                 /* of what was merged, or NULL; stands before the levels */
};

/* All pictures' statistics in one array, for cs_free. */
clipspan_status cs_stats_total(double **out, const clipspan_stats *stats, clipspan_error *err);

#endif
