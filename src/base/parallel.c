/* SPDX-License-Identifier: MIT */
/* OpenMP loops and the count of usable processors. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/parallel.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* Whole processors that a cgroup quota grants, rounded up; a large number without a quota. */
static int quota(void)
{
    long long limit = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (file) {
        if (fscanf(file, "%18lld %18lld", &limit, &period) != 2) limit = 0;
        fclose(file);
    }
    return limit > 0 && period > 0 ? (int)((limit + period - 1) / period) : CS_MAX_THREADS;
}

int cs_threads_default(void)
{
    const char *asked = getenv("OMP_NUM_THREADS");
    long n = asked ? strtol(asked, NULL, 10) : 0;
    if (n <= 0) {
        cpu_set_t set;
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
        if (n > quota()) n = quota();
    }
    return n < 1 ? 1 : n > CS_MAX_THREADS ? CS_MAX_THREADS : (int)n;
}

#ifdef _OPENMP
#    include <omp.h>

void cs_parallel_for(size_t count, int threads, void (*body)(void *context, size_t index, int lane),
                     void *context)
{
    if ((size_t)threads > count) threads = (int)count;
    if (threads <= 1) {
        for (size_t i = 0; i < count; i++)
            body(context, i, 0);
        return;
    }
#    pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t i = 0; i < count; i++)
        body(context, i, omp_get_thread_num());
}

#else

void cs_parallel_for(size_t count, int threads, void (*body)(void *context, size_t index, int lane),
                     void *context)
{
    (void)threads;
    for (size_t i = 0; i < count; i++)
        body(context, i, 0);
}

#endif
