/* SPDX-License-Identifier: MIT */
/* SQL behind the index. Statements are prepared once; of a file nothing but its types is
 * trusted.
 *
 * A file that has the index's name is never changed: a new state is written whole under a name that
 * nobody can foresee, and renamed. So readers open it as immutable, which takes no lock and looks
 * at no journal: a rollback journal that a stranger left beside it could name any file of the user,
 * which SQLite would delete when it opens the index ("super-journal"). */
#define _GNU_SOURCE /* getrandom */
#include "run/index.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION 0x63737032 /* "csp2" */
#define VERSION_ONE 0x63737031 /* what runs of version 1 have there */
#define TEXT_MOST   (1 << 22)  /* bytes of one row */
#define COPY_BYTES  (1 << 16)
#define STEPS       1000 /* of SQLite between two looks at how many there were */
#define ROW_STEPS   200  /* that reading a row may take */
#define LEAST_STEPS 100000

enum { ADD, READ, SET_STATUS, SET_ALL, SET_FACT, FACT, ADD_SEGMENT, SEGMENTS, STATEMENTS };

/* The columns of a cs_image_row. */
static const char select_rows[] =
    "SELECT run_index,list_index,path,label,\"group\",bytes,duplicate_of,status,error,columns "
    "FROM images "
    "WHERE run_index>=?1 AND run_index<?2 ORDER BY run_index";

static const char *const sql[STATEMENTS] = {
    "INSERT INTO images VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    select_rows,
    "UPDATE images SET status=?2,error=?3 WHERE run_index=?1",
    "UPDATE images SET status=?1,error=''",
    "INSERT OR REPLACE INTO facts VALUES(?1,?2)",
    "SELECT value FROM facts WHERE key=?1",
    "INSERT INTO segments VALUES(?1,?2,?3,?4,?5,?6)",
    "SELECT segment,first,count,seed,list,plan FROM segments ORDER BY segment",
};

/* Tables, by name. What a file holds beside them, or otherwise, is not of this library. */
#define TABLES 3
static const char *const tables[TABLES][2] = {
    {"facts",
     "CREATE TABLE facts(key TEXT NOT NULL PRIMARY KEY,value TEXT NOT NULL) WITHOUT ROWID"},
    {"images",
     "CREATE TABLE images(run_index INTEGER PRIMARY KEY,list_index INTEGER NOT NULL,segment "
     "INTEGER NOT NULL,chunk INTEGER NOT NULL,slot INTEGER NOT NULL,path TEXT NOT NULL,label TEXT "
     "NOT NULL,\"group\" TEXT NOT NULL,bytes INTEGER,duplicate_of INTEGER,status TEXT NOT "
     "NULL,error TEXT NOT NULL,columns TEXT NOT NULL)"},
    {"segments", "CREATE TABLE segments(segment INTEGER PRIMARY KEY,first INTEGER NOT NULL,count "
                 "INTEGER NOT NULL,seed INTEGER NOT NULL,list TEXT NOT NULL,plan TEXT NOT NULL)"},
};

struct cs_index {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char *path, *part; /* part: the temporary name of a new index */
    uint64_t steps;    /* that the statement at work may still take */
};

static clipspan_status fail(const cs_index *index, int code, clipspan_error *err)
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
                          "is no index of a run, or is damaged: %s", why);
    case SQLITE_CANTOPEN:
        return cs_fail_at(err, CLIPSPAN_E_IO, index->path, "cannot be opened: %s", why);
    case SQLITE_TOOBIG:
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, index->path, "holds a text of more than %d bytes",
                          TEXT_MOST);
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
    return cs_fail_at(err, CLIPSPAN_E_WRITE, index->path, "cannot be written: %s", why);
}

