/* SPDX-License-Identifier: MIT */
/* A file system of SQLite (https://sqlite.org/vfs.html) whose only file is an open descriptor,
 * given as parameter "fd" of the name that a connection is opened with. Clock, sleep and randomness
 * are those of SQLite's own. */
#define _POSIX_C_SOURCE 200809L
#include "run/index_vfs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME  "clipspan-descriptor"
#define PLACE "index" /* what SQLite calls it */

typedef struct open_file {
    sqlite3_file base; /* first */
    int fd;
} open_file;

static int descriptor(sqlite3_file *file)
{
    return ((open_file *)file)->fd;
}

/* ---- The file ---- */

static int close_file(sqlite3_file *file)
{
    (void)file; /* its descriptor is the caller's */
    return SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
    unsigned char *p = out;
    while (size > 0) {
        const ssize_t got = pread(descriptor(file), p, (size_t)size, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return SQLITE_IOERR_READ;
        if (got == 0) {
            memset(p, 0, (size_t)size); /* as SQLite demands behind the end */
            return SQLITE_IOERR_SHORT_READ;
        }
        p += got;
        at += got;
        size -= (int)got;
    }
    return SQLITE_OK;
}

static int write_file(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    const unsigned char *p = data;
    while (size > 0) {
        const ssize_t put = pwrite(descriptor(file), p, (size_t)size, (off_t)at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0)
            return put == 0 || errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL
                                                                  : SQLITE_IOERR_WRITE;
        p += put;
        at += put;
        size -= (int)put;
    }
    return SQLITE_OK;
}

static int cut_file(sqlite3_file *file, sqlite3_int64 size)
{
    return ftruncate(descriptor(file), (off_t)size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int sync_file(sqlite3_file *file, int flags)
{
    (void)file; /* once, before it gets its name */
    (void)flags;
    return SQLITE_OK;
}

static int measure_file(sqlite3_file *file, sqlite3_int64 *size)
{
    struct stat facts;
    if (fstat(descriptor(file), &facts) != 0) return SQLITE_IOERR_FSTAT;
    *size = (sqlite3_int64)facts.st_size;
    return SQLITE_OK;
}

static int lock_file(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int ask_for_lock(sqlite3_file *file, int *out)
{
    (void)file;
    *out = 0;
    return SQLITE_OK;
}

static int control_file(sqlite3_file *file, int what, void *with)
{
    (void)file;
    (void)what;
    (void)with;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int properties(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* no shared memory: no write-ahead log; no mapping */
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = cut_file,
    .xSync = sync_file,
    .xFileSize = measure_file,
    .xLock = lock_file,
    .xUnlock = lock_file,
    .xCheckReservedLock = ask_for_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = properties,
};

/* ---- The file system ---- */

static int open_one(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *flags_out)
{
    open_file *own = (open_file *)file;
    (void)vfs;
    own->base.pMethods = NULL;
    if (!name || !(flags & SQLITE_OPEN_MAIN_DB)) return SQLITE_CANTOPEN;
    own->fd = (int)sqlite3_uri_int64(name, "fd", -1);
    if (own->fd < 0) return SQLITE_CANTOPEN;
    own->base.pMethods = &methods;
    if (flags_out) *flags_out = flags;
    return SQLITE_OK;
}

static int remove_none(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)name;
    (void)sync;
    return SQLITE_IOERR_DELETE;
}

static int find_none(sqlite3_vfs *vfs, const char *name, int flags, int *found)
{
    (void)vfs;
    (void)name;
    (void)flags;
    *found = 0;
    return SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    snprintf(out, (size_t)room, "%s", name);
    return SQLITE_OK;
}

static sqlite3_vfs *own_vfs(void)
{
    return sqlite3_vfs_find(NULL);
}

static int randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    return own_vfs()->xRandomness(own_vfs(), size, out);
}

static int wait_for(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return own_vfs()->xSleep(own_vfs(), microseconds);
}

static int tell_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return own_vfs()->xCurrentTime(own_vfs(), out);
}

static int last_error(sqlite3_vfs *vfs, int room, char *out)
{
    (void)vfs;
    (void)room;
    (void)out;
    return 0;
}

static sqlite3_vfs descriptor_vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(open_file),
    .mxPathname = 512,
    .zName = NAME,
    .xOpen = open_one,
    .xDelete = remove_none,
    .xAccess = find_none,
    .xFullPathname = full_name,
    .xRandomness = randomness,
    .xSleep = wait_for,
    .xCurrentTime = tell_time,
    .xGetLastError = last_error,
};

static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;

int cs_index_connect(sqlite3 **db, int fd, int immutable)
{
    const int write = immutable ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    char uri[96];
    int code = SQLITE_OK;
    *db = NULL;
    pthread_mutex_lock(&registering);
    if (!sqlite3_vfs_find(NAME)) code = sqlite3_vfs_register(&descriptor_vfs, 0);
    pthread_mutex_unlock(&registering);
    if (code != SQLITE_OK) return code;
    snprintf(uri, sizeof uri, "file:" PLACE "?fd=%d%s", fd, immutable ? "&immutable=1" : "");
    return sqlite3_open_v2(uri, db, write | SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX, NAME);
}
