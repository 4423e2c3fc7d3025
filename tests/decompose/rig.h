/* SPDX-License-Identifier: MIT */
/* Everything between a checkpoint and the coefficients of a chunk, for tests. What fails ends the
 * test. */
#ifndef CLIPSPAN_TESTS_DECOMPOSE_RIG_H
#define CLIPSPAN_TESTS_DECOMPOSE_RIG_H

#include "decompose/contributions.h"
#include "decompose/head_stats.h"
#include "model/image_pass.h"

typedef struct cs_rig {
    cs_checkpoint *checkpoint;
    const cs_config *config;
    cs_shape shape;
    const cs_simd *simd;
    cs_tower *tower;
    cs_image_pass *pass;
    cs_output_map *output_map;
    cs_coder *coder;
    cs_head_counter *counter;
    cs_coefficients *coefficients;
    cs_trace trace;
    cs_token_record record; /* of the image traced last */
    size_t pixels;          /* bytes of one image */
    int lanes;
} cs_rig;

void cs_rig_init(cs_rig *rig, const char *folder, const cs_simd *simd, clipspan_precision precision,
                 cs_coefficient_format format, size_t room, int lanes);
void cs_rig_fini(cs_rig *rig);

/* Traces an image and puts it into a slot, on lane slot % lanes. */
void cs_rig_put(cs_rig *rig, size_t slot, const uint8_t *pixels);

/* Puts `count` images into slots from 0 and finishes the chunk on all lanes. */
void cs_rig_run(cs_rig *rig, const uint8_t *pixels, size_t count);

/* Image `number` of an endless row of images that differ in colour, stripes and noise. */
void cs_rig_paint(const cs_rig *rig, uint8_t *pixels, size_t number);

#endif
