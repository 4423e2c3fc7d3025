/* SPDX-License-Identifier: MIT */
/* A library to preload: the first FLAKY_TIMES calls that open (FLAKY_CALL=open) or read (read) a
 * file whose path contains FLAKY_PATH fail with errno FLAKY_ERRNO, and succeed from then on: a disk
 * that is away for a moment. With FLAKY_CLOCK the time of day jumps by a year ahead and back at
 * every look, and the clock that should only go forward stands still. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* both names of every call */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_int failed;

static int is_wanted(const char *call, const char *path)
{
    const char *part = getenv("FLAKY_PATH"), *times = getenv("FLAKY_TIMES"),
               *kind = getenv("FLAKY_CALL"), *code = getenv("FLAKY_ERRNO");
    if (!part || !times || !kind || !code || strcmp(kind, call) != 0 || !strstr(path, part))
        return 0;
    if (atomic_fetch_add(&failed, 1) >= strtol(times, NULL, 10)) return 0;
    errno = (int)strtol(code, NULL, 10);
    return 1;
}

/* The path behind a descriptor. */
static int is_wanted_fd(int fd)
{
    char name[64], path[4096];
    ssize_t length;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = '\0';
    return is_wanted("read", path);
}

/* Seconds that a look at the clock is wrong by. */
static time_t jump(void)
{
    static atomic_uint looks;
    const unsigned look = atomic_fetch_add(&looks, 1);
    return (time_t)(look % 3) * 31536000 - 31536000;
}

static int read_clock(clockid_t clock, struct timespec *now)
{
    int (*call)(clockid_t, struct timespec *);
    void *found = dlsym(RTLD_NEXT, "clock_gettime");
    int code;
    memcpy(&call, &found, sizeof call);
    code = call(clock, now);
    if (!getenv("FLAKY_CLOCK") || code != 0) return code;
    if (clock == CLOCK_REALTIME) now->tv_sec += jump();
    if (clock == CLOCK_MONOTONIC) *now = (struct timespec){1000, 0};
    return 0;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static int open_with(const char *name, const char *path, int flags, mode_t mode)
{
    int (*call)(const char *, int, ...);
    void *found = real(name);
    memcpy(&call, &found, sizeof call);
    if (is_wanted("open", path)) return -1;
    return call(path, flags, mode);
}

static mode_t mode_of(int flags, va_list list)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        mode_t mode;                                                                               \
        va_start(list, flags);                                                                     \
        mode = mode_of(flags, list);                                                               \
        va_end(list);                                                                              \
        return open_with(#name, path, flags, mode);                                                \
    }

#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        int (*call)(int, const char *, int, ...);                                                  \
        void *found = real(#name);                                                                 \
        va_list list;                                                                              \
        mode_t mode;                                                                               \
        va_start(list, flags);                                                                     \
        mode = mode_of(flags, list);                                                               \
        va_end(list);                                                                              \
        memcpy(&call, &found, sizeof call);                                                        \
        return is_wanted("open", path) ? -1 : call(folder, path, flags, mode);                     \
    }

#define PREAD(name, offset)                                                                        \
    ssize_t name(int fd, void *to, size_t size, offset at)                                         \
    {                                                                                              \
        ssize_t (*call)(int, void *, size_t, offset);                                              \
        void *found = real(#name);                                                                 \
        memcpy(&call, &found, sizeof call);                                                        \
        return is_wanted_fd(fd) ? -1 : call(fd, to, size, at);                                     \
    }

#pragma GCC visibility push(default)
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
PREAD(pread, off_t)
PREAD(pread64, off64_t)

int clock_gettime(clockid_t clock, struct timespec *now)
{
    return read_clock(clock, now);
}

time_t time(time_t *out)
{
    struct timespec now;
    read_clock(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *out, void *zone)
{
    struct timespec now;
    (void)zone;
    read_clock(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
#pragma GCC visibility pop
