/* SPDX-License-Identifier: MIT */
/* Bounded reads and atomic writes over POSIX calls; interrupted and short calls are continued. */
#define _POSIX_C_SOURCE 200809L
#include "base/file.h"
#include "base/away.h"
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

#define CHUNK ((size_t)1 << 30) /* largest single read or write */

struct cs_output {
    int fd, replace, committed;
    char *path, *part;
    char *folder; /* that the path lies in */
};

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

clipspan_status cs_file_open(cs_file **out, const char *path, clipspan_error *err)
{
    struct stat facts;
    cs_file *file;
    int fd;
    *out = NULL;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return fail_open(err, path, errno);
    if (fstat(fd, &facts) != 0) {
        int code = errno;
        close(fd);
        return fail_open(err, path, code);
    }
    if (!S_ISREG(facts.st_mode)) {
        int folder = S_ISDIR(facts.st_mode);
        close(fd);
        return cs_fail_at(err, CLIPSPAN_E_IO, path, "is %s, where a file was expected",
                          folder ? "a folder" : "not a regular file");
    }
    file = cs_alloc_zero(1, sizeof *file, "an open file", err);
    if (file) file->path = cs_strdup(path, err);
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

clipspan_status cs_file_read_all(unsigned char **data, size_t *size, const char *path,
                                 uint64_t limit, clipspan_error *err)
{
    clipspan_status status;
    cs_file *file;
    unsigned char *bytes = NULL;
    *data = NULL;
    *size = 0;
    CS_TRY(cs_file_open(&file, path, err));
    assert(file);
    if (file->size > limit || file->size >= SIZE_MAX) {
        status = cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                            "has %llu bytes, more than the %llu that are read of such a file",
                            (unsigned long long)file->size, (unsigned long long)limit);
        goto done;
    }
    bytes = cs_alloc((size_t)file->size + 1, 1, "the contents of a file", err);
    status = bytes ? cs_file_read(bytes, file, 0, (size_t)file->size, err) : CLIPSPAN_E_NOMEM;
    if (status != CLIPSPAN_OK) goto done;
    bytes[file->size] = 0;
    *data = bytes;
    *size = (size_t)file->size;
    bytes = NULL;
done:
    cs_free(bytes);
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

static clipspan_status fail_write(clipspan_error *err, const char *path, int code)
{
    return cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be written: %s%s", strerror(code),
                      code == ENOENT ? " (does its folder exist?)" : "");
}

static clipspan_status fail_exists(clipspan_error *err, const char *path)
{
    return cs_fail_at(err, CLIPSPAN_E_EXISTS, path, "already exists; use --force to overwrite");
}

clipspan_status cs_output_open(cs_output **out, const char *path, int replace, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_output *output = NULL;
    char *folder = NULL, *part = NULL;
    const char *name = cs_path_name(path);
    struct stat facts;
    int serial, length;
    *out = NULL;
    if (name[0] == '\0')
        return cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                          "names a folder, where a file name was expected");
    if (lstat(path, &facts) == 0) {
        /* Of a link, what it leads to is judged: renaming would put a file in its place. */
        if (S_ISLNK(facts.st_mode) && stat(path, &facts) != 0) facts.st_mode = S_IFREG;
        if (S_ISDIR(facts.st_mode))
            return cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                              "is a folder, where a file was expected");
        if (!S_ISREG(facts.st_mode))
            return cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                              "is a device or pipe, which cannot be replaced by a file");
        if (!replace) return fail_exists(err, path);
    } else if (errno != ENOENT) { /* for example a name too long, found before hours of work */
        return fail_write(err, path, errno);
    }
    folder = cs_path_folder(path, err);
    output = cs_alloc_zero(1, sizeof *output, "an output file", err);
    part = cs_alloc(strlen(path) + 64, 1, "a path", err);
    if (!folder || !output || !part) goto done;
    output->fd = -1;
    output->replace = replace;
    output->path = cs_strdup(path, err);
    if (!output->path) goto done;
    for (serial = 0; output->fd < 0; serial++) {
        /* A name near the 255-byte limit is shortened so that the part's name still fits. */
        length = snprintf(part, strlen(path) + 64, "%s/.%.180s.%ld.%d.part", folder, name,
                          (long)getpid(), serial);
        if (length < 0 || serial == 10000) {
            status = fail_write(err, path, EEXIST);
            goto done;
        }
        output->fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (output->fd < 0 && errno != EEXIST) {
            status = fail_write(err, path, errno);
            goto done;
        }
    }
    output->part = part;
    output->folder = folder;
    part = folder = NULL;
    *out = output;
    output = NULL;
    status = CLIPSPAN_OK;
done:
    if (output) cs_free(output->path);
    cs_free(output);
    cs_free(part);
    cs_free(folder);
    return status;
}

clipspan_status cs_output_write(cs_output *output, const void *data, size_t size,
                                clipspan_error *err)
{
    const unsigned char *p = data;
    while (size > 0) {
        ssize_t put = write(output->fd, p, size < CHUNK ? size : CHUNK);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return fail_write(err, output->path, put < 0 ? errno : ENOSPC);
        p += put;
        size -= (size_t)put;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_output_rewrite(cs_output *output, uint64_t offset, const void *data, size_t size,
                                  clipspan_error *err)
{
    const unsigned char *p = data;
    while (size > 0) {
        ssize_t put = pwrite(output->fd, p, size < CHUNK ? size : CHUNK, (off_t)offset);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return fail_write(err, output->path, put < 0 ? errno : ENOSPC);
        p += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_output_commit(cs_output *output, clipspan_error *err)
{
    int fd;
    if (fsync(output->fd) != 0 && errno != EINVAL) return fail_write(err, output->path, errno);
    if (output->replace) {
        if (rename(output->part, output->path) != 0) return fail_write(err, output->path, errno);
    } else if (link(output->part, output->path) == 0) {
        unlink(output->part);
    } else if (errno == EEXIST) {
        return fail_exists(err, output->path);
    } else { /* a file system without hard links */
        if (access(output->path, F_OK) == 0) return fail_exists(err, output->path);
        if (rename(output->part, output->path) != 0) return fail_write(err, output->path, errno);
    }
    output->committed = 1;
    fd = open(output->folder, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    return CLIPSPAN_OK;
}

void cs_output_close(cs_output **output)
{
    cs_output *o = output ? *output : NULL;
    if (!o) return;
    if (o->fd >= 0) close(o->fd);
    if (!o->committed && o->part) unlink(o->part);
    cs_free(o->part);
    cs_free(o->path);
    cs_free(o->folder);
    cs_free(o);
    *output = NULL;
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
        if (copy[0] && mkdir(copy, 0777) != 0) {
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
