/* SPDX-License-Identifier: MIT */
/* String blocks, the table of distinct labels and groups, the list itself. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "inputs/input_list.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)1 << 16)

struct cs_string_block {
    cs_string_block *before;
    size_t used, size;
    char text[];
};

const char *cs_string_store_add(cs_string_store *store, const char *text, size_t length,
                                clipspan_error *err)
{
    cs_string_block *block = store->last;
    char *copy;
    if (!block || block->size - block->used <= length) {
        size_t size = length + 1 > BLOCK_BYTES ? length + 1 : BLOCK_BYTES;
        block = cs_alloc(1, sizeof *block + size, "a list of images", err);
        if (!block) return NULL;
        block->before = store->last;
        block->used = 0;
        block->size = size;
        store->last = block;
    }
    copy = block->text + block->used;
    memcpy(copy, text, length);
    copy[length] = '\0';
    block->used += length + 1;
    return copy;
}

void cs_string_store_fini(cs_string_store *store)
{
    while (store->last) {
        cs_string_block *before = store->last->before;
        cs_free(store->last);
        store->last = before;
    }
}

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

/* The slot that holds the string, or the free one where it belongs. */
static size_t find_slot(const uint32_t *slots, size_t slot_count, const char *const *strings,
                        const char *text)
{
    size_t at = (size_t)hash(text) & (slot_count - 1);
    while (slots[at] && strcmp(strings[slots[at] - 1], text) != 0)
        at = (at + 1) & (slot_count - 1);
    return at;
}

static clipspan_status grow_slots(cs_name_table *table, clipspan_error *err)
{
    size_t slot_count = table->slot_count ? 2 * table->slot_count : 64, i;
    uint32_t *slots = cs_alloc_zero(slot_count, sizeof *slots, "a table of labels", err);
    if (!slots) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < table->count; i++)
        slots[find_slot(slots, slot_count, table->names, table->names[i])] = (uint32_t)(i + 1);
    cs_free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    return CLIPSPAN_OK;
}

static clipspan_status intern(uint32_t *number, cs_input_list *list, const char *text,
                              clipspan_error *err)
{
    cs_name_table *table = &list->names;
    size_t at;
    if (table->slot_count == 0 || table->count >= table->slot_count / 2)
        CS_TRY(grow_slots(table, err));
    at = find_slot(table->slots, table->slot_count, table->names, text);
    if (table->slots[at] == 0) {
        size_t length = strlen(text);
        const char *copy;
        if (length > CS_INPUT_PATH_MOST)
            return cs_fail(err, CLIPSPAN_E_LIMIT,
                           "a label or group has %zu bytes, more than the %zu that one may have",
                           length, CS_INPUT_PATH_MOST);
        CS_TRY(cs_grow(&table->names, &table->room, table->count + 1, sizeof *table->names,
                       "a table of labels", err));
        copy = cs_string_store_add(&list->strings, text, length, err);
        if (!copy) return CLIPSPAN_E_NOMEM;
        table->names[table->count++] = copy;
        table->slots[at] = (uint32_t)table->count;
    }
    *number = table->slots[at] - 1;
    return CLIPSPAN_OK;
}

clipspan_status cs_input_list_add(cs_input_list *list, const char *path, const char *label,
                                  const char *group, clipspan_error *err)
{
    size_t length = strlen(path), need = list->count + 1;
    uint32_t label_number = 0, group_number = 0, empty = 0;
    const char *copy;
    if (length > CS_INPUT_PATH_MOST)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                          "has %zu bytes, more than the %zu that a path may have", length,
                          CS_INPUT_PATH_MOST);
    if (list->count == CS_INPUTS_MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "the list has more than the %zu images that one run takes; split it",
                       CS_INPUTS_MOST);
    CS_TRY(cs_grow(&list->paths, &list->room, need, sizeof *list->paths, "a list of images", err));
    CS_TRY(cs_grow(&list->labels, &list->label_room, need, sizeof *list->labels, "a list of images",
                   err));
    CS_TRY(cs_grow(&list->groups, &list->group_room, need, sizeof *list->groups, "a list of images",
                   err));
    CS_TRY(intern(&empty, list, "", err));
    CS_TRY(intern(&label_number, list, label, err));
    CS_TRY(intern(&group_number, list, group, err));
    copy = cs_string_store_add(&list->strings, path, length, err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    list->paths[list->count] = copy;
    list->labels[list->count] = label_number;
    list->groups[list->count] = group_number;
    list->count++;
    return CLIPSPAN_OK;
}

