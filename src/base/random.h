/* SPDX-License-Identifier: MIT */
/* Pseudo-random numbers whose sequence is fixed by a seed, on every machine (SplitMix64: a counter
 * through a mixing function; Steele, Lea and Flood 2014). For resampling and permutations, not for
 * secrets. */
#ifndef CLIPSPAN_SRC_BASE_RANDOM_H
#define CLIPSPAN_SRC_BASE_RANDOM_H

#include <stdint.h>

/* The state; any seed is as good as another. */
typedef struct cs_random {
    uint64_t state;
} cs_random;

uint64_t cs_random_next(cs_random *random);

/* Uniform in [0, count), exactly; count at least 1. */
uint64_t cs_random_below(cs_random *random, uint64_t count);

#endif
