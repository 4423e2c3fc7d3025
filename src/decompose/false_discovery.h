/* SPDX-License-Identifier: MIT */
/* False discovery rate over many tests: Benjamini and Hochberg, Journal of the Royal Statistical
 * Society B 57, 1995. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_FALSE_DISCOVERY_H
#define CLIPSPAN_SRC_DECOMPOSE_FALSE_DISCOVERY_H

#include "base/error.h"

/* q of every test: of the sorted p, the smallest of p_(j) m / j over j from its own place on, at
 * most 1. Rejecting where q <= rate keeps the expected share of false ones among the rejected at or
 * below rate for tests that are independent or positively dependent.
 *   p, q : [count]; a negative p is no test: it is not counted in m and its q is -1
 * Errors: NOMEM. */
clipspan_status cs_false_discovery(double *q, const double *p, size_t count, clipspan_error *err);

#endif
