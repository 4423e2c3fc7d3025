/* SPDX-License-Identifier: MIT */
/* Files that appear under their name whole or not at all, alone or several together.
 *
 * A part is locked by who writes it. So a part without a lock is one that a killed process left,
 * and may go; where the file system has no locks it stays. */
#define _GNU_SOURCE /* flock, renameat2 */
#include "base/file.h"
#include "base/file_at.h"
#include "base/memory.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK   ((size_t)1 << 30) /* largest single write */
#define SERIALS 10000

struct cs_output {
    int fd, replace, committed;
    int folder;                /* names start there; AT_FDCWD: at the current folder */
    char *name, *part, *where; /* there; where: the folder that both lie in */
    char *shown;               /* for messages */
    int leads;                 /* it has its name, and waits for the main file of its pair */
    char *main;                /* path of that */
    char *aside, *main_aside;  /* where what had their names before waits, or NULL */
};

static clipspan_status fail_write(clipspan_error *err, const char *path, int code)
{
    return cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be written: %s%s", strerror(code),
                      code == ENOENT ? " (does its folder exist?)" : "");
}

static clipspan_status fail_exists(clipspan_error *err, const char *path)
{
    return cs_fail_at(err, CLIPSPAN_E_EXISTS, path, "already exists; use --force to overwrite");
}

/* ---- Parts ---- */

/* ".NAME.PID.SERIAL", then ".part"; where it starts behind NAME, or NULL. */
static const char *part_tail(const char *part)
{
    static const char ending[] = ".part";
    const size_t length = strlen(part), tail = sizeof ending - 1;
    const char *p = part + length - tail;
    if (length < tail + 6 || part[0] != '.' || strcmp(p, ending) != 0) return NULL;
    for (int i = 0; i < 2; i++) {
        const char *end = p;
        while (p > part && p[-1] >= '0' && p[-1] <= '9')
            p--;
        if (p == end || p <= part + 1 || *--p != '.') return NULL;
    }
    return p > part + 1 ? p : NULL;
}

int cs_is_part_name(const char *part, const char *of)
{
    const char *tail = part_tail(part);
    char name[256];
    if (!tail || !of) return tail != NULL;
    snprintf(name, sizeof name, "%.180s", of); /* as it is cut when a part is made */
    return strlen(name) == (size_t)(tail - part - 1) && strncmp(part + 1, name, strlen(name)) == 0;
}

/* 1 when this process holds the part, or nothing can be held here; 0 when another took it away. */
static int hold(int fd)
{
    struct stat facts;
    int code;
    do
        code = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    while (code == EINTR);
    if (code == EWOULDBLOCK) return 0;
    return fstat(fd, &facts) != 0 || facts.st_nlink > 0;
}

