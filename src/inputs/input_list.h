/* SPDX-License-Identifier: MIT */
/* The growing list behind clipspan_inputs: paths side by side in large blocks, labels, groups and
 * further columns as numbers of distinct strings, so that a million images cost little more than
 * their names. */
#ifndef CLIPSPAN_SRC_INPUTS_INPUT_LIST_H
#define CLIPSPAN_SRC_INPUTS_INPUT_LIST_H

#include "base/error.h"

#define CS_INPUTS_MOST     ((size_t)100000000) /* images in a list */
#define CS_INPUT_PATH_MOST ((size_t)65535)     /* bytes of a path, label or group */

typedef struct cs_string_block cs_string_block;

typedef struct cs_string_store {
    cs_string_block *last;
} cs_string_store;

/* Distinct strings, numbered from 0 in order of their first appearance. Number 0 is "". */
typedef struct cs_name_table {
    const char **names;
    size_t count, room;
    uint32_t *slots; /* open addressing: number + 1, 0 for a free slot; slot_count a power of two */
    size_t slot_count;
} cs_name_table;

/* A further column of tables, beside paths, labels and groups. */
typedef struct cs_input_column {
    const char *name; /* in the list's strings */
    uint32_t *values; /* [count]: numbers of distinct strings */
    size_t count, room;
} cs_input_column;

#define CS_INPUT_COLUMNS_MOST 64

typedef struct cs_input_list {
    const char **paths; /* [count], one array as the public API shows it */
    uint32_t *labels, *groups;
    size_t count, room, label_room, group_room;
    size_t duplicates;        /* set by cs_input_list_finish */
    size_t left_out;          /* images of folders that cannot be read for their kind */
    size_t thumbnails;        /* folders of network drives that were not entered */
    cs_input_column *columns; /* [column_count], in order of their first appearance */
    size_t column_count;
    cs_string_store strings;
    cs_name_table names;
} cs_input_list;

void cs_input_list_fini(cs_input_list *list);

/* A copy of `length` bytes that lives as long as the store; NULL with err filled when there is no
 * memory. */
const char *cs_string_store_add(cs_string_store *store, const char *text, size_t length,
                                clipspan_error *err);
void cs_string_store_fini(cs_string_store *store);

/* Appends an image; path, label and group are copied. Errors: LIMIT, NOMEM. */
clipspan_status cs_input_list_add(cs_input_list *list, const char *path, const char *label,
                                  const char *group, clipspan_error *err);

/* *column: the number of the further column of that name, added when it is new. Errors: LIMIT,
 * NOMEM. */
clipspan_status cs_input_list_column(size_t *column, cs_input_list *list, const char *name,
                                     clipspan_error *err);

/* The value of the image that was added last in a further column; images without one have "".
 * Errors: LIMIT, NOMEM. */
clipspan_status cs_input_list_set(cs_input_list *list, size_t column, const char *value,
                                  clipspan_error *err);

/* Value of an image in a further column, or "". */
const char *cs_input_list_get(const cs_input_list *list, size_t index, size_t column);

/* Appends an image whose label is the name of the folder that it lies in. */
clipspan_status cs_input_list_add_in_folder(cs_input_list *list, const char *path,
                                            const char *group, clipspan_error *err);

/* Counts the paths that were named before. */
clipspan_status cs_input_list_finish(cs_input_list *list, clipspan_error *err);

#endif
