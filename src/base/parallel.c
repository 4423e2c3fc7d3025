/* SPDX-License-Identifier: MIT */
/* OpenMP loops and the count of usable processors. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/parallel.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The numbers in a small file of the kernel: how many of the two were there. */
static int numbers(const char *path, long long *first, long long *second)
{
    FILE *file = fopen(path, "r");
    int found = 0;
    if (file) {
        found = fscanf(file, "%18lld %18lld", first, second);
        fclose(file);
    }
    return found;
}

/* Whole processors that a cgroup quota (version 2, else 1) grants, rounded up; CS_MAX_THREADS
 * without a quota. */
static int quota(void)
{
    long long limit = 0, period = 0, whole;
    if (numbers("/sys/fs/cgroup/cpu.max", &limit, &period) != 2 &&
        (numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &limit, &whole) != 1 ||
         numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, &whole) != 1))
        return CS_MAX_THREADS;
    if (limit <= 0 || period <= 0) return CS_MAX_THREADS;
    whole = (limit + period - 1) / period;
    return whole < CS_MAX_THREADS ? (int)whole : CS_MAX_THREADS;
}

int cs_threads_default(void)
{
    const char *asked = getenv("OMP_NUM_THREADS");
    long n = asked ? strtol(asked, NULL, 10) : 0;
    if (n <= 0) {
        cpu_set_t set;
        int granted = quota();
        /* The set is too small for a machine of more than 1,024 processors. */
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                        : sysconf(_SC_NPROCESSORS_ONLN);
        if (n > granted) n = granted;
    }
    return n < 1 ? 1 : n > CS_MAX_THREADS ? CS_MAX_THREADS : (int)n;
}

#ifdef _OPENMP
#    include <omp.h>

void cs_parallel_for(size_t count, int threads, void (*body)(void *context, size_t index, int lane),
                     void *context)
{
    if (threads > 1 && (size_t)threads > count) threads = (int)count;
    if (threads <= 1) {
        for (size_t i = 0; i < count; i++)
            body(context, i, 0);
        return;
    }
#    pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t i = 0; i < count; i++)
        body(context, i, omp_get_thread_num());
}

int cs_threads_lend(int threads)
{
    int before = omp_get_max_threads();
    if (before != threads) omp_set_num_threads(threads);
    return before;
}

#else

void cs_parallel_for(size_t count, int threads, void (*body)(void *context, size_t index, int lane),
                     void *context)
{
    (void)threads;
    for (size_t i = 0; i < count; i++)
        body(context, i, 0);
}

int cs_threads_lend(int threads)
{
    (void)threads;
    return 1;
}

#endif
