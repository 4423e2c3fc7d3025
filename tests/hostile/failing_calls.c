/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: one call of a program that writes fails, or kills it.
 *
 *     FAIL_CALL=fsync FAIL_AT=3 FAIL_HOW=EIO|ENOSPC|EDQUOT|EINTR|KILL|SHORT|COUNT|POWER program ...
 *
 * FAIL_CALL: write, fsync, rename, unlink, open (of a file that is written), link, mkdir; every
 * function of the C library that does the same counts. SHORT: every write takes one byte less,
 * where it has more than one. FAIL_SEEN names a file that is made when the call was reached. COUNT:
 * it gets the first letter of every call. POWER: it gets a line for what a cut of power would take
 * from a program that has ended: a name given to data that no fsync followed, a name in a folder
 * that none followed. */
#undef _FILE_OFFSET_BITS /* both names of each function */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
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

static int is_how(const char *name)
{
    const char *how = getenv("FAIL_HOW");
    return how && strcmp(how, name) == 0;
}

static void note_seen(const char *text)
{
    const char *seen = getenv("FAIL_SEEN");
    const long fd =
        seen ? syscall(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0666)
             : -1;
    if (fd < 0) return;
    if (syscall(SYS_write, fd, text, strlen(text)) < 0) abort();
    syscall(SYS_close, fd);
}

/* 1 when this call is to fail, with errno. */
static int fails(const char *call)
{
    const char *wanted = getenv("FAIL_CALL"), *at = getenv("FAIL_AT");
    if (is_how("COUNT")) note_seen((char[]){call[0], '\0'});
    if (!wanted || !at || strcmp(wanted, call) != 0) return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != strtol(at, NULL, 10)) return 0;
    note_seen("");
    if (is_how("KILL")) raise(SIGKILL);
    errno = is_how("ENOSPC") ? ENOSPC : is_how("EDQUOT") ? EDQUOT : is_how("EINTR") ? EINTR : EIO;
    return 1;
}

/* ---- POWER: files and folders that were changed since their last fsync ---- */

#define MARKS 4096
static struct mark {
    dev_t device;
    ino_t number;
    char name[80];
} marks[MARKS];
static size_t marked;
static pthread_mutex_t marks_lock = PTHREAD_MUTEX_INITIALIZER;

/* Sets or takes the mark of what was looked at; says whether there was one. */
static int mark(const struct stat *facts, int set, const char *name)
{
    size_t i = 0;
    int found;
    pthread_mutex_lock(&marks_lock);
    while (i < marked && (marks[i].number != facts->st_ino || marks[i].device != facts->st_dev))
        i++;
    found = i < marked;
    if (set > 0 && !found && marked < MARKS) {
        marks[marked].device = facts->st_dev;
        marks[marked].number = facts->st_ino;
        snprintf(marks[marked++].name, sizeof marks->name, "%s", name);
    }
    if (set < 0 && found) marks[i] = marks[--marked];
    pthread_mutex_unlock(&marks_lock);
    return found;
}

static void mark_fd(int fd, int set)
{
    struct stat facts;
    if (is_how("POWER") && fstat(fd, &facts) == 0 && !S_ISFIFO(facts.st_mode))
        mark(&facts, set, "a file");
}

/* A name was given in a folder, to `from` where that is known. */
static void mark_name(int a, const char *from, int b, const char *to)
{
    struct stat facts;
    char copy[PATH_MAX], line[PATH_MAX + 80];
    if (!is_how("POWER")) return;
    if (from && fstatat(a, from, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode) &&
        mark(&facts, 0, NULL)) {
        snprintf(line, sizeof line, "%s has its name before its data is flushed\n", to);
        note_seen(line);
    }
    snprintf(copy, sizeof copy, "%s", to);
    if (fstatat(b, dirname(copy), &facts, 0) == 0) mark(&facts, 1, to);
}

__attribute__((destructor)) static void note_marks(void)
{
    char line[160];
    size_t i;
    for (i = 0; i < marked; i++) {
        if (strcmp(marks[i].name, "a file") == 0) continue;
        snprintf(line, sizeof line, "%s is in a folder that is not flushed\n", marks[i].name);
        note_seen(line);
    }
}

static size_t shorten(size_t size)
{
    return is_how("SHORT") && size > 1 ? size - 1 : size;
}

/* Standard output and error are nobody's files. */
ssize_t write(int fd, const void *data, size_t size)
{
    if (fd > 2 && fails("write")) return -1;
    if (fd > 2) mark_fd(fd, 1);
    return syscall(SYS_write, fd, data, fd > 2 ? shorten(size) : size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    if (fails("write")) return -1;
    mark_fd(fd, 1);
    return syscall(SYS_pwrite64, fd, data, shorten(size), at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return pwrite64(fd, data, size, at);
}

int fsync(int fd)
{
    if (fails("fsync")) return -1;
    mark_fd(fd, -1);
    return (int)syscall(SYS_fsync, fd);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    if (fails("rename")) return -1;
    mark_name(a, from, b, to);
    return (int)syscall(SYS_renameat2, a, from, b, to, flags);
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
    if (fails("link")) return -1;
    mark_name(a, from, b, to);
    return (int)syscall(SYS_linkat, a, from, b, to, flags);
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
    if (fails("mkdir")) return -1;
    if (syscall(SYS_mkdirat, folder, name, mode) != 0) return -1;
    mark_name(0, NULL, folder, name);
    return 0;
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
