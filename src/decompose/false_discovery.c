/* SPDX-License-Identifier: MIT */
/* q values of Benjamini and Hochberg, from the largest p down. */
#include "decompose/false_discovery.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

typedef struct placed {
    double p;
    size_t at;
} placed;

static int by_p(const void *x, const void *y)
{
    const placed *a = x, *b = y;
    if (a->p != b->p) return a->p < b->p ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

clipspan_status cs_false_discovery(double *q, const double *p, size_t count, clipspan_error *err)
{
    placed *sorted = cs_alloc(count, sizeof *sorted, "the p values of heads", err);
    double least = 1.0;
    size_t m = 0;
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        q[i] = -1.0;
        if (!(p[i] >= 0.0)) continue;
        sorted[m].p = p[i];
        sorted[m++].at = i;
    }
    qsort(sorted, m, sizeof *sorted, by_p);
    for (size_t j = m; j > 0; j--) {
        least = fmin(least, sorted[j - 1].p * (double)m / (double)j);
        q[sorted[j - 1].at] = least;
    }
    cs_free(sorted);
    return CLIPSPAN_OK;
}
