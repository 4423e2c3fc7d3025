/* SPDX-License-Identifier: MIT */
/* What the program decides for its whole process, before anything computes; the library leaves a
 * process as it is. */
#define _GNU_SOURCE /* RTLD_DEFAULT, pthread_setattr_default_np */
#include "cli/frame/process.h"
#include "base/memory_budget.h"

#include <clipspan/clipspan.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __GLIBC__
#    include <malloc.h>
#endif

#define CLI_NO_MEMORY 7 /* as docs and main.c have it */

#define STACK         (2 << 20)   /* bytes for a thread */
#define STACK_LEAST   (512 << 10) /* for the main one */

/* Our own loops share out the work. Threads of an OpenBLAS would compete with them, and their
 * number would show in the last bits; one that is loaded later reads its environment then, one that
 * is linked has read it already. */
static void limit_openblas(void)
{
    void (*set)(int) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    memcpy(&set, &found, sizeof set);
    if (set) set(1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

/* CLIPSPAN_CPU forces oneDNN, which reads this when it is first used, down with our kernels. */
static void limit_onednn(void)
{
    const char *level = clipspan_cpu_level();
    if (!getenv("CLIPSPAN_CPU") || strcmp(level, "avx512") == 0) return;
    setenv("ONEDNN_MAX_CPU_ISA", strcmp(level, "avx2") == 0 ? "AVX2" : "SSE41", 1);
}

/* Threads get stacks as large as the limit of the main thread's. A small one (ulimit -s 64) does
 * for a shell and not for matrix products; the usual 8 MB are much of an address space that is
 * limited. The soft limit is raised where it may be. */
static clipspan_status ensure_stack(clipspan_error *err)
{
    struct rlimit limit;
    pthread_attr_t attributes;
    size_t size = 0;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < STACK) {
        limit.rlim_cur = limit.rlim_max < STACK ? limit.rlim_max : STACK;
        setrlimit(RLIMIT_STACK, &limit);
        if (limit.rlim_cur < STACK_LEAST)
            return cs_fail(err, CLIPSPAN_E_NOMEM,
                           "the stack is limited to %llu kB, and %d kB are needed: raise the limit "
                           "(ulimit -s)",
                           (unsigned long long)limit.rlim_cur / 1024, STACK_LEAST / 1024);
    }
    if (pthread_attr_init(&attributes) != 0) return CLIPSPAN_OK;
    pthread_getattr_default_np(&attributes);
    pthread_attr_getstacksize(&attributes, &size);
    if ((size < STACK || cs_memory_is_limited()) &&
        pthread_attr_setstacksize(&attributes, STACK) == 0)
        pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    return CLIPSPAN_OK;
}

/* Every thread's part of the allocator takes 64 MB of address space, which is plenty where that is
 * not limited. */
static void limit_arenas(void)
{
#ifdef __GLIBC__
    if (cs_memory_is_limited()) mallopt(M_ARENA_MAX, 1);
#endif
}

/* ---- What libraries do where there is no memory, or no thread ---- */

#define RESERVE ((size_t)1 << 20)

static _Atomic(void *) reserve; /* given back to the allocator when operator new has nothing left */
static int finished;

static void complain(const char *what)
{
    static const char advice[] =
        " use fewer threads (-j), a smaller --max-pixels, or raise the limit (ulimit -v, cgroup)\n";
    ssize_t put = write(STDERR_FILENO, what, strlen(what));
    if (put >= 0) put = write(STDERR_FILENO, advice, sizeof advice - 1);
    (void)put;
}

/* C++'s new handler: what it has freed is tried; a library of C++ that gets nothing throws through
 * C, which ends the process. */
static void on_no_memory(void)
{
    void *kept = atomic_exchange(&reserve, NULL);
    free(kept);
    if (kept) return;
    complain("clipspan: error: out of memory inside a library;");
    _exit(CLI_NO_MEMORY);
}

static void set_new_handler(void)
{
    typedef void (*handler)(void);
    handler (*set)(handler) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "_ZSt15set_new_handlerPFvvE");
    memcpy(&set, &found, sizeof set);
    if (!set) return;
    atomic_store(&reserve, malloc(RESERVE));
    set(on_no_memory);
}

/* OpenMP's and Fortran's runtimes call exit(1) for want of a thread or of memory. */
static void on_exit_of_library(void)
{
    if (finished) return;
    complain("clipspan: error: a library found no memory for itself or for a thread;");
    _exit(CLI_NO_MEMORY);
}

void cli_process_finish(void)
{
    finished = 1;
    free(atomic_exchange(&reserve, NULL));
}

clipspan_status cli_process_start(clipspan_error *err)
{
    set_new_handler();
    atexit(on_exit_of_library);
    limit_arenas();
    limit_openblas();
    limit_onednn();
    return ensure_stack(err);
}
