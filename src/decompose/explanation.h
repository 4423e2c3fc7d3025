/* SPDX-License-Identifier: MIT */
/* One image's similarities with texts, split into all parts of the model, as plain numbers: sums
 * over what decompose/maps.h leaves, and differences between texts. Everything is linear in the
 * text, so that parts of a difference add up to it as parts of a similarity do. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_EXPLANATION_H
#define CLIPSPAN_SRC_DECOMPOSE_EXPLANATION_H

#include <clipspan/decompose.h>

#include "decompose/maps.h"

typedef struct cs_explanation {
    clipspan_explanation_info info;                 /* what is public; points into the rest */
    size_t L, H;                                    /* info.layers, info.heads */
    size_t *order;                                  /* [T] */
    char **names;                                   /* [T] */
    double *numbers;                                /* the arrays below, one after another */
    double *similarity, *value;                     /* [T] */
    double *attention, *class_self_attention, *mlp; /* [T, L], [T, L], [T, L + 1] */
    double *head, *token;                           /* [T, L, H], [T, N] */
    float *map;                                     /* [T, L, H, N] */
} cs_explanation;

/* What goes into one. heads: the maps of all heads, [L, H, T, N]   mlps : [T, L + 1]
 * embedding : [P] of the image   vectors : [T, P] */
typedef struct cs_explanation_source {
    cs_shape shape;
    size_t T;
    const float *heads, *mlps, *embedding, *vectors;
    int class_token; /* 1: token 0 is it */
} cs_explanation_source;

/* The caller fills names, grid_height and grid_width. Errors: NOMEM, ARGUMENT (a contrast of one
 * text). */
clipspan_status cs_explanation_new(cs_explanation **out, const cs_explanation_source *source,
                                   clipspan_contrast contrast, clipspan_error *err);
void cs_explanation_free(cs_explanation **explanation);

#endif
