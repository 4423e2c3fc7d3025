/* SPDX-License-Identifier: MIT */
/* What the public explanation is made of. */
#ifndef CLIPSPAN_SRC_API_EXPLAIN_API_H
#define CLIPSPAN_SRC_API_EXPLAIN_API_H

#include "decompose/explanation.h"

struct clipspan_explanation {
    cs_explanation *explanation;
};

#endif
