/* SPDX-License-Identifier: MIT */
/* Differences of maps. */
#include "study/contrast.h"

size_t cs_contrast_rows(clipspan_map_contrast contrast, size_t T)
{
    if (T < 2 && contrast != CLIPSPAN_MAP_CONTRAST_NONE) return 0;
    return contrast == CLIPSPAN_MAP_CONTRAST_PAIRS ? T * (T - 1) / 2 : T;
}

void cs_contrast_pair(size_t *first, size_t *second, clipspan_map_contrast contrast, size_t T,
                      size_t row)
{
    *first = *second = row;
    if (contrast != CLIPSPAN_MAP_CONTRAST_PAIRS) return;
    *first = 0;
    while (row >= T - 1 - *first) {
        row -= T - 1 - *first;
        ++*first;
    }
    *second = *first + 1 + row;
}

/* The highest of the other texts at place j. */
static float find_runner_up(const float *maps, size_t T, size_t stride, size_t text, size_t j)
{
    float best = maps[(text == 0) * stride + j];
    size_t t;
    for (t = 0; t < T; t++)
        if (t != text && maps[t * stride + j] > best) best = maps[t * stride + j];
    return best;
}

void cs_contrast_run(float *out, const float *maps, size_t T, size_t n, size_t stride,
                     clipspan_map_contrast contrast)
{
    const size_t rows = cs_contrast_rows(contrast, T);
    size_t row, a, b, j, t;
    for (row = 0; row < rows; row++) {
        cs_contrast_pair(&a, &b, contrast, T, row);
        for (j = 0; j < n; j++) {
            double value = (double)maps[a * stride + j], mean = 0.0;
            if (contrast == CLIPSPAN_MAP_CONTRAST_PAIRS) value -= (double)maps[b * stride + j];
            if (contrast == CLIPSPAN_MAP_CONTRAST_RUNNER_UP)
                value -= (double)find_runner_up(maps, T, stride, a, j);
            for (t = 0; t < T && contrast == CLIPSPAN_MAP_CONTRAST_MEAN; t++)
                mean += (double)maps[t * stride + j];
            if (contrast == CLIPSPAN_MAP_CONTRAST_MEAN) value -= mean / (double)T;
            out[row * n + j] = (float)value;
        }
    }
}

const char *cs_contrast_words(clipspan_contrast contrast)
{
    switch (contrast) {
    case CLIPSPAN_CONTRAST_MEAN: return "each text minus the mean of all";
    case CLIPSPAN_CONTRAST_RUNNER_UP:
        return "each text minus its strongest runner-up at each patch";
    case CLIPSPAN_CONTRAST_NONE: break;
    }
    return "scores of the texts as they are";
}
