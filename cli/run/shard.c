/* SPDX-License-Identifier: MIT */
/* Shards from the command line and from what starts many processes.
 *
 * Two things number a process: the task of a job array that it belongs to, and its rank among the
 * processes of one job. Where both are there they multiply: task t of an array whose jobs have R
 * ranks does the shards (t - 1) R + 1 to t R. */
#include "cli/run/shard.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS_MOST  UINT64_C(1000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Digits up to `end`; 0 when there is anything else. */
static int read_digits(uint64_t *out, const char *text, char end)
{
    const char *p = text;
    for (*out = 0; *p >= '0' && *p <= '9' && *out <= SHARDS_MOST; p++)
        *out = *out * 10 + (uint64_t)(*p - '0');
    return p > text && *p == end;
}

/* The integer of an environment variable; 0 when it is not set, or no number. */
static int read_variable(uint64_t *out, const char *name)
{
    const char *text = name ? getenv(name) : NULL;
    return text && read_digits(out, text, '\0');
}

/* ---- Ranks: processes of one job, numbered from 0 ---- */

typedef struct rank_names {
    const char *rank, *size; /* size NULL: the launcher does not say */
} rank_names;

/* What the launcher of MPI says comes before what the batch system around it says. */
static const rank_names launchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, /* Open MPI */
    {"PMI_RANK", "PMI_SIZE"},                         /* MPICH, Intel MPI, PALS of Cray */
    {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},   /* MVAPICH2 */
    {"PALS_RANKID", "PALS_SIZE"},                     /* PALS without PMI */
    {"FLUX_TASK_RANK", "FLUX_JOB_SIZE"},              /* Flux */
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},         /* srun */
    {"SLURM_PROCID", "SLURM_NTASKS"},                 /* the same, older; not inside an array */
    {"RANK", "WORLD_SIZE"},                           /* torchrun */
    {"PMIX_RANK", NULL},
};

typedef struct ranks {
    uint64_t rank, size; /* size 0: not known */
    int found, spans;    /* spans: all tasks of an array together, not one of them */
} ranks;

/* torchrun counts over all of its nodes; when these are the tasks of an array, so does the rank. */
static int is_spanning(const rank_names *names)
{
    uint64_t nodes;
    return strcmp(names->rank, "RANK") == 0 && read_variable(&nodes, "GROUP_WORLD_SIZE") &&
           nodes > 1;
}

/* The first launcher with more than one rank; one of size 1 hides nothing. */
static ranks find_ranks(int in_array)
{
    ranks best = {0, 1, 0, 0};
    for (size_t i = 0; i < COUNT(launchers); i++) {
        ranks r = {0, 0, 1, is_spanning(&launchers[i])};
        const char *size = launchers[i].size;
        if (in_array && size && strcmp(size, "SLURM_NTASKS") == 0) continue;
        if (!read_variable(&r.rank, launchers[i].rank)) continue;
        if (size && (!read_variable(&r.size, size) || r.rank >= r.size)) continue;
        if (r.size > 1) return r;
        if (!best.found) best = r;
    }
    return best;
}

/* ---- Arrays: jobs that differ by a number ---- */

typedef struct array_names {
    const char *id, *first, *last, *step, *count; /* NULL: the scheduler does not say */
    int from_zero; /* tasks are always numbered 0 … count - 1; else as the user submits them */
} array_names;

static const array_names schedulers[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP",
     "SLURM_ARRAY_TASK_COUNT", 0},
    {"SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", NULL, 0},
    {"PBS_ARRAY_INDEX", NULL, NULL, NULL, NULL, 0}, /* PBS Professional, OpenPBS */
    {"PBS_ARRAYID", NULL, NULL, NULL, NULL, 0},     /* Torque */
    {"LSB_JOBINDEX", NULL, "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP", NULL, 0},       /* LSF */
    {"JOB_COMPLETION_INDEX", NULL, NULL, NULL, "JOB_COMPLETIONS", 1},               /* Kubernetes */
    {"AWS_BATCH_JOB_ARRAY_INDEX", NULL, NULL, NULL, "AWS_BATCH_JOB_ARRAY_SIZE", 1}, /* AWS Batch */
    {"BATCH_TASK_INDEX", NULL, NULL, NULL, "BATCH_TASK_COUNT", 1},                  /* GCP Batch */
    {"CLOUD_RUN_TASK_INDEX", NULL, NULL, NULL, "CLOUD_RUN_TASK_COUNT", 1},          /* Cloud Run */
};

typedef struct array_task {
    const array_names *names; /* NULL: no array */
    uint64_t id;
    uint64_t first, last, step, count; /* count 0: not known */
} array_task;

