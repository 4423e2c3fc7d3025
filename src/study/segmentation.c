/* SPDX-License-Identifier: MIT */
/* Scaling, thresholds, counts and average precision. Sums are float64. */
#include "study/segmentation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define BINS 256

void cs_segment_scale(float *r, const float *map, size_t n, int clip)
{
    float low = INFINITY, high = -INFINITY;
    size_t i;
    for (i = 0; i < n; i++) {
        r[i] = isnan(map[i]) || (clip && map[i] < 0.0F) ? 0.0F : map[i];
        if (r[i] < low) low = r[i];
        if (r[i] > high) high = r[i];
    }
    for (i = 0; i < n; i++)
        r[i] = high > low ? (r[i] - low) / (high - low) : 0.0F;
}

/* Between which bins the variance between two classes is largest; the upper edge of the lower. */
static double otsu(const float *r, size_t n)
{
    double count[BINS] = {0}, all = 0.0, below = 0.0, sum = 0.0, best = -1.0;
    size_t i, at = 0;
    for (i = 0; i < n; i++) {
        size_t bin = (size_t)(r[i] * (float)BINS);
        count[bin < BINS ? bin : BINS - 1] += 1.0;
    }
    for (i = 0; i < BINS; i++)
        all += count[i] * ((double)i + 0.5);
    for (i = 0; i + 1 < BINS; i++) {
        double above, difference, between;
        below += count[i];
        sum += count[i] * ((double)i + 0.5);
        above = (double)n - below;
        if (below == 0.0 || above == 0.0) continue;
        difference = sum / below - (all - sum) / above;
        between = below * above * difference * difference;
        if (between > best) {
            best = between;
            at = i;
        }
    }
    return best < 0.0 ? 0.0 : ((double)at + 1.0) / (double)BINS;
}

double cs_segment_threshold(const float *r, size_t n, clipspan_threshold threshold)
{
    double sum = 0.0;
    size_t i;
    if (threshold == CLIPSPAN_THRESHOLD_OTSU) return otsu(r, n);
    for (i = 0; i < n; i++)
        sum += (double)r[i];
    return sum / (double)n;
}

clipspan_status cs_segment_cut(float *cut, const float *map, size_t n, int clip,
                               clipspan_threshold threshold, clipspan_error *err)
{
    float *r = cs_alloc(n, sizeof *r, "a map's pixels", err), low = INFINITY, high = -INFINITY;
    size_t i;
    if (!r) return CLIPSPAN_E_NOMEM;
    cs_segment_scale(r, map, n, clip);
    for (i = 0; i < n; i++) {
        const float value = isnan(map[i]) || (clip && map[i] < 0.0F) ? 0.0F : map[i];
        if (value < low) low = value;
        if (value > high) high = value;
    }
    *cut =
        (float)((double)low + cs_segment_threshold(r, n, threshold) * ((double)high - (double)low));
    cs_free(r);
    return CLIPSPAN_OK;
}

/* ---- Average precision ---- */

typedef struct ranked {
    float score;
    uint32_t positive;
} ranked;

static int falling(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static double precision_of(ranked *all, size_t n)
{
    double positives = 0.0, found = 0.0, sum = 0.0;
    size_t i, end;
    for (i = 0; i < n; i++)
        positives += (double)all[i].positive;
    if (positives == 0.0) return 0.0;
    qsort(all, n, sizeof *all, falling);
    for (i = 0; i < n; i = end) {
        double before = found;
        for (end = i; end < n && all[end].score == all[i].score; end++)
            found += (double)all[end].positive;
        sum += (found - before) / positives * (found / (double)end);
    }
    return sum;
}

clipspan_status cs_average_precision(double *out, const float *scores, const uint8_t *labels,
                                     size_t n, clipspan_error *err)
{
    ranked *all = cs_alloc(n, sizeof *all, "ranked scores", err);
    size_t i;
    if (!all) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < n; i++) {
        all[i].score = scores[i];
        all[i].positive = labels[i] != 0;
    }
    *out = precision_of(all, n);
    cs_free(all);
    return CLIPSPAN_OK;
}

clipspan_status cs_segment_add(clipspan_segment_score *score, const float *r, const uint8_t *truth,
                               size_t n, clipspan_threshold threshold, clipspan_error *err)
{
    const double cut = cs_segment_threshold(r, n, threshold);
    ranked *all = cs_alloc(n, 2 * sizeof *all, "ranked scores", err);
    size_t i;
    if (!all) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < n; i++) {
        const int is = truth[i] != 0, said = (double)r[i] > cut;
        score->correct += is == said;
        if (is == said) score->both[is]++;
        score->either[is]++;
        if (is != said) score->either[said]++;
        all[i].score = 1.0F - r[i];
        all[i].positive = !is;
        all[n + i].score = r[i];
        all[n + i].positive = (uint32_t)is;
    }
    score->pixels += n;
    score->images++;
    score->precision += precision_of(all, 2 * n);
    cs_free(all);
    return CLIPSPAN_OK;
}
