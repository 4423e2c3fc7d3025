/* SPDX-License-Identifier: MIT */
/* The index of a run, an SQLite file: facts, segments, images. docs/run-format.md describes its
 * tables. SQLite is kept off the hot path: images are read a chunk at a time, and written when a
 * run is planned and when it is merged. */
#ifndef CLIPSPAN_SRC_RUN_INDEX_H
#define CLIPSPAN_SRC_RUN_INDEX_H

#include "base/root.h"

#define CS_RUN_FORMAT    2 /* version of the run folder */
#define CS_SEGMENTS_MOST 1000

typedef struct cs_index cs_index;

typedef struct cs_image_row {
    uint64_t run_index, list_index; /* place in the run, number in the list */
    const char *path, *label, *group;
    int64_t bytes;        /* when planned; -1 when it could not be looked at */
    int64_t duplicate_of; /* number of the first image of that path, or -1 */
    const char *status;   /* "planned" before the merge; then "ok" or why it was skipped */
    const char *error;    /* "" */
    const char *columns;  /* further columns as a JSON object, or "" */
} cs_image_row;

/* A list of images that was planned at once: places [first, first + count) of the run. */
typedef struct cs_segment_row {
    uint64_t segment, first, count, seed; /* segments are numbered from 0 */
    const char *list, *plan;              /* SHA-256 of its list, and of its plan */
} cs_segment_row;

/* A new index, or a new state of one: it grows under a temporary name beside `name`; commit gives
 * it that name, close without commit removes it. So changes appear whole or not at all, and a file
 * once there never changes: who has an index open keeps seeing one state. Of two who edit at once
 * the later one wins; take the folder's lock. Errors: WRITE, NOMEM; of edit also those of open, and
 * FORMAT where a journal of SQLite, which this library never leaves, lies beside the index. */
clipspan_status cs_index_create(cs_index **out, const cs_root *root, const char *name,
                                clipspan_error *err);
clipspan_status cs_index_edit(cs_index **out, const cs_root *root, const char *name,
                              clipspan_error *err);
clipspan_status cs_index_commit(cs_index *index, clipspan_error *err);

/* FORMAT when a journal of SQLite lies beside it. */
clipspan_status cs_index_check_no_journal(const cs_root *root, const char *name,
                                          clipspan_error *err);

/* To read. Takes no lock and looks at nothing but the file itself: no journal, no write-ahead log,
 * no symbolic link. A schema other than that which this library writes is refused, and so are texts
 * and steps beyond what its own rows need. Errors: NOT_FOUND, FORMAT (no index of a run, damaged,
 * of another making), LIMIT, UNSUPPORTED (another format version, both named), IO, NOMEM; of a call
 * that would change it WRITE. */
clipspan_status cs_index_open(cs_index **out, const cs_root *root, const char *name,
                              clipspan_error *err);
void cs_index_close(cs_index **index);

/* Facts: text by key. cs_index_fact: a copy for cs_free; NULL without an error when there is none.
 */
clipspan_status cs_index_set_fact(cs_index *index, const char *key, const char *value,
                                  clipspan_error *err);
clipspan_status cs_index_fact(char **value, cs_index *index, const char *key, clipspan_error *err);

/* Segments, added and read in order. */
clipspan_status cs_index_add_segment(cs_index *index, const cs_segment_row *row,
                                     clipspan_error *err);
clipspan_status cs_index_read_segments(cs_index *index,
                                       clipspan_status (*each)(void *context,
                                                               const cs_segment_row *row,
                                                               clipspan_error *err),
                                       void *context, clipspan_error *err);

/* Images. Rows are added in order of run_index, with the segment that they belong to. cs_index_read
 * calls `each` for rows
 * [first, first + count), whose texts live until it returns; a row that is missing is a FORMAT
 * error, a status that `each` gives ends the reading. */
clipspan_status cs_index_add(cs_index *index, const cs_segment_row *segment,
                             const cs_image_row *row, clipspan_error *err);
typedef clipspan_status (*cs_index_each)(void *context, const cs_image_row *row,
                                         clipspan_error *err);
clipspan_status cs_index_read(cs_index *index, uint64_t first, uint64_t count, cs_index_each each,
                              void *context, clipspan_error *err);
/* Of one image, or of all. */
clipspan_status cs_index_set_status_all(cs_index *index, const char *status, clipspan_error *err);
clipspan_status cs_index_set_status(cs_index *index, uint64_t run_index, const char *status,
                                    const char *error, clipspan_error *err);

/* The size of an image's file as it is now; -1: it cannot be looked at. */
clipspan_status cs_index_set_bytes(cs_index *index, uint64_t run_index, int64_t bytes,
                                   clipspan_error *err);

/* Sets duplicate_of of every image whose path an earlier one has (by number). */
clipspan_status cs_index_mark_duplicates(cs_index *index, clipspan_error *err);
/* Counts them anew, as fact images.duplicates. */
clipspan_status cs_index_refresh_duplicates(cs_index *index, clipspan_error *err);

/* Images with that status (NULL: any), or with duplicate_of set. */
clipspan_status cs_index_count(uint64_t *out, cs_index *index, const char *status,
                               clipspan_error *err);
clipspan_status cs_index_count_duplicates(uint64_t *out, cs_index *index, clipspan_error *err);

#endif
