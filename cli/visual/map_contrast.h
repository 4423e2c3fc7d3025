/* SPDX-License-Identifier: MIT */
/* What maps of several texts say against each other. */
#ifndef CLIPSPAN_CLI_MAP_CONTRAST_H
#define CLIPSPAN_CLI_MAP_CONTRAST_H

#include "base/error.h"

enum {
    CLI_CONTRAST_AUTO, /* MEAN with several texts, else NONE */
    CLI_CONTRAST_NONE,
    CLI_CONTRAST_MEAN,      /* minus the mean over all texts, as published */
    CLI_CONTRAST_RUNNER_UP, /* minus the highest of the other texts, patch by patch */
    CLI_CONTRAST_PAIRS      /* every text minus every later one: T (T - 1) / 2 maps */
};

/* Replaces AUTO. Errors: ARGUMENT when one text is to stand against others. */
clipspan_status cli_contrast_resolve(int *contrast, size_t T, clipspan_error *err);

/* How many maps come out, and the two texts of a pair (otherwise both are `row`). */
size_t cli_contrast_rows(int contrast, size_t T);
void cli_contrast_pair(size_t *first, size_t *second, int contrast, size_t T, size_t row);

/* out : [rows, n]   maps : [T, n] with rows `stride` numbers apart */
void cli_contrast_run(float *out, const float *maps, size_t T, size_t n, size_t stride,
                      int contrast);

/* "each text minus the mean of all" and so on. */
const char *cli_contrast_name(int contrast);

#endif
