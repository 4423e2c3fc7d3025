/* SPDX-License-Identifier: MIT */
/* Names below an open folder. Every call finds the folder that a name lies in, and then works on
 * its last part with calls that follow no link. */
#define _GNU_SOURCE /* O_PATH, syscall */
#include "base/root.h"
#include "base/away.h"
#include "base/file_at.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER_MOST 1024 /* bytes of the folders in a name */

#define ENTER       (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct cs_root {
    int fd;
    char *path;
};

/* ---- Finding ---- */

#ifdef SYS_openat2

/* As in linux/openat2.h, which older headers lack. */
typedef struct open_how {
    uint64_t flags, mode, resolve;
} open_how;

#    define NO_MAGIC_LINKS 0x02
#    define NO_LINKS       0x04
#    define BENEATH        0x08

/* The folder, or -1; *known is 0 where the kernel, or its filter, does not know the call. */
static int enter_at_once(int *known, int root, const char *folder)
{
    static atomic_int missing;
    const open_how how = {ENTER, 0, NO_MAGIC_LINKS | NO_LINKS | BENEATH};
    int fd = -1;
    *known = !atomic_load(&missing);
    if (!*known) return -1;
    for (int i = 0; i < 100; i++) { /* again where something was renamed meanwhile */
        fd = (int)syscall(SYS_openat2, root, folder, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN) break;
    }
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL || errno == E2BIG)) {
        atomic_store(&missing, 1);
        *known = 0;
    }
    return fd;
}

#else

static int enter_at_once(int *known, int root, const char *folder)
{
    (void)root;
    (void)folder;
    *known = 0;
    return -1;
}

#endif

/* Part by part, none of which may be a link or lead back. */
static int enter_by_parts(int root, const char *folder)
{
    int fd = fcntl(root, F_DUPFD_CLOEXEC, 3);
    char part[256];
    while (fd >= 0 && *folder) {
        const size_t length = strcspn(folder, "/");
        int next = -1;
        if (length == 0 || length >= sizeof part) {
            errno = ENOENT;
        } else {
            memcpy(part, folder, length);
            part[length] = '\0';
            if (strcmp(part, "..") == 0)
                errno = EXDEV;
            else
                next = openat(fd, part, ENTER);
        }
        close(fd);
        fd = next;
        folder += length + (folder[length] == '/');
    }
    return fd;
}

static int enter_folder(const cs_root *root, const char *folder)
{
    int known, fd;
    if (!*folder) return fcntl(root->fd, F_DUPFD_CLOEXEC, 3);
    fd = enter_at_once(&known, root->fd, folder);
    return known ? fd : enter_by_parts(root->fd, folder);
}

/* The folder that the name lies in, or -1 with errno; *last: the name in it. */
static int enter_parent(const cs_root *root, const char *name, const char **last)
{
    const char *slash = strrchr(name, '/');
    const size_t length = slash ? (size_t)(slash - name) : 0;
    char folder[FOLDER_MOST];
    *last = slash ? slash + 1 : name;
    if (!**last || strcmp(*last, ".") == 0 || strcmp(*last, "..") == 0 || *name == '/') {
        errno = EXDEV;
        return -1;
    }
    if (length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, name, length);
    folder[length] = '\0';
    return enter_folder(root, folder);
}

/* What errno means of a name. */
static clipspan_status fail_enter(const cs_root *root, const char *name, clipspan_status status,
                                  clipspan_error *err)
{
    const int code = errno;
    char *path = cs_root_join(root, name, NULL);
    const char *shown = path ? path : name;
    if (code == ELOOP || code == EXDEV || code == ENOTDIR)
        status = cs_fail_at(err, status == CLIPSPAN_E_WRITE ? status : CLIPSPAN_E_IO, shown,
                            "lies behind a symbolic link, or something else that is no folder of "
                            "its own; it is not followed. Remove it, then try again");
    else if (code == ENOMEM)
        status = cs_fail_at(err, CLIPSPAN_E_NOMEM, shown, "cannot be opened: %s", strerror(code));
    else if (code == ENOENT && status != CLIPSPAN_E_WRITE)
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, shown, "no such file");
    else
        status =
            cs_away(err, code,
                    cs_fail_at(err, status, shown, "cannot be %s: %s",
                               status == CLIPSPAN_E_WRITE ? "written" : "opened", strerror(code)));
    cs_free(path);
    return status;
}

/* ---- The root itself ---- */

