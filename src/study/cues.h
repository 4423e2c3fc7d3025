/* SPDX-License-Identifier: MIT */
/* Spurious cues: two concepts as a direction, given in words or found in a pool. */
#ifndef CLIPSPAN_SRC_STUDY_CUES_H
#define CLIPSPAN_SRC_STUDY_CUES_H

#include <clipspan/remedy.h>

#include "base/error.h"

#define CS_CUES_MOST 10

struct clipspan_cues {
    clipspan_cues_info info;
    char *words, *pool;
    float *directions; /* [info.count, P] */
    clipspan_found_cue
        *found;   /* [info.count], texts and categories owned; NULL: the cue was given */
    char **names; /* [class_count] of the classes */
    size_t class_count;
};

/* The name of a class that a text names as a word of its own (case and a plural s ignored), or
 * NULL: "a photo of ducks" names "duck". */
const char *cs_names_class(const char *text, const char *const *classes, size_t count);

#endif