static clipspan_status run_sql(cs_index *index, const char *text, clipspan_error *err)
{
    int code = sqlite3_exec(index->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? CLIPSPAN_OK : fail(index, sqlite3_extended_errcode(index->db), err);
}

static clipspan_status prepare(cs_index *index, const char *text, sqlite3_stmt **out,
                               clipspan_error *err)
{
    int code = sqlite3_prepare_v2(index->db, text, -1, out, NULL);
    return code == SQLITE_OK ? CLIPSPAN_OK : fail(index, sqlite3_extended_errcode(index->db), err);
}

static const char *column(sqlite3_stmt *statement, int at)
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
static void allow_rows(cs_index *index, uint64_t rows)
{
    index->steps = LEAST_STEPS + (rows < UINT64_MAX / ROW_STEPS / 2 ? rows * ROW_STEPS : 0);
}

/* A connection that takes nothing in the file for a program, locks nothing and keeps no journal on
 * disk. uri: how SQLite is told the file. */
static clipspan_status connect_to(cs_index *index, const char *uri, int flags, clipspan_error *err)
{
    int code = sqlite3_open_v2(uri, &index->db, flags | SQLITE_OPEN_FULLMUTEX, "unix-none");
    if (code != SQLITE_OK) return fail(index, code, err);
    sqlite3_extended_result_codes(index->db, 1);
    sqlite3_limit(index->db, SQLITE_LIMIT_LENGTH, TEXT_MOST);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return run_sql(index, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;", err);
}

/* "file:PATH?immutable=1", with the bytes escaped that a URI takes for its own. */
static clipspan_status connect_immutable(cs_index *index, clipspan_error *err)
{
    static const char digits[] = "0123456789ABCDEF", option[] = "?mode=ro&immutable=1";
    clipspan_status status;
    size_t n = 0, length = strlen(index->path);
    char *uri = cs_alloc(3 * length + sizeof "file://" + sizeof option, 1, "a path", err);
    if (!uri) return CLIPSPAN_E_NOMEM;
    n += (size_t)sprintf(uri, "%s", *index->path == '/' ? "file://" : "file:");
    for (const char *p = index->path; *p; p++) {
        if (*p != '%' && *p != '?' && *p != '#') {
            uri[n++] = *p;
            continue;
        }
        uri[n++] = '%';
        uri[n++] = digits[(unsigned char)*p >> 4];
        uri[n++] = digits[(unsigned char)*p & 15];
    }
    memcpy(uri + n, option, sizeof option);
    status = connect_to(index, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    cs_free(uri);
    if (status != CLIPSPAN_OK) return status;
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    allow_rows(index, 0);
    sqlite3_progress_handler(index->db, STEPS, count_steps, index);
    return CLIPSPAN_OK;
}

static clipspan_status prepare_all(cs_index *index, clipspan_error *err)
{
    for (int i = 0; i < STATEMENTS; i++)
        CS_TRY(prepare(index, sql[i], &index->statements[i], err));
    return CLIPSPAN_OK;
}

static cs_index *new_index(const char *path, clipspan_error *err)
{
    cs_index *index = cs_alloc_zero(1, sizeof *index, "the index of a run", err);
    if (!index) return NULL;
    index->path = cs_strdup(path, err);
    if (index->path) return index;
    cs_free(index);
    return NULL;
}

/* An empty file beside the index with a name that was not there and cannot be guessed, so that
 * nothing of another's lies beside it either. */
static clipspan_status make_part(int *fd, cs_index *index, clipspan_error *err)
{
    char *folder = cs_path_folder(index->path, err);
    size_t room = strlen(index->path) + 64;
    uint64_t name[2] = {0};
    *fd = -1;
    index->part = folder ? cs_alloc(room, 1, "a path", err) : NULL;
    if (!index->part) {
        cs_free(folder);
        return CLIPSPAN_E_NOMEM;
    }
    if (getrandom(name, sizeof name, 0) == (ssize_t)sizeof name) {
        snprintf(index->part, room, "%s/.%s.%016llx%016llx.part", folder, cs_path_name(index->path),
                 (unsigned long long)name[0], (unsigned long long)name[1]);
        *fd = open(index->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    }
    cs_free(folder);
    if (*fd >= 0) return CLIPSPAN_OK;
    cs_free(index->part);
    index->part = NULL;
    return cs_fail_at(err, CLIPSPAN_E_WRITE, index->path, "cannot be written: %s", strerror(errno));
}

/* The new state begins: whoever opens the index still sees the one before. */
static clipspan_status connect_part(cs_index *index, clipspan_error *err)
{
    clipspan_status status = connect_to(index, index->part, SQLITE_OPEN_READWRITE, err);
    if (status == CLIPSPAN_E_IO && err) status = err->code = CLIPSPAN_E_WRITE;
    if (status != CLIPSPAN_OK) return status;
    return run_sql(index, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN", err);
}

clipspan_status cs_index_create(cs_index **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    cs_index *index = new_index(path, err);
    char mark[96];
    int fd;
    *out = NULL;
    if (!index) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(make_part(&fd, index, err));
    close(fd);
    CS_TRY_DONE(connect_part(index, err));
    snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION,
             CS_RUN_FORMAT);
    CS_TRY_DONE(run_sql(index, mark, err));
    for (int i = 0; i < TABLES; i++)
        CS_TRY_DONE(run_sql(index, tables[i][1], err));
    CS_TRY_DONE(prepare_all(index, err));
    *out = index;
    index = NULL;
done:
    cs_index_close(&index);
    return status;
}

static void disconnect(cs_index *index)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(index->statements[i]);
        index->statements[i] = NULL;
    }
    sqlite3_close(index->db);
    index->db = NULL;
}

clipspan_status cs_index_commit(cs_index *index, clipspan_error *err)
{
    char *folder;
    int fd;
    CS_TRY(run_sql(index, "COMMIT", err));
    disconnect(index);
    fd = open(index->part, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0 || rename(index->part, index->path) != 0) {
        if (fd >= 0) close(fd);
        return cs_fail_at(err, CLIPSPAN_E_WRITE, index->path, "cannot be written");
    }
    close(fd);
    cs_free(index->part);
    index->part = NULL;
    folder = cs_path_folder(index->path, NULL);
    fd = folder ? open(folder, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    cs_free(folder);
    return CLIPSPAN_OK;
}

/* Whose file it is, and of which version. */
static clipspan_status check_kind(cs_index *index, clipspan_error *err)
{
    sqlite3_stmt *ask;
    int application = 0, version = 0;
    CS_TRY(prepare(index, "SELECT * FROM pragma_application_id, pragma_user_version", &ask, err));
    if (sqlite3_step(ask) == SQLITE_ROW) {
        application = sqlite3_column_int(ask, 0);
        version = sqlite3_column_int(ask, 1);
    }
    sqlite3_finalize(ask);
    if (application == VERSION_ONE)
        return cs_fail_at(
            err, CLIPSPAN_E_UNSUPPORTED, index->path,
            "has version 1 of the run format; this program reads version %d. Scan the "
            "images again (clipspan scan MODEL INPUT -o RUN --force)",
            CS_RUN_FORMAT);
    if (application != APPLICATION)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, index->path,
                          "is no index of a run (its application id is %d, expected %d)",
                          application, APPLICATION);
    if (version != CS_RUN_FORMAT)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, index->path,
                          "has version %d of the run format; this program reads version %d. Scan "
                          "the images again, or use the version of clipspan that made it",
                          version, CS_RUN_FORMAT);
    return CLIPSPAN_OK;
}

/* The schema is, word for word, the one that this library writes: no view, trigger, index,
 * generated column or table beside. */
static clipspan_status check_schema(cs_index *index, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    sqlite3_stmt *ask;
    int code, row = 0;
    CS_TRY(prepare(index, "SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY name", &ask,
                   err));
    while ((code = sqlite3_step(ask)) == SQLITE_ROW) {
        const char *const want[] = {"table", row < TABLES ? tables[row][0] : "",
                                    row < TABLES ? tables[row][0] : "",
                                    row < TABLES ? tables[row][1] : ""};
        int same = row < TABLES;
        for (int i = 0; i < 4 && same; i++)
            same = strcmp(column(ask, i), want[i]) == 0;
        if (!same) break;
        row++;
    }
    if (code == SQLITE_ROW || (code == SQLITE_DONE && row != TABLES))
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, index->path,
                            "is no index that clipspan wrote: \"%.60s\" in its schema is not as "
                            "version %d has it",
                            code == SQLITE_ROW ? column(ask, 1) : tables[row][0], CS_RUN_FORMAT);
    else if (code != SQLITE_DONE)
        status = fail(index, sqlite3_extended_errcode(index->db), err);
    sqlite3_finalize(ask);
    return status;
}

