/* SPDX-License-Identifier: MIT */
/* Which class and group the images of a run are of: as the run was planned, or as a CSV says,
 * matched by path. Never by the order of files. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/in/evaluation.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NAMED 10 /* unknown labels that a message lists */

typedef struct entry {
    const char *key;
    size_t index;
} entry;

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->key, ((const entry *)b)->key);
}

static const entry *find_entry(const entry *sorted, size_t count, const char *key)
{
    const entry wanted = {key, 0};
    return count ? bsearch(&wanted, sorted, count, sizeof *sorted, compare_entries) : NULL;
}

/* What stands for every used image, [N] offsets into text. */
typedef struct columns {
    const cli_evaluation *ev;
    char *text;
    size_t used, room;
    size_t *label, *group;         /* [N] */
    size_t next;                   /* image that the next row is for */
    const clipspan_inputs *inputs; /* or NULL: the run's own */
    entry *paths;                  /* of the inputs, absolute and sorted; keys owned by path_text */
    char *path_text;
    size_t path_count, matched;
    const char *folder; /* where the run's relative paths start */
    clipspan_status status;
    clipspan_error *err;
} columns;

static size_t keep(columns *c, const char *text)
{
    const size_t length = strlen(text) + 1, at = c->used;
    if (c->status == CLIPSPAN_OK)
        c->status = cs_grow(&c->text, &c->room, c->used + length, 1, "labels", c->err);
    if (c->status != CLIPSPAN_OK) return 0;
    memcpy(c->text + at, text, length);
    c->used += length;
    return at;
}

/* FOLDER/PATH, or PATH when it is absolute already, without "./" in front. */
static void absolute(char *out, size_t room, const char *folder, const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (*path == '/' || !*folder)
        snprintf(out, room, "%s", path);
    else
        snprintf(out, room, "%s/%s", folder, path);
}

static int take_image(void *user, const clipspan_run_image *p)
{
    columns *c = user;
    const char *label = p->label, *group = p->group;
    char path[2 * PATH_MAX];
    if (strcmp(p->status, "ok") != 0) return 0;
    if (c->inputs) {
        const entry *found;
        absolute(path, sizeof path, c->folder, p->path);
        found = find_entry(c->paths, c->path_count, path);
        c->matched += found != NULL;
        label = found ? clipspan_inputs_get_label(c->inputs, found->index) : "";
        group = found ? clipspan_inputs_get_group(c->inputs, found->index) : "";
    }
    c->label[c->next] = keep(c, label);
    c->group[c->next++] = keep(c, group);
    return c->status != CLIPSPAN_OK;
}

static clipspan_status sort_paths(columns *c)
{
    const size_t count = clipspan_inputs_get_count(c->inputs);
    const char *const *paths = clipspan_inputs_get_paths(c->inputs);
    size_t *starts = cs_alloc(count, sizeof *starts, "paths", c->err), used = 0, room = 0, i;
    char here[PATH_MAX], path[2 * PATH_MAX];
    clipspan_status status = CLIPSPAN_OK;
    c->paths = cs_alloc(count, sizeof *c->paths, "paths", c->err);
    if (!starts || !c->paths) status = CLIPSPAN_E_NOMEM;
    if (!getcwd(here, sizeof here)) here[0] = '\0';
    for (i = 0; i < count && status == CLIPSPAN_OK; i++) {
        size_t length;
        absolute(path, sizeof path, here, paths[i]);
        length = strlen(path) + 1;
        status = cs_grow(&c->path_text, &room, used + length, 1, "paths", c->err);
        if (status != CLIPSPAN_OK) break;
        memcpy(c->path_text + used, path, length);
        starts[i] = used;
        used += length;
    }
    for (i = 0; i < count && status == CLIPSPAN_OK; i++) {
        c->paths[i].key = c->path_text + starts[i];
        c->paths[i].index = i;
    }
    if (status == CLIPSPAN_OK) qsort(c->paths, count, sizeof *c->paths, compare_entries);
    c->path_count = count;
    cs_free(starts);
    return status;
}

