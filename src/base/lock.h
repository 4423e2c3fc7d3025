/* SPDX-License-Identifier: MIT */
/* A lock between threads; nothing in the base build, which has no threads. */
#ifndef CLIPSPAN_SRC_BASE_LOCK_H
#define CLIPSPAN_SRC_BASE_LOCK_H

#ifdef CLIPSPAN_CORE

typedef int cs_lock;

static inline void cs_lock_init(cs_lock *lock)
{
    *lock = 0;
}

static inline void cs_lock_fini(cs_lock *lock)
{
    (void)lock;
}

static inline void cs_lock_enter(cs_lock *lock)
{
    (void)lock;
}

static inline void cs_lock_leave(cs_lock *lock)
{
    (void)lock;
}

#else

#    include <pthread.h>

typedef pthread_mutex_t cs_lock;

static inline void cs_lock_init(cs_lock *lock)
{
    pthread_mutex_init(lock, NULL);
}

static inline void cs_lock_fini(cs_lock *lock)
{
    pthread_mutex_destroy(lock);
}

static inline void cs_lock_enter(cs_lock *lock)
{
    pthread_mutex_lock(lock);
}

static inline void cs_lock_leave(cs_lock *lock)
{
    pthread_mutex_unlock(lock);
}

#endif

#endif
