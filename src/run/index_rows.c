/* SPDX-License-Identifier: MIT */
/* Facts, segments and images of the index: statements that are prepared once. */
#include "base/memory.h"
#include "run/index_inside.h"

#include <stdio.h>
#include <string.h>

enum { ADD, READ, SET_STATUS, SET_ALL, SET_FACT, FACT, ADD_SEGMENT, SEGMENTS, SET_BYTES };

/* The columns of a cs_image_row. */
static const char select_rows[] =
    "SELECT run_index,list_index,path,label,\"group\",bytes,duplicate_of,status,error,columns "
    "FROM images "
    "WHERE run_index>=?1 AND run_index<?2 ORDER BY run_index";

static const char *const sql[CS_INDEX_STATEMENTS] = {
    "INSERT INTO images VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    select_rows,
    "UPDATE images SET status=?2,error=?3 WHERE run_index=?1",
    "UPDATE images SET status=?1,error=''",
    "INSERT OR REPLACE INTO facts VALUES(?1,?2)",
    "SELECT value FROM facts WHERE key=?1",
    "INSERT INTO segments VALUES(?1,?2,?3,?4,?5,?6)",
    "SELECT segment,first,count,seed,list,plan FROM segments ORDER BY segment",
    "UPDATE images SET bytes=?2 WHERE run_index=?1",
};

clipspan_status cs_index_prepare_all(cs_index *index, clipspan_error *err)
{
    for (int i = 0; i < CS_INDEX_STATEMENTS; i++)
        CS_TRY(cs_index_prepare(index, sql[i], &index->statements[i], err));
    return CLIPSPAN_OK;
}

static sqlite3_stmt *start(cs_index *index, int which)
{
    cs_index_allow_rows(index, 0);
    sqlite3_reset(index->statements[which]);
    sqlite3_clear_bindings(index->statements[which]);
    return index->statements[which];
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static int64_t whole(sqlite3_stmt *s, int at)
{
    return sqlite3_column_type(s, at) == SQLITE_INTEGER ? sqlite3_column_int64(s, at) : -1;
}

/* Ends a statement that gives no rows. */
static clipspan_status finish(cs_index *index, sqlite3_stmt *statement, clipspan_error *err)
{
    int code = sqlite3_step(statement);
    clipspan_status status = CLIPSPAN_OK;
    if (code != SQLITE_DONE)
        status = cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
    sqlite3_reset(statement);
    return status;
}

/* The one text that a statement gives, or NULL. */
static clipspan_status one_text(char **value, cs_index *index, sqlite3_stmt *statement,
                                clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    int code = sqlite3_step(statement);
    *value = NULL;
    if (code == SQLITE_ROW) {
        *value = cs_strdup(cs_index_column(statement, 0), err);
        if (!*value) status = CLIPSPAN_E_NOMEM;
    } else if (code != SQLITE_DONE) {
        status = cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
    }
    sqlite3_reset(statement);
    return status;
}

clipspan_status cs_index_set_fact(cs_index *index, const char *key, const char *value,
                                  clipspan_error *err)
{
    sqlite3_stmt *s = start(index, SET_FACT);
    bind_text(s, 1, key);
    bind_text(s, 2, value);
    return finish(index, s, err);
}

clipspan_status cs_index_fact(char **value, cs_index *index, const char *key, clipspan_error *err)
{
    sqlite3_stmt *s = start(index, FACT);
    bind_text(s, 1, key);
    return one_text(value, index, s, err);
}

clipspan_status cs_index_add_segment(cs_index *index, const cs_segment_row *row,
                                     clipspan_error *err)
{
    sqlite3_stmt *s = start(index, ADD_SEGMENT);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)row->segment);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)row->first);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)row->count);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)row->seed);
    bind_text(s, 5, row->list);
    bind_text(s, 6, row->plan);
    return finish(index, s, err);
}

clipspan_status cs_index_read_segments(cs_index *index,
                                       clipspan_status (*each)(void *context,
                                                               const cs_segment_row *row,
                                                               clipspan_error *err),
                                       void *context, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    sqlite3_stmt *s = start(index, SEGMENTS);
    int code = SQLITE_DONE;
    while (status == CLIPSPAN_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        const cs_segment_row row = {(uint64_t)whole(s, 0), (uint64_t)whole(s, 1),
                                    (uint64_t)whole(s, 2), (uint64_t)whole(s, 3),
                                    cs_index_column(s, 4), cs_index_column(s, 5)};
        status = each(context, &row, err);
    }
    if (status == CLIPSPAN_OK && code != SQLITE_DONE)
        status = cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
    sqlite3_reset(s);
    return status;
}

