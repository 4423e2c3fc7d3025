/* SPDX-License-Identifier: MIT */
/* What the handle of an evaluation is made of. */
#ifndef CLIPSPAN_SRC_API_EVALUATION_API_H
#define CLIPSPAN_SRC_API_EVALUATION_API_H

#include "api/effects_api.h"
#include "study/evaluation.h"

struct clipspan_evaluation {
    clipspan_effects *effects, *means; /* means NULL: the run's own */
    const clipspan_run *run, *means_run;
    cs_evaluation evaluation;
};

#endif
