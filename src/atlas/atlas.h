/* SPDX-License-Identifier: MIT */
/* An atlas: all that a run and a pool of texts say about a model, as plain data. atlas_make.c fills
 * it from a run, atlas_store.c keeps it in the run and atlas_read.c reads it back, reports render
 * it. The structs are the public ones: clipspan.h says what their members mean. */
#ifndef CLIPSPAN_SRC_ATLAS_ATLAS_H
#define CLIPSPAN_SRC_ATLAS_ATLAS_H

#include <clipspan/atlas.h>

#include "decompose/basis_text.h"
#include "run/run_open.h"

typedef struct clipspan_run_info clipspan_run_info; /* run.h */

/* Where the members of a head and of a layer point. */
typedef struct cs_atlas_head {
    clipspan_variance_share variance_share;
    clipspan_role role;
    clipspan_atlas_extreme top[CLIPSPAN_EXTREMES], bottom[CLIPSPAN_EXTREMES];
} cs_atlas_head;

typedef struct cs_atlas_layer {
    clipspan_variance_share attention, class_self_attention, mlp;
} cs_atlas_layer;

typedef struct cs_atlas {
    clipspan_atlas_info info;
    clipspan_run_info *run;                 /* where info.run points */
    clipspan_atlas_layer *layers;           /* [info.run->layers] */
    clipspan_atlas_head *heads;             /* [info.heads] by layer, then head */
    clipspan_atlas_text *texts;             /* [info.texts] */
    clipspan_atlas_image *images;           /* [info.images] by place */
    clipspan_atlas_basis_text *basis_texts; /* of all heads, one after the other */
    clipspan_atlas_count *counts;           /* [info.count_kinds] */
    clipspan_variance_share input;          /* where info.input points */
    cs_atlas_layer *layer_parts;            /* [info.run->layers] */
    cs_atlas_head *head_parts;              /* of heads that were made, in their order */
    clipspan_basis_text *basis_parts;       /* of basis_texts, in their order */
    cs_span_others *others;                 /* of basis_parts, where their members point */
    char **owned;                           /* strings that the others point to */
    size_t owned_count, owned_room;
} cs_atlas;

void cs_atlas_free(cs_atlas **atlas);

/* For those who fill one. An empty atlas with the facts of a run: info.run, activation, preprocess,
 * folder, counts, layers of zeros. */
clipspan_status cs_atlas_new(cs_atlas **out, const cs_run *run, clipspan_error *err);

/* Room for layers, and for heads with `basis_texts` basis texts in all, whose members point to
 * their parts. Errors: NOMEM. */
clipspan_status cs_atlas_take_layers(cs_atlas *atlas, size_t layers, clipspan_error *err);
clipspan_status cs_atlas_take_heads(cs_atlas *atlas, size_t heads, size_t basis_texts,
                                    clipspan_error *err);

/* A copy of a text that lives as long as the atlas; NULL with err filled. */
const char *cs_atlas_keep(cs_atlas *atlas, const char *text, clipspan_error *err);

/* Fills in the images from the run's index, by their places. */
clipspan_status cs_atlas_take_images(cs_atlas *atlas, const cs_run *run, clipspan_error *err);

/* Leaves only heads of layers [first, last]. Texts, basis texts and images stay. */
void cs_atlas_trim(cs_atlas *atlas, int first, int last);

/* All that follows from heads and basis texts: what layers and the whole name, counts of roles,
 * heads of texts, distinct texts. */
void cs_atlas_sum_up(cs_atlas *atlas);

#endif