clipspan_status cs_root_open(cs_root **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    cs_root *root = cs_alloc_zero(1, sizeof *root, "an open folder", err);
    *out = NULL;
    if (!root) return CLIPSPAN_E_NOMEM;
    root->fd = -1;
    root->path = cs_strdup(path, err);
    if (!root->path) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    root->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0) {
        status =
            errno == ENOENT || errno == ENOTDIR
                ? cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                             errno == ENOENT ? "no such folder" : "is not a folder")
                : cs_fail_at(err, CLIPSPAN_E_IO, path, "cannot be opened: %s", strerror(errno));
        goto done;
    }
    *out = root;
    return CLIPSPAN_OK;
done:
    cs_root_close(&root);
    return status;
}

void cs_root_close(cs_root **root)
{
    cs_root *r = root ? *root : NULL;
    if (!r) return;
    if (r->fd >= 0) close(r->fd);
    cs_free(r->path);
    cs_free(r);
    *root = NULL;
}

const char *cs_root_path(const cs_root *root)
{
    return root->path;
}

char *cs_root_join(const cs_root *root, const char *name, clipspan_error *err)
{
    return *name ? cs_path_join(root->path, name, err) : cs_strdup(root->path, err);
}

/* ---- Looking ---- */

/* 0 when there is nothing that can be looked at, with errno. */
static int look(struct stat *facts, const cs_root *root, const char *name)
{
    const char *last;
    const int folder = enter_parent(root, name, &last);
    int found, code;
    if (folder < 0) return 0;
    found = fstatat(folder, last, facts, AT_SYMLINK_NOFOLLOW) == 0;
    code = errno;
    close(folder);
    errno = code;
    return found;
}

cs_root_kind cs_root_look(const cs_root *root, const char *name)
{
    struct stat facts;
    if (!look(&facts, root, name)) return errno == ENOENT ? CS_ROOT_NOTHING : CS_ROOT_OTHER;
    return S_ISREG(facts.st_mode)   ? CS_ROOT_FILE
           : S_ISDIR(facts.st_mode) ? CS_ROOT_FOLDER
           : S_ISLNK(facts.st_mode) ? CS_ROOT_LINK
                                    : CS_ROOT_OTHER;
}

int cs_root_identity(uint64_t out[2], uint64_t *links, const cs_root *root, const char *name)
{
    struct stat facts;
    if (!look(&facts, root, name) || !S_ISREG(facts.st_mode)) return 0;
    out[0] = (uint64_t)facts.st_dev;
    out[1] = (uint64_t)facts.st_ino;
    *links = (uint64_t)facts.st_nlink;
    return 1;
}

/* ---- Files ---- */

clipspan_status cs_root_file(cs_file **out, const cs_root *root, const char *name,
                             clipspan_error *err)
{
    const char *last;
    const int folder = enter_parent(root, name, &last);
    clipspan_status status;
    char *shown;
    *out = NULL;
    if (folder < 0) return fail_enter(root, name, CLIPSPAN_E_IO, err);
    shown = cs_root_join(root, name, err);
    status = shown ? cs_file_open_at(out, folder, last, 0, shown, err) : CLIPSPAN_E_NOMEM;
    cs_free(shown);
    close(folder);
    return status;
}

clipspan_status cs_root_read_all(unsigned char **data, size_t *size, const cs_root *root,
                                 const char *name, uint64_t limit, clipspan_error *err)
{
    clipspan_status status;
    cs_file *file;
    *data = NULL;
    *size = 0;
    CS_TRY(cs_root_file(&file, root, name, err));
    status = cs_file_read_whole(data, size, file, limit, err);
    cs_file_close(&file);
    return status;
}

clipspan_status cs_root_output(cs_output **out, const cs_root *root, const char *name, int replace,
                               clipspan_error *err)
{
    const char *last;
    const int folder = enter_parent(root, name, &last);
    clipspan_status status;
    char *shown;
    *out = NULL;
    if (folder < 0) return fail_enter(root, name, CLIPSPAN_E_WRITE, err);
    shown = cs_root_join(root, name, err);
    if (!shown) {
        close(folder);
        return CLIPSPAN_E_NOMEM;
    }
    status = cs_output_open_at(out, folder, last, 0, shown, replace, err);
    cs_free(shown);
    return status;
}

