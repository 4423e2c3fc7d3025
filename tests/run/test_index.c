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

static void make(uint64_t pictures)
{
    cs_index *index;
    char name[32];
    remove(path);
    assert_int_equal(cs_index_create(&index, path, NULL), 0);
    assert_int_equal(cs_index_set_fact(index, "key", "value \xFF", NULL), 0);
    for (uint64_t i = 0; i < pictures; i++) {
        cs_picture_row row = {i, pictures - 1 - i, name, "cat", "", 1000, -1, "planned", ""};
        snprintf(name, sizeof name, "p'%d\xFE.png", (int)i); /* quotes, and no UTF-8 */
        if (i == 1) row.bytes = -1, row.duplicate_of = 0;
        assert_int_equal(cs_index_add(index, &row, NULL), 0);
    }
    assert_int_equal(cs_path_kind(path), 0);
    assert_int_equal(cs_index_commit(index, NULL), 0);
    cs_index_close(&index);
    assert_int_equal(cs_path_kind(path), 1);
}

static clipspan_status check_row(void *context, const cs_picture_row *row, clipspan_error *err)
{
    uint64_t *next = context;
    char name[32];
    (void)err;
    snprintf(name, sizeof name, "p'%d\xFE.png", (int)*next);
    assert_int_equal(row->place, *next);
    assert_int_equal(row->number, 69 - *next);
    assert_string_equal(row->path, name);
    assert_string_equal(row->label, "cat");
    assert_string_equal(row->group, "");
    assert_int_equal(row->bytes, *next == 1 ? -1 : 1000);
    assert_int_equal(row->duplicate_of, *next == 1 ? 0 : -1);
    (*next)++;
    return CLIPSPAN_OK;
}

static void facts_pictures_and_results_come_back(void **state)
{
    cs_index *index;
    uint64_t next = 0, count;
    char *value;
    clipspan_error err;
    (void)state;
    make(70);
    assert_int_equal(cs_index_open(&index, path, 1, NULL), 0);
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
    assert_non_null(strstr(err.message, "place 70"));
    assert_int_equal(cs_index_count_duplicates(&count, index, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(cs_index_set_status(index, 3, "missing", "gone", NULL), 0);
    assert_int_equal(cs_index_count(&count, index, "missing", NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(cs_index_count(&count, index, NULL, NULL), 0);
    assert_int_equal(count, 70);
    assert_int_equal(cs_index_set_result(index, "span", "pool", "{\"a\": 1}", NULL), 0);
    assert_int_equal(cs_index_set_result(index, "span", "pool", "{\"a\": 2}", NULL), 0);
    assert_int_equal(cs_index_result(&value, index, "span", "pool", NULL), 0);
    assert_string_equal(value, "{\"a\": 2}");
    cs_free(value);
    assert_int_equal(cs_index_set_result(index, "span", "pool", NULL, NULL), 0);
    assert_int_equal(cs_index_result(&value, index, "span", "pool", NULL), 0);
    assert_null(value);
    cs_index_close(&index);
}

static void changes_that_are_not_kept_leave_no_trace(void **state)
{
    cs_index *index;
    uint64_t count;
    (void)state;
    make(3);
    assert_int_equal(cs_index_open(&index, path, 1, NULL), 0);
    assert_int_equal(cs_index_begin(index, NULL), 0);
    assert_int_equal(cs_index_set_status(index, 0, "ok", "", NULL), 0);
    assert_int_equal(cs_index_end(index, 0, NULL), 0);
    assert_int_equal(cs_index_count(&count, index, "ok", NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(cs_index_begin(index, NULL), 0);
    assert_int_equal(cs_index_set_status(index, 0, "ok", "", NULL), 0);
    cs_index_close(&index); /* as a crash would */
    assert_int_equal(cs_index_open(&index, path, 0, NULL), 0);
    assert_int_equal(cs_index_count(&count, index, "ok", NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(cs_index_set_status(index, 0, "ok", "", NULL), CLIPSPAN_E_WRITE);
    cs_index_close(&index);
}

/* A process that dies inside a transaction leaves the file half changed, and a journal: whoever
 * opens it next, to read or to write, finds it as it was. */
static void a_kill_inside_a_change_is_rolled_back_by_the_next_reader(void **state)
{
    (void)state;
    for (int writable = 0; writable < 2; writable++) {
        char *journal = cs_tiny_path(folder, "index.sqlite-journal");
        cs_index *index;
        uint64_t count;
        clipspan_error err;
        pid_t child;
        int ended;
        make(3000);
        child = fork();
        if (child == 0) {
            sqlite3 *db;
            sqlite3_open(path, &db);
            sqlite3_exec(db, "PRAGMA cache_size=1; BEGIN; UPDATE pictures SET status='ok'", NULL,
                         NULL, NULL);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_int_equal(cs_path_kind(journal), 1);
        if (cs_index_open(&index, path, writable, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
        assert_int_equal(cs_index_count(&count, index, "planned", &err), 0);
        assert_int_equal(count, 3000);
        cs_index_close(&index);
        free(journal);
    }
}

static void a_new_index_that_is_not_committed_leaves_nothing(void **state)
{
    char *other = cs_tiny_path(folder, "other.sqlite");
    cs_index *index;
    (void)state;
    assert_int_equal(cs_index_create(&index, other, NULL), 0);
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
    assert_int_equal(cs_index_open(&index, other, 0, &err), CLIPSPAN_E_NOT_FOUND);
    cs_tiny_write_text(folder, "bad.sqlite", "no database at all, but some words that are long");
    assert_int_equal(cs_index_open(&index, other, 0, &err), CLIPSPAN_E_FORMAT);
    cs_tiny_write_text(folder, "bad.sqlite", ""); /* an empty file is an empty database */
    assert_int_equal(cs_index_open(&index, other, 0, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "application id"));
    make(3);
    assert_int_equal(cs_file_read_all(&bytes, &size, path, 1 << 20, NULL), 0);
    cs_tiny_write(folder, "bad.sqlite", bytes, size / 2); /* cut short */
    assert_int_not_equal(cs_index_open(&index, other, 0, &err), CLIPSPAN_OK);
    bytes[63] = 2; /* user_version, big-endian at 60 */
    cs_tiny_write(folder, "v.sqlite", bytes, size);
    assert_int_equal(cs_index_open(&index, version, 0, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "version 2"));
    assert_non_null(strstr(err.message, "version 1"));
    cs_free(bytes);
    free(other);
    free(version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_pictures_and_results_come_back),
        cmocka_unit_test(changes_that_are_not_kept_leave_no_trace),
        cmocka_unit_test(a_kill_inside_a_change_is_rolled_back_by_the_next_reader),
        cmocka_unit_test(a_new_index_that_is_not_committed_leaves_nothing),
        cmocka_unit_test(what_is_no_index_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
