/* SPDX-License-Identifier: MIT */
/* The index as a file: opened, copied to be changed, put in its place.
 *
 * A file that has the index's name is never changed: a new state is written whole under a name that
 * nobody can foresee, and renamed. So readers open it as immutable, which takes no lock and looks
 * at no journal: a rollback journal that a stranger left beside it could name any file of the user,
 * which SQLite would delete when it opens the index ("super-journal"). */
#define _GNU_SOURCE /* getrandom */
#include "run/index.h"
#include "base/memory.h"
#include "run/index_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define COPY_BYTES  (1 << 16)
#define STEPS       1000 /* of SQLite between two looks at how many there were */
#define ROW_STEPS   200  /* that reading a row may take */
#define LEAST_STEPS 100000

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
    if (!index->part && (code & 0xff) == SQLITE_IOERR) /* opened to be read */
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

/* A connection that takes nothing in the file for a program, locks nothing and keeps no journal on
 * disk. uri: how SQLite is told the file. */
static clipspan_status connect_to(cs_index *index, const char *uri, int flags, clipspan_error *err)
{
    int code = sqlite3_open_v2(uri, &index->db, flags | SQLITE_OPEN_FULLMUTEX, "unix-none");
    if (code != SQLITE_OK) return cs_index_fail(index, code, err);
    sqlite3_extended_result_codes(index->db, 1);
    sqlite3_limit(index->db, SQLITE_LIMIT_LENGTH, CS_INDEX_TEXT_MOST);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return cs_index_run_sql(index, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;", err);
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
    cs_index_allow_rows(index, 0);
    sqlite3_progress_handler(index->db, STEPS, count_steps, index);
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
    return cs_index_run_sql(index, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN", err);
}

clipspan_status cs_index_create(cs_index **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    cs_index *index = new_index(path, err);
    int fd;
    *out = NULL;
    if (!index) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(make_part(&fd, index, err));
    close(fd);
    CS_TRY_DONE(connect_part(index, err));
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
    char *folder;
    int fd;
    CS_TRY(cs_index_run_sql(index, "COMMIT", err));
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

clipspan_status cs_index_open(cs_index **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    cs_index *index;
    *out = NULL;
    CS_TRY(cs_index_check_there(path, err));
    index = new_index(path, err);
    if (!index) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(connect_immutable(index, err));
    CS_TRY_DONE(cs_index_check_kind(index, err));
    CS_TRY_DONE(cs_index_check_schema(index, err));
    CS_TRY_DONE(cs_index_prepare_all(index, err));
    *out = index;
    index = NULL;
done:
    cs_index_close(&index);
    return status;
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
    CS_TRY(cs_index_check_there(path, err));
    CS_TRY(cs_index_check_no_journal(path, err));
    index = new_index(path, err);
    if (!index) return CLIPSPAN_E_NOMEM;
    if (access(path, W_OK) != 0) {
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, path, "may not be written by this user");
        goto done;
    }
    CS_TRY_DONE(cs_file_open(&file, path, err));
    CS_TRY_DONE(cs_index_check_size(file, err));
    CS_TRY_DONE(make_part(&fd, index, err));
    CS_TRY_DONE(copy_bytes(fd, file, path, err));
    CS_TRY_DONE(connect_part(index, err));
    CS_TRY_DONE(cs_index_check_kind(index, err));
    CS_TRY_DONE(cs_index_check_schema(index, err));
    CS_TRY_DONE(cs_index_prepare_all(index, err));
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
