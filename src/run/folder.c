/* SPDX-License-Identifier: MIT */
/* Locks by flock, which ends with the process; names in folders. */
#define _DEFAULT_SOURCE /* flock */
#define _POSIX_C_SOURCE 200809L
#include "run/folder.h"
#include "base/file_at.h"
#include "base/memory.h"
#include "run/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_FILE    "lock"
#define ENDING       ".safetensors"
#define NAME_ROOM    600 /* of three folders and a file */

#define COUNT(array) (sizeof(array) / sizeof *(array))

clipspan_status cs_folder_open(cs_root **out, const char *path, clipspan_error *err)
{
    clipspan_error local;
    clipspan_status status = cs_root_open(out, path, &local);
    char *index;
    if (status != CLIPSPAN_E_NOT_FOUND) {
        if (status != CLIPSPAN_OK && err) *err = local;
        return status;
    }
    index = cs_path_join(path, CS_INDEX_FILE, err);
    if (!index) return CLIPSPAN_E_NOMEM;
    status = cs_fail_at(err, status, index,
                        "does not exist: expected the folder of a run, as plan and scan make it");
    cs_free(index);
    return status;
}

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

clipspan_status cs_folder_lock(int *lock, const cs_root *root, int exclusive, clipspan_error *err)
{
    int code;
    CS_TRY(cs_root_lock_file(lock, root, LOCK_FILE, err));
    do
        code = flock(*lock, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 ? 0 : errno;
    while (code == EINTR);
    if (code == 0) return CLIPSPAN_OK;
    if (code != EWOULDBLOCK) return lack_locks(cs_root_path(root), exclusive, code, err);
    return cs_fail_at(err, CLIPSPAN_E_WRITE, cs_root_path(root),
                      "is being worked on by another process of clipspan; wait for it to end");
}

void cs_folder_unlock(int *lock)
{
    if (*lock >= 0) close(*lock);
    *lock = -1;
}

/* ---- Names ---- */

/* Two digits and eight or more: "03-00000017.safetensors". */
static int is_numbered(const char *name)
{
    const size_t level = strspn(name, "0123456789"),
                 digits = name[level] == '-' ? strspn(name + level + 1, "0123456789") : 0;
    return level == 2 && digits >= 8 && digits <= 20 && strcmp(name + 3 + digits, ENDING) == 0;
}

/* Of version 1: "00000017.safetensors", too. */
static int is_old(const char *name)
{
    const size_t digits = strspn(name, "0123456789");
    return is_numbered(name) || (digits >= 8 && strcmp(name + digits, ENDING) == 0);
}

/* "texts-0123456789abcdef.safetensors" */
static int is_bank(const char *name)
{
    return strncmp(name, "texts-", 6) == 0 && strspn(name + 6, "0123456789abcdef") == 16 &&
           strcmp(name + 22, ENDING) == 0;
}

static int is_result(const char *name)
{
    return cs_results_is_name(name) || is_bank(name);
}

static int is_segment(const char *name)
{
    const size_t digits = strspn(name, "0123456789");
    return digits >= 3 && digits <= 4 && !name[digits];
}

/* Files in the run's folder, the index first; its folders, and which files of those are the run's.
 * The last of each list are of version 1. */
static const char *const files[] = {CS_INDEX_FILE, CS_STATISTICS_FILE, CS_OUTPUT_MAP_FILE,
                                    "basis.safetensors"};
static const struct run_folder {
    const char *name;
    int (*owns)(const char *name);
} folders[] = {{CS_SEGMENTS_FOLDER, NULL},
               {CS_RESULTS_FOLDER, is_result},
               {"chunks", is_old},
               {"nodes", is_old}};

static int is_file_of_run(const char *name)
{
    for (size_t i = 0; i < COUNT(files); i++)
        if (strcmp(name, files[i]) == 0) return 1;
    return 0;
}

/* The name without what makes it one of an unfinished file, so that nothing else of that kind is
 * taken for the run's: ".statistics.safetensors.4711.0.part". */
static int is_part_of(const char *name, int (*owns)(const char *))
{
    char whole[256];
    const char *end = name + strlen(name);
    if (!owns || !cs_is_part_name(name, NULL) || strlen(name) >= sizeof whole) return 0;
    for (int dots = 0; dots < 3; dots += *end == '.')
        end--;
    snprintf(whole, sizeof whole, "%.*s", (int)(end - name - 1), name + 1);
    return owns(whole);
}

static clipspan_status check_name(void *context, const char *name, clipspan_error *err)
{
    const cs_root *root = context;
    if (is_file_of_run(name) || strcmp(name, LOCK_FILE) == 0 || is_part_of(name, is_file_of_run))
        return CLIPSPAN_OK;
    for (size_t i = 0; i < COUNT(folders); i++)
        if (strcmp(name, folders[i].name) == 0) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_EXISTS, cs_root_path(root),
        "is a folder without a run that holds other things (\"%.150s\"); choose a new "
        "or empty folder",
        name);
}

