/* SPDX-License-Identifier: MIT */
/* What the handles of effects and shortcuts are made of. */
#ifndef CLIPSPAN_SRC_API_EFFECTS_API_H
#define CLIPSPAN_SRC_API_EFFECTS_API_H

#include "api/handles.h"
#include "study/effects_texts.h"
#include "study/shortcut.h"

struct clipspan_effects {
    cs_effects *effects;
};

/* What the span of a head says of it; borrowed. */
cs_head_texts cs_head_texts_of(const clipspan_span *span);

#endif
