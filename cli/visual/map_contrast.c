/* SPDX-License-Identifier: MIT */
/* Differences of maps, patch by patch. */
#include "cli/visual/map_contrast.h"

#include <clipspan/clipspan.h>

clipspan_status cli_contrast_resolve(int *contrast, size_t T, clipspan_error *err)
{
    if (*contrast == CLI_CONTRAST_AUTO) *contrast = T > 1 ? CLI_CONTRAST_MEAN : CLI_CONTRAST_NONE;
    if (T < 2 && *contrast != CLI_CONTRAST_NONE)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--contrast needs at least two texts; with one there is nothing to stand "
                       "against");
    return CLIPSPAN_OK;
}

size_t cli_contrast_rows(int contrast, size_t T)
{
    return contrast == CLI_CONTRAST_PAIRS ? T * (T - 1) / 2 : T;
}

void cli_contrast_pair(size_t *first, size_t *second, int contrast, size_t T, size_t row)
{
    *first = *second = row;
    if (contrast != CLI_CONTRAST_PAIRS) return;
    *first = 0;
    while (row >= T - 1 - *first) {
        row -= T - 1 - *first;
        ++*first;
    }
    *second = *first + 1 + row;
}

/* The highest of the other texts at place j. */
static float runner_up(const float *maps, size_t T, size_t stride, size_t text, size_t j)
{
    float best = maps[(text == 0) * stride + j];
    for (size_t t = 0; t < T; t++)
        if (t != text && maps[t * stride + j] > best) best = maps[t * stride + j];
    return best;
}

void cli_contrast_run(float *out, const float *maps, size_t T, size_t n, size_t stride,
                      int contrast)
{
    const size_t rows = cli_contrast_rows(contrast, T);
    for (size_t row = 0; row < rows; row++) {
        size_t a, b;
        cli_contrast_pair(&a, &b, contrast, T, row);
        for (size_t j = 0; j < n; j++) {
            double value = (double)maps[a * stride + j], mean = 0.0;
            if (contrast == CLI_CONTRAST_PAIRS) value -= (double)maps[b * stride + j];
            if (contrast == CLI_CONTRAST_RUNNER_UP)
                value -= (double)runner_up(maps, T, stride, a, j);
            if (contrast == CLI_CONTRAST_MEAN) {
                for (size_t t = 0; t < T; t++)
                    mean += (double)maps[t * stride + j];
                value -= mean / (double)T;
            }
            out[row * n + j] = (float)value;
        }
    }
}

const char *cli_contrast_name(int contrast)
{
    switch (contrast) {
    case CLI_CONTRAST_MEAN: return "each text minus the mean of all";
    case CLI_CONTRAST_RUNNER_UP: return "each text minus its strongest runner-up at each patch";
    case CLI_CONTRAST_PAIRS: return "one text minus another";
    default: return "scores of the texts as they are";
    }
}
