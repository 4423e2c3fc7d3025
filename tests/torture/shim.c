/* SPDX-License-Identifier: MIT */
/* To be preloaded (scripts/torture): one kind of call is counted by its stack, six frames deep, or
 * fails once.
 *
 *     TORTURE_KIND   malloc read write fsync rename open unlink thread
 *     TORTURE_LOG    every stack that was seen goes to this file, 8 bytes each
 *     TORTURE_STACK  the stack, in hexadecimal, whose first call fails
 *
 *     TORTURE_SPARE  the file name of a library, or how it begins, whose own calls never fail
 *
 * Addresses are those of a process whose layout is not random. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES 6
#define SEEN   (1 << 16)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

static char kind; /* the first letter of the name: most calls are told apart by it */
static char kind_name[16];
static int log_file = -1, ready;
static uint64_t failing;
static atomic_int failed;
static _Atomic uint64_t seen[SEEN];
static __thread int inside __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void start(void)
{
    void *frames[2];
    const char *name = getenv("TORTURE_KIND"), *log = getenv("TORTURE_LOG"),
               *stack = getenv("TORTURE_STACK");
    if (!name) return;
    backtrace(frames, 2); /* loads what it needs */
    snprintf(kind_name, sizeof kind_name, "%s", name);
    kind = *name;
    if (log) log_file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (stack) failing = strtoull(stack, NULL, 16);
    ready = 1;
}

static int is_spared(void *caller)
{
    const char *name = getenv("TORTURE_SPARE"), *file;
    Dl_info where;
    if (!name || !dladdr(caller, &where) || !where.dli_fname) return 0;
    file = strrchr(where.dli_fname, '/');
    return strncmp(file ? file + 1 : where.dli_fname, name, strlen(name)) == 0;
}

/* Whether this call is to fail. */
static int fails(const char *name)
{
    void *frames[FRAMES + 2];
    uint64_t hash = UINT64_C(1469598103934665603);
    int count, result = 0;
    if (!ready || inside || *name != kind || strcmp(name, kind_name) != 0) return 0;
    inside = 1;
    count = backtrace(frames, FRAMES + 2);
    for (int i = 2; i < count; i++)
        hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * UINT64_C(1099511628211);
    hash += !hash;
    if (count > 2 && is_spared(frames[2])) {
        inside = 0;
        return 0;
    }
    if (failing) {
        result = hash == failing && !atomic_exchange(&failed, 1);
    } else {
        for (size_t at = hash % SEEN, tries = 0; tries < SEEN; tries++, at = (at + 1) % SEEN) {
            uint64_t old = 0;
            if (seen[at] == hash) break;
            if (!atomic_compare_exchange_strong(&seen[at], &old, hash)) {
                if (old == hash) break;
                continue;
            }
            if (log_file >= 0 && syscall(SYS_write, log_file, &hash, sizeof hash) < 0) break;
            break;
        }
    }
    inside = 0;
    return result;
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

void *malloc(size_t size)
{
    if (fails("malloc")) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (fails("malloc")) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    if (fails("malloc")) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(memory, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    if (fails("malloc")) return ENOMEM;
    *out = __libc_memalign(align, size);
    return *out ? 0 : ENOMEM;
}

#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real) {                                                                                   \
        void *found = dlsym(RTLD_NEXT, name);                                                      \
        memcpy(&real, &found, sizeof real);                                                        \
    }

ssize_t read(int fd, void *to, size_t size)
{
    REAL(ssize_t, "read", int, void *, size_t)
    return fails("read") ? fail_with(EIO) : real(fd, to, size);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t at)
{
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t)
    return fails("read") ? fail_with(EIO) : real(fd, to, size, at);
}

ssize_t write(int fd, const void *from, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t)
    return fails("write") ? fail_with(ENOSPC) : real(fd, from, size);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)
    return fails("write") ? fail_with(ENOSPC) : real(fd, from, size, at);
}

int fsync(int fd)
{
    REAL(int, "fsync", int)
    return fails("fsync") ? fail_with(EIO) : real(fd);
}

int fdatasync(int fd)
{
    REAL(int, "fdatasync", int)
    return fails("fsync") ? fail_with(EIO) : real(fd);
}

/* The program names files below open folders (base/root.c), so each call has both forms. */
int rename(const char *from, const char *to)
{
    REAL(int, "rename", const char *, const char *)
    return fails("rename") ? fail_with(EACCES) : real(from, to);
}

int renameat(int a, const char *from, int b, const char *to)
{
    REAL(int, "renameat", int, const char *, int, const char *)
    return fails("rename") ? fail_with(EACCES) : real(a, from, b, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    REAL(int, "renameat2", int, const char *, int, const char *, unsigned)
    return fails("rename") ? fail_with(EACCES) : real(a, from, b, to, flags);
}

int unlink(const char *path)
{
    REAL(int, "unlink", const char *)
    return fails("unlink") ? fail_with(EACCES) : real(path);
}

int unlinkat(int folder, const char *path, int flags)
{
    REAL(int, "unlinkat", int, const char *, int)
    return fails("unlink") ? fail_with(EACCES) : real(folder, path, flags);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(arguments, int) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        REAL(int, #name, const char *, int, ...)                                                   \
        va_list arguments;                                                                         \
        mode_t mode;                                                                               \
        va_start(arguments, flags);                                                                \
        mode = mode_of(flags, arguments);                                                          \
        va_end(arguments);                                                                         \
        return fails("open") ? fail_with(EMFILE) : real(path, flags, mode);                        \
    }
OPEN(open64)
OPEN(open)

#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        REAL(int, #name, int, const char *, int, ...)                                              \
        va_list arguments;                                                                         \
        mode_t mode;                                                                               \
        va_start(arguments, flags);                                                                \
        mode = mode_of(flags, arguments);                                                          \
        va_end(arguments);                                                                         \
        return fails("open") ? fail_with(EMFILE) : real(folder, path, flags, mode);                \
    }
OPENAT(openat64)
OPENAT(openat)

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *to)
{
    REAL(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
    return fails("thread") ? EAGAIN : real(thread, attributes, run, to);
}
