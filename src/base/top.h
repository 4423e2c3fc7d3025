/* SPDX-License-Identifier: MIT */
/* The few highest of many numbers, kept while they pass: exact, and of equal ones the first that
 * came stands first, so that the same numbers in the same order give the same list anywhere. */
#ifndef CLIPSPAN_SRC_BASE_TOP_H
#define CLIPSPAN_SRC_BASE_TOP_H

#include <stddef.h>

typedef struct cs_top {
    size_t *items;  /* [most] what was kept, the highest first */
    double *values; /* [most] and their numbers */
    size_t most, count;
} cs_top;

/* Takes the item when its number is among the highest. NaN counts as lower than any number. */
void cs_top_add(cs_top *top, size_t item, double value);

/* out : [most] places of the highest of numbers : [n], or of those largest in size; returns how
 * many, the smaller of most and n. values : [most], work space that holds what was compared. */
size_t cs_top_highest(size_t *out, double *values, size_t most, const double *numbers, size_t n);
size_t cs_top_largest(size_t *out, double *values, size_t most, const double *numbers, size_t n);

#endif
