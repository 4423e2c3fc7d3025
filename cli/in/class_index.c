/* SPDX-License-Identifier: MIT */
/* Classes in the order of their keys. */
#include "cli/in/class_index.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED 10 /* unknown labels that a message lists */

/* Key order of classes without a global: sorted as pairs. */
typedef struct keyed {
    const char *key;
    size_t index;
} keyed;

static int compare_keyed(const void *a, const void *b)
{
    return strcmp(((const keyed *)a)->key, ((const keyed *)b)->key);
}

clipspan_status cli_class_index_init(cli_class_index *index, const clipspan_texts *classes,
                                     clipspan_error *err)
{
    const size_t count = clipspan_texts_get_count(classes);
    keyed *pairs = cs_alloc(count, sizeof *pairs, "classes", err);
    index->classes = classes;
    index->count = count;
    index->order = cs_alloc(count, sizeof *index->order, "classes", err);
    if (!pairs || !index->order) {
        cs_free(pairs);
        return CLIPSPAN_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i].key = cli_class_key(classes, i);
        pairs[i].index = i;
    }
    qsort(pairs, count, sizeof *pairs, compare_keyed);
    for (size_t i = 0; i < count; i++)
        index->order[i] = pairs[i].index;
    cs_free(pairs);
    return CLIPSPAN_OK;
}

void cli_class_index_fini(cli_class_index *index)
{
    cs_free(index->order);
    memset(index, 0, sizeof *index);
}

size_t cli_class_index_find(const cli_class_index *index, const char *label)
{
    size_t low = 0, high = index->count;
    if (!*label) return CLI_NO_CLASS;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(cli_class_key(index->classes, index->order[middle]), label);
        if (order == 0) return index->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return CLI_NO_CLASS;
}

clipspan_status cli_class_index_check(const cli_class_index *index, const clipspan_inputs *inputs,
                                      clipspan_error *err)
{
    const char *unknown[NAMED], **keys, *meant;
    char list[600];
    size_t count = 0, known = 0, used = 0, total = clipspan_inputs_get_count(inputs), i, k;
    for (i = 0; i < total; i++) {
        const char *label = clipspan_inputs_get_label(inputs, i);
        if (*label) known += cli_class_index_find(index, label) != CLI_NO_CLASS;
        if (!*label || cli_class_index_find(index, label) != CLI_NO_CLASS) continue;
        for (k = 0; k < count && strcmp(unknown[k], label) != 0; k++)
            ;
        if (k == count && count < NAMED) unknown[count++] = label;
    }
    if (count == 0 && known == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--labels: no image has a label");
    if (count == 0) return CLIPSPAN_OK;
    for (k = 0; k < count && used < sizeof list; k++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%.80s\"", k ? ", " : "",
                                 unknown[k]);
    keys = cs_alloc(index->count, sizeof *keys, "classes", err);
    if (!keys) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < index->count; i++)
        keys[i] = cli_class_key(index->classes, i);
    meant = cs_nearest(unknown[0], keys, index->count);
    cs_fail(err, CLIPSPAN_E_ARGUMENT,
            "labels that no class has: %s%s%s%s%s%s; give --classes a file with one line per "
            "class: label, tab, name",
            list, count == NAMED ? " and more" : "", meant ? " (did you mean \"" : "",
            meant ? meant : "", meant ? "\" for the first?)" : "", "");
    cs_free(keys);
    return CLIPSPAN_E_ARGUMENT;
}
