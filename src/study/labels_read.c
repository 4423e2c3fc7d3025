/* SPDX-License-Identifier: MIT */
/* Labels and groups as texts, from a run or from a list that names its images. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "inputs/inputs.h"
#include "study/labels.h"

#include <clipspan/run.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct named {
    const char *path;
    size_t index;
} named;

/* A list by absolute path; two entries of one path stand in the order of the list. */
typedef struct path_list {
    const clipspan_inputs *inputs; /* NULL: none */
    named *sorted;                 /* [count] */
    char *text;                    /* bytes of the paths */
    size_t count, matched;
    const char *folder; /* where the run's relative paths start */
} path_list;

typedef struct reading {
    cs_label_texts *out;
    size_t used, room; /* of out->text */
    path_list list;
} reading;

/* FOLDER/PATH, or PATH when it is absolute already, without "./" in front. */
static void make_absolute(char *out, size_t room, const char *folder, const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (*path == '/' || !*folder)
        snprintf(out, room, "%s", path);
    else
        snprintf(out, room, "%s/%s", folder, path);
}

static int compare_paths(const void *a, const void *b)
{
    const named *x = a, *y = b;
    const int order = strcmp(x->path, y->path);
    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

static clipspan_status sort_paths(path_list *list, clipspan_error *err)
{
    const char *const *paths = cs_inputs_paths(list->inputs);
    const size_t count = cs_inputs_count(list->inputs);
    size_t used = 0, room = 0, i;
    char here[PATH_MAX], path[2 * PATH_MAX];
    list->sorted = cs_alloc(count, sizeof *list->sorted, "paths", err);
    if (!list->sorted) return CLIPSPAN_E_NOMEM;
    if (!getcwd(here, sizeof here)) here[0] = '\0';
    for (i = 0; i < count; i++) {
        size_t length;
        make_absolute(path, sizeof path, here, paths[i]);
        length = strlen(path) + 1;
        CS_TRY(cs_grow(&list->text, &room, used + length, 1, "paths", err));
        memcpy(list->text + used, path, length);
        list->sorted[i].index = used; /* where it begins, until text stays where it is */
        used += length;
    }
    for (i = 0; i < count; i++)
        list->sorted[i] = (named){list->text + list->sorted[i].index, i};
    qsort(list->sorted, count, sizeof *list->sorted, compare_paths);
    list->count = count;
    return CLIPSPAN_OK;
}

/* The first entry of a path, or NULL. */
static const named *find_path(const path_list *list, const char *path)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(list->sorted[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && strcmp(list->sorted[low].path, path) == 0 ? &list->sorted[low]
                                                                          : NULL;
}

static clipspan_status keep(size_t *at, reading *r, const char *text, clipspan_error *err)
{
    const size_t length = strlen(text) + 1;
    CS_TRY(cs_grow(&r->out->text, &r->room, r->used + length, 1, "labels", err));
    memcpy(r->out->text + r->used, text, length);
    *at = r->used;
    r->used += length;
    return CLIPSPAN_OK;
}

static clipspan_status read_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    reading *r = context;
    cs_label_texts *out = r->out;
    const char *label = row->label, *group = row->group;
    char path[2 * PATH_MAX];
    if (strcmp(row->status, "ok") != 0) return CLIPSPAN_OK;
    if (r->list.inputs) {
        const named *found;
        make_absolute(path, sizeof path, r->list.folder, row->path);
        found = find_path(&r->list, path);
        r->list.matched += found != NULL;
        label = found ? cs_inputs_label(r->list.inputs, found->index) : "";
        group = found ? cs_inputs_group(r->list.inputs, found->index) : "";
    }
    CS_TRY(keep(&out->label[out->count], r, label, err));
    CS_TRY(keep(&out->group[out->count], r, group, err));
    out->count++;
    return CLIPSPAN_OK;
}

clipspan_status cs_labels_read(cs_label_texts *out, const cs_run *run,
                               const clipspan_inputs *inputs, const char *source,
                               clipspan_error *err)
{
    const clipspan_run_info *info = cs_run_info(run);
    const size_t most = (size_t)info->images;
    reading r = {.out = out, .list = {.inputs = inputs, .folder = info->folder}};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    memset(out, 0, sizeof *out);
    out->label = cs_alloc(most, sizeof *out->label, "labels", err);
    out->group = cs_alloc(most, sizeof *out->group, "groups", err);
    if (!out->label || !out->group) return status;
    if (inputs) CS_TRY_DONE(sort_paths(&r.list, err));
    CS_TRY_DONE(cs_run_images(run, 0, info->images, read_row, &r, err));
    if (inputs && r.list.matched == 0)
        status = cs_fail_at(err, CLIPSPAN_E_ARGUMENT, source,
                            "names none of the run's images; the first of its paths is %.200s "
                            "(--root says where relative paths start)",
                            r.list.count ? r.list.sorted[0].path : "");
done:
    cs_free(r.list.sorted);
    cs_free(r.list.text);
    return status;
}

void cs_labels_fini(cs_label_texts *texts)
{
    cs_free(texts->text);
    cs_free(texts->label);
    cs_free(texts->group);
    memset(texts, 0, sizeof *texts);
}
