/* SPDX-License-Identifier: MIT */
/* A small run with labels and groups, and a bank of its five classes, for tests of studies. */
#ifndef CLIPSPAN_TESTS_STUDY_STUDY_CRAFT_H
#define CLIPSPAN_TESTS_STUDY_STUDY_CRAFT_H

#include "run_craft.h"

#include <clipspan/clipspan.h>

enum { STUDY_CLASSES = 5 };

typedef struct study_craft {
    run_craft craft;
    char *path;
    clipspan_run *run;
    clipspan_bank *bank; /* classes a to e of labels l0 to l4 */
} study_craft;

/* `rows` images. The test fails when any of it does. */
void study_craft_init(study_craft *study, size_t rows);
void study_craft_fini(study_craft *study);

/* `count` vectors by name t0, t1, …, from a fixed pseudo-random sequence. */
clipspan_bank *study_craft_bank(const study_craft *study, size_t count, uint32_t seed);

clipspan_evaluation *study_craft_evaluate(const study_craft *study,
                                          const clipspan_evaluation_options *options);

/* Text of a document, for free; put is its writer. */
typedef struct study_text {
    char *text;
    size_t used;
} study_text;
void study_text_put(void *to, const char *text, size_t size);

#endif
