/* SPDX-License-Identifier: MIT */
/* Reading is bounded and never blocks; a written file appears whole under its name or not at all,
 * and leaves nothing beside it. */
#define _XOPEN_SOURCE 700
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static clipspan_error err;

/* folder/name in one of four buffers taken in turn. */
static const char *in(const char *name)
{
    static char buffers[4][5200];
    static int turn;
    char *buffer = buffers[turn++ % 4];
    snprintf(buffer, sizeof buffers[0], "%s/%s", folder, name);
    return buffer;
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_file.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int drop(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
    (void)facts;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in(name), "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void expect_content(const char *name, const char *text)
{
    unsigned char *data;
    size_t size;
    assert_int_equal(cs_file_read_all(&data, &size, in(name), 1 << 20, NULL), CLIPSPAN_OK);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size + 1); /* and the NUL behind it */
    cs_free(data);
}

static void expect_entries(int count)
{
    DIR *dir = opendir(folder);
    int found = 0;
    assert_non_null(dir);
    while (readdir(dir))
        found++;
    closedir(dir);
    assert_int_equal(found, count + 2); /* with . and .. */
}

static clipspan_status write_file(const char *path, const char *text, int replace)
{
    cs_output *output;
    clipspan_status status = cs_output_open(&output, path, replace, &err);
    if (status == CLIPSPAN_OK) status = cs_output_write(output, text, strlen(text), &err);
    if (status == CLIPSPAN_OK) status = cs_output_commit(output, &err);
    cs_output_close(&output);
    assert_null(output);
    return status;
}

/* ---- Reading ---- */

static void test_reads_at_any_place(void **state)
{
    cs_file *file;
    char bytes[5] = "";
    (void)state;
    put("a", "0123456789");
    assert_int_equal(cs_file_open(&file, in("a"), NULL), CLIPSPAN_OK);
    assert_int_equal(file->size, 10);
    assert_string_equal(file->path, in("a"));
    assert_int_equal(cs_file_read(bytes, file, 6, 4, NULL), CLIPSPAN_OK);
    assert_string_equal(bytes, "6789");
    assert_int_equal(cs_file_read(bytes, file, 0, 2, NULL), CLIPSPAN_OK);
    assert_string_equal(bytes, "0189");
    assert_int_equal(cs_file_read(bytes, file, 10, 0, NULL), CLIPSPAN_OK);
    cs_file_close(&file);
    assert_null(file);
    cs_file_close(&file);
    cs_file_close(NULL);
}

static void test_reading_past_the_end_is_named(void **state)
{
    static const uint64_t far[] = {7, 10, 11, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    cs_file *file;
    char bytes[4];
    (void)state;
    put("a", "0123456789");
    assert_int_equal(cs_file_open(&file, in("a"), NULL), CLIPSPAN_OK);
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        assert_int_equal(cs_file_read(bytes, file, far[i], 4, &err), CLIPSPAN_E_FORMAT);
        assert_non_null(strstr(err.message, in("a")));
    }
    cs_file_close(&file);
}

static void test_file_that_shrinks_while_open_is_an_error(void **state)
{
    cs_file *file;
    char bytes[8];
    (void)state;
    put("a", "0123456789");
    assert_int_equal(cs_file_open(&file, in("a"), NULL), CLIPSPAN_OK);
    assert_int_equal(truncate(in("a"), 5), 0);
    assert_int_equal(cs_file_read(bytes, file, 0, 8, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "byte 5"));
    cs_file_close(&file);
}

static void test_whole_file_up_to_its_limit(void **state)
{
    unsigned char *data = (unsigned char *)folder;
    size_t size = 9;
    (void)state;
    put("a", "0123456789");
    assert_int_equal(cs_file_read_all(&data, &size, in("a"), 9, &err), CLIPSPAN_E_LIMIT);
    assert_null(data);
    assert_int_equal(size, 0);
    assert_non_null(strstr(err.message, "10 bytes"));
    assert_int_equal(cs_file_read_all(&data, &size, in("a"), 10, NULL), CLIPSPAN_OK);
    assert_int_equal(size, 10);
    assert_int_equal(data[10], 0);
    cs_free(data);
    put("empty", "");
    expect_content("empty", "");
}

static void expect_refused(const char *path, clipspan_status status, const char *why)
{
    cs_file *file = (cs_file *)folder;
    alarm(5); /* a call that blocks ends the test */
    assert_int_equal(cs_file_open(&file, path, &err), status);
    alarm(0);
    assert_null(file);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, why));
}

