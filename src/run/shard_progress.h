/* SPDX-License-Identifier: MIT */
/* How far the shards of a planned run are, read from its files. */
#ifndef CLIPSPAN_SRC_RUN_SHARD_PROGRESS_H
#define CLIPSPAN_SRC_RUN_SHARD_PROGRESS_H

#include "run/run_facts.h"

/* Shards [first, first + count), from 1, of `shards`; out : [count]. As clipspan_run_read_progress.
 */
clipspan_status cs_shard_progress_read(clipspan_shard_progress *out, uint64_t first, uint64_t count,
                                       uint64_t shards, const cs_run_facts *facts,
                                       const clipspan_progress *progress, clipspan_error *err);

#endif
