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

#if defined(_OPENMP) && !defined(CLIPSPAN_CORE)
#    include "base/memory_budget.h"

#    include <omp.h>
#    include <pthread.h>

#    define ROOM      ((size_t)64 << 20) /* left beside the stacks: what all allocate, */
#    define ROOM_EACH ((size_t)2 << 20)  /* and each of them */

/* OpenMP ends the process when it cannot have its threads. So as many are started and ended here
 * first, where a failure only means fewer; once for every number that is larger than before. */
static pthread_mutex_t tried_lock = PTHREAD_MUTEX_INITIALIZER;
static int tried = 1, most = CS_MAX_THREADS; /* known to work; known to be too many, less one */

/* An allocation gives the thread its share of the allocator's address space, as work would. */
static void *wait_for_all(void *context)
{
    pthread_mutex_t *gate = context;
    free(malloc(1024));
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* How many of `count` threads can be there at the same time, with ROOM left. */
static int start_and_end(int count)
{
    pthread_t threads[CS_MAX_THREADS];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    int started = 0;
    pthread_mutex_lock(&gate);
    while (started < count && cs_memory_has_room(ROOM + (size_t)started * ROOM_EACH) &&
           pthread_create(&threads[started], NULL, wait_for_all, &gate) == 0)
        started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&gate);
    return started;
}

/* The caller's thread is one of them. */
static int granted(int threads)
{
    if (threads > CS_MAX_THREADS) threads = CS_MAX_THREADS;
    if (threads <= 1) return 1;
    pthread_mutex_lock(&tried_lock);
    if (threads > tried && tried < most) {
        const int got = 1 + start_and_end(threads - 1);
        if (got > tried) tried = got;
        if (got < threads) most = tried;
    }
    if (threads > tried) threads = tried;
    pthread_mutex_unlock(&tried_lock);
    return threads;
}

void cs_parallel_for(size_t count, int threads, void (*body)(void *context, size_t index, int lane),
                     void *context)
{
    if (threads > 1 && (size_t)threads > count) threads = (int)count;
    threads = granted(threads);
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
    threads = granted(threads);
    if (before != threads) omp_set_num_threads(threads);
    return before;
}

void cs_threads_return(int before)
{
    if (omp_get_max_threads() != before) omp_set_num_threads(before);
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

void cs_threads_return(int before)
{
    (void)before;
}

#endif
