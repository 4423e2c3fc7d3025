/* SPDX-License-Identifier: MIT */
/* Models that mean nothing: every head's output turned by a random rotation of its own space, or
 * the pool's categories dealt at random. Whatever is claimed of them is false. */
#ifndef CLIPSPAN_TESTS_CLAIMS_NULL_MODELS_H
#define CLIPSPAN_TESTS_CLAIMS_NULL_MODELS_H

#include "base/random.h"
#include "decompose/role_test.h"

/* The output map of the head turned: A = R Q becomes R U Q with U uniformly distributed, so that
 * the statistics of coefficients, blocks too, are those of the turned output. out, map : [C, P] */
clipspan_status cs_null_turn(float *out, const float *map, size_t C, size_t P, cs_random *random,
                             clipspan_error *err);

/* Categories in random order. */
void cs_null_deal(cs_categories *categories, cs_random *random);

/* Roles and leanings of heads looked at together, without resamples (a role counts as a leaning).
 * claims : [5] heads by outcome */
clipspan_status cs_null_claims(int claims[5], const cs_span_pool *pool, const cs_span_head *heads,
                               size_t count, size_t C, const cs_role_wish *wish, int threads,
                               clipspan_error *err);

#endif
