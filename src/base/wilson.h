/* SPDX-License-Identifier: MIT */
/* How far a share that was counted can be trusted. */
#ifndef CLIPSPAN_SRC_BASE_WILSON_H
#define CLIPSPAN_SRC_BASE_WILSON_H

#include <stdint.h>

/* The 95 % interval of a share of which `good` of `all` were counted (Wilson 1927). */
void cs_wilson(double *low, double *high, uint64_t good, uint64_t all);

#endif