clipspan_status cs_index_add(cs_index *index, const cs_segment_row *segment,
                             const cs_image_row *row, clipspan_error *err)
{
    const uint64_t at = row->run_index - segment->first;
    sqlite3_stmt *s = start(index, ADD);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)row->run_index);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)row->list_index);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)segment->segment);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)(at / 32));
    sqlite3_bind_int64(s, 5, (sqlite3_int64)(at % 32));
    bind_text(s, 6, row->path);
    bind_text(s, 7, row->label);
    bind_text(s, 8, row->group);
    if (row->bytes >= 0) sqlite3_bind_int64(s, 9, row->bytes);
    if (row->duplicate_of >= 0) sqlite3_bind_int64(s, 10, row->duplicate_of);
    bind_text(s, 11, row->status);
    bind_text(s, 12, row->error);
    bind_text(s, 13, row->columns ? row->columns : "");
    return finish(index, s, err);
}

clipspan_status cs_index_read(cs_index *index, uint64_t first, uint64_t count, cs_index_each each,
                              void *context, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    sqlite3_stmt *s = start(index, READ);
    uint64_t run_index = first;
    int code;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)first);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)(first + count));
    cs_index_allow_rows(index, count);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        cs_image_row row = {(uint64_t)whole(s, 0), (uint64_t)whole(s, 1), cs_index_column(s, 2),
                            cs_index_column(s, 3), cs_index_column(s, 4), whole(s, 5),
                            whole(s, 6),           cs_index_column(s, 7), cs_index_column(s, 8),
                            cs_index_column(s, 9)};
        if (row.run_index != run_index) break;
        run_index++;
        status = each(context, &row, err);
        if (status != CLIPSPAN_OK) break;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
    else if (status == CLIPSPAN_OK && run_index != first + count)
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, index->path,
                            "lacks the image of run index %llu; the index is damaged",
                            (unsigned long long)run_index);
    sqlite3_reset(s);
    return status;
}

clipspan_status cs_index_set_status(cs_index *index, uint64_t run_index, const char *status,
                                    const char *error, clipspan_error *err)
{
    sqlite3_stmt *s = start(index, SET_STATUS);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)run_index);
    bind_text(s, 2, status);
    bind_text(s, 3, error);
    return finish(index, s, err);
}

clipspan_status cs_index_set_bytes(cs_index *index, uint64_t run_index, int64_t bytes,
                                   clipspan_error *err)
{
    sqlite3_stmt *s = start(index, SET_BYTES);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)run_index);
    if (bytes >= 0) sqlite3_bind_int64(s, 2, bytes);
    return finish(index, s, err);
}

clipspan_status cs_index_mark_duplicates(cs_index *index, clipspan_error *err)
{
    return cs_index_run_sql(
        index,
        "UPDATE images SET duplicate_of=d.first FROM (SELECT path,min(list_index) AS first "
        "FROM images GROUP BY path HAVING count(*)>1) AS d WHERE "
        "images.path=d.path AND images.list_index>d.first",
        err);
}

clipspan_status cs_index_set_status_all(cs_index *index, const char *status, clipspan_error *err)
{
    sqlite3_stmt *s = start(index, SET_ALL);
    bind_text(s, 1, status);
    return finish(index, s, err);
}

/* The one number of a query over all images. */
static clipspan_status count_with(uint64_t *out, cs_index *index, const char *query,
                                  const char *status, clipspan_error *err)
{
    clipspan_status result = CLIPSPAN_OK;
    sqlite3_stmt *s;
    *out = 0;
    CS_TRY(cs_index_prepare(index, query, &s, err));
    cs_index_allow_rows(index, INT32_MAX);
    if (status) bind_text(s, 1, status);
    if (sqlite3_step(s) == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(s, 0);
    else
        result = cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
    sqlite3_finalize(s);
    return result;
}

clipspan_status cs_index_count(uint64_t *out, cs_index *index, const char *status,
                               clipspan_error *err)
{
    return count_with(out, index,
                      status ? "SELECT count(*) FROM images WHERE status=?1"
                             : "SELECT count(*) FROM images",
                      status, err);
}

clipspan_status cs_index_count_duplicates(uint64_t *out, cs_index *index, clipspan_error *err)
{
    return count_with(out, index, "SELECT count(duplicate_of) FROM images", NULL, err);
}

clipspan_status cs_index_refresh_duplicates(cs_index *index, clipspan_error *err)
{
    uint64_t count;
    char text[24];
    CS_TRY(cs_index_count_duplicates(&count, index, err));
    snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    return cs_index_set_fact(index, "images.duplicates", text, err);
}
