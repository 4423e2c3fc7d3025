/* SPDX-License-Identifier: MIT */
/* Shares from the command line and from what starts many processes. */
#include "cli/run/shard.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS_MOST UINT64_C(1000000)

/* Digits up to `end`; 0 when there is anything else. */
static int digits(uint64_t *out, const char *text, char end)
{
    const char *p = text;
    for (*out = 0; *p >= '0' && *p <= '9' && *out <= SHARDS_MOST; p++)
        *out = *out * 10 + (uint64_t)(*p - '0');
    return p > text && *p == end;
}

/* The integer of an environment variable; 0 when it is not set. */
static int variable(uint64_t *out, const char *name)
{
    const char *text = getenv(name);
    return text && digits(out, text, '\0');
}

/* A rank and how many there are. */
static int ranked(uint64_t *index, uint64_t *count, const char *rank, const char *size)
{
    return variable(index, rank) && variable(count, size);
}

/* Slurm: tasks of an array, each of which may be a step of several tasks. */
static int from_slurm(uint64_t *index, uint64_t *count)
{
    uint64_t id = 0, least = 0, step = 1, jobs = 1, task = 0, tasks = 1;
    int array = variable(&id, "SLURM_ARRAY_TASK_ID");
    if (array) {
        if (!variable(&least, "SLURM_ARRAY_TASK_MIN") ||
            !variable(&jobs, "SLURM_ARRAY_TASK_COUNT") || id < least)
            return 0;
        if (!variable(&step, "SLURM_ARRAY_TASK_STEP") || step == 0) step = 1;
        if ((id - least) % step != 0) return 0;
        id = (id - least) / step;
    }
    if (!ranked(&task, &tasks, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS") &&
        (array || !ranked(&task, &tasks, "SLURM_PROCID", "SLURM_NTASKS"))) {
        if (!array) return 0;
        task = 0;
        tasks = 1;
    }
    *index = id * tasks + task;
    *count = jobs * tasks;
    return *index < *count;
}

/* index from 0; *count 0 when only the index is known. */
static int from_environment(uint64_t *index, uint64_t *count)
{
    if (ranked(index, count, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")) return 1;
    if (ranked(index, count, "PMI_RANK", "PMI_SIZE")) return 1;
    if (from_slurm(index, count)) return 1;
    if (!variable(index, "JOB_COMPLETION_INDEX")) return 0;
    if (!variable(count, "JOB_COMPLETIONS")) *count = 0;
    return 1;
}

static clipspan_status read_auto(uint64_t *shard, uint64_t *shards, const char *text,
                                 clipspan_error *err)
{
    uint64_t index = 0, count = 0, said = 0;
    if (text[4] && (text[4] != '/' || !digits(&said, text + 5, '\0')))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard: expected I/N, auto or auto/N, found \"%s\"", text);
    if (!from_environment(&index, &count))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard auto: the environment names no shard. It is read from "
                       "OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and _SIZE, SLURM_ARRAY_TASK_ID "
                       "with _MIN and _COUNT, SLURM_PROCID with SLURM_NTASKS, and "
                       "JOB_COMPLETION_INDEX with JOB_COMPLETIONS; or say --shard I/N");
    if (said) count = said;
    if (count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard auto: JOB_COMPLETION_INDEX is set, but how many shards there are "
                       "is not: say --shard auto/N, or set JOB_COMPLETIONS in the job");
    if (index >= count || count > SHARDS_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard %s: the environment gives number %llu (from 0) of %llu shards",
                       text, (unsigned long long)index, (unsigned long long)count);
    *shard = index + 1;
    *shards = count;
    return CLIPSPAN_OK;
}

clipspan_status cli_shard_read(uint64_t *shard, uint64_t *shards, const char *text,
                               clipspan_error *err)
{
    const char *slash = strchr(text, '/');
    if (strncmp(text, "auto", 4) == 0) return read_auto(shard, shards, text, err);
    if (slash && digits(shard, text, '/') && digits(shards, slash + 1, '\0') && *shard >= 1 &&
        *shard <= *shards && *shards <= SHARDS_MOST)
        return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--shard: expected I/N with I from 1 to N, auto or auto/N, found \"%s\"", text);
}
