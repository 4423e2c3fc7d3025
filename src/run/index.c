/* SPDX-License-Identifier: MIT */
/* The index as a file: opened, copied to be changed, put in its place.
 *
 * A file that has the index's name is never changed: a new state is written whole beside it and
 * renamed. So readers open it as immutable. SQLite itself opens no file at all (run/index_vfs.h):
 * a rollback journal that a stranger left beside an index could name any file of the user, which
 * SQLite would delete when it opens the index ("super-journal"). */
#define _POSIX_C_SOURCE 200809L
#include "run/index.h"
#include "base/file_at.h"
#include "base/memory.h"
#include "run/index_inside.h"
#include "run/index_vfs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES   (1 << 16)
#define STEPS        1000 /* of SQLite between two looks at how many there were */
#define ROW_STEPS    200  /* that reading a row may take */
#define LEAST_STEPS  100000
#define SQL_MOST     4096 /* bytes of a statement, of the schema too */
#define COLUMNS_MOST 32

clipspan_status cs_index_fail(const cs_index *index, int code, clipspan_error *err)
{
    const char *why = index->db ? sqlite3_errmsg(index->db) : sqlite3_errstr(code);
    switch (code & 0xFF) {
    case SQLITE_NOMEM: return cs_fail_memory(err, 1, "the index of a run");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, index->path,
                          "is not the index of a run, or is damaged: %s", why);
    case SQLITE_CANTOPEN:
        return cs_fail_at(err, CLIPSPAN_E_IO, index->path, "cannot be opened: %s", why);
    case SQLITE_TOOBIG:
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, index->path, "holds a text of more than %d bytes",
                          CS_INDEX_TEXT_MOST);
    case SQLITE_INTERRUPT:
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, index->path,
                          "takes more steps to read than its rows can need; it is damaged, or made "
                          "to be slow");
    case SQLITE_IOERR:
        if (code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ)
            return cs_fail_at(err, CLIPSPAN_E_IO, index->path, "reading failed: %s", why);
        break;
    default: break;
    }
    if (!index->output && (code & 0xff) == SQLITE_IOERR) /* opened to be read */
        return cs_fail_at(err, CLIPSPAN_E_IO, index->path, "cannot be read: %s", why);
    return cs_fail_at(err, CLIPSPAN_E_WRITE, index->path, "cannot be written: %s", why);
}

