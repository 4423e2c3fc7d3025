/* SPDX-License-Identifier: MIT */
/* OpenMP loops and the count of usable processors: one in the base build. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/parallel.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef CLIPSPAN_CORE
/* The first and second number on the first line of a small file of the kernel, 0 for each that is
 * not there. */
static void numbers(const char *path, long long *first, long long *second)
{
    FILE *file = fopen(path, "r");
    char line[64] = "", *rest = line;
    if (file) {
        if (!fgets(line, sizeof line, file)) line[0] = '\0';
        fclose(file);
    }
    *first = strtoll(line, &rest, 10);
    *second = strtoll(rest, NULL, 10);
}

/* Whole processors that a cgroup quota (version 2, else 1) grants, rounded up; CS_MAX_THREADS
 * without a quota ("max", or -1). */
static int quota(void)
{
    long long limit, period, none;
    numbers("/sys/fs/cgroup/cpu.max", &limit, &period);
    if (period == 0) {
        numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &limit, &none);
        numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, &none);
    }
    if (limit <= 0 || period <= 0) return CS_MAX_THREADS;
    return limit / period < CS_MAX_THREADS ? (int)(limit / period + (limit % period != 0))
                                           : CS_MAX_THREADS;
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
#else
int cs_threads_default(void)
{
    return 1;
}
#endif

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
