/* SPDX-License-Identifier: MIT */
/* Where in the image: scores of every token, gathered layer by layer while a pass runs.
 *
 *     score[t,j] = sum over chosen heads of c[l,h,j] . t      c[l,h,j] : decompose/contributions.h,
 *     token j
 *
 * which is a map over the patches (tokens 1 to N - 1, row by row). Costs N K multiply-adds a head
 * and text; nothing P-wide a token is formed. Summed over tokens they are the heads' part of the
 * similarity with t; with the MLP contributions, all of it. Beside them what is usually shown
 * instead:
 *
 *     attention   mean over heads of the class token's attention in one layer
 *     rollout     row of the class token of the product over layers of (mean attention + I) / 2
 *     patches     token as it leaves the last block, through ln_post and P, a unit vector, . t
 *     values      the same of the last block's value of each token, through W_O, b_O
 *
 * and, with a text each, what is no map: the MLP contributions of decompose/contributions.h, the
 * class token's input first.
 *
 * Used by one thread at a time, with passes of the same model and precision. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_MAPS_H
#define CLIPSPAN_SRC_DECOMPOSE_MAPS_H

#include "decompose/map_texts.h"
#include "decompose/rollout.h"
#include "model/tower.h"
#include "model/trace.h"

typedef enum cs_map_kind {
    CS_MAP_HEADS = 1,
    CS_MAP_ATTENTION = 2,
    CS_MAP_ROLLOUT = 4,
    CS_MAP_PATCHES = 8,
    CS_MAP_VALUES = 16,
    CS_MAP_MLPS = 32
} cs_map_kind;

typedef struct cs_map_plan {
    unsigned kinds;        /* cs_map_kind flags; CS_MAP_HEADS is always made */
    const uint8_t *chosen; /* [L, H] heads that the sum is over; NULL: all */
    int each;              /* 1: also every chosen head's own map */
    size_t layer;          /* whose attention */
    const uint8_t *group;  /* [L, H] number from 1 of a chosen head's group, 0: none; NULL: all 0 */
    size_t groups;         /* each of which has a map of its own */
} cs_map_plan;

/* What one image leaves. Those that the plan does not have are NULL. */
typedef struct cs_map_result {
    float *heads;     /* [T, N] */
    float *each;      /* [L, H, T, N]; heads that were not chosen are zero */
    float *attention; /* [N] */
    float *rollout;   /* [N] */
    float *patches;   /* [T, N] */
    float *values;    /* [T, N] */
    float *groups;    /* [groups, T, N] */
    float *mlps;      /* [T, L + 1] */
} cs_map_result;

typedef struct cs_maps cs_maps;

/* texts, output map and tower must outlive the maps. Errors: NOMEM. */
clipspan_status cs_maps_new(cs_maps **out, const cs_map_texts *texts,
                            const cs_output_map *output_map, const cs_tower *tower,
                            const cs_map_plan *plan, const cs_simd *simd, clipspan_error *err);
void cs_maps_free(cs_maps **maps);

/* For cs_image_pass_trace: gathers what the next cs_maps_get scales. */
cs_layer_sink cs_maps_sink(cs_maps *maps);

/* After the pass that filled `trace`: fills the arrays that `out` holds, which are not NULL. No
 * allocation. Errors: INTERNAL. */
clipspan_status cs_maps_get(const cs_map_result *out, cs_maps *maps, const cs_trace *trace,
                            clipspan_error *err);

#endif