clipspan_status cs_index_run_sql(cs_index *index, const char *text, clipspan_error *err)
{
    int code = sqlite3_exec(index->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? CLIPSPAN_OK
                             : cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
}

clipspan_status cs_index_prepare(cs_index *index, const char *text, sqlite3_stmt **out,
                                 clipspan_error *err)
{
    int code = sqlite3_prepare_v2(index->db, text, -1, out, NULL);
    return code == SQLITE_OK ? CLIPSPAN_OK
                             : cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
}

const char *cs_index_column(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text ? text : "";
}

/* Ends a statement that goes on for longer than honest rows ask for. */
static int count_steps(void *context)
{
    cs_index *index = context;
    if (index->steps < STEPS) return 1;
    index->steps -= STEPS;
    return 0;
}

/* A statement that reads `rows` rows begins. */
void cs_index_allow_rows(cs_index *index, uint64_t rows)
{
    index->steps = LEAST_STEPS + (rows < UINT64_MAX / ROW_STEPS / 2 ? rows * ROW_STEPS : 0);
}

/* A connection that takes nothing in the file for a program and keeps no journal. Nothing that
 * this library asks needs a long statement or many columns, so that a schema of a stranger's is not
 * built in memory whatever its size. */
static clipspan_status connect_to(cs_index *index, int fd, int immutable, clipspan_error *err)
{
    int code = cs_index_connect(&index->db, fd, immutable);
    if (code != SQLITE_OK) return cs_index_fail(index, code, err);
    sqlite3_extended_result_codes(index->db, 1);
    sqlite3_limit(index->db, SQLITE_LIMIT_LENGTH, CS_INDEX_TEXT_MOST);
    sqlite3_limit(index->db, SQLITE_LIMIT_SQL_LENGTH, SQL_MOST);
    sqlite3_limit(index->db, SQLITE_LIMIT_COLUMN, COLUMNS_MOST);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    CS_TRY(cs_index_run_sql(index, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;", err));
    if (!immutable)
        return cs_index_run_sql(index, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN",
                                err);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    cs_index_allow_rows(index, 0);
    sqlite3_progress_handler(index->db, STEPS, count_steps, index);
    return CLIPSPAN_OK;
}

static cs_index *new_index(const cs_root *root, const char *name, clipspan_error *err)
{
    cs_index *index = cs_alloc_zero(1, sizeof *index, "the index of a run", err);
    if (!index) return NULL;
    index->path = cs_root_join(root, name, err);
    if (index->path) return index;
    cs_free(index);
    return NULL;
}

clipspan_status cs_index_create(cs_index **out, const cs_root *root, const char *name,
                                clipspan_error *err)
{
    clipspan_status status;
    cs_index *index = new_index(root, name, err);
    *out = NULL;
    if (!index) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_root_output(&index->output, root, name, 1, err));
    CS_TRY_DONE(connect_to(index, cs_output_descriptor(index->output), 0, err));
    CS_TRY_DONE(cs_index_make_tables(index, err));
    CS_TRY_DONE(cs_index_prepare_all(index, err));
    *out = index;
    index = NULL;
done:
    cs_index_close(&index);
    return status;
}

static void disconnect(cs_index *index)
{
    for (int i = 0; i < CS_INDEX_STATEMENTS; i++) {
        sqlite3_finalize(index->statements[i]);
        index->statements[i] = NULL;
    }
    sqlite3_close(index->db);
    index->db = NULL;
}

clipspan_status cs_index_commit(cs_index *index, clipspan_error *err)
{
    CS_TRY(cs_index_run_sql(index, "COMMIT", err));
    disconnect(index);
    return cs_output_commit(index->output, err);
}

clipspan_status cs_index_open(cs_index **out, const cs_root *root, const char *name,
                              clipspan_error *err)
{
    clipspan_status status;
    cs_index *index;
    *out = NULL;
    index = new_index(root, name, err);
    if (!index) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_index_find(&index->file, root, name, err));
    CS_TRY_DONE(cs_index_check_size(index->file, err));
    CS_TRY_DONE(connect_to(index, index->file->fd, 1, err));
    CS_TRY_DONE(cs_index_check_kind(index, err));
    CS_TRY_DONE(cs_index_check_schema(index, err));
    CS_TRY_DONE(cs_index_prepare_all(index, err));
    *out = index;
    index = NULL;
done:
    cs_index_close(&index);
    return status;
}

static clipspan_status copy_bytes(cs_output *to, const cs_file *from, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    unsigned char *bytes = cs_alloc(COPY_BYTES, 1, "a copy of the index", err);
    if (!bytes) return CLIPSPAN_E_NOMEM;
    for (uint64_t at = 0; at < from->size && status == CLIPSPAN_OK; at += COPY_BYTES) {
        const size_t n = from->size - at < COPY_BYTES ? (size_t)(from->size - at) : COPY_BYTES;
        status = cs_file_read(bytes, from, at, n, err);
        if (status == CLIPSPAN_OK) status = cs_output_write(to, bytes, n, err);
    }
    cs_free(bytes);
    return status;
}

clipspan_status cs_index_edit(cs_index **out, const cs_root *root, const char *name,
                              clipspan_error *err)
{
    clipspan_status status;
    cs_index *index, *before;
    *out = NULL;
    CS_TRY(cs_index_check_no_journal(root, name, err));
    CS_TRY(cs_index_open(&before, root, name, err)); /* what is copied is an index */
    index = new_index(root, name, err);
    if (!index) {
        cs_index_close(&before);
        return CLIPSPAN_E_NOMEM;
    }
    CS_TRY_DONE(cs_index_check_writable(before->file, err));
    CS_TRY_DONE(cs_root_output(&index->output, root, name, 1, err));
    CS_TRY_DONE(copy_bytes(index->output, before->file, err));
    CS_TRY_DONE(connect_to(index, cs_output_descriptor(index->output), 0, err));
    CS_TRY_DONE(cs_index_check_schema(index, err));
    CS_TRY_DONE(cs_index_prepare_all(index, err));
    *out = index;
    index = NULL;
done:
    cs_index_close(&before);
    cs_index_close(&index);
    return status;
}

void cs_index_close(cs_index **index)
{
    cs_index *x = index ? *index : NULL;
    if (!x) return;
    disconnect(x);
    cs_output_close(&x->output);
    cs_file_close(&x->file);
    cs_free(x->path);
    cs_free(x);
    *index = NULL;
}
