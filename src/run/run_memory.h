/* SPDX-License-Identifier: MIT */
/* A run from arrays in memory, which every reader takes like one in a folder. */
#ifndef CLIPSPAN_SRC_RUN_RUN_MEMORY_H
#define CLIPSPAN_SRC_RUN_RUN_MEMORY_H

#include "run/run_open.h"
#include "tensor/simd.h"

typedef struct clipspan_run_arrays clipspan_run_arrays; /* run.h */

/* As clipspan_run_new_arrays. Neither threads nor files. */
clipspan_status cs_run_new_arrays(cs_run **out, const clipspan_run_arrays *arrays,
                                  const cs_simd *simd, clipspan_error *err);

#endif
