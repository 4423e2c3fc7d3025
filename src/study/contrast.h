/* SPDX-License-Identifier: MIT */
/* Maps of several texts against each other, patch by patch: include/clipspan/explain.h. */
#ifndef CLIPSPAN_SRC_STUDY_CONTRAST_H
#define CLIPSPAN_SRC_STUDY_CONTRAST_H

#include <clipspan/decompose.h>
#include <clipspan/explain.h>

size_t cs_contrast_rows(clipspan_map_contrast contrast, size_t T);
void cs_contrast_pair(size_t *first, size_t *second, clipspan_map_contrast contrast, size_t T,
                      size_t row);
/* T at least 2, but for NONE. */
void cs_contrast_run(float *out, const float *maps, size_t T, size_t n, size_t stride,
                     clipspan_map_contrast contrast);

/* "each text minus the mean of all" */
const char *cs_contrast_words(clipspan_contrast contrast);

#endif
