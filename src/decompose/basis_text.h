/* SPDX-License-Identifier: MIT */
/* Storage of a clipspan_basis_text. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_BASIS_TEXT_H
#define CLIPSPAN_SRC_DECOMPOSE_BASIS_TEXT_H

#include <clipspan/span.h>

/* Texts beside a basis text: where its members point. */
typedef struct cs_span_others {
    clipspan_runner_up runner_up[CLIPSPAN_RUNNERS_UP], near_duplicate[CLIPSPAN_RUNNERS_UP];
} cs_span_others;

#endif