static clipspan_status open_csv(clipspan_inputs **out, const cli_evaluation *ev, const char *labels,
                                const char *groups, clipspan_error *err)
{
    const cli_evaluation_settings *x = ev->x;
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    options.root = x->root;
    options.path_column = x->path_column;
    options.labels = labels;
    options.groups = groups;
    return clipspan_inputs_open(out, &x->from, 1, &options, err);
}

/* Labels and groups of all used images, as texts. */
static clipspan_status read_columns(columns *c, const char *labels, const char *groups,
                                    clipspan_error *err)
{
    const cli_evaluation *ev = c->ev;
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    clipspan_inputs *inputs = NULL;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    c->err = err;
    c->label = cs_alloc_zero(ev->N, sizeof *c->label, "labels", err);
    c->group = cs_alloc_zero(ev->N, sizeof *c->group, "groups", err);
    if (!c->label || !c->group) return CLIPSPAN_E_NOMEM;
    if (labels || groups) {
        CS_TRY(open_csv(&inputs, ev, labels, groups, err));
        c->inputs = inputs;
        c->folder = info->folder;
        CS_TRY_DONE(sort_paths(c));
    }
    status = clipspan_run_read_images(ev->run, 0, info->images, take_image, c, err);
    if (c->status != CLIPSPAN_OK) status = c->status;
    if (status == CLIPSPAN_OK && inputs && c->matched == 0)
        status = cs_fail_at(err, CLIPSPAN_E_ARGUMENT, ev->x->from,
                            "names none of the run's images; the first of its paths is %.200s "
                            "(--root says where relative paths start)",
                            c->path_count ? c->paths[0].key : "");
done:
    c->inputs = NULL;
    clipspan_inputs_close(&inputs);
    return status;
}

static void free_columns(columns *c)
{
    cs_free(c->label);
    cs_free(c->group);
    cs_free(c->paths);
    cs_free(c->path_text);
    cs_free(c->text);
}

/* What programs write for a value that is not there. */
static clipspan_status check_missing(const char *value, const char *what, clipspan_error *err)
{
    if (strcasecmp(value, "nan") != 0 && strcasecmp(value, "<na>") != 0) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_FORMAT,
                   "an image's %s is \"%s\": a missing value that a program wrote down; leave the "
                   "cell empty where it is not known",
                   what, value);
}

static clipspan_status fail_unknown(const char *const *unknown, size_t count, const entry *classes,
                                    size_t class_count, clipspan_error *err)
{
    char list[600] = "";
    const char **keys = cs_alloc(class_count, sizeof *keys, "classes", err), *meant;
    size_t used = 0, k;
    if (!keys) return CLIPSPAN_E_NOMEM;
    for (k = 0; k < class_count; k++)
        keys[k] = classes[k].key;
    for (k = 0; k < count && used < sizeof list; k++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%.50s\"", k ? ", " : "",
                                 unknown[k]);
    meant = cs_nearest(unknown[0], keys, class_count);
    cs_fail(err, CLIPSPAN_E_ARGUMENT,
            "labels that no class has: %s%s%s%s%s; a class file says what labels mean, a line a "
            "class: label, tab, name",
            list, count == NAMED ? " and more" : "", meant ? " (did you mean \"" : "",
            meant ? meant : "", meant ? "\" for the first?)" : "");
    cs_free(keys);
    return CLIPSPAN_E_ARGUMENT;
}

static clipspan_status match_labels(int32_t *labels, size_t *labelled, const columns *c,
                                    const clipspan_texts *classes, clipspan_error *err)
{
    const size_t count = clipspan_texts_get_count(classes);
    entry *sorted = cs_alloc(count, sizeof *sorted, "classes", err);
    clipspan_status status = CLIPSPAN_OK;
    const char *unknown[NAMED];
    size_t strange = 0, i, k;
    *labelled = 0;
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < count; i++) {
        sorted[i].key = cli_class_key(classes, i);
        sorted[i].index = i;
    }
    qsort(sorted, count, sizeof *sorted, compare_entries);
    for (i = 0; i < c->ev->N && status == CLIPSPAN_OK; i++) {
        const char *label = c->text + c->label[i];
        const entry *found = find_entry(sorted, count, label);
        labels[i] = found && *label ? (int32_t)found->index : -1;
        *labelled += labels[i] >= 0;
        if (!*label || found) continue;
        status = check_missing(label, "label", err);
        for (k = 0; k < strange && strcmp(unknown[k], label) != 0; k++)
            ;
        if (k == strange && strange < NAMED) unknown[strange++] = label;
    }
    if (status == CLIPSPAN_OK && strange)
        status = fail_unknown(unknown, strange, sorted, count, err);
    cs_free(sorted);
    return status;
}

