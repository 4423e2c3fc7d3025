/* SPDX-License-Identifier: MIT */
/* The index of a run, an SQLite file: facts, pictures, results. docs/run-format.md describes its
 * tables. SQLite is kept off the hot path: pictures are read a chunk at a time, and written when a
 * run is planned and when it is merged. */
#ifndef CLIPSPAN_SRC_RUN_INDEX_H
#define CLIPSPAN_SRC_RUN_INDEX_H

#include "base/error.h"

#define CS_RUN_FORMAT 1 /* version of the run folder */

typedef struct cs_index cs_index;

typedef struct cs_picture_row {
    uint64_t place, number; /* place in the run, number in the list */
    const char *path, *label, *group;
    int64_t bytes;        /* when planned; -1 when it could not be looked at */
    int64_t duplicate_of; /* number of the first picture of that path, or -1 */
    const char *status;   /* "planned" before the merge; then "ok" or why it was skipped */
    const char *error;    /* "" */
} cs_picture_row;

/* A new index, or a new state of one: it grows under a temporary name beside `path`; commit gives
 * it that name, close without commit removes it. So changes appear whole or not at all, and a file
 * once there never changes: who has an index open keeps seeing one state. Of two who edit at once
 * the later one wins; take the folder's lock. Errors: WRITE, NOMEM; of edit also those of open, and
 * FORMAT where a journal of SQLite, which this library never leaves, lies beside the index. */
clipspan_status cs_index_create(cs_index **out, const char *path, clipspan_error *err);
clipspan_status cs_index_edit(cs_index **out, const char *path, clipspan_error *err);
clipspan_status cs_index_commit(cs_index *index, clipspan_error *err);

/* To read. Takes no lock and looks at nothing but the file itself: no journal, no write-ahead log.
 * Errors: NOT_FOUND, FORMAT (no index of a run, damaged), UNSUPPORTED (another format version, both
 * named), IO, NOMEM; of a call that would change it WRITE. */
clipspan_status cs_index_open(cs_index **out, const char *path, clipspan_error *err);
void cs_index_close(cs_index **index);

/* Facts: text by key. cs_index_fact: a copy for cs_free; NULL without an error when there is none.
 */
clipspan_status cs_index_set_fact(cs_index *index, const char *key, const char *value,
                                  clipspan_error *err);
clipspan_status cs_index_fact(char **value, cs_index *index, const char *key, clipspan_error *err);

/* Pictures. Rows are added in order of place. cs_index_read calls `each` for rows
 * [first, first + count), whose texts live until it returns; a row that is missing is a FORMAT
 * error, a status that `each` gives ends the reading. */
clipspan_status cs_index_add(cs_index *index, const cs_picture_row *row, clipspan_error *err);
typedef clipspan_status (*cs_index_each)(void *context, const cs_picture_row *row,
                                         clipspan_error *err);
clipspan_status cs_index_read(cs_index *index, uint64_t first, uint64_t count, cs_index_each each,
                              void *context, clipspan_error *err);
/* Of one picture, or of all. */
clipspan_status cs_index_set_status_all(cs_index *index, const char *status, clipspan_error *err);
clipspan_status cs_index_set_status(cs_index *index, uint64_t place, const char *status,
                                    const char *error, clipspan_error *err);

/* Sets duplicate_of of every picture whose path an earlier one has (by number). */
clipspan_status cs_index_mark_duplicates(cs_index *index, clipspan_error *err);

/* Pictures with that status (NULL: any), or with duplicate_of set. */
clipspan_status cs_index_count(uint64_t *out, cs_index *index, const char *status,
                               clipspan_error *err);
clipspan_status cs_index_count_duplicates(uint64_t *out, cs_index *index, clipspan_error *err);

/* Results of later commands: JSON by kind ("span", "roles") and name (which pool …). set replaces;
 * value NULL removes. cs_index_result: a copy for cs_free, NULL without an error when there is
 * none. cs_index_result_names: calls `each` in order of name. */
clipspan_status cs_index_set_result(cs_index *index, const char *kind, const char *name,
                                    const char *value, clipspan_error *err);
clipspan_status cs_index_result(char **value, cs_index *index, const char *kind, const char *name,
                                clipspan_error *err);
clipspan_status cs_index_result_names(cs_index *index, const char *kind,
                                      clipspan_status (*each)(void *context, const char *name,
                                                              clipspan_error *err),
                                      void *context, clipspan_error *err);

#endif
