/* SPDX-License-Identifier: MIT */
/* Which share of a run this process is to do. */
#ifndef CLIPSPAN_CLI_SHARD_H
#define CLIPSPAN_CLI_SHARD_H

#include "base/error.h"

/* "3/10"; "auto": both numbers from the environment that Open MPI, PMI, Slurm or a Kubernetes
 * indexed job sets; "auto/10": the first from there. *shard counts from 1. Errors: ARGUMENT. */
clipspan_status cli_shard_read(uint64_t *shard, uint64_t *shards, const char *text,
                               clipspan_error *err);

#endif
