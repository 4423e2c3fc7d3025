/* SPDX-License-Identifier: MIT */
/* Sets of components, each once, and their names. */
#ifndef CLIPSPAN_SRC_STUDY_COMPONENTS_H
#define CLIPSPAN_SRC_STUDY_COMPONENTS_H

#include <clipspan/effects.h>

#include "base/error.h"

typedef struct cs_components {
    int L, H;
    uint8_t *seen;            /* by component */
    clipspan_change *changes; /* [count] in the order in which they were added */
    size_t count, room;
} cs_components;

/* To be given back in any case. Errors: NOMEM. */
clipspan_status cs_components_init(cs_components *set, int L, int H, clipspan_error *err);
void cs_components_fini(cs_components *set);

/* What already exists stays as it was. Errors: ARGUMENT (no such component), NOMEM. */
clipspan_status cs_components_add(cs_components *set, clipspan_change change, clipspan_error *err);

/* As clipspan_change_get_name. */
void cs_change_name(char *out, size_t room, const clipspan_change *change);

/* The change that a name means; 0 when it is none. */
int cs_change_read(clipspan_change *out, const char *name);

#endif
