/* SPDX-License-Identifier: MIT */
/* Whether a file is an index that this library wrote, before any of its rows is read: of a file
 * nothing but its types is trusted. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "run/index_inside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION 0x63737032 /* "csp2" */
#define VERSION_ONE 0x63737031 /* what runs of version 1 have there */

/* Tables, by name. What a file holds beside them, or otherwise, is not of this library. */
#define TABLES      3
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

clipspan_status cs_index_make_tables(cs_index *index, clipspan_error *err)
{
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION,
             CS_RUN_FORMAT);
    CS_TRY(cs_index_run_sql(index, mark, err));
    for (int i = 0; i < TABLES; i++)
        CS_TRY(cs_index_run_sql(index, tables[i][1], err));
    return CLIPSPAN_OK;
}

/* Whose file it is, and of which version. */
clipspan_status cs_index_check_kind(cs_index *index, clipspan_error *err)
{
    sqlite3_stmt *ask;
    int application = 0, version = 0, code;
    CS_TRY(cs_index_prepare(index, "SELECT * FROM pragma_application_id, pragma_user_version", &ask,
                            err));
    code = sqlite3_step(ask);
    if (code == SQLITE_ROW) {
        application = sqlite3_column_int(ask, 0);
        version = sqlite3_column_int(ask, 1);
    }
    sqlite3_finalize(ask);
    if (code == SQLITE_NOMEM) return cs_fail_memory(err, 1, "the index of a run");
    if (application == VERSION_ONE)
        return cs_fail_at(
            err, CLIPSPAN_E_UNSUPPORTED, index->path,
            "has version 1 of the run format; this program reads version %d. Scan the "
            "images again (clipspan scan MODEL INPUT -o RUN --force)",
            CS_RUN_FORMAT);
    if (application != APPLICATION)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, index->path,
                          "is not the index of a run (its application id is %d, expected %d)",
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
clipspan_status cs_index_check_schema(cs_index *index, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    sqlite3_stmt *ask;
    int code, row = 0;
    CS_TRY(cs_index_prepare(index, "SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY name",
                            &ask, err));
    while ((code = sqlite3_step(ask)) == SQLITE_ROW) {
        const char *const want[] = {"table", row < TABLES ? tables[row][0] : "",
                                    row < TABLES ? tables[row][0] : "",
                                    row < TABLES ? tables[row][1] : ""};
        int same = row < TABLES;
        for (int i = 0; i < 4 && same; i++)
            same = strcmp(cs_index_column(ask, i), want[i]) == 0;
        if (!same) break;
        row++;
    }
    if (code == SQLITE_ROW || (code == SQLITE_DONE && row != TABLES))
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, index->path,
                            "is not an index that clipspan wrote: \"%.60s\" in its schema is not "
                            "as version %d has it",
                            code == SQLITE_ROW ? cs_index_column(ask, 1) : tables[row][0],
                            CS_RUN_FORMAT);
    else if (code != SQLITE_DONE)
        status = cs_index_fail(index, sqlite3_extended_errcode(index->db), err);
    sqlite3_finalize(ask);
    return status;
}

clipspan_status cs_index_find(cs_file **out, const cs_root *root, const char *name,
                              clipspan_error *err)
{
    const cs_root_kind kind = cs_root_look(root, name);
    clipspan_status status = CLIPSPAN_OK;
    char *path;
    *out = NULL;
    if (kind == CS_ROOT_FILE) return cs_root_file(out, root, name, err);
    path = cs_root_join(root, name, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    if (kind == CS_ROOT_NOTHING)
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                            "does not exist: expected the folder of a run, as plan and scan make "
                            "it");
    else
        status =
            cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "is %s, where the index itself was expected",
                       kind == CS_ROOT_LINK ? "a symbolic link" : "not a regular file");
    cs_free(path);
    return status;
}

/* It would be replaced, which its own permissions do not forbid. */
clipspan_status cs_index_check_writable(const cs_file *file, clipspan_error *err)
{
    if (access(file->path, W_OK) == 0) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_WRITE, file->path, "may not be written by this user");
}

/* This library leaves no journal beside an index. Other programs would take one that lies there
 * for part of it, so it is not carried along in silence. */
clipspan_status cs_index_check_no_journal(const cs_root *root, const char *name,
                                          clipspan_error *err)
{
    static const char *const endings[] = {"-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        clipspan_status status;
        char beside[64], *path;
        snprintf(beside, sizeof beside, "%s%s", name, endings[i]);
        if (cs_root_look(root, beside) == CS_ROOT_NOTHING) continue;
        path = cs_root_join(root, name, err);
        if (!path) return CLIPSPAN_E_NOMEM;
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                            "has a file \"%s\" beside it, which clipspan never writes; it is not "
                            "touched. Remove it, then try again",
                            beside);
        cs_free(path);
        return status;
    }
    return CLIPSPAN_OK;
}

/* The file is as large as its header says: what lies behind is nobody's, and is not copied. */
clipspan_status cs_index_check_size(const cs_file *file, clipspan_error *err)
{
    unsigned char head[32];
    uint64_t page, pages = 0;
    if (file->size < sizeof head) return CLIPSPAN_OK; /* no index, which its reader says */
    CS_TRY(cs_file_read(head, file, 0, sizeof head, err));
    if (memcmp(head, "SQLite format 3", 16) != 0) return CLIPSPAN_OK;
    page = (uint64_t)head[16] << 8 | head[17];
    if (page == 1) page = 65536;
    for (int i = 28; i < 32; i++)
        pages = pages << 8 | head[i];
    if (page * pages == file->size) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, file->path,
                      "is not the index of a run, or is damaged: it has %llu bytes, and says %llu",
                      (unsigned long long)file->size, (unsigned long long)(page * pages));
}
