/* SPDX-License-Identifier: MIT */
/* Right and wrong answers before and after a change, over all images and by group, with what
 * chance leaves open: Wilson's interval for a share, a paired bootstrap for a difference. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_COMPARE_H
#define CLIPSPAN_SRC_DECOMPOSE_COMPARE_H

#include <clipspan/effects.h>

#include "base/error.h"
#include "base/wilson.h"

/* A comparison with what its public form points to. */
typedef struct cs_comparison {
    clipspan_share before, after;
    double change, change_low, change_high;
    int32_t group, group_after;
    clipspan_comparison shown; /* as cs_comparison_show left it */
} cs_comparison;

/* Fills in and returns comparison->shown, which lives where the comparison lies. */
const clipspan_comparison *cs_comparison_show(cs_comparison *comparison);

/* Answers: 1 right, 0 wrong, CS_NO_ANSWER for an image whose right class is not known. */
#define CS_NO_ANSWER 255

/* overall : one   per_group : [groups]   worst : one, NULL without groups
 *   before, after : [count] answers    group : [count], from 0, or -1 for none; NULL without
 * An image with no answer enters nothing. Of groups without images all figures but the count are
 * 0, and none of them is the worst. Images are drawn anew `resamples` times within their groups
 * (those without a group among themselves), the same ones before and after; the interval of a
 * change leaves 2.5 % of the resamples on each side. resamples 0: no intervals of changes, which
 * are then the change itself. Errors: NOMEM. */
clipspan_status cs_compare(cs_comparison *overall, cs_comparison *per_group, cs_comparison *worst,
                           const uint8_t *before, const uint8_t *after, const int32_t *group,
                           size_t count, size_t groups, int resamples, uint64_t seed,
                           clipspan_error *err);

#endif
