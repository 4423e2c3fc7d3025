/* SPDX-License-Identifier: MIT */
/* Explanations and views made up for tests, from a fixed pseudo-random sequence. */
#ifndef CLIPSPAN_TESTS_EXPLAIN_CRAFT_H
#define CLIPSPAN_TESTS_EXPLAIN_CRAFT_H

#include "decompose/explanation.h"
#include "draw/view.h"

typedef struct explain_craft {
    size_t layers, heads, texts;
    int rows, columns; /* of patches */
    clipspan_contrast contrast;
    const char *const *names; /* [texts] */
} explain_craft;

/* End the test when memory is short. */
cs_explanation *explain_craft_new(const explain_craft *craft);

/* A view of an image of height x width pixels, which is written to `path`. */
cs_view explain_craft_view(const explain_craft *craft, const char *path, int height, int width);

#endif
