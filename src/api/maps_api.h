/* SPDX-License-Identifier: MIT */
/* What the public handle of maps is made of. */
#ifndef CLIPSPAN_SRC_API_MAPS_API_H
#define CLIPSPAN_SRC_API_MAPS_API_H

#include "api/model_handles.h"
#include "decompose/maps.h"

struct clipspan_maps {
    clipspan_encoder *encoder;
    cs_output_map *output_map; /* the model's */
    cs_shape shape;
    cs_map_texts *texts;
    cs_maps **lanes;  /* [the encoder's lanes] */
    cs_trace *traces; /* [lanes] */
    cs_map_plan plan;
    uint8_t *chosen;        /* [L, H] or NULL */
    uint8_t *group;         /* the same */
    cs_map_result *results; /* [most] */
    float *numbers;         /* what they point into */
    float *embeddings;      /* [most, P] */
    size_t most, size;      /* images; numbers of one's results */
    size_t count;           /* of the last run */
};

#endif
