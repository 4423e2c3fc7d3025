/* SPDX-License-Identifier: MIT */
/* What the public handles of parts and their statistics are made of. */
#ifndef CLIPSPAN_SRC_API_DECOMPOSITION_API_H
#define CLIPSPAN_SRC_API_DECOMPOSITION_API_H

#include "api/model_handles.h"
#include "decompose/contributions.h"
#include "decompose/head_stats.h"
#include "decompose/pool_split.h"

struct clipspan_decomposition {
    clipspan_encoder *encoder;
    cs_output_map *output_map; /* the model's */
    cs_coder *coder;
    cs_coefficients *coefficients;
    cs_trace *traces; /* [the encoder's lanes] */
    size_t count;     /* images of the last run */
    int has_tokens;   /* the next is used */
    cs_token_record record;
    int has_layers; /* the next two are used */
    cs_pool_record layers;
    cs_pool_split *split;
};

#define CS_STATS_LEVELS 64

struct clipspan_stats {
    clipspan_model *model;
    clipspan_precision precision;
    cs_output_map *output_map; /* the model's */
    cs_head_counter *counter;
    int threads;
    double *level[CS_STATS_LEVELS]; /* statistics of 2^i runs of parts, or NULL: a binary counter */
    double *merged;                 /* of what was merged, or NULL; stands before the levels */
};

/* All images' statistics in one array, for cs_free. */
clipspan_status cs_stats_total(double **out, const clipspan_stats *stats, clipspan_error *err);

#endif