static array_task find_array(void)
{
    array_task t = {0};
    for (size_t i = 0; i < COUNT(schedulers) && !t.names; i++) {
        const array_names *n = &schedulers[i];
        if (!read_variable(&t.id, n->id)) continue;
        if (strcmp(n->id, "LSB_JOBINDEX") == 0 && t.id == 0) continue; /* a job, no array */
        t.names = n;
    }
    if (!t.names) return t;
    if (!read_variable(&t.first, t.names->first)) t.first = t.names->from_zero ? 0 : 1;
    if (!read_variable(&t.step, t.names->step) || t.step == 0) t.step = 1;
    if (!read_variable(&t.count, t.names->count)) t.count = 0;
    if (!read_variable(&t.last, t.names->last))
        t.last = t.count ? t.first + (t.count - 1) * t.step : 0;
    else if (!t.count && t.last >= t.first)
        t.count = (t.last - t.first) / t.step + 1;
    return t;
}

/* auto/N: the task's own number is that of its shards, whatever else is in the array, so that one
 * task that is submitted again does its own work. */
static clipspan_status number_of(uint64_t *number, const array_task *t, clipspan_error *err)
{
    *number = t->names->from_zero ? t->id + 1 : t->id;
    if (*number >= 1) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--shard auto/N: %s is 0, and shards are numbered from 1: submit the array as "
                   "1-N",
                   t->names->id);
}

/* auto: the array is all there is, so it must look whole. */
static clipspan_status place_of(uint64_t *number, const array_task *t, clipspan_error *err)
{
    if (t->count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard auto: %s is set, but how many shards there are is not%s%s: say "
                       "--shard auto/N",
                       t->names->id, t->names->count ? "; it is read from " : "",
                       t->names->count ? t->names->count : "");
    if (!t->names->from_zero &&
        (t->first > 1 || t->count == 1 || (t->last - t->first) / t->step + 1 != t->count ||
         t->id < t->first || (t->id - t->first) % t->step != 0))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard auto: this array seems to be a part of another one (task %llu, "
                       "%llu tasks from %llu on), so which shard it is cannot be told from it. Say "
                       "how many shards there are: --shard auto/N takes the task's own number, "
                       "from 1 to N",
                       (unsigned long long)t->id, (unsigned long long)t->count,
                       (unsigned long long)t->first);
    *number = (t->id - t->first) / t->step + 1;
    return CLIPSPAN_OK;
}

/* ---- Both ---- */

static clipspan_status lack(clipspan_error *err)
{
    return cs_fail(
        err, CLIPSPAN_E_ARGUMENT,
        "--shard auto: the environment names no shard. It is read from job arrays (Slurm, SGE, "
        "PBS, LSF, a Kubernetes indexed job, AWS Batch, GCP Batch, Cloud Run: "
        "SLURM_ARRAY_TASK_ID and its like) and from ranks (OMPI_COMM_WORLD_RANK, PMI_RANK, "
        "MV2_COMM_WORLD_RANK, PALS_RANKID, FLUX_TASK_RANK, SLURM_PROCID, RANK, PMIX_RANK, each "
        "with its size); or say --shard I/N");
}

/* said: N of auto/N, or 0. */
static clipspan_status from_environment(uint64_t *shard, uint64_t *shards, uint64_t said,
                                        clipspan_error *err)
{
    const array_task task = find_array();
    const ranks r = find_ranks(task.names != NULL);
    const int array = task.names && !r.spans;
    uint64_t number = 1;
    if (!array && !r.found) return lack(err);
    if (array) CS_TRY(said ? number_of(&number, &task, err) : place_of(&number, &task, err));
    if (r.size == 0 && (array || !said))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard auto: PMIX_RANK is set, but how many ranks there are is not: say "
                       "--shard I/N%s",
                       array ? "" : ", or auto/N");
    *shard = (number - 1) * (r.size ? r.size : 1) + r.rank + 1;
    *shards = said ? said : (array ? task.count : 1) * r.size;
    if (*shard <= *shards && *shards <= SHARDS_MOST) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--shard auto%s: the environment gives shard %llu of %llu", said ? "/N" : "",
                   (unsigned long long)*shard, (unsigned long long)*shards);
}

static clipspan_status read_auto(uint64_t *shard, uint64_t *shards, const char *text,
                                 clipspan_error *err)
{
    uint64_t said = 0;
    if (text[4] &&
        (text[4] != '/' || !read_digits(&said, text + 5, '\0') || said < 1 || said > SHARDS_MOST))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--shard: expected I/N, auto or auto/N, found \"%s\"", text);
    return from_environment(shard, shards, said, err);
}

clipspan_status cli_shard_read(uint64_t *shard, uint64_t *shards, const char *text,
                               clipspan_error *err)
{
    const char *slash = strchr(text, '/');
    if (strncmp(text, "auto", 4) == 0) return read_auto(shard, shards, text, err);
    if (slash && read_digits(shard, text, '/') && read_digits(shards, slash + 1, '\0') &&
        *shard >= 1 && *shard <= *shards && *shards <= SHARDS_MOST)
        return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--shard: expected I/N with I from 1 to N, auto or auto/N, found \"%s\"", text);
}
