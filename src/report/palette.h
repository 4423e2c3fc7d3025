/* SPDX-License-Identifier: MIT */
/* What a role looks like: a hue of the fixed palette and two letters, the same in every report. */
#ifndef CLIPSPAN_SRC_REPORT_PALETTE_H
#define CLIPSPAN_SRC_REPORT_PALETTE_H

#include "base/error.h"

#define CS_HUES 11 /* 0 is grey; web/base.css has the colours */

typedef struct cs_role_look {
    const char *category;
    int hue;         /* 0 to CS_HUES - 1 */
    char letters[8]; /* two characters, none like another's of the palette */
} cs_role_look;

typedef struct cs_palette {
    cs_role_look *looks; /* by category, in the alphabet's order */
    size_t count, room;
} cs_palette;

/* names : [count] categories, borrowed, may repeat. Known ones have a hue and letters of their own;
 * others are grey, with letters that the palette has free. Errors: NOMEM. */
clipspan_status cs_palette_init(cs_palette *palette, const char *const *names, size_t count,
                                clipspan_error *err);
void cs_palette_fini(cs_palette *palette);

/* The look of a category of the palette. */
const cs_role_look *cs_palette_find(const cs_palette *palette, const char *category);

#endif
