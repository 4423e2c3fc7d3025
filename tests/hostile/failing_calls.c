/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: one call of a program that writes fails, or kills it.
 *
 *     FAIL_CALL=fsync FAIL_AT=3 FAIL_HOW=EIO|ENOSPC|KILL|SHORT program ...
 *
 * FAIL_CALL: write, fsync, rename, unlink, open (of a file that is written), link, mkdir; every
 * function of the C library that does the same counts. SHORT: every write takes one byte less,
 * where it has more than one. FAIL_SEEN names a file that is made when the call was reached. */
#undef _FILE_OFFSET_BITS /* both names of each function */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls;

static void note_seen(void)
{
    const char *seen = getenv("FAIL_SEEN");
    const long fd =
        seen ? syscall(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0) syscall(SYS_close, fd);
}

/* 1 when this call is to fail, with errno. */
static int fails(const char *call)
{
    const char *wanted = getenv("FAIL_CALL"), *at = getenv("FAIL_AT"), *how = getenv("FAIL_HOW");
    if (!wanted || !at || !how || strcmp(wanted, call) != 0 || strcmp(how, "SHORT") == 0) return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != atoi(at)) return 0;
    note_seen();
    if (strcmp(how, "KILL") == 0) raise(SIGKILL);
    errno = strcmp(how, "ENOSPC") == 0 ? ENOSPC : EIO;
    return 1;
}

static size_t shorten(size_t size)
{
    const char *how = getenv("FAIL_HOW");
    return how && strcmp(how, "SHORT") == 0 && size > 1 ? size - 1 : size;
}

/* Standard output and error are nobody's files. */
ssize_t write(int fd, const void *data, size_t size)
{
    if (fd > 2 && fails("write")) return -1;
    return syscall(SYS_write, fd, data, fd > 2 ? shorten(size) : size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    if (fails("write")) return -1;
    return syscall(SYS_pwrite64, fd, data, shorten(size), at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return pwrite64(fd, data, size, at);
}

int fsync(int fd)
{
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    return fails("rename") ? -1 : (int)syscall(SYS_renameat2, a, from, b, to, flags);
}

int renameat(int a, const char *from, int b, const char *to)
{
    return renameat2(a, from, b, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int a, const char *from, int b, const char *to, int flags)
{
    return fails("link") ? -1 : (int)syscall(SYS_linkat, a, from, b, to, flags);
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
    return fails("unlink") ? -1 : (int)syscall(SYS_unlinkat, folder, name, flags);
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    return fails("mkdir") ? -1 : (int)syscall(SYS_mkdirat, folder, name, mode);
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

static int open_it(int folder, const char *name, int flags, mode_t mode)
{
    if ((flags & O_ACCMODE) != O_RDONLY && fails("open")) return -1;
    return (int)syscall(SYS_openat, folder, name, flags, mode);
}

#define TAKE_MODE(mode, flags)                                                                     \
    do {                                                                                           \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        if ((flags) & (O_CREAT | O_TMPFILE)) (mode) = va_arg(more, mode_t);                        \
        va_end(more);                                                                              \
    } while (0)

int openat64(int folder, const char *name, int flags, ...)
{
    mode_t mode = 0;
    TAKE_MODE(mode, flags);
    return open_it(folder, name, flags, mode);
}

int openat(int folder, const char *name, int flags, ...)
{
    mode_t mode = 0;
    TAKE_MODE(mode, flags);
    return open_it(folder, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
    mode_t mode = 0;
    TAKE_MODE(mode, flags);
    return open_it(AT_FDCWD, name, flags, mode);
}

int open(const char *name, int flags, ...)
{
    mode_t mode = 0;
    TAKE_MODE(mode, flags);
    return open_it(AT_FDCWD, name, flags, mode);
}