clipspan_status cs_root_make_folder(const cs_root *root, const char *name, clipspan_error *err)
{
    const char *end = name;
    while (*end) {
        struct stat facts;
        const char *last;
        char *part;
        int folder, made = 0;
        end += strcspn(end, "/");
        part = cs_strndup(name, (size_t)(end - name), err);
        if (!part) return CLIPSPAN_E_NOMEM;
        folder = enter_parent(root, part, &last);
        if (folder >= 0) {
            made = mkdirat(folder, last, 0777) == 0;
            if (made) cs_flush_folder(folder, ".");
            made = made ||
                   (errno == EEXIST && fstatat(folder, last, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
                    (S_ISDIR(facts.st_mode) || (errno = ENOTDIR, 0)));
            const int code = errno;
            close(folder);
            errno = code;
        }
        if (!made) {
            clipspan_status status = fail_enter(root, part, CLIPSPAN_E_WRITE, err);
            cs_free(part);
            return status;
        }
        cs_free(part);
        end += *end == '/';
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_root_remove(const cs_root *root, const char *name, clipspan_error *err)
{
    const char *last;
    const int folder = enter_parent(root, name, &last);
    clipspan_status status = CLIPSPAN_OK;
    struct stat facts;
    char *shown = NULL;
    if (folder < 0)
        return errno == ENOENT ? CLIPSPAN_OK : fail_enter(root, name, CLIPSPAN_E_WRITE, err);
    if (fstatat(folder, last, &facts, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) status = fail_enter(root, name, CLIPSPAN_E_WRITE, err);
        goto done;
    }
    shown = cs_root_join(root, name, err);
    if (!shown)
        status = CLIPSPAN_E_NOMEM;
    else if (!S_ISREG(facts.st_mode))
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, shown,
                            "is %s, where a file of a run was expected; it is left as it is. "
                            "Remove it, then try again",
                            S_ISLNK(facts.st_mode)   ? "a symbolic link"
                            : S_ISDIR(facts.st_mode) ? "a folder"
                                                     : "a device or pipe");
    else if (unlinkat(folder, last, 0) != 0 && errno != ENOENT)
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, shown, "cannot be removed: %s", strerror(errno));
done:
    cs_free(shown);
    close(folder);
    return status;
}

void cs_root_remove_part(const cs_root *root, const char *name)
{
    const char *last;
    const int folder = enter_parent(root, name, &last);
    if (folder < 0) return;
    if (cs_is_part_name(last, NULL)) cs_part_remove_at(folder, last);
    close(folder);
}

clipspan_status cs_root_lock_file(int *fd, const cs_root *root, const char *name,
                                  clipspan_error *err)
{
    const char *last;
    const int folder = enter_parent(root, name, &last);
    clipspan_status status = CLIPSPAN_OK;
    struct stat facts;
    int there;
    *fd = -1;
    if (folder < 0) return fail_enter(root, name, CLIPSPAN_E_WRITE, err);
    there = fstatat(folder, last, &facts, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there || (S_ISREG(facts.st_mode) && facts.st_nlink == 1))
        *fd = openat(folder, last, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    else
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, cs_root_path(root),
                            "has a \"%s\" that is %s, where an empty file of its own was expected; "
                            "it is left as it is. Remove it, then try again",
                            name,
                            S_ISREG(facts.st_mode)   ? "another file too (a hard link)"
                            : S_ISLNK(facts.st_mode) ? "a symbolic link"
                                                     : "no regular file");
    if (status == CLIPSPAN_OK && *fd < 0)
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, cs_root_path(root), "cannot be written: %s",
                            strerror(errno));
    close(folder);
    return status;
}

/* ---- Folders ---- */

clipspan_status cs_root_each(const cs_root *root, const char *name,
                             clipspan_status (*each)(void *context, const char *name,
                                                     clipspan_error *err),
                             void *context, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const struct dirent *entry;
    const int folder = enter_folder(root, name);
    DIR *list;
    int fd;
    if (folder < 0)
        return errno == ENOENT ? CLIPSPAN_OK : fail_enter(root, name, CLIPSPAN_E_IO, err);
    fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    list = fd >= 0 ? fdopendir(fd) : NULL;
    if (!list) {
        const int code = errno;
        if (fd >= 0) close(fd);
        close(folder);
        errno = code;
        return fail_enter(root, name, CLIPSPAN_E_IO, err);
    }
    while (status == CLIPSPAN_OK && (entry = readdir(list)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = each(context, entry->d_name, err);
    closedir(list);
    close(folder);
    return status;
}
