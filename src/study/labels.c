/* SPDX-License-Identifier: MIT */
/* Labels as texts become classes and groups. */
#include "study/labels.h"
#include "base/memory.h"
#include "base/nearest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMED 10 /* unknown labels that a message lists */

typedef struct entry {
    const char *key;
    size_t index;
} entry;

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->key, ((const entry *)b)->key);
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

static clipspan_status fail_unknown(const char *const *unknown, size_t count,
                                    const char *const *keys, size_t classes, clipspan_error *err)
{
    const char *meant = cs_nearest(unknown[0], keys, classes);
    char list[600] = "";
    size_t used = 0;
    for (size_t k = 0; k < count && used < sizeof list; k++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%.50s\"", k ? ", " : "",
                                 unknown[k]);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "labels that no class has: %s%s%s%s%s; a class file says what labels mean, a "
                   "line a class: label, tab, name",
                   list, count == NAMED ? " and more" : "", meant ? " (did you mean \"" : "",
                   meant ? meant : "", meant ? "\" for the first?)" : "");
}

/* Keys in order; two equal ones are an error. */
static clipspan_status sort_keys(entry *sorted, const char *const *keys, size_t classes,
                                 clipspan_error *err)
{
    for (size_t i = 0; i < classes; i++)
        sorted[i] = (entry){keys[i], i};
    qsort(sorted, classes, sizeof *sorted, compare_entries);
    for (size_t i = 1; i < classes; i++)
        if (strcmp(sorted[i - 1].key, sorted[i].key) == 0)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "the class \"%.80s\" is there twice; classes of one name need keys that "
                           "differ (key, tab, name)",
                           sorted[i].key);
    return CLIPSPAN_OK;
}

static clipspan_status match(int32_t *labels, uint64_t *labelled, const cs_label_texts *t,
                             const entry *sorted, const char *const *keys, size_t classes,
                             clipspan_error *err)
{
    const char *unknown[NAMED];
    size_t strange = 0, k;
    for (size_t i = 0; i < t->count; i++) {
        const entry wanted = {t->text + t->label[i], 0};
        const entry *found = bsearch(&wanted, sorted, classes, sizeof *sorted, compare_entries);
        labels[i] = found && *wanted.key ? (int32_t)found->index : -1;
        *labelled += labels[i] >= 0;
        if (!*wanted.key || found) continue;
        CS_TRY(check_missing(wanted.key, "label", err));
        for (k = 0; k < strange && strcmp(unknown[k], wanted.key) != 0; k++)
            ;
        if (k == strange && strange < NAMED) unknown[strange++] = wanted.key;
    }
    return strange ? fail_unknown(unknown, strange, keys, classes, err) : CLIPSPAN_OK;
}

clipspan_status cs_labels_match(int32_t *labels, uint64_t *labelled, const cs_label_texts *texts,
                                const char *const *keys, size_t classes, clipspan_error *err)
{
    entry *sorted = cs_alloc(classes, sizeof *sorted, "classes", err);
    clipspan_status status;
    *labelled = 0;
    if (!sorted) return CLIPSPAN_E_NOMEM;
    status = sort_keys(sorted, keys, classes, err);
    if (status == CLIPSPAN_OK) status = match(labels, labelled, texts, sorted, keys, classes, err);
    cs_free(sorted);
    return status;
}

/* A product of values, one of which is not known: "/brick", "hen/". */
int cs_labels_partly_empty(const char *name)
{
    const size_t length = strlen(name);
    return name[0] == '/' || name[length - 1] == '/' || strstr(name, "//") != NULL;
}

/* One group's images, sorted[first, end): counted ones, or all of them. */
static int has_counted(const entry *sorted, size_t first, size_t end, const uint8_t *counted)
{
    for (size_t i = first; i < end; i++)
        if (!counted || counted[sorted[i].index]) return 1;
    return 0;
}

static clipspan_status number_groups(int32_t *groups, const char **names, size_t *name_count,
                                     const entry *sorted, size_t some, const uint8_t *counted,
                                     clipspan_error *err)
{
    size_t first, end;
    for (first = 0; first < some; first = end) {
        for (end = first + 1; end < some && strcmp(sorted[end].key, sorted[first].key) == 0; end++)
            ;
        CS_TRY(check_missing(sorted[first].key, "group", err));
        if (cs_labels_partly_empty(sorted[first].key) && !has_counted(sorted, first, end, counted))
            continue;
        for (size_t i = first; i < end; i++)
            groups[sorted[i].index] = (int32_t)*name_count;
        names[(*name_count)++] = sorted[first].key;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_labels_group(int32_t *groups, const char ***names, size_t *name_count,
                                const cs_label_texts *t, const uint8_t *counted,
                                clipspan_error *err)
{
    entry *sorted = cs_alloc(t->count, sizeof *sorted, "groups", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    size_t some = 0, i;
    *names = NULL;
    *name_count = 0;
    if (!sorted) return status;
    for (i = 0; i < t->count; i++) {
        groups[i] = -1;
        if (t->text[t->group[i]]) sorted[some++] = (entry){t->text + t->group[i], i};
    }
    qsort(sorted, some, sizeof *sorted, compare_entries);
    *names = cs_alloc(some, sizeof **names, "groups", err);
    if (*names) status = number_groups(groups, *names, name_count, sorted, some, counted, err);
    cs_free(sorted);
    return status;
}