/* Groups in order of name; the names are kept in the evaluation. */
static clipspan_status match_groups(cli_evaluation *ev, const columns *c, clipspan_error *err)
{
    entry *sorted = cs_alloc(ev->N, sizeof *sorted, "groups", err);
    clipspan_status status = CLIPSPAN_OK;
    size_t some = 0, i;
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < ev->N; i++) {
        ev->groups[i] = -1;
        if (!c->text[c->group[i]]) continue;
        sorted[some].key = ev->texts + c->group[i];
        sorted[some++].index = i;
    }
    qsort(sorted, some, sizeof *sorted, compare_entries);
    ev->group_names = cs_alloc(some, sizeof *ev->group_names, "groups", err);
    if (!ev->group_names) status = CLIPSPAN_E_NOMEM;
    for (i = 0; i < some && status == CLIPSPAN_OK; i++) {
        if (i == 0 || strcmp(sorted[i].key, sorted[i - 1].key) != 0) {
            status = check_missing(sorted[i].key, "group", err);
            ev->group_names[ev->group_count++] = sorted[i].key;
        }
        ev->groups[sorted[i].index] = (int32_t)ev->group_count - 1;
    }
    cs_free(sorted);
    return status;
}

static clipspan_status check_options(const cli_evaluation_settings *x, clipspan_error *err)
{
    if ((x->labels || x->groups) && !x->from)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--%s names a column, but of which file? Give it with --from FILE.csv; "
                       "without, labels and groups are those that the run was scanned with",
                       x->labels ? "labels" : "groups");
    if (x->from && !x->labels && (x->groups || !x->labels_elsewhere))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--from needs --labels COLUMN: which column of %s says what is right",
                       x->from);
    return CLIPSPAN_OK;
}

clipspan_status cli_evaluation_labels(cli_evaluation *ev, clipspan_error *err)
{
    const cli_evaluation_settings *x = ev->x;
    columns c = {.ev = ev};
    clipspan_status status = CLIPSPAN_OK;
    CS_TRY(check_options(x, err));
    ev->labels = cs_alloc(ev->N, sizeof *ev->labels, "labels", err);
    ev->groups = cs_alloc(ev->N, sizeof *ev->groups, "groups", err);
    if (!ev->labels || !ev->groups) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(read_columns(&c, x->labels, x->groups, err));
    CS_TRY_DONE(match_labels(ev->labels, &ev->labelled, &c, ev->classes, err));
    ev->texts = c.text; /* group names live there */
    CS_TRY_DONE(match_groups(ev, &c, err));
    for (size_t i = 0; i < ev->N; i++)
        ev->ungrouped += ev->labels[i] >= 0 && ev->groups[i] < 0;
    if (x->labels && ev->labelled == 0)
        status = cs_fail(err, CLIPSPAN_E_ARGUMENT, "--labels: no image of the run has a label");
done:
    if (ev->texts == c.text) c.text = NULL;
    free_columns(&c);
    return status;
}

clipspan_status cli_labels_column(int32_t *labels, size_t *labelled, const cli_evaluation *ev,
                                  const clipspan_texts *classes, const char *column,
                                  clipspan_error *err)
{
    columns c = {.ev = ev};
    clipspan_status status;
    CS_TRY_DONE(read_columns(&c, column, NULL, err));
    status = match_labels(labels, labelled, &c, classes, err);
done:
    free_columns(&c);
    return status;
}
