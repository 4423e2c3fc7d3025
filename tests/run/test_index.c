/* SPDX-License-Identifier: MIT */
/* The index: what goes in comes out, changes are whole or not there, foreign files are refused. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "run/index.h"
#include "tiny.h"

/* By a path: its folder is the root. */
static clipspan_status at_path(clipspan_status (*call)(cs_index **, const cs_root *, const char *,
                                                       clipspan_error *),
                               cs_index **out, const char *path, clipspan_error *err)
{
    char *folder = cs_path_folder(path, NULL);
    cs_root *root;
    clipspan_status status = cs_root_open(&root, folder, err);
    *out = NULL;
    if (status == CLIPSPAN_OK) status = call(out, root, cs_path_name(path), err);
    cs_root_close(&root);
    cs_free(folder);
    return status;
}

static clipspan_status open_at(cs_index **out, const char *path, clipspan_error *err)
{
    return at_path(cs_index_open, out, path, err);
}

static clipspan_status edit_at(cs_index **out, const char *path, clipspan_error *err)
{
    return at_path(cs_index_edit, out, path, err);
}

static clipspan_status create_at(cs_index **out, const char *path, clipspan_error *err)
{
    return at_path(cs_index_create, out, path, err);
}

static char *folder, *path;

static int setup(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "index.sqlite");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    free(path);
    return 0;
}

static void make(uint64_t images)
{
    const cs_segment_row segment = {0, 0, images, 1, "list", "plan"};
    cs_index *index;
    char name[32];
    remove(path);
    assert_int_equal(create_at(&index, path, NULL), 0);
    assert_int_equal(cs_index_set_fact(index, "key", "value \xFF", NULL), 0);
    assert_int_equal(cs_index_add_segment(index, &segment, NULL), 0);
    for (uint64_t i = 0; i < images; i++) {
        cs_image_row row = {i, images - 1 - i, name, "cat", "", 1000, -1, "planned", "", ""};
        snprintf(name, sizeof name, "p'%d\xFE.png", (int)i); /* quotes, and no UTF-8 */
        if (i == 1) row.bytes = -1, row.duplicate_of = 0;
        if (i == 2) row.columns = "{\"split\":\"test\"}";
        assert_int_equal(cs_index_add(index, &segment, &row, NULL), 0);
    }
    assert_int_equal(cs_path_kind(path), 0);
    assert_int_equal(cs_index_commit(index, NULL), 0);
    cs_index_close(&index);
    assert_int_equal(cs_path_kind(path), 1);
}

static clipspan_status check_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    uint64_t *next = context;
    char name[32];
    (void)err;
    snprintf(name, sizeof name, "p'%d\xFE.png", (int)*next);
    assert_int_equal(row->run_index, *next);
    assert_int_equal(row->list_index, 69 - *next);
    assert_string_equal(row->path, name);
    assert_string_equal(row->label, "cat");
    assert_string_equal(row->group, "");
    assert_int_equal(row->bytes, *next == 1 ? -1 : 1000);
    assert_int_equal(row->duplicate_of, *next == 1 ? 0 : -1);
    assert_string_equal(row->columns, *next == 2 ? "{\"split\":\"test\"}" : "");
    (*next)++;
    return CLIPSPAN_OK;
}

static clipspan_status check_segment(void *context, const cs_segment_row *row, clipspan_error *err)
{
    uint64_t *seen = context;
    (void)err;
    assert_int_equal(row->segment, *seen);
    assert_int_equal(row->first, 0);
    assert_int_equal(row->count, 70);
    assert_int_equal(row->seed, 1);
    assert_string_equal(row->list, "list");
    assert_string_equal(row->plan, "plan");
    (*seen)++;
    return CLIPSPAN_OK;
}

