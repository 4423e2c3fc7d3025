/* SPDX-License-Identifier: MIT */
/* Which share of a run this process is to do. */
#ifndef CLIPSPAN_CLI_SHARD_H
#define CLIPSPAN_CLI_SHARD_H

#include "base/error.h"

/* "3/10"; "auto": both numbers from what batch systems and launchers of processes set in the
 * environment; "auto/10": of 10 shards the one with the task's own number (from 1), so that a task
 * that is submitted again alone does its own shard. *shard counts from 1. Errors: ARGUMENT. */
clipspan_status cli_shard_read(uint64_t *shard, uint64_t *shards, const char *text,
                               clipspan_error *err);

#endif
