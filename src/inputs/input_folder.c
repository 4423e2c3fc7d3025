/* SPDX-License-Identifier: MIT */
/* The walk: real folders first, then folders behind links that were not met before; paths are
 * gathered in a store of their own, sorted, and only then appended. */
#define _POSIX_C_SOURCE 200809L
#include "inputs/input_folder.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct path_list {
    const char **paths;
    size_t count, room;
} path_list;

typedef struct folder_id {
    dev_t device;
    ino_t inode;
} folder_id;

typedef struct walk {
    cs_string_store strings;
    path_list images, folders, links; /* folders and links: still to be entered */
    size_t left_out;                  /* images of other kinds */
    size_t thumbnails;                /* folders of a network drive's own */
    folder_id *entered;               /* sorted */
    size_t entered_count, entered_room;
} walk;

static clipspan_status push(path_list *list, const char *path, clipspan_error *err)
{
    CS_TRY(cs_grow(&list->paths, &list->room, list->count + 1, sizeof *list->paths,
                   "a list of images", err));
    list->paths[list->count++] = path;
    return CLIPSPAN_OK;
}

static int ends_in_one(const char *name, const char *const *endings, size_t count)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < count; i++) {
        const size_t tail = strlen(endings[i]);
        if (length > tail && strcasecmp(name + length - tail, endings[i]) == 0) return 1;
    }
    return 0;
}

static int has_image_ending(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"};
    return ends_in_one(name, endings, sizeof endings / sizeof *endings);
}

/* Images of kinds that are not read; who has them wants to know that they are left out. */
static int has_other_ending(const char *name)
{
    static const char *const endings[] = {
        ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".j2k",
        ".jxl", ".ppm", ".pgm", ".pnm",  ".tga",  ".psd",  ".dng",  ".cr2", ".cr3",
        ".nef", ".arw", ".raf", ".orf",  ".rw2",  ".exr",  ".svg",  ".ico"};
    return ends_in_one(name, endings, sizeof endings / sizeof *endings);
}

/* What network drives keep beside images: small copies of them, and what was deleted. */
static int is_of_a_drive(const char *name)
{
    static const char *const names[] = {"@eaDir",    "#recycle", "@Recycle", "@Recently-Snapshot",
                                        "#snapshot", "@tmp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return 1;
    return 0;
}

static int compare_ids(folder_id a, folder_id b)
{
    if (a.device != b.device) return a.device < b.device ? -1 : 1;
    if (a.inode != b.inode) return a.inode < b.inode ? -1 : 1;
    return 0;
}

/* Notes a folder as entered; *fresh is 0 when it was before. */
static clipspan_status enter(int *fresh, walk *w, const struct stat *facts, clipspan_error *err)
{
    folder_id id = {facts->st_dev, facts->st_ino};
    size_t low = 0, high = w->entered_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_ids(w->entered[middle], id);
        if (order == 0) {
            *fresh = 0;
            return CLIPSPAN_OK;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    CS_TRY(cs_grow(&w->entered, &w->entered_room, w->entered_count + 1, sizeof *w->entered,
                   "a list of folders", err));
    memmove(w->entered + low + 1, w->entered + low, (w->entered_count - low) * sizeof *w->entered);
    w->entered[low] = id;
    w->entered_count++;
    *fresh = 1;
    return CLIPSPAN_OK;
}

/* The list that a name of a folder belongs to: images, folders to enter later, or none (NULL).
 * What is named as an image but cannot be looked at stays in the list: reading it fails and is
 * counted. */
static path_list *place(walk *w, int folder, const char *name)
{
    struct stat facts;
    int link = 0;
    path_list *otherwise = has_image_ending(name) ? &w->images : NULL;
    if (name[0] == '.') return NULL;
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) return otherwise;
    if (S_ISLNK(facts.st_mode)) {
        link = 1;
        if (fstatat(folder, name, &facts, 0) != 0) return otherwise;
    }
    if (S_ISDIR(facts.st_mode) && is_of_a_drive(name)) {
        w->thumbnails++;
        return NULL;
    }
    if (S_ISDIR(facts.st_mode)) return link ? &w->links : &w->folders;
    return otherwise;
}

static clipspan_status keep(walk *w, path_list *list, const char *folder, const char *name,
                            clipspan_error *err)
{
    char *path = cs_path_join(folder, name, err);
    const char *kept;
    if (!path) return CLIPSPAN_E_NOMEM;
    kept = cs_string_store_add(&w->strings, path, strlen(path), err);
    cs_free(path);
    return kept ? push(list, kept, err) : CLIPSPAN_E_NOMEM;
}

/* Reads one folder. *reason is 0, or errno when it could not be read (to its end). */
static clipspan_status read_folder(int *reason, walk *w, const char *path, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    struct dirent *entry;
    DIR *folder = opendir(path);
    *reason = folder ? 0 : errno;
    if (!folder) return CLIPSPAN_OK;
    for (errno = 0; status == CLIPSPAN_OK && (entry = readdir(folder)); errno = 0) {
        path_list *list = place(w, dirfd(folder), entry->d_name);
        if (!list) w->left_out += entry->d_name[0] != '.' && has_other_ending(entry->d_name);
        if (list) status = keep(w, list, path, entry->d_name, err);
    }
    if (status == CLIPSPAN_OK) *reason = errno;
    closedir(folder);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_paths(path_list *list)
{
    if (list->count) qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
}

static clipspan_status enter_all(walk *w, clipspan_error *err)
{
    while (w->folders.count || w->links.count) {
        const char *path;
        struct stat facts;
        int fresh, reason = 0;
        if (w->folders.count == 0) { /* a link that sorts last is followed first: any fixed order */
            sort_paths(&w->links);
            path = w->links.paths[--w->links.count];
        } else {
            path = w->folders.paths[--w->folders.count];
        }
        if (stat(path, &facts) == 0) {
            CS_TRY(enter(&fresh, w, &facts, err));
            if (!fresh) continue;
            CS_TRY(read_folder(&reason, w, path, err));
        } else {
            reason = errno;
        }
        if (reason) CS_TRY(push(&w->images, path, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_input_folder_list(cs_input_list *list, const char *folder, int label_by_folder,
                                     clipspan_error *err)
{
    clipspan_status status;
    struct stat facts;
    walk w = {0};
    size_t i;
    int fresh, reason = 0;
    if (stat(folder, &facts) == 0) {
        CS_TRY_DONE(enter(&fresh, &w, &facts, err));
        CS_TRY_DONE(read_folder(&reason, &w, folder, err));
    } else {
        reason = errno;
    }
    if (reason) {
        status = cs_fail_at(err, CLIPSPAN_E_IO, folder, "the folder cannot be read: %s",
                            strerror(reason));
        goto done;
    }
    CS_TRY_DONE(enter_all(&w, err));
    sort_paths(&w.images);
    list->left_out += w.left_out;
    list->thumbnails += w.thumbnails;
    for (i = 0; i < w.images.count; i++)
        CS_TRY_DONE(label_by_folder ? cs_input_list_add_in_folder(list, w.images.paths[i], "", err)
                                    : cs_input_list_add(list, w.images.paths[i], "", "", err));
    status = CLIPSPAN_OK;
done:
    cs_free(w.images.paths);
    cs_free(w.folders.paths);
    cs_free(w.links.paths);
    cs_free(w.entered);
    cs_string_store_fini(&w.strings);
    return status;
}