static void facts_images_and_segments_come_back(void **state)
{
    cs_index *index;
    uint64_t next = 0, count;
    char *value;
    clipspan_error err;
    (void)state;
    make(70);
    assert_int_equal(edit_at(&index, path, NULL), 0);
    assert_int_equal(cs_index_fact(&value, index, "key", NULL), 0);
    assert_string_equal(value, "value \xFF");
    cs_free(value);
    assert_int_equal(cs_index_fact(&value, index, "no such", NULL), 0);
    assert_null(value);
    assert_int_equal(cs_index_read(index, 0, 70, check_row, &next, NULL), 0);
    assert_int_equal(next, 70);
    next = 32;
    assert_int_equal(cs_index_read(index, 32, 32, check_row, &next, NULL), 0);
    next = 64;
    assert_int_equal(cs_index_read(index, 64, 7, check_row, &next, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "run index 70"));
    assert_int_equal(cs_index_count_duplicates(&count, index, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(cs_index_set_status(index, 3, "missing", "gone", NULL), 0);
    assert_int_equal(cs_index_count(&count, index, "missing", NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(cs_index_count(&count, index, NULL, NULL), 0);
    assert_int_equal(count, 70);
    count = 0;
    assert_int_equal(cs_index_read_segments(index, check_segment, &count, NULL), 0);
    assert_int_equal(count, 1);
    cs_index_close(&index);
}

static void changes_that_are_not_committed_leave_no_trace(void **state)
{
    cs_index *index, *before;
    uint64_t count;
    (void)state;
    make(3);
    assert_int_equal(edit_at(&index, path, NULL), 0);
    assert_int_equal(cs_index_set_status(index, 0, "ok", "", NULL), 0);
    cs_index_close(&index); /* as a crash would */
    assert_int_equal(open_at(&before, path, NULL), 0);
    assert_int_equal(cs_index_count(&count, before, "ok", NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(cs_index_set_status(before, 0, "ok", "", NULL), CLIPSPAN_E_WRITE);
    assert_int_equal(edit_at(&index, path, NULL), 0);
    assert_int_equal(cs_index_set_status(index, 0, "ok", "", NULL), 0);
    assert_int_equal(cs_index_commit(index, NULL), 0);
    cs_index_close(&index);
    assert_int_equal(cs_index_count(&count, before, "ok", NULL), 0); /* one reader, one state */
    assert_int_equal(count, 0);
    cs_index_close(&before);
    assert_int_equal(open_at(&index, path, NULL), 0);
    assert_int_equal(cs_index_count(&count, index, "ok", NULL), 0);
    assert_int_equal(count, 1);
    cs_index_close(&index);
}

/* A process that dies inside a change leaves the index as it was. */
static void a_kill_inside_a_change_changes_nothing(void **state)
{
    cs_index *index;
    uint64_t count;
    clipspan_error err;
    pid_t child;
    int ended;
    (void)state;
    make(3000);
    child = fork();
    if (child == 0) {
        if (edit_at(&index, path, NULL) == 0) cs_index_set_status_all(index, "ok", NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    if (open_at(&index, path, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    assert_int_equal(cs_index_count(&count, index, "planned", &err), 0);
    assert_int_equal(count, 3000);
    cs_index_close(&index);
}

/* A rollback journal that SQLite takes for one of a transaction over several files: of no pages,
 * with the name of the journal above it, which SQLite deletes once it has rolled back. */
static void plant_journal(const char *name, const char *super)
{
    static const unsigned char magic[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    unsigned char bytes[4096] = {0};
    const size_t length = strlen(super);
    size_t at = 512;
    unsigned sum = 0;
    memcpy(bytes, magic, 8);
    bytes[19] = 3;              /* pages before the transaction, big-endian at 16 */
    bytes[22] = 2;              /* bytes a sector: 512 */
    bytes[26] = 16;             /* bytes a page: 4096 */
    for (int i = 0; i < 4; i++) /* the page that no page of data has: 2^30 / 4096 + 1 */
        bytes[at++] = (unsigned char)((262145u >> (24 - 8 * i)) & 255);
    for (size_t i = 0; i < length; i++) {
        bytes[at++] = (unsigned char)super[i];
        sum += (unsigned)(int)super[i];
    }
    for (int i = 0; i < 4; i++)
        bytes[at++] = (unsigned char)((length >> (24 - 8 * i)) & 255);
    for (int i = 0; i < 4; i++)
        bytes[at++] = (unsigned char)((sum >> (24 - 8 * i)) & 255);
    memcpy(bytes + at, magic, 8);
    cs_tiny_write(folder, name, bytes, at + 8);
}

/* What SQLite does with such a journal, so that the test below is known to test something. */
static void q1_a_planted_journal_would_delete_a_file(void **state)
{
    char *victim = cs_tiny_path(folder, "letter.txt"), *super;
    char *journal = cs_tiny_path(folder, "index.sqlite-journal");
    sqlite3 *db;
    (void)state;
    make(3);
    cs_tiny_write_text(folder, "letter.txt", "dear friend");
    super = realpath(victim, NULL);
    plant_journal("index.sqlite-journal", super);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "SELECT * FROM facts", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(cs_path_kind(victim), 0);
    remove(journal);
    free(super);
    free(victim);
    free(journal);
}

static void q1_q2_q3_a_planted_journal_deletes_nobodys_file(void **state)
{
    static const char *const names[] = {"letter.txt",
                                        "index.sqlite"}; /* a file, the index itself */
    char *journal = cs_tiny_path(folder, "index.sqlite-journal");
    (void)state;
    for (int i = 0; i < 2; i++) {
        char *victim = cs_tiny_path(folder, names[i]), *super;
        clipspan_error err;
        cs_index *index;
        uint64_t count;
        char *value;
        make(3);
        cs_tiny_write_text(folder, "letter.txt", "dear friend");
        super = realpath(victim, NULL);
        plant_journal("index.sqlite-journal", super);
        assert_int_equal(open_at(&index, path, &err), 0);
        assert_int_equal(cs_index_count(&count, index, NULL, &err), 0);
        assert_int_equal(count, 3);
        assert_int_equal(cs_index_fact(&value, index, "key", NULL), 0);
        cs_free(value);
        cs_index_close(&index);
        assert_int_equal(cs_path_kind(victim), 1);
        assert_int_equal(cs_path_kind(journal), 1);
        assert_int_equal(edit_at(&index, path, &err), CLIPSPAN_E_FORMAT);
        assert_non_null(strstr(err.message, "index.sqlite-journal"));
        assert_int_equal(cs_path_kind(victim), 1);
        assert_int_equal(cs_path_kind(journal), 1);
        remove(journal);
        free(super);
        free(victim);
    }
    free(journal);
}

/* Neither a write-ahead log nor what shares it are read or made. */
static void q4_q5_logs_beside_an_index_are_not_looked_at(void **state)
{
    unsigned char *bytes;
    size_t size;
    cs_index *index;
    clipspan_error err;
    uint64_t count;
    char *log = cs_tiny_path(folder, "index.sqlite-wal"), *shared;
    (void)state;
    shared = cs_tiny_path(folder, "index.sqlite-shm");
    make(3);
    assert_int_equal(cs_file_read_all(&bytes, &size, path, 1 << 20, NULL), 0);
    bytes[18] = bytes[19] = 2; /* says that it has a log */
    cs_tiny_write(folder, "index.sqlite", bytes, size);
    cs_tiny_write_text(folder, "index.sqlite-wal", "x");
    assert_int_equal(open_at(&index, path, &err), 0);
    assert_int_equal(cs_index_count(&count, index, NULL, &err), 0);
    assert_int_equal(count, 3);
    cs_index_close(&index);
    assert_int_equal(cs_path_kind(log), 1);
    assert_int_equal(cs_path_kind(shared), 0);
    assert_int_equal(edit_at(&index, path, &err), CLIPSPAN_E_FORMAT);
    remove(log);
    cs_free(bytes);
    free(log);
    free(shared);
}

static void names_that_a_uri_would_cut_are_opened(void **state)
{
    char *odd = cs_tiny_path(folder, "a%41?mode=rwc#b"), *index_path;
    cs_index *index;
    (void)state;
    assert_int_equal(cs_make_folder(odd, NULL), 0);
    index_path = cs_tiny_path(odd, "index.sqlite");
    assert_int_equal(create_at(&index, index_path, NULL), 0);
    assert_int_equal(cs_index_commit(index, NULL), 0);
    cs_index_close(&index);
    assert_int_equal(open_at(&index, index_path, NULL), 0);
    cs_index_close(&index);
    free(index_path);
    free(odd);
}

static void a_new_index_that_is_not_committed_leaves_nothing(void **state)
{
    char *other = cs_tiny_path(folder, "other.sqlite");
    cs_index *index;
    (void)state;
    assert_int_equal(create_at(&index, other, NULL), 0);
    cs_index_close(&index);
    assert_int_equal(cs_path_kind(other), 0);
    free(other);
}

static void what_is_no_index_is_refused(void **state)
{
    char *other = cs_tiny_path(folder, "bad.sqlite"), *version = cs_tiny_path(folder, "v.sqlite");
    unsigned char *bytes;
    size_t size;
    cs_index *index;
    clipspan_error err;
    (void)state;
    assert_int_equal(open_at(&index, other, &err), CLIPSPAN_E_NOT_FOUND);
    cs_tiny_write_text(folder, "bad.sqlite", "no database at all, but some words that are long");
    assert_int_equal(open_at(&index, other, &err), CLIPSPAN_E_FORMAT);
    cs_tiny_write_text(folder, "bad.sqlite", ""); /* an empty file is an empty database */
    assert_int_equal(open_at(&index, other, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "application id"));
    make(3);
    assert_int_equal(cs_file_read_all(&bytes, &size, path, 1 << 20, NULL), 0);
    cs_tiny_write(folder, "bad.sqlite", bytes, size / 2); /* cut short */
    assert_int_not_equal(open_at(&index, other, &err), CLIPSPAN_OK);
    bytes[63] = 3; /* user_version, big-endian at 60 */
    cs_tiny_write(folder, "v.sqlite", bytes, size);
    assert_int_equal(open_at(&index, version, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "version 3"));
    assert_non_null(strstr(err.message, "version 2"));
    bytes[71] = '1'; /* application_id at 68, as of version 1 */
    cs_tiny_write(folder, "v.sqlite", bytes, size);
    assert_int_equal(open_at(&index, version, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "version 1"));
    assert_non_null(strstr(err.message, "Scan the images again"));
    cs_free(bytes);
    free(other);
    free(version);
}

/* Whatever the schema of an index holds beside its tables, or in another way, is refused before
 * anything of it is asked. */
static void q6_q7_q8_q9_q10_q11_a_schema_of_another_making_is_refused(void **state)
{
    static const char *const changes[] = {
        "CREATE TABLE more(x)",
        "CREATE VIEW more AS SELECT * FROM facts",
        "CREATE INDEX more ON images(hex(zeroblob(path)))",
        "CREATE TRIGGER more AFTER UPDATE ON facts BEGIN DELETE FROM images; END",
        "ALTER TABLE images ADD COLUMN more AS (hex(zeroblob(1000000000)))",
        "DROP TABLE segments",
        "DROP TABLE facts; CREATE TABLE facts(key TEXT,value TEXT AS (hex(zeroblob(1000000000))))",
        "ALTER TABLE facts RENAME TO fact",
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        cs_index *index;
        clipspan_error err;
        sqlite3 *db;
        make(3);
        assert_int_equal(open_at(&index, path, &err), CLIPSPAN_OK);
        cs_index_close(&index);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(open_at(&index, path, &err), CLIPSPAN_E_FORMAT);
        assert_non_null(strstr(err.message, "schema"));
        assert_int_equal(edit_at(&index, path, &err), CLIPSPAN_E_FORMAT);
    }
}

static void q17_an_index_that_is_a_link_is_refused(void **state)
{
    char *link = cs_tiny_path(folder, "link.sqlite");
    cs_index *index;
    clipspan_error err;
    (void)state;
    make(3);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(open_at(&index, link, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "symbolic link"));
    assert_int_equal(edit_at(&index, link, &err), CLIPSPAN_E_FORMAT);
    free(link);
}

static void q13_an_index_of_terabytes_of_nothing_is_not_read(void **state)
{
    cs_index *index;
    clipspan_error err;
    (void)state;
    make(3);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    assert_int_equal(edit_at(&index, path, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "bytes"));
    assert_int_equal(open_at(&index, path, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "bytes"));
    remove(path);
}

static void a_row_of_many_megabytes_is_refused(void **state)
{
    cs_index *index;
    clipspan_error err;
    sqlite3 *db;
    char *value;
    (void)state;
    make(3);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE facts SET value=hex(zeroblob(5000000))", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(open_at(&index, path, &err), CLIPSPAN_OK);
    assert_int_equal(cs_index_fact(&value, index, "key", &err), CLIPSPAN_E_LIMIT);
    cs_index_close(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_images_and_segments_come_back),
        cmocka_unit_test(changes_that_are_not_committed_leave_no_trace),
        cmocka_unit_test(a_kill_inside_a_change_changes_nothing),
        cmocka_unit_test(q1_a_planted_journal_would_delete_a_file),
        cmocka_unit_test(q1_q2_q3_a_planted_journal_deletes_nobodys_file),
        cmocka_unit_test(q4_q5_logs_beside_an_index_are_not_looked_at),
        cmocka_unit_test(names_that_a_uri_would_cut_are_opened),
        cmocka_unit_test(a_new_index_that_is_not_committed_leaves_nothing),
        cmocka_unit_test(what_is_no_index_is_refused),
        cmocka_unit_test(q6_q7_q8_q9_q10_q11_a_schema_of_another_making_is_refused),
        cmocka_unit_test(q17_an_index_that_is_a_link_is_refused),
        cmocka_unit_test(q13_an_index_of_terabytes_of_nothing_is_not_read),
        cmocka_unit_test(a_row_of_many_megabytes_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