static void test_what_is_no_file_is_refused_without_waiting(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    assert_int_equal(mkdir(in("a.jpg"), 0700), 0);
    assert_int_equal(mkfifo(in("fifo"), 0600), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in("socket"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(symlink("fifo", in("link")), 0);
    assert_int_equal(symlink("nowhere", in("broken")), 0);
    assert_int_equal(symlink("loop", in("loop")), 0);
    expect_refused(in("a.jpg"), CLIPSPAN_E_IO, "is a folder");
    expect_refused(in("fifo"), CLIPSPAN_E_IO, "not a regular file");
    expect_refused(in("link"), CLIPSPAN_E_IO, "not a regular file");
    expect_refused(in("socket"), CLIPSPAN_E_IO, "not a regular file");
    expect_refused("/dev/zero", CLIPSPAN_E_IO, "not a regular file");
    expect_refused(in("absent"), CLIPSPAN_E_NOT_FOUND, "no such file");
    expect_refused(in("broken"), CLIPSPAN_E_NOT_FOUND, "no such file");
    expect_refused(in("loop"), CLIPSPAN_E_IO, "cannot be opened");
    expect_refused("", CLIPSPAN_E_NOT_FOUND, "no such file");
    close(fd);
}

static void test_link_to_a_file_is_followed(void **state)
{
    (void)state;
    put("a", "content");
    assert_int_equal(symlink("a", in("link")), 0);
    expect_content("link", "content");
}

static void test_path_of_4096_bytes_is_a_short_message(void **state)
{
    static char name[4097];
    cs_file *file;
    (void)state;
    memset(name, 'n', 4096);
    assert_int_equal(cs_file_open(&file, in(name), &err), CLIPSPAN_E_IO);
    assert_true(strlen(err.message) < 600);
    assert_non_null(strstr(err.message, "cannot be opened"));
}

static void test_file_without_permission_says_so(void **state)
{
    cs_file *file;
    (void)state;
    if (geteuid() == 0) skip(); /* root may read it */
    put("a", "x");
    assert_int_equal(chmod(in("a"), 0), 0);
    assert_int_equal(cs_file_open(&file, in("a"), &err), CLIPSPAN_E_IO);
    assert_non_null(strstr(err.message, "denied"));
}

/* ---- Paths ---- */

static void test_kinds_of_paths(void **state)
{
    (void)state;
    put("a", "x");
    assert_int_equal(mkfifo(in("fifo"), 0600), 0);
    assert_int_equal(cs_path_kind(in("absent")), 0);
    assert_int_equal(cs_path_kind(in("a/below")), 0);
    assert_int_equal(cs_path_kind(in("a")), 1);
    assert_int_equal(cs_path_kind(folder), 2);
    assert_int_equal(cs_path_kind(in("fifo")), 3);
}

static void test_joining_and_taking_apart(void **state)
{
    static const char *const join[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a//", "b", "a/b"}, {"", "b", "b"},
        {"a", "/b", "/b"}, {"/", "b", "/b"},   {"//", "b", "/b"},   {"a", "", "a/"}};
    static const char *const parts[][3] = {
        {"a/b", "a", "b"}, {"/b", "/", "b"},        {"b", ".", "b"},    {"a/b/", "a/b", ""},
        {"", ".", ""},     {"/a/b.c", "/a", "b.c"}, {"a//b", "a", "b"}, {"//b", "/", "b"}};
    (void)state;
    for (size_t i = 0; i < sizeof join / sizeof *join; i++) {
        char *path = cs_path_join(join[i][0], join[i][1], NULL);
        assert_string_equal(path, join[i][2]);
        cs_free(path);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *path = cs_path_folder(parts[i][0], NULL);
        assert_string_equal(path, parts[i][1]);
        assert_string_equal(cs_path_name(parts[i][0]), parts[i][2]);
        cs_free(path);
    }
}

/* ---- Writing ---- */

static void test_file_appears_at_commit(void **state)
{
    cs_output *output;
    (void)state;
    assert_int_equal(cs_output_open(&output, in("a"), 0, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_write(output, "0000 body", 9, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_rewrite(output, 1, "head", 4, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_write(output, "!", 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_path_kind(in("a")), 0);
    assert_int_equal(cs_output_commit(output, NULL), CLIPSPAN_OK);
    cs_output_close(&output);
    expect_content("a", "0headbody!");
    expect_entries(1);
}

static void test_close_without_commit_leaves_nothing(void **state)
{
    cs_output *output;
    (void)state;
    assert_int_equal(cs_output_open(&output, in("a"), 0, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_write(output, "x", 1, NULL), CLIPSPAN_OK);
    cs_output_close(&output);
    cs_output_close(&output);
    cs_output_close(NULL);
    expect_entries(0);
}

/* What can be known at open is an error there, not after hours of work. */
static void expect_open_fails(const char *path, int replace, clipspan_status status)
{
    cs_output *output = (cs_output *)folder;
    assert_int_equal(cs_output_open(&output, path, replace, &err), status);
    assert_null(output);
}

static void test_existing_file_is_kept_unless_replaced(void **state)
{
    (void)state;
    put("a", "old");
    expect_open_fails(in("a"), 0, CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, in("a")));
    expect_content("a", "old");
    assert_int_equal(write_file(in("a"), "new", 1), CLIPSPAN_OK);
    expect_content("a", "new");
    expect_entries(1);
}

static void test_file_that_comes_up_meanwhile_is_kept(void **state)
{
    cs_output *output;
    (void)state;
    assert_int_equal(cs_output_open(&output, in("a"), 0, NULL), CLIPSPAN_OK);
    put("a", "of another program");
    assert_int_equal(cs_output_commit(output, &err), CLIPSPAN_E_EXISTS);
    cs_output_close(&output);
    expect_content("a", "of another program");
    expect_entries(1);
}

static void test_two_writers_of_one_name_do_not_mix(void **state)
{
    cs_output *a, *b;
    (void)state;
    assert_int_equal(cs_output_open(&a, in("x"), 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_open(&b, in("x"), 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_write(a, "first", 5, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_write(b, "second", 6, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_commit(a, NULL), CLIPSPAN_OK);
    expect_content("x", "first");
    assert_int_equal(cs_output_commit(b, NULL), CLIPSPAN_OK);
    cs_output_close(&a);
    cs_output_close(&b);
    expect_content("x", "second");
    expect_entries(1);
}

/* A disk that is full shows in the same place as a limit on the size of files. */
static void test_full_disk_is_an_error_and_leaves_nothing(void **state)
{
    static char block[10000];
    struct rlimit before, small;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    cs_output *output;
    clipspan_status written, rewritten;
    (void)state;
    assert_int_equal(cs_output_open(&output, in("a"), 0, NULL), CLIPSPAN_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    written = cs_output_write(output, block, sizeof block, &err);
    rewritten = cs_output_rewrite(output, 4090, block, 100, NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(written, CLIPSPAN_E_WRITE);
    assert_int_equal(rewritten, CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, in("a")));
    assert_non_null(strstr(err.message, "cannot be written: "));
    cs_output_close(&output);
    expect_entries(0);
}

static void test_folder_that_vanished_fails_the_commit(void **state)
{
    cs_output *output;
    (void)state;
    assert_int_equal(mkdir(in("sub"), 0700), 0);
    assert_int_equal(cs_output_open(&output, in("sub/a"), 0, NULL), CLIPSPAN_OK);
    assert_int_equal(nftw(in("sub"), drop, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(cs_output_commit(output, &err), CLIPSPAN_E_WRITE);
    cs_output_close(&output);
    expect_entries(0);
}

static void test_places_that_cannot_be_written(void **state)
{
    static char name[257];
    (void)state;
    put("a", "x");
    memset(name, 'n', 256);
    expect_open_fails(in("absent/x"), 0, CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, "does its folder exist"));
    expect_open_fails(in("a/x"), 0, CLIPSPAN_E_WRITE);
    expect_open_fails(in("sub/"), 0, CLIPSPAN_E_WRITE);
    expect_open_fails(folder, 1, CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, "is a folder"));
    expect_open_fails("", 0, CLIPSPAN_E_WRITE);
    expect_open_fails(in(name), 0, CLIPSPAN_E_WRITE);
    expect_entries(1);
}

static void test_longest_name_is_written(void **state)
{
    static char name[256];
    (void)state;
    memset(name, 'n', 255);
    assert_int_equal(write_file(in(name), "x", 0), CLIPSPAN_OK);
    assert_int_equal(write_file(in(name), "y", 1), CLIPSPAN_OK);
    expect_content(name, "y");
    expect_entries(1);
}

static void test_devices_and_pipes_are_never_replaced(void **state)
{
    struct stat facts;
    (void)state;
    assert_int_equal(mkfifo(in("fifo"), 0600), 0);
    assert_int_equal(symlink("fifo", in("link")), 0);
    for (int replace = 0; replace < 2; replace++) {
        assert_int_equal(write_file(in("fifo"), "x", replace), CLIPSPAN_E_WRITE);
        assert_int_equal(write_file(in("link"), "x", replace), CLIPSPAN_E_WRITE);
    }
    assert_int_equal(lstat(in("fifo"), &facts), 0);
    assert_true(S_ISFIFO(facts.st_mode));
    expect_entries(2);
}

static void test_of_a_link_the_link_is_replaced(void **state)
{
    (void)state;
    put("target", "old");
    assert_int_equal(symlink("target", in("link")), 0);
    assert_int_equal(symlink("nowhere", in("broken")), 0);
    assert_int_equal(write_file(in("link"), "new", 0), CLIPSPAN_E_EXISTS);
    assert_int_equal(write_file(in("broken"), "new", 0), CLIPSPAN_E_EXISTS);
    assert_int_equal(write_file(in("link"), "new", 1), CLIPSPAN_OK);
    expect_content("link", "new");
    expect_content("target", "old");
    expect_entries(3);
}

static void test_folders_are_made_with_their_parents(void **state)
{
    (void)state;
    put("file", "x");
    assert_int_equal(cs_make_folder(in("a/b//c/"), NULL), CLIPSPAN_OK);
    assert_int_equal(cs_path_kind(in("a/b/c")), 2);
    assert_int_equal(cs_make_folder(in("a/b/c"), NULL), CLIPSPAN_OK);
    assert_int_equal(cs_make_folder("/", NULL), CLIPSPAN_OK);
    assert_int_equal(cs_make_folder(in("file"), &err), CLIPSPAN_E_WRITE);
    assert_int_equal(cs_make_folder(in("file/x/y"), &err), CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, "/file is a file"));
    assert_int_equal(cs_make_folder("/proc/nothing/here", &err), CLIPSPAN_E_WRITE);
    expect_entries(2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reads_at_any_place),
        CASE(test_reading_past_the_end_is_named),
        CASE(test_file_that_shrinks_while_open_is_an_error),
        CASE(test_whole_file_up_to_its_limit),
        CASE(test_what_is_no_file_is_refused_without_waiting),
        CASE(test_link_to_a_file_is_followed),
        CASE(test_path_of_4096_bytes_is_a_short_message),
        CASE(test_file_without_permission_says_so),
        CASE(test_kinds_of_paths),
        CASE(test_joining_and_taking_apart),
        CASE(test_file_appears_at_commit),
        CASE(test_close_without_commit_leaves_nothing),
        CASE(test_existing_file_is_kept_unless_replaced),
        CASE(test_file_that_comes_up_meanwhile_is_kept),
        CASE(test_two_writers_of_one_name_do_not_mix),
        CASE(test_full_disk_is_an_error_and_leaves_nothing),
        CASE(test_folder_that_vanished_fails_the_commit),
        CASE(test_places_that_cannot_be_written),
        CASE(test_longest_name_is_written),
        CASE(test_devices_and_pipes_are_never_replaced),
        CASE(test_of_a_link_the_link_is_replaced),
        CASE(test_folders_are_made_with_their_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
