/* SPDX-License-Identifier: MIT */
/* Bounded reads over POSIX calls, and paths; interrupted and short calls are continued. */
#define _POSIX_C_SOURCE 200809L
#include "base/file.h"
#include "base/away.h"
#include "base/file_at.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 30) /* largest single read */

static clipspan_status fail_open(clipspan_error *err, const char *path, int code)
{
    if (code == ENOENT || code == ENOTDIR)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path, "no such file");
    if (code == ENXIO) /* a socket */
        return cs_fail_at(err, CLIPSPAN_E_IO, path,
                          "is not a regular file, where a file was expected");
    return cs_away(err, code,
                   cs_fail_at(err, code == ENOMEM ? CLIPSPAN_E_NOMEM : CLIPSPAN_E_IO, path,
                              "cannot be opened: %s", strerror(code)));
}

static clipspan_status fail_kind(clipspan_error *err, const char *path, mode_t mode)
{
    return cs_fail_at(err, CLIPSPAN_E_IO, path, "is %s, where a file was expected",
                      S_ISDIR(mode)   ? "a folder"
                      : S_ISLNK(mode) ? "a symbolic link"
                                      : "not a regular file");
}

/* Looked at first: opening a device or FIFO can do something. */
static clipspan_status open_regular(int *fd, struct stat *facts, int folder, const char *name,
                                    int follow, const char *shown, clipspan_error *err)
{
    const int more = follow ? 0 : O_NOFOLLOW;
    *fd = -1;
    if (fstatat(folder, name, facts, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
        return fail_open(err, shown, errno);
    if (!S_ISREG(facts->st_mode)) return fail_kind(err, shown, facts->st_mode);
    do
        *fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | more);
    while (*fd < 0 && errno == EINTR);
    if (*fd >= 0 && fstat(*fd, facts) == 0 && S_ISREG(facts->st_mode)) return CLIPSPAN_OK;
    if (*fd < 0) return fail_open(err, shown, errno);
    close(*fd);
    return fail_kind(err, shown, facts->st_mode);
}

clipspan_status cs_file_open_at(cs_file **out, int folder, const char *name, int follow,
                                const char *shown, clipspan_error *err)
{
    struct stat facts;
    cs_file *file;
    int fd;
    *out = NULL;
    CS_TRY(open_regular(&fd, &facts, folder, name, follow, shown, err));
    file = cs_alloc_zero(1, sizeof *file, "an open file", err);
    if (file) file->path = cs_strdup(shown, err);
    if (!file || !file->path) {
        cs_free(file);
        close(fd);
        return CLIPSPAN_E_NOMEM;
    }
    file->fd = fd;
    file->size = (uint64_t)facts.st_size;
    *out = file;
    return CLIPSPAN_OK;
}

clipspan_status cs_file_open(cs_file **out, const char *path, clipspan_error *err)
{
    return cs_file_open_at(out, AT_FDCWD, path, 1, path, err);
}

void cs_file_close(cs_file **file)
{
    if (!file || !*file) return;
    close((*file)->fd);
    cs_free((*file)->path);
    cs_free(*file);
    *file = NULL;
}

clipspan_status cs_file_read(void *out, const cs_file *file, uint64_t offset, size_t size,
                             clipspan_error *err)
{
    unsigned char *p = out;
    if (offset > (uint64_t)INT64_MAX || size > (uint64_t)INT64_MAX - offset)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                          "bytes beyond the largest possible file were asked for");
    while (size > 0) {
        ssize_t got = pread(file->fd, p, size < CHUNK ? size : CHUNK, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const int code = errno;
            return cs_away(err, code,
                           cs_fail_at(err, code == ENOMEM ? CLIPSPAN_E_NOMEM : CLIPSPAN_E_IO,
                                      file->path, "reading failed: %s", strerror(code)));
        }
        if (got == 0)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                              "ends at byte %llu where %zu more were expected: it is cut short or "
                              "changed while in use",
                              (unsigned long long)offset, size);
        p += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_file_read_whole(unsigned char **data, size_t *size, const cs_file *file,
                                   uint64_t limit, clipspan_error *err)
{
    clipspan_status status;
    unsigned char *bytes;
    *data = NULL;
    *size = 0;
    if (file->size > limit || file->size >= SIZE_MAX)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, file->path,
                          "has %llu bytes, more than the %llu that are read of such a file",
                          (unsigned long long)file->size, (unsigned long long)limit);
    bytes = cs_alloc((size_t)file->size + 1, 1, "the contents of a file", err);
    if (!bytes) return CLIPSPAN_E_NOMEM;
    status = cs_file_read(bytes, file, 0, (size_t)file->size, err);
    if (status != CLIPSPAN_OK) {
        cs_free(bytes);
        return status;
    }
    bytes[file->size] = 0;
    *data = bytes;
    *size = (size_t)file->size;
    return CLIPSPAN_OK;
}

clipspan_status cs_file_read_all(unsigned char **data, size_t *size, const char *path,
                                 uint64_t limit, clipspan_error *err)
{
    clipspan_status status;
    cs_file *file;
    *data = NULL;
    *size = 0;
    CS_TRY(cs_file_open(&file, path, err));
    assert(file);
    status = cs_file_read_whole(data, size, file, limit, err);
    cs_file_close(&file);
    return status;
}

int cs_path_kind(const char *path)
{
    struct stat facts;
    if (stat(path, &facts) != 0) return 0;
    return S_ISREG(facts.st_mode) ? 1 : S_ISDIR(facts.st_mode) ? 2 : 3;
}

char *cs_path_join(const char *folder, const char *name, clipspan_error *err)
{
    size_t a = strlen(folder), b = strlen(name);
    char *path;
    if (a == 0 || name[0] == '/') return cs_strndup(name, b, err);
    while (a > 1 && folder[a - 1] == '/')
        a--;
    path = cs_alloc(a + b + 2, 1, "a path", err);
    if (!path) return NULL;
    memcpy(path, folder, a);
    if (path[a - 1] != '/') path[a++] = '/';
    memcpy(path + a, name, b + 1);
    return path;
}

char *cs_path_folder(const char *path, clipspan_error *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return cs_strdup(".", err);
    while (slash > path && slash[-1] == '/')
        slash--;
    return cs_strndup(path, slash == path ? 1 : (size_t)(slash - path), err);
}

const char *cs_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void cs_flush_folder(int at, const char *path)
{
    const int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    while (fsync(fd) != 0 && errno == EINTR)
        ;
    close(fd);
}

/* That a new folder has its name is as much to be kept as what will be in it. */
static void flush_above(const char *path)
{
    char *above = cs_path_folder(path, NULL);
    if (above) cs_flush_folder(AT_FDCWD, above);
    cs_free(above);
}

clipspan_status cs_make_folder(const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *copy = cs_strdup(path, err), *p;
    if (!copy) return CLIPSPAN_E_NOMEM;
    for (p = copy + (copy[0] == '/');; p++) {
        char kept = *p;
        if (kept != '/' && kept != '\0') continue;
        *p = '\0';
        if (copy[0] && mkdir(copy, 0777) == 0) {
            flush_above(copy);
        } else if (copy[0]) {
            int code = errno, kind = cs_path_kind(copy);
            if (kind != 2) {
                status = cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be made as a folder: %s%s",
                                    kind ? copy : strerror(code), kind ? " is a file" : "");
                break;
            }
        }
        *p = kept;
        if (kept == '\0') break;
    }
    cs_free(copy);
    return status;
}