clipspan_status cs_folder_check_free(cs_root *root, clipspan_error *err)
{
    return cs_root_each(root, "", check_name, root, err);
}

/* ---- Sweeping ---- */

/* What is to be removed from one folder: unfinished files of names that `owns` knows and, with
 * `all`, those files themselves. */
typedef struct sweep {
    const cs_root *root;
    const char *folder;
    int (*owns)(const char *name);
    int all;
} sweep;

static void join_name(char out[NAME_ROOM], const char *folder, const char *name)
{
    snprintf(out, NAME_ROOM, "%.300s%s%.255s", folder, *folder ? "/" : "", name);
}

static clipspan_status sweep_name(void *context, const char *name, clipspan_error *err)
{
    const sweep *s = context;
    char path[NAME_ROOM];
    join_name(path, s->folder, name);
    if (is_part_of(name, s->owns))
        cs_root_remove_part(s->root, path);
    else if (s->all && s->owns && s->owns(name))
        return cs_root_remove(s->root, path, err);
    return CLIPSPAN_OK;
}

/* A folder of the run, and nothing else that has its name. */
static clipspan_status sweep_folder(const cs_root *root, const char *folder,
                                    int (*owns)(const char *), int all, clipspan_error *err)
{
    sweep s = {root, folder, owns, all};
    switch (cs_root_look(root, folder)) {
    case CS_ROOT_NOTHING: return CLIPSPAN_OK;
    case CS_ROOT_FOLDER: return cs_root_each(root, folder, sweep_name, &s, err);
    default:
        return cs_fail_at(
            err, CLIPSPAN_E_WRITE, cs_root_path(root),
            "has a \"%s\" that is a symbolic link, or no folder, where a folder of the "
            "run was expected; it is not followed. Remove it, then try again",
            folder);
    }
}

static clipspan_status sweep_segment(void *context, const char *name, clipspan_error *err)
{
    static const char *const inside[] = {CS_PACKS_FOLDER, CS_NODES_FOLDER};
    const sweep *s = context;
    char segment[NAME_ROOM], folder[NAME_ROOM];
    if (!is_segment(name)) return CLIPSPAN_OK;
    join_name(segment, s->folder, name);
    CS_TRY(sweep_folder(s->root, segment, NULL, s->all, err));
    for (size_t i = 0; i < COUNT(inside); i++) {
        join_name(folder, segment, inside[i]);
        CS_TRY(sweep_folder(s->root, folder, is_numbered, s->all, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status sweep_folders(const cs_root *root, int all, clipspan_error *err)
{
    sweep s = {root, CS_SEGMENTS_FOLDER, NULL, all};
    CS_TRY(sweep_folder(root, CS_SEGMENTS_FOLDER, NULL, all, err));
    CS_TRY(cs_root_each(root, CS_SEGMENTS_FOLDER, sweep_segment, &s, err));
    for (size_t i = 1; i < COUNT(folders); i++)
        CS_TRY(sweep_folder(root, folders[i].name, folders[i].owns, all, err));
    return CLIPSPAN_OK;
}

/* Everything is looked at before anything goes: with a link in a folder's place nothing does. */
clipspan_status cs_folder_clear(const cs_root *root, clipspan_error *err)
{
    for (size_t i = 0; i < COUNT(files); i++) {
        const cs_root_kind kind = cs_root_look(root, files[i]);
        if (kind != CS_ROOT_NOTHING && kind != CS_ROOT_FILE)
            return cs_fail_at(
                err, CLIPSPAN_E_WRITE, cs_root_path(root),
                "has a \"%s\" that is a symbolic link, or no regular file; it is left "
                "as it is. Remove it, then try again",
                files[i]);
    }
    CS_TRY(sweep_folders(root, 0, err));
    for (size_t i = 0; i < COUNT(files); i++)
        CS_TRY(cs_root_remove(root, files[i], err));
    return sweep_folders(root, 1, err);
}

void cs_folder_tidy(const cs_root *root)
{
    sweep s = {root, "", is_file_of_run, 0};
    cs_root_each(root, "", sweep_name, &s, NULL);
    sweep_folders(root, 0, NULL);
}
