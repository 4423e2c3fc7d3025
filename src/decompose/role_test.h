/* SPDX-License-Identifier: MIT */
/* What there is to say about one head's role before it is held against the other heads: enrichment,
 * its place among rotations and among dealt labels, how much the category's texts explain and how
 * much control texts do, stability. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_ROLE_TEST_H
#define CLIPSPAN_SRC_DECOMPOSE_ROLE_TEST_H

#include "decompose/enrichment.h"

#define CS_RELABELLINGS    1000
#define CS_ROTATIONS_REACH 50 /* rotations that reach a head's enrichment end its test */

#define CS_ROTATIONS_KEPT  1000 /* that stay in memory; more are drawn again for every head */

/* What all heads share. */
struct cs_role_wish {
    const cs_categories *categories; /* borrowed */
    const float *const *controls;    /* borrowed: [control_pools][T, P], text i in place of text i
                                        of the pool */
    size_t control_pools, rotations, C;
    uint64_t seed;
    int32_t *dealt; /* [CS_RELABELLINGS, T] categories of the texts in random order */
    float *turned;  /* [at most CS_ROTATIONS_KEPT, C, C] for heads of C directions */
};

/* Draws labels and rotations of a wish whose other members are filled in. Errors: NOMEM. */
clipspan_status cs_role_wish_draw(cs_role_wish *wish, const cs_simd *simd, clipspan_error *err);
void cs_role_wish_fini(cs_role_wish *wish);

/* Rotations from chunk CS_ROTATIONS_KEPT on, as float32: out : [some, q, q]. work : [q + 1, q] */
void cs_role_wish_turn(float *out, double *work, const cs_role_wish *wish, size_t q, size_t chunk,
                       const cs_simd *simd);

/* Room for one lane. Errors: NOMEM. */
typedef struct cs_role_test cs_role_test;
clipspan_status cs_role_test_new(cs_role_test **out, const cs_role_wish *wish,
                                 const cs_span_pool *pool, size_t C, clipspan_error *err);
void cs_role_test_free(cs_role_test **test);

/* The role of the head whose space and moments the lane holds, from its span: all but q, outcome
 * and control_named. Of too few images no p is computed.
 *   p = (1 + n) / (1 + rotations), n of them reach the head's largest enrichment; when n reaches
 *   CS_ROTATIONS_REACH before all rotations are made, p = n / rotations made (Besag and Clifford
 *   1991), which is valid too and only ends tests that are far from significant.
 * Errors: NUMBERS, NOMEM, INTERNAL. */
clipspan_status cs_role_test_run(clipspan_role *out, cs_role_test *test, cs_span_lane *lane,
                                 const cs_span *span, clipspan_error *err);

#endif