void cs_part_remove_at(int folder, const char *part)
{
    struct stat facts;
    int fd;
    if (fstatat(folder, part, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode)) return;
    fd = openat(folder, part, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlinkat(folder, part, 0);
    close(fd);
}

void cs_output_tidy(const char *folder)
{
    const struct dirent *entry;
    DIR *list = opendir(folder);
    if (!list) return;
    while ((entry = readdir(list)) != NULL)
        if (cs_is_part_name(entry->d_name, NULL)) cs_part_remove_at(dirfd(list), entry->d_name);
    closedir(list);
}

/* ---- Opening ---- */

/* The folder that the name lies in, as a stream of its names. */
static DIR *list_folder(int folder, const char *name)
{
    char *path = cs_path_folder(name, NULL);
    const int fd = path ? openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (!list && fd >= 0) close(fd);
    cs_free(path);
    return list;
}

/* A killed commit of a group: the file has a part beside it that is the same file, and that nobody
 * has locked. Both go; 1 when they did. */
static int take_over(int folder, const char *name, const struct stat *there)
{
    const char *own = cs_path_name(name);
    const struct dirent *entry;
    int taken = 0;
    DIR *list = there->st_nlink > 1 ? list_folder(folder, name) : NULL;
    while (list && !taken && (entry = readdir(list)) != NULL) {
        struct stat facts;
        int fd;
        if (!cs_is_part_name(entry->d_name, own) ||
            fstatat(dirfd(list), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
            facts.st_dev != there->st_dev || facts.st_ino != there->st_ino)
            continue;
        fd = openat(dirfd(list), entry->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            taken =
                unlinkat(dirfd(list), own, 0) == 0 && unlinkat(dirfd(list), entry->d_name, 0) == 0;
        close(fd);
    }
    if (list) closedir(list);
    return taken;
}

void cs_output_recover(const char *path)
{
    const char *own = cs_path_name(path);
    const struct dirent *entry;
    struct stat facts;
    DIR *list;
    if (lstat(path, &facts) == 0 && S_ISREG(facts.st_mode)) take_over(AT_FDCWD, path, &facts);
    list = *own ? list_folder(AT_FDCWD, path) : NULL;
    if (!list) return;
    while ((entry = readdir(list)) != NULL)
        if (cs_is_part_name(entry->d_name, own)) cs_part_remove_at(dirfd(list), entry->d_name);
    closedir(list);
}

/* What has the name may be replaced, or nothing has it. */
static clipspan_status check_name(int folder, const char *name, int follow, const char *shown,
                                  int replace, clipspan_error *err)
{
    struct stat facts;
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        /* for example a name too long, found before hours of work */
        return errno == ENOENT ? CLIPSPAN_OK : fail_write(err, shown, errno);
    if (S_ISLNK(facts.st_mode) && !follow)
        return cs_fail_at(err, CLIPSPAN_E_WRITE, shown,
                          "is a symbolic link, where a file of its own was expected; it is neither "
                          "followed nor replaced. Remove it, then try again");
    /* Of a link, what it leads to is judged: renaming would put a file in its place. */
    if (S_ISLNK(facts.st_mode) && fstatat(folder, name, &facts, 0) != 0) facts.st_mode = S_IFREG;
    if (S_ISDIR(facts.st_mode))
        return cs_fail_at(err, CLIPSPAN_E_WRITE, shown, "is a folder, where a file was expected");
    if (!S_ISREG(facts.st_mode))
        return cs_fail_at(err, CLIPSPAN_E_WRITE, shown,
                          "is a device or pipe, which cannot be replaced by a file");
    if (replace || take_over(folder, name, &facts)) return CLIPSPAN_OK;
    return fail_exists(err, shown);
}

static clipspan_status make_part(cs_output *o, clipspan_error *err)
{
    const size_t room = strlen(o->name) + 64;
    o->where = cs_path_folder(o->name, err);
    o->part = o->where ? cs_alloc(room, 1, "a path", err) : NULL;
    if (!o->part) return CLIPSPAN_E_NOMEM;
    for (int serial = 0; o->fd < 0; serial++) {
        /* A name near the 255-byte limit is shortened so that the part's name still fits. */
        snprintf(o->part, room, "%s/.%.180s.%ld.%d.part", o->where, cs_path_name(o->name),
                 (long)getpid(), serial);
        o->fd = openat(o->folder, o->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (o->fd >= 0 && !hold(o->fd)) {
            close(o->fd);
            o->fd = -1;
            errno = EEXIST;
        }
        if (o->fd < 0 && (errno != EEXIST || serial == SERIALS)) {
            const int code = errno;
            cs_free(o->part);
            o->part = NULL;
            return fail_write(err, o->shown, code);
        }
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_output_open_at(cs_output **out, int folder, const char *name, int follow,
                                  const char *shown, int replace, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_output *o = cs_alloc_zero(1, sizeof *o, "an output file", err);
    *out = NULL;
    if (!o) {
        if (folder >= 0) close(folder);
        return CLIPSPAN_E_NOMEM;
    }
    o->fd = -1;
    o->folder = folder;
    o->replace = replace;
    o->name = cs_strdup(name, err);
    o->shown = cs_strdup(shown, err);
    if (!o->name || !o->shown) goto done;
    CS_TRY_DONE(check_name(folder, name, follow, shown, replace, err));
    CS_TRY_DONE(make_part(o, err));
    *out = o;
    o = NULL;
done:
    cs_output_close(&o);
    return status;
}

clipspan_status cs_output_open(cs_output **out, const char *path, int replace, clipspan_error *err)
{
    *out = NULL;
    if (*cs_path_name(path) == '\0')
        return cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                          "names a folder, where a file name was expected");
    return cs_output_open_at(out, AT_FDCWD, path, 1, path, replace, err);
}

int cs_output_descriptor(const cs_output *output)
{
    return output->fd;
}

/* ---- Writing ---- */

clipspan_status cs_output_write(cs_output *output, const void *data, size_t size,
                                clipspan_error *err)
{
    const unsigned char *p = data;
    while (size > 0) {
        ssize_t put = write(output->fd, p, size < CHUNK ? size : CHUNK);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return fail_write(err, output->shown, put < 0 ? errno : ENOSPC);
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
        if (put <= 0) return fail_write(err, output->shown, put < 0 ? errno : ENOSPC);
        p += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return CLIPSPAN_OK;
}

/* ---- Committing ---- */

static clipspan_status flush(const cs_output *o, clipspan_error *err)
{
    int failed;
    do {
        failed = fsync(o->fd);
    } while (failed && errno == EINTR);
    if (!failed || errno == EINVAL)
        return CLIPSPAN_OK; /* EINVAL: it has nothing to be flushed to */
    return fail_write(err, o->shown, errno);
}

/* Its name. keep_part: what is linked keeps its part too, until all of a group are there. */
static clipspan_status give_name(const cs_output *o, int keep_part, clipspan_error *err)
{
    struct stat facts;
    if (o->replace) {
        if (renameat(o->folder, o->part, o->folder, o->name) == 0) return CLIPSPAN_OK;
        return fail_write(err, o->shown, errno);
    }
#ifdef RENAME_NOREPLACE
    if (!keep_part) { /* in one step where the file system can */
        if (renameat2(o->folder, o->part, o->folder, o->name, RENAME_NOREPLACE) == 0)
            return CLIPSPAN_OK;
        if (errno == EEXIST) return fail_exists(err, o->shown);
        if (errno != EINVAL && errno != ENOSYS) return fail_write(err, o->shown, errno);
    }
#endif
    if (linkat(o->folder, o->part, o->folder, o->name, 0) == 0) {
        if (!keep_part) unlinkat(o->folder, o->part, 0);
        return CLIPSPAN_OK;
    }
    if (errno == EEXIST) return fail_exists(err, o->shown);
    /* a file system without hard links */
    if (fstatat(o->folder, o->name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
        return fail_exists(err, o->shown);
    if (renameat(o->folder, o->part, o->folder, o->name) == 0) return CLIPSPAN_OK;
    return fail_write(err, o->shown, errno);
}

clipspan_status cs_output_commit(cs_output *output, clipspan_error *err)
{
    CS_TRY(flush(output, err));
    CS_TRY(give_name(output, 0, err));
    output->committed = 1;
    cs_flush_folder(output->folder, output->where);
    return CLIPSPAN_OK;
}

/* ---- Pairs ---- */

/* What has a name now waits beside it under the name of a part, so that the next process takes it
 * for one that was left over when this one is killed. *aside is NULL when there was nothing. */
static clipspan_status set_aside(char **aside, int folder, const char *name, int serial,
                                 const char *shown, clipspan_error *err)
{
    const size_t room = strlen(name) + 64;
    struct stat facts;
    char *where, *out;
    *aside = NULL;
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) return CLIPSPAN_OK;
    where = cs_path_folder(name, err);
    out = where ? cs_alloc(room, 1, "a path", err) : NULL;
    if (out)
        snprintf(out, room, "%s/.%.180s.%ld.%d.part", where, cs_path_name(name), (long)getpid(),
                 serial);
    cs_free(where);
    if (!out) return CLIPSPAN_E_NOMEM;
    if (renameat(folder, name, folder, out) == 0) {
        *aside = out;
        return CLIPSPAN_OK;
    }
    cs_free(out);
    return fail_write(err, shown, errno);
}

static void put_back(char **aside, int folder, const char *name)
{
    if (*aside) renameat(folder, *aside, folder, name);
    cs_free(*aside);
    *aside = NULL;
}

static void drop(char **aside, int folder)
{
    if (*aside) unlinkat(folder, *aside, 0);
    cs_free(*aside);
    *aside = NULL;
}

clipspan_status cs_output_lead(cs_output *o, const char *main, clipspan_error *err)
{
    clipspan_status status;
    CS_TRY(flush(o, err));
    o->main = cs_strdup(main, err);
    if (!o->main) return CLIPSPAN_E_NOMEM;
    if (o->replace) {
        CS_TRY(set_aside(&o->main_aside, AT_FDCWD, main, SERIALS + 1, main, err));
        status = set_aside(&o->aside, o->folder, o->name, SERIALS + 1, o->shown, err);
        if (status == CLIPSPAN_OK) status = give_name(o, 1, err);
    } else {
        status = give_name(o, 1, err);
    }
    o->leads = status == CLIPSPAN_OK;
    if (o->leads) return CLIPSPAN_OK;
    put_back(&o->aside, o->folder, o->name);
    put_back(&o->main_aside, AT_FDCWD, main);
    return status;
}

void cs_output_settle(cs_output *o)
{
    if (!o->leads) return;
    o->leads = 0;
    o->committed = 1;
    if (!o->replace) unlinkat(o->folder, o->part, 0);
    drop(&o->aside, o->folder);
    drop(&o->main_aside, AT_FDCWD);
    cs_flush_folder(o->folder, o->where);
}

/* The main file did not come: everything as it was before. */
static void give_up(cs_output *o)
{
    if (!o->leads) return;
    assert(o->name); /* a file that leads was opened whole */
    o->leads = 0;
    if (!o->aside) unlinkat(o->folder, o->name, 0);
    put_back(&o->aside, o->folder, o->name);
    put_back(&o->main_aside, AT_FDCWD, o->main);
}

void cs_output_close(cs_output **output)
{
    cs_output *o = output ? *output : NULL;
    if (!o) return;
    give_up(o);
    if (!o->committed && o->part) unlinkat(o->folder, o->part, 0);
    if (o->fd >= 0) close(o->fd);
    if (o->folder >= 0) close(o->folder);
    cs_free(o->aside);
    cs_free(o->main_aside);
    cs_free(o->main);
    cs_free(o->part);
    cs_free(o->where);
    cs_free(o->name);
    cs_free(o->shown);
    cs_free(o);
    *output = NULL;
}
