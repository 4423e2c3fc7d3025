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

#endif
