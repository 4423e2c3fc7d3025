/* SPDX-License-Identifier: MIT */
/* Data files are found from the environment, beside an installed program and from a build folder.
 * For the last two the test runs a copy of itself from there: `test_datadir NAME` prints the
 * path. */
#define _POSIX_C_SOURCE 200809L
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_datadir.XXXXXX";

static void put(const char *name, const void *bytes, size_t size)
{
    char *path = cs_path_join(folder, name, NULL), *parent = cs_path_folder(path, NULL);
    cs_output *out;
    assert_int_equal(cs_make_folder(parent, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_open(&out, path, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_write(out, bytes, size, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_output_commit(out, NULL), CLIPSPAN_OK);
    cs_output_close(&out);
    cs_free(parent);
    cs_free(path);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void test_environment_names_the_folder(void **state)
{
    char *path;
    (void)state;
    put("elsewhere/words.txt", "x", 1);
    setenv("CLIPSPAN_DATA", "/", 1);
    assert_int_equal(cs_data_path(&path, "words.txt", NULL), CLIPSPAN_E_NOT_FOUND);
    assert_null(path);
    put("words.txt", "x", 1);
    setenv("CLIPSPAN_DATA", folder, 1);
    assert_int_equal(cs_data_path(&path, "words.txt", NULL), CLIPSPAN_OK);
    assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
    cs_free(path);
    unsetenv("CLIPSPAN_DATA");
}

static void test_environment_excludes_other_places(void **state)
{
    clipspan_error err;
    char *path;
    (void)state;
    setenv("CLIPSPAN_DATA", folder, 1);
    assert_int_equal(cs_data_path(&path, "absent.txt", &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "absent.txt"));
    assert_non_null(strstr(err.message, folder));
    assert_null(strchr(strstr(err.message, folder), ','));
    unsetenv("CLIPSPAN_DATA");
}

static void test_message_lists_the_places(void **state)
{
    clipspan_error err;
    char *path;
    (void)state;
    assert_int_equal(cs_data_path(&path, "no-such-file", &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "../share/clipspan"));
    assert_non_null(strstr(err.message, "CLIPSPAN_DATA"));
}

/* What a copy of this program, run as folder/place, finds for mark.txt. */
static void expect_found(const char *place, const char *data)
{
    unsigned char *program;
    size_t size;
    char found[4096] = "", command[300], *path;
    FILE *pipe;
    assert_int_equal(cs_file_read_all(&program, &size, "/proc/self/exe", UINT64_MAX, NULL), 0);
    put(place, program, size);
    cs_free(program);
    put(data, "x", 1);
    snprintf(command, sizeof command, "%s/%s", folder, place);
    assert_int_equal(chmod(command, 0700), 0);
    strcat(command, " mark.txt");
    pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(found, sizeof found, pipe));
    pclose(pipe);
    path = cs_path_join(folder, data, NULL);
    found[strcspn(found, "\n")] = '\0';
    {
        struct stat a, b;
        assert_int_equal(stat(path, &a), 0);
        assert_int_equal(stat(found, &b), 0);
        assert_true(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
        assert_int_equal(unlink(path), 0);
    }
    cs_free(path);
}

static void test_installed_program_finds_its_share(void **state)
{
    (void)state;
    expect_found("prefix/bin/program", "prefix/share/clipspan/mark.txt");
}

static void test_build_folder_finds_the_source_tree(void **state)
{
    (void)state;
    expect_found("tree/program", "tree/data/mark.txt");
    expect_found("tree/build/program", "tree/data/mark.txt");
    expect_found("tree/build/cli/program", "tree/data/mark.txt");
    expect_found("tree/build/tests/base/program", "tree/data/mark.txt");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment_names_the_folder),
        cmocka_unit_test(test_environment_excludes_other_places),
        cmocka_unit_test(test_message_lists_the_places),
        cmocka_unit_test(test_installed_program_finds_its_share),
        cmocka_unit_test(test_build_folder_finds_the_source_tree),
    };
    if (argc > 1) {
        clipspan_error err;
        char *path;
        int failed = cs_data_path(&path, argv[1], &err) != CLIPSPAN_OK;
        puts(failed ? err.message : path);
        cs_free(path);
        return failed;
    }
    unsetenv("CLIPSPAN_DATA");
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