/* A regular file under its own name: a link could lead anywhere. */
static clipspan_status check_there(const char *path, clipspan_error *err)
{
    struct stat facts;
    if (lstat(path, &facts) == 0 && S_ISLNK(facts.st_mode))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "is a symbolic link, where the index itself was expected");
    switch (cs_path_kind(path)) {
    case 0:
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                          "is not there: expected the folder of a run, which plan and scan make");
    case 1: return CLIPSPAN_OK;
    default: return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "is not a regular file");
    }
}

clipspan_status cs_index_open(cs_index **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    cs_index *index;
    *out = NULL;
    CS_TRY(check_there(path, err));
    index = new_index(path, err);
    if (!index) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(connect_immutable(index, err));
    CS_TRY_DONE(check_kind(index, err));
    CS_TRY_DONE(check_schema(index, err));
    CS_TRY_DONE(prepare_all(index, err));
    *out = index;
    index = NULL;
done:
    cs_index_close(&index);
    return status;
}

/* This library leaves no journal beside an index. Other programs would take one that lies there
 * for part of it, so it is not carried along in silence. */
static clipspan_status check_no_journal(const char *path, clipspan_error *err)
{
    static const char *const endings[] = {"-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[16];
        char *file = cs_alloc(strlen(path) + sizeof name, 1, "a path", err);
        int there;
        if (!file) return CLIPSPAN_E_NOMEM;
        sprintf(file, "%s%s", path, endings[i]);
        there = access(file, F_OK) == 0 || errno != ENOENT;
        cs_free(file);
        if (there)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                              "has a file \"%s%s\" beside it, which clipspan never writes; it is "
                              "not touched. Remove it, then try again",
                              cs_path_name(path), endings[i]);
    }
    return CLIPSPAN_OK;
}

