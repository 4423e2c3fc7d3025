/* SPDX-License-Identifier: MIT */
/* Insertion into a short sorted list. */
#include "base/top.h"

#include <math.h>

void cs_top_add(cs_top *top, size_t item, double value)
{
    const double rank = isnan(value) ? -(double)INFINITY : value;
    size_t at;
    if (top->most == 0) return;
    if (top->count == top->most && !(rank > top->values[top->count - 1])) return;
    at = top->count < top->most ? top->count++ : top->most - 1;
    for (; at > 0 && rank > top->values[at - 1]; at--) {
        top->items[at] = top->items[at - 1];
        top->values[at] = top->values[at - 1];
    }
    top->items[at] = item;
    top->values[at] = rank;
}

size_t cs_top_highest(size_t *out, double *values, size_t most, const double *numbers, size_t n)
{
    cs_top top = {out, values, most, 0};
    for (size_t i = 0; i < n; i++)
        cs_top_add(&top, i, numbers[i]);
    return top.count;
}

size_t cs_top_largest(size_t *out, double *values, size_t most, const double *numbers, size_t n)
{
    cs_top top = {out, values, most, 0};
    for (size_t i = 0; i < n; i++)
        cs_top_add(&top, i, fabs(numbers[i]));
    return top.count;
}
