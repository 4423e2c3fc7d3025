/* SPDX-License-Identifier: MIT */
/* An atlas: all that a run and a pool of texts say about a model, as plain data. atlas_make.c fills
 * it from a run, atlas_store.c keeps it in the run and reads it back, reports render it. The structs
 * are the public ones: clipspan.h says what their members mean. */
#ifndef CLIPSPAN_SRC_REPORT_ATLAS_H
#define CLIPSPAN_SRC_REPORT_ATLAS_H

#include "base/error.h"

typedef struct cs_atlas {
    clipspan_atlas_info info;
    clipspan_atlas_layer *layers;     /* [info.run.layers] */
    clipspan_atlas_head *heads;       /* [info.heads] by layer, then head */
    clipspan_atlas_text *texts;       /* [info.texts] */
    clipspan_atlas_picture *pictures; /* [info.pictures] */
    clipspan_atlas_pick *picks;       /* of all heads, one after the other */
    clipspan_atlas_count *counts;     /* [info.count_kinds] */
    void **owned;                     /* strings that the others point to */
    size_t owned_count, owned_room;
} cs_atlas;

void cs_atlas_free(cs_atlas **atlas);

#endif