clipspan_status cs_input_list_add_in_folder(cs_input_list *list, const char *path,
                                            const char *group, clipspan_error *err)
{
    clipspan_status status;
    char *folder = cs_path_folder(path, err), *resolved = NULL;
    const char *name;
    if (!folder) return CLIPSPAN_E_NOMEM;
    name = cs_path_name(folder);
    /* "." and ".." are names only once it is known what they stand for. */
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        resolved = realpath(folder, NULL);
        if (resolved) name = cs_path_name(resolved);
    }
    status = cs_input_list_add(list, path, name, group, err);
    free(resolved);
    cs_free(folder);
    return status;
}

clipspan_status cs_input_list_column(size_t *column, cs_input_list *list, const char *name,
                                     clipspan_error *err)
{
    cs_input_column *added;
    for (*column = 0; *column < list->column_count; (*column)++)
        if (strcmp(list->columns[*column].name, name) == 0) return CLIPSPAN_OK;
    if (list->column_count == CS_INPUT_COLUMNS_MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "more than the %d further columns that a list may have",
                       CS_INPUT_COLUMNS_MOST);
    if (strlen(name) > CS_INPUT_PATH_MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "the name of a column has more than %zu bytes",
                       CS_INPUT_PATH_MOST);
    if (!list->columns)
        list->columns = cs_alloc_zero(CS_INPUT_COLUMNS_MOST, sizeof *list->columns, "columns", err);
    if (!list->columns) return CLIPSPAN_E_NOMEM;
    added = &list->columns[list->column_count];
    added->name = cs_string_store_add(&list->strings, name, strlen(name), err);
    if (!added->name) return CLIPSPAN_E_NOMEM;
    list->column_count++;
    return CLIPSPAN_OK;
}

clipspan_status cs_input_list_set(cs_input_list *list, size_t column, const char *value,
                                  clipspan_error *err)
{
    cs_input_column *c = &list->columns[column];
    uint32_t number = 0;
    CS_TRY(intern(&number, list, value, err));
    CS_TRY(cs_grow(&c->values, &c->room, list->count, sizeof *c->values, "a list of images", err));
    while (c->count + 1 < list->count) /* images before that had no such column */
        c->values[c->count++] = 0;
    c->values[list->count - 1] = number;
    c->count = list->count;
    return CLIPSPAN_OK;
}

const char *cs_input_list_get(const cs_input_list *list, size_t index, size_t column)
{
    const cs_input_column *c;
    if (column >= list->column_count) return "";
    c = &list->columns[column];
    return index < c->count ? list->names.names[c->values[index]] : "";
}

clipspan_status cs_input_list_finish(cs_input_list *list, clipspan_error *err)
{
    size_t slot_count = 64, i;
    uint32_t *slots;
    while (slot_count / 2 < list->count)
        slot_count *= 2;
    slots = cs_alloc_zero(slot_count, sizeof *slots, "finding duplicates", err);
    if (!slots) return CLIPSPAN_E_NOMEM;
    list->duplicates = 0;
    for (i = 0; i < list->count; i++) {
        size_t at = find_slot(slots, slot_count, list->paths, list->paths[i]);
        if (slots[at])
            list->duplicates++;
        else
            slots[at] = (uint32_t)(i + 1);
    }
    cs_free(slots);
    return CLIPSPAN_OK;
}

void cs_input_list_fini(cs_input_list *list)
{
    for (size_t i = 0; i < list->column_count; i++)
        cs_free(list->columns[i].values);
    cs_free(list->columns);
    cs_string_store_fini(&list->strings);
    cs_free(list->paths);
    cs_free(list->labels);
    cs_free(list->groups);
    cs_free(list->names.names);
    cs_free(list->names.slots);
    memset(list, 0, sizeof *list);
}
