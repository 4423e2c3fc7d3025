/* SPDX-License-Identifier: MIT */
/* Atlases made up for tests: every kind of role, top and bottom images in the last four layers, all
 * from a fixed pseudo-random sequence. */
#ifndef CLIPSPAN_TESTS_ATLAS_CRAFT_H
#define CLIPSPAN_TESTS_ATLAS_CRAFT_H

#include "atlas/atlas.h"

typedef struct atlas_craft {
    int layers, heads, basis_texts;
    size_t images;
    const char *const *names; /* [images] paths; NULL: "photos/image-N.jpg" */
    const char *folder;       /* where they lie */
    const char *text;         /* of every basis text; NULL: made up */
    int bare;                 /* no categories, stability, control texts or top and bottom images */
} atlas_craft;

/* An atlas to be given back with atlas_craft_free. Ends the test when memory is short. */
cs_atlas *atlas_craft_new(const atlas_craft *craft);
void atlas_craft_free(cs_atlas **atlas);

#endif
