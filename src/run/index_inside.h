/* SPDX-License-Identifier: MIT */
/* What the files of the index share: index.c opens and replaces it, index_check.c looks at what a
 * stranger may have written, index_rows.c reads and writes its rows. */
#ifndef CLIPSPAN_SRC_RUN_INDEX_INSIDE_H
#define CLIPSPAN_SRC_RUN_INDEX_INSIDE_H

#include "base/root.h"
#include "run/index.h"

#include <sqlite3.h>

#define CS_INDEX_TEXT_MOST  (1 << 22) /* bytes of one row */
#define CS_INDEX_STATEMENTS 9

struct cs_index {
    sqlite3 *db;
    sqlite3_stmt *statements[CS_INDEX_STATEMENTS];
    char *path;        /* for messages */
    cs_file *file;     /* that is read, or NULL */
    cs_output *output; /* that is written, or NULL */
    uint64_t steps;    /* that the statement at work may still take */
};

/* What SQLite's error means of this file. */
clipspan_status cs_index_fail(const cs_index *index, int code, clipspan_error *err);

/* A statement without results; one to be stepped; a text of its row, "" for NULL. */
clipspan_status cs_index_run_sql(cs_index *index, const char *text, clipspan_error *err);
clipspan_status cs_index_prepare(cs_index *index, const char *text, sqlite3_stmt **out,
                                 clipspan_error *err);
const char *cs_index_column(sqlite3_stmt *statement, int at);

/* A statement that reads `rows` rows begins: it may take the steps that these ask for. */
void cs_index_allow_rows(cs_index *index, uint64_t rows);

/* The statements of index_rows.c. */
clipspan_status cs_index_prepare_all(cs_index *index, clipspan_error *err);

/* Its tables and marks, into an empty file. */
clipspan_status cs_index_make_tables(cs_index *index, clipspan_error *err);

/* A regular file under its own name; it may be written; as
 * large as its header says; of this library and version, with the schema that make_tables writes.
 */
clipspan_status cs_index_find(cs_file **out, const cs_root *root, const char *name,
                              clipspan_error *err);
clipspan_status cs_index_check_writable(const cs_file *file, clipspan_error *err);
clipspan_status cs_index_check_size(const cs_file *file, clipspan_error *err);
clipspan_status cs_index_check_kind(cs_index *index, clipspan_error *err);
clipspan_status cs_index_check_schema(cs_index *index, clipspan_error *err);

#endif
