/* SPDX-License-Identifier: MIT */
/* What all shares left, added up. */
#ifndef CLIPSPAN_SRC_RUN_MERGE_H
#define CLIPSPAN_SRC_RUN_MERGE_H

#include "run/run_facts.h"

/* As clipspan_run_merge; `index` is open to be read, the folder locked. */
clipspan_status cs_merge_run(const cs_run_facts *facts, cs_index *index,
                             const clipspan_progress *progress, clipspan_error *err);

#endif
