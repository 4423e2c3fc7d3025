/* SPDX-License-Identifier: MIT */
/* Folders made beside their name and renamed; a folder that is replaced changes places with the new
 * one in one step where the file system can. A part is locked by who fills it, so that one without
 * a lock is known to be left over from a killed process. */
#define _GNU_SOURCE /* renameat2, nftw, flock */
#include "base/folder_output.h"
#include "base/file.h"
#include "base/file_at.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct cs_folder_output {
    char *path, *part; /* part: NULL once committed */
    char *mark;
    int replace, lock; /* lock: descriptor of the part, or -1 */
};

static clipspan_status fail_write(clipspan_error *err, const char *path, int code)
{
    return cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be written: %s", strerror(code));
}

/* Number of names in a folder but "." and ".."; -1 when it cannot be listed. */
static int names_in(const char *path)
{
    const struct dirent *entry;
    DIR *folder = opendir(path);
    int count = 0;
    if (!folder) return -1;
    while ((entry = readdir(folder)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

clipspan_status cs_folder_output_check(const char *path, int replace, const char *mark,
                                       clipspan_error *err)
{
    const int kind = cs_path_kind(path);
    struct stat facts;
    char *file;
    int marked;
    if (!*path) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "the name of the new folder is empty");
    if (kind == 0 && lstat(path, &facts) == 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                          "is a link to nothing; choose a new folder");
    if (kind == 0) return CLIPSPAN_OK;
    if (kind != 2)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                          "is a file, where a new folder was expected");
    if (names_in(path) == 0) return CLIPSPAN_OK;
    file = cs_path_join(path, mark, err);
    if (!file) return CLIPSPAN_E_NOMEM;
    marked = cs_path_kind(file) == 1;
    cs_free(file);
    if (replace && marked) return CLIPSPAN_OK;
    if (marked)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path, "already exists; use --force to overwrite");
    return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                      "is a folder that holds other things (no %s among them), which are never "
                      "replaced; choose a new or empty folder",
                      mark);
}

/* The path without slashes at its end. */
static char *trimmed(const char *path, clipspan_error *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return cs_strndup(path, length, err);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts;
    (void)kind;
    (void)place;
    remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A part of this name that no living process holds. */
static void remove_left_over(const char *folder, const char *part)
{
    char *path = cs_path_join(folder, part, NULL);
    const int fd =
        path ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) remove_tree(path);
    if (fd >= 0) close(fd);
    cs_free(path);
}

/* What killed processes left of this output. */
static void tidy(const char *folder, const char *name)
{
    const struct dirent *entry;
    DIR *list = opendir(folder);
    if (!list) return;
    while ((entry = readdir(list)) != NULL)
        if (cs_is_part_name(entry->d_name, name)) remove_left_over(folder, entry->d_name);
    closedir(list);
}

/* A folder that was not there, and is locked where folders can be. */
static clipspan_status make_part(cs_folder_output *o, clipspan_error *err)
{
    const size_t room = strlen(o->path) + 64;
    char *folder = cs_path_folder(o->path, err), *part = cs_alloc(room, 1, "a path", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (!folder || !part) goto done;
    CS_TRY_DONE(cs_make_folder(folder, err));
    tidy(folder, cs_path_name(o->path));
    for (int serial = 0;; serial++) {
        snprintf(part, room, "%s/.%.180s.%ld.%d.part", folder, cs_path_name(o->path),
                 (long)getpid(), serial);
        if (mkdir(part, 0777) == 0) break;
        if (errno == EEXIST && serial < 10000) continue;
        status = fail_write(err, o->path, errno);
        goto done;
    }
    o->lock = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (o->lock >= 0) flock(o->lock, LOCK_EX | LOCK_NB);
    o->part = part;
    part = NULL;
done:
    cs_free(folder);
    cs_free(part);
    return status;
}

clipspan_status cs_folder_output_open(cs_folder_output **out, const char *path, int replace,
                                      const char *mark, clipspan_error *err)
{
    clipspan_status status;
    cs_folder_output *o;
    *out = NULL;
    CS_TRY(cs_folder_output_check(path, replace, mark, err));
    o = cs_alloc_zero(1, sizeof *o, "an output folder", err);
    if (!o) return CLIPSPAN_E_NOMEM;
    o->replace = replace;
    o->lock = -1;
    o->path = trimmed(path, err);
    o->mark = cs_strdup(mark, err);
    status = o->path && o->mark ? make_part(o, err) : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK)
        *out = o;
    else
        cs_folder_output_close(&o);
    return status;
}

const char *cs_folder_output_path(const cs_folder_output *output)
{
    return output->part;
}

/* Puts the new folder in the place of the old one, which then has the part's name. */
static clipspan_status exchange(cs_folder_output *o, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const size_t room = strlen(o->part) + 8;
    char *old;
#ifdef RENAME_EXCHANGE
    if (renameat2(AT_FDCWD, o->part, AT_FDCWD, o->path, RENAME_EXCHANGE) == 0) return CLIPSPAN_OK;
    if (errno != EINVAL && errno != ENOSYS) return fail_write(err, o->path, errno);
#endif
    old = cs_alloc(room, 1, "a path", err);
    if (!old) return CLIPSPAN_E_NOMEM;
    snprintf(old, room, "%.*s1.part", (int)(strlen(o->part) - strlen(".part")), o->part);
    if (rename(o->path, old) != 0) {
        status = fail_write(err, o->path, errno);
    } else if (rename(o->part, o->path) != 0) {
        status = fail_write(err, o->path, errno);
        rename(old, o->path);
    } else {
        rename(old, o->part);
    }
    cs_free(old);
    return status;
}

static clipspan_status take_place(cs_folder_output *o, clipspan_error *err)
{
    if (cs_path_kind(o->path) != 2 || names_in(o->path) == 0)
        return rename(o->part, o->path) == 0 ? CLIPSPAN_OK : fail_write(err, o->path, errno);
    CS_TRY(exchange(o, err));
    remove_tree(o->part);
    return CLIPSPAN_OK;
}

clipspan_status cs_folder_output_commit(cs_folder_output *o, clipspan_error *err)
{
    clipspan_status status;
    char *above; /* found before: after a failure everything is as it was */
    CS_TRY(cs_folder_output_check(o->path, o->replace, o->mark, err));
    above = cs_path_folder(o->path, err);
    if (!above) return CLIPSPAN_E_NOMEM;
    cs_flush_folder(AT_FDCWD, o->part); /* files that were written in it are flushed already */
    status = take_place(o, err);
    if (status == CLIPSPAN_OK) {
        cs_free(o->part);
        o->part = NULL;
        cs_flush_folder(AT_FDCWD, above);
    }
    cs_free(above);
    return status;
}

void cs_folder_output_close(cs_folder_output **output)
{
    cs_folder_output *o = output ? *output : NULL;
    if (!o) return;
    if (o->part) remove_tree(o->part);
    if (o->lock >= 0) close(o->lock);
    cs_free(o->part);
    cs_free(o->path);
    cs_free(o->mark);
    cs_free(o);
    *output = NULL;
}
