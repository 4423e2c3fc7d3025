/* SPDX-License-Identifier: MIT */
/* LAPACKE_dsyevd, loaded late. Where address space is limited, calls follow one another and the
 * first has to find room: OpenBLAS takes a buffer for every thread that is in it, and asks for it
 * again and again until it gets one. */
#define _POSIX_C_SOURCE 200809L
#include "tensor/lapack.h"

#ifdef CLIPSPAN_LAPACKE

#    include "base/memory_budget.h"

#    include <lapacke.h>
#    include <pthread.h>

#    ifdef CLIPSPAN_LATE
#        include <dlfcn.h>
#        include <string.h>
#    endif

#    define ROOM ((size_t)192 << 20) /* OpenBLAS 0.3: 110 MB of code, 34 MB of a buffer */

typedef lapack_int (*syevd)(int, char, char, lapack_int, double *, lapack_int, double *);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static syevd function; /* guarded by lock until it is there */
static int has_run;    /* the same */

#    ifdef CLIPSPAN_LATE

static clipspan_status load(clipspan_error *err)
{
    void *library = dlopen("liblapacke.so.3", RTLD_NOW | RTLD_LOCAL);
    void *found = library ? dlsym(library, "LAPACKE_dsyevd") : NULL;
    const char *why = found ? NULL : dlerror();
    if (why && strstr(why, "annot allocate")) return cs_fail_memory(err, ROOM, "LAPACK");
    if (!found)
        return cs_fail(err, CLIPSPAN_E_UNSUPPORTED,
                       "liblapacke.so.3, which has the eigen-problems of heads, cannot be loaded "
                       "(%.300s); install LAPACKE (Debian: liblapacke)",
                       why ? why : "it lacks LAPACKE_dsyevd");
    memcpy(&function, &found, sizeof function);
    return CLIPSPAN_OK;
}

#    else

static clipspan_status load(clipspan_error *err)
{
    (void)err;
    function = LAPACKE_dsyevd;
    return CLIPSPAN_OK;
}

#    endif

static clipspan_status prepare(clipspan_error *err)
{
    if (!has_run) CS_TRY(cs_memory_need_room(ROOM, "LAPACK", err));
    return function ? CLIPSPAN_OK : load(err);
}

clipspan_status cs_lapack_syevd(int *info, double *a, double *w, int n, clipspan_error *err)
{
    const int alone = cs_memory_is_limited();
    clipspan_status status;
    pthread_mutex_lock(&lock);
    status = prepare(err);
    if (!alone || status != CLIPSPAN_OK) pthread_mutex_unlock(&lock);
    CS_TRY(status);
    *info = (int)function(LAPACK_COL_MAJOR, 'V', 'L', n, a, n, w);
    if (alone) {
        has_run = 1;
        pthread_mutex_unlock(&lock);
    }
    return CLIPSPAN_OK;
}

#else
typedef int cs_lapack_is_not_built; /* ISO C forbids an empty file */
#endif
