/* SPDX-License-Identifier: MIT */
/* What the handles of effects and shortcuts are made of. */
#ifndef CLIPSPAN_SRC_API_EFFECTS_API_H
#define CLIPSPAN_SRC_API_EFFECTS_API_H

#include <clipspan/effects.h>

#include "api/handles.h"
#include "study/shortcut.h"

struct clipspan_effects {
    cs_effects *effects;
};

/* `source`, or the effects themselves; checked to go together. */
clipspan_status cs_effects_source(cs_effects **out, const clipspan_effects *effects,
                                  const clipspan_effects *source, clipspan_error *err);

/* Items of an edit, checked.   items : [edit's count]   constants that have to be made are appended
 * to *made (each for cs_free, *made_count of them, room for the edit's count). */
typedef struct cs_item_maker {
    const cs_effects *effects;
    cs_effects *source;
    uint8_t *seen; /* [terms + 1] */
    double **made;
    size_t made_count;
} cs_item_maker;
clipspan_status cs_edit_items(cs_edit_item *items, cs_item_maker *maker, const clipspan_edit *edit,
                              clipspan_error *err);

#endif
