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
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE    "lock"
#define ENDING       ".safetensors"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- The lock ---- */

static clipspan_status lack_locks(const char *path, int exclusive, int code, clipspan_error *err)
{
    const char *wish = getenv("CLIPSPAN_NO_LOCK");
    if (!exclusive || (wish && *wish && strcmp(wish, "0") != 0)) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_WRITE, path,
        "cannot be locked: its file system has no locks (%s). When nothing else works "
        "on this run, set CLIPSPAN_NO_LOCK=1 and call again",
        strerror(code));
}

clipspan_status cs_folder_lock(int *lock, const char *path, int exclusive, clipspan_error *err)
{
    char *name = cs_path_join(path, LOCK_FILE, err);
    int code;
    *lock = -1;
    if (!name) return CLIPSPAN_E_NOMEM;
    *lock = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    cs_free(name);
    if (*lock < 0)
        return cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be written: %s", strerror(errno));
    do
        code = flock(*lock, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 ? 0 : errno;
    while (code == EINTR);
    if (code == 0) return CLIPSPAN_OK;
    if (code != EWOULDBLOCK) return lack_locks(path, exclusive, code, err);
    return cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                      "is being worked on by another process of clipspan; wait for it to end");
}

void cs_folder_unlock(int *lock)
{
    if (*lock >= 0) close(*lock);
    *lock = -1;
}

/* ---- Names ---- */

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

static int ends_in(const char *name, const char *ending)
{
    size_t a = strlen(name), b = strlen(ending);
    return a > b && strcmp(name + a - b, ending) == 0;
}

static int is_half_written(const char *name)
{
    return name[0] == '.' && ends_in(name, ".part");
}

/* "03-00000017.safetensors", and of version 1 "00000017.safetensors" */
static int is_numbered(const char *name)
{
    const size_t digits = strspn(name, "0123456789-");
    return digits >= 8 && strcmp(name + digits, ENDING) == 0;
}

static int is_result(const char *name)
{
    return ends_in(name, ".json") || (strncmp(name, "texts-", 6) == 0 && ends_in(name, ENDING));
}

static int is_segment(const char *name)
{
    const size_t digits = strspn(name, "0123456789");
    return digits >= 3 && !name[digits];
}

/* Files in the run's folder, its folders, and which files of those are the run's. The last of
 * both lists are of version 1. */
static const char *const files[] = {CS_INDEX_FILE, CS_STATISTICS_FILE, CS_OUTPUT_MAP_FILE,
                                    "output_maps.safetensors"};
static const struct run_folder {
    const char *name;
    int (*owns)(const char *name);
} folders[] = {{CS_SEGMENTS_FOLDER, is_segment},
               {CS_RESULTS_FOLDER, is_result},
               {"chunks", is_numbered},
               {"nodes", is_numbered}};

static clipspan_status check_name(void *context, const char *name, clipspan_error *err)
{
    if (is_half_written(name) || strcmp(name, LOCK_FILE) == 0) return CLIPSPAN_OK;
    for (size_t i = 0; i < COUNT(folders); i++)
        if (strcmp(name, folders[i].name) == 0) return CLIPSPAN_OK;
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

/* ---- Sweeping ---- */

/* What is to be removed from one folder: files that `owns` knows (NULL: none), and half-written
 * ones. */
typedef struct sweep {
    const char *folder;
    int (*owns)(const char *name);
    int all; /* files that are whole too */
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
    if (is_half_written(name) || (s->all && s->owns && s->owns(name)))
        return remove_file(s->folder, name, err);
    return CLIPSPAN_OK;
}

/* A folder of the run, not what a link leads to. */
static clipspan_status sweep_folder(const char *path, int (*owns)(const char *), int all,
                                    clipspan_error *err)
{
    sweep s = {path, owns, all};
    struct stat facts;
    if (lstat(path, &facts) != 0) return CLIPSPAN_OK;
    if (S_ISLNK(facts.st_mode))
        return cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                          "is a symbolic link, where a folder of the run was expected; it is not "
                          "followed. Remove it, then try again");
    return S_ISDIR(facts.st_mode) ? cs_folder_each(path, sweep_name, &s, err) : CLIPSPAN_OK;
}

static clipspan_status sweep_inside(const char *path, const char *name, int (*owns)(const char *),
                                    int all, clipspan_error *err)
{
    clipspan_status status;
    char *folder = cs_path_join(path, name, err);
    if (!folder) return CLIPSPAN_E_NOMEM;
    status = sweep_folder(folder, owns, all, err);
    cs_free(folder);
    return status;
}

static clipspan_status sweep_segment(void *context, const char *name, clipspan_error *err)
{
    const sweep *s = context;
    clipspan_status status;
    char *folder;
    if (!is_segment(name)) return CLIPSPAN_OK;
    folder = cs_path_join(s->folder, name, err);
    if (!folder) return CLIPSPAN_E_NOMEM;
    status = sweep_folder(folder, NULL, s->all, err);
    if (status == CLIPSPAN_OK)
        status = sweep_inside(folder, CS_PACKS_FOLDER, is_numbered, s->all, err);
    if (status == CLIPSPAN_OK)
        status = sweep_inside(folder, CS_NODES_FOLDER, is_numbered, s->all, err);
    cs_free(folder);
    return status;
}

static clipspan_status sweep_folders(const char *path, int all, clipspan_error *err)
{
    clipspan_status status;
    char *segments = cs_path_join(path, CS_SEGMENTS_FOLDER, err);
    sweep s = {segments, NULL, all};
    if (!segments) return CLIPSPAN_E_NOMEM;
    status = sweep_folder(segments, NULL, all, err);
    if (status == CLIPSPAN_OK) status = cs_folder_each(segments, sweep_segment, &s, err);
    cs_free(segments);
    for (size_t i = 1; i < COUNT(folders) && status == CLIPSPAN_OK; i++)
        status = sweep_inside(path, folders[i].name, folders[i].owns, all, err);
    return status;
}

clipspan_status cs_folder_clear(const char *path, clipspan_error *err)
{
    for (size_t i = 0; i < COUNT(files); i++)
        CS_TRY(remove_file(path, files[i], err));
    return sweep_folders(path, 1, err);
}

void cs_folder_tidy(const char *path)
{
    sweep s = {path, NULL, 0};
    cs_folder_each(path, sweep_name, &s, NULL);
    sweep_folders(path, 0, NULL);
}
