/* SPDX-License-Identifier: MIT */
/* Parallel loops. One place knows OpenMP; without it the loops run in order on one thread. */
#ifndef CLIPSPAN_SRC_BASE_PARALLEL_H
#define CLIPSPAN_SRC_BASE_PARALLEL_H

#include <stddef.h>

#define CS_MAX_THREADS 256

/* Processors this process may use: affinity, cgroup quota, OMP_NUM_THREADS; 1 to CS_MAX_THREADS. */
int cs_threads_default(void);

/* Calls body(context, i, lane) for every i in [0, count), on at most `threads` threads; lane is the
 * calling thread's number in [0, threads). Items are handed out one by one in order; bodies must
 * not depend on which lane they get. Fewer threads work where so many cannot be started. */
void cs_parallel_for(size_t count, int threads, void (*body)(void *context, size_t index, int lane),
                     void *context);

/* Sets how many threads libraries built on OpenMP use when the calling thread calls them (fewer,
 * where so many cannot be started), and returns the number before, so that a caller can put it
 * back. Without OpenMP: does nothing, returns 1. */
int cs_threads_lend(int threads);
/* Puts back what cs_threads_lend returned. */
void cs_threads_return(int before);

#endif