/* The file is as large as its header says: what lies behind is nobody's, and is not copied. */
static clipspan_status check_size(const cs_file *file, clipspan_error *err)
{
    unsigned char head[32];
    uint64_t page, pages = 0;
    if (file->size < sizeof head) return CLIPSPAN_OK; /* no index, which its reader says */
    CS_TRY(cs_file_read(head, file, 0, sizeof head, err));
    page = (uint64_t)head[16] << 8 | head[17];
    if (page == 1) page = 65536;
    for (int i = 28; i < 32; i++)
        pages = pages << 8 | head[i];
    if (page * pages == file->size) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                      "is no index of a run, or is damaged: it has %llu bytes, and says %llu",
                      (unsigned long long)file->size, (unsigned long long)(page * pages));
}

static clipspan_status copy_bytes(int to, const cs_file *from, const char *path,
                                  clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    unsigned char *bytes = cs_alloc(COPY_BYTES, 1, "a copy of the index", err);
    if (!bytes) return CLIPSPAN_E_NOMEM;
    for (uint64_t at = 0; at < from->size && status == CLIPSPAN_OK;) {
        size_t n = from->size - at < COPY_BYTES ? (size_t)(from->size - at) : COPY_BYTES;
        status = cs_file_read(bytes, from, at, n, err);
        for (size_t done = 0; done < n && status == CLIPSPAN_OK;) {
            ssize_t wrote = write(to, bytes + done, n - done);
            if (wrote > 0)
                done += (size_t)wrote;
            else if (wrote == 0 || errno != EINTR)
                status = cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be written: %s",
                                    wrote == 0 ? "the disk takes nothing" : strerror(errno));
        }
        at += n;
    }
    cs_free(bytes);
    return status;
}

clipspan_status cs_index_edit(cs_index **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    cs_file *file = NULL;
    cs_index *index;
    int fd = -1;
    *out = NULL;
    CS_TRY(check_there(path, err));
    CS_TRY(check_no_journal(path, err));
    index = new_index(path, err);
    if (!index) return CLIPSPAN_E_NOMEM;
    if (access(path, W_OK) != 0) {
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, path, "may not be written by this user");
        goto done;
    }
    CS_TRY_DONE(cs_file_open(&file, path, err));
    CS_TRY_DONE(check_size(file, err));
    CS_TRY_DONE(make_part(&fd, index, err));
    CS_TRY_DONE(copy_bytes(fd, file, path, err));
    CS_TRY_DONE(connect_part(index, err));
    CS_TRY_DONE(check_kind(index, err));
    CS_TRY_DONE(check_schema(index, err));
    CS_TRY_DONE(prepare_all(index, err));
    *out = index;
    index = NULL;
done:
    if (fd >= 0) close(fd);
    cs_file_close(&file);
    cs_index_close(&index);
    return status;
}

void cs_index_close(cs_index **index)
{
    cs_index *x = index ? *index : NULL;
    if (!x) return;
    disconnect(x);
    if (x->part) unlink(x->part);
    cs_free(x->part);
    cs_free(x->path);
    cs_free(x);
    *index = NULL;
}

/* ---- Statements ---- */

static sqlite3_stmt *start(cs_index *index, int which)
{
    allow_rows(index, 0);
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
    if (code != SQLITE_DONE) status = fail(index, sqlite3_extended_errcode(index->db), err);
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
        *value = cs_strdup(column(statement, 0), err);
        if (!*value) status = CLIPSPAN_E_NOMEM;
    } else if (code != SQLITE_DONE) {
        status = fail(index, sqlite3_extended_errcode(index->db), err);
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
                                    column(s, 4),          column(s, 5)};
        status = each(context, &row, err);
    }
    if (status == CLIPSPAN_OK && code != SQLITE_DONE)
        status = fail(index, sqlite3_extended_errcode(index->db), err);
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
    allow_rows(index, count);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        cs_image_row row = {
            (uint64_t)whole(s, 0), (uint64_t)whole(s, 1), column(s, 2), column(s, 3), column(s, 4),
            whole(s, 5),           whole(s, 6),           column(s, 7), column(s, 8), column(s, 9)};
        if (row.run_index != run_index) break;
        run_index++;
        status = each(context, &row, err);
        if (status != CLIPSPAN_OK) break;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = fail(index, sqlite3_extended_errcode(index->db), err);
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

clipspan_status cs_index_mark_duplicates(cs_index *index, clipspan_error *err)
{
    return run_sql(
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
    CS_TRY(prepare(index, query, &s, err));
    allow_rows(index, INT32_MAX);
    if (status) bind_text(s, 1, status);
    if (sqlite3_step(s) == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(s, 0);
    else
        result = fail(index, sqlite3_extended_errcode(index->db), err);
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
