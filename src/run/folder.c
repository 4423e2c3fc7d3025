/* SPDX-License-Identifier: MIT */
/* Locks by flock, which ends with the process; names in folders. */
#define _DEFAULT_SOURCE /* flock */
#define _POSIX_C_SOURCE 200809L
#include "run/folder.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_FILE "lock"

static const char *const folders[] = {CS_CHUNKS_FOLDER, CS_NODES_FOLDER, CS_RESULTS_FOLDER};
static const char *const files[] = {CS_INDEX_FILE, CS_STATISTICS_FILE, CS_BASIS_FILE};

#define COUNT(array) (sizeof(array) / sizeof *(array))

clipspan_status cs_folder_lock(int *lock, const char *path, int exclusive, clipspan_error *err)
{
    char *name = cs_path_join(path, LOCK_FILE, err);
    *lock = -1;
    if (!name) return CLIPSPAN_E_NOMEM;
    *lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    cs_free(name);
    if (*lock < 0)
        return cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be written: %s", strerror(errno));
    if (flock(*lock, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return CLIPSPAN_OK;
    if (errno != EWOULDBLOCK) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                      "is being worked on by another process of clipspan; wait for it to end");
}

void cs_folder_unlock(int *lock)
{
    if (*lock >= 0) close(*lock);
    *lock = -1;
}

clipspan_status cs_folder_each(const char *path,
                               clipspan_status (*each)(void *context, const char *name,
                                                       clipspan_error *err),
                               void *context, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const struct dirent *entry;
    DIR *folder = opendir(path);
    if (!folder && errno == ENOENT) return CLIPSPAN_OK;
    if (!folder)
        return cs_fail_at(err, CLIPSPAN_E_IO, path, "cannot be listed: %s", strerror(errno));
    while (status == CLIPSPAN_OK && (entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = each(context, entry->d_name, err);
    closedir(folder);
    return status;
}

static int is_part(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' && length > 5 && strcmp(name + length - 5, ".part") == 0;
}

static clipspan_status check_name(void *context, const char *name, clipspan_error *err)
{
    if (is_part(name) || strcmp(name, LOCK_FILE) == 0) return CLIPSPAN_OK;
    for (size_t i = 0; i < COUNT(folders); i++)
        if (strcmp(name, folders[i]) == 0) return CLIPSPAN_OK;
    for (size_t i = 0; i < COUNT(files); i++)
        if (strcmp(name, files[i]) == 0) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_EXISTS, context,
        "is a folder without a run that holds other things (\"%.150s\"); choose a new "
        "or empty folder",
        name);
}

clipspan_status cs_folder_check_free(const char *path, clipspan_error *err)
{
    union { /* the callback takes its context back as const */
        const char *shared;
        void *own;
    } context;
    context.shared = path;
    return cs_folder_each(path, check_name, context.own, err);
}

/* What is to be removed from one folder: all files, or only half-written ones. */
typedef struct sweep {
    const char *folder;
    int all;
} sweep;

static clipspan_status remove_file(const char *folder, const char *name, clipspan_error *err)
{
    char *path = cs_path_join(folder, name, err);
    int code;
    if (!path) return CLIPSPAN_E_NOMEM;
    code = unlink(path) == 0 || errno == ENOENT || errno == EISDIR ? 0 : errno;
    cs_free(path);
    if (code == 0) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_WRITE, folder, "\"%.150s\" in it cannot be removed: %s", name,
                      strerror(code));
}

static clipspan_status sweep_name(void *context, const char *name, clipspan_error *err)
{
    const sweep *s = context;
    return s->all || is_part(name) ? remove_file(s->folder, name, err) : CLIPSPAN_OK;
}

static clipspan_status sweep_folders(const char *path, int all, clipspan_error *err)
{
    for (size_t i = 0; i < COUNT(folders); i++) {
        char *folder = cs_path_join(path, folders[i], err);
        sweep s = {folder, all};
        clipspan_status status;
        if (!folder) return CLIPSPAN_E_NOMEM;
        status = cs_folder_each(folder, sweep_name, &s, err);
        cs_free(folder);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_folder_clear(const char *path, clipspan_error *err)
{
    for (size_t i = 0; i < COUNT(files); i++)
        CS_TRY(remove_file(path, files[i], err));
    return sweep_folders(path, 1, err);
}

void cs_folder_tidy(const char *path)
{
    sweep s = {path, 0};
    cs_folder_each(path, sweep_name, &s, NULL);
    sweep_folders(path, 0, NULL);
}
