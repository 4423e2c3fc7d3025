/* SPDX-License-Identifier: MIT */
/* Locks where there are none, and links inside a run that lead elsewhere. */
#define _XOPEN_SOURCE 700
#include "base/file.h"
#include "run/folder.h"
#include "tiny.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

static int failure; /* what flock says */

/* In the place of the library's. */
int flock(int fd, int operation)
{
    (void)fd;
    (void)operation;
    errno = failure;
    return failure ? -1 : 0;
}

static char *folder;
static cs_root *root;

static int set_up(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    return (int)cs_root_open(&root, folder, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    cs_root_close(&root);
    cs_tiny_remove(&folder);
    return 0;
}

static void q34_q35_without_locks_shares_go_on_and_others_are_refused(void **state)
{
    static const int coefficients[] = {ENOLCK, ENOSYS, EOPNOTSUPP};
    clipspan_error err;
    int lock;
    (void)state;
    for (int i = 0; i < 3; i++) {
        failure = coefficients[i];
        assert_int_equal(cs_folder_lock(&lock, root, 0, &err), CLIPSPAN_OK);
        cs_folder_unlock(&lock);
        assert_int_equal(cs_folder_lock(&lock, root, 1, &err), CLIPSPAN_E_WRITE);
        assert_non_null(strstr(err.message, "CLIPSPAN_NO_LOCK=1"));
        cs_folder_unlock(&lock);
        assert_int_equal(setenv("CLIPSPAN_NO_LOCK", "1", 1), 0);
        assert_int_equal(cs_folder_lock(&lock, root, 1, &err), CLIPSPAN_OK);
        cs_folder_unlock(&lock);
        assert_int_equal(unsetenv("CLIPSPAN_NO_LOCK"), 0);
    }
    failure = EWOULDBLOCK;
    assert_int_equal(cs_folder_lock(&lock, root, 1, &err), CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, "another process"));
    cs_folder_unlock(&lock);
    failure = 0;
}

static void q16_a_lock_that_is_a_link_makes_no_file(void **state)
{
    char *target = cs_tiny_path(folder, "target"), *lock_file = cs_tiny_path(folder, "lock");
    clipspan_error err;
    int lock;
    (void)state;
    unlink(lock_file);
    assert_int_equal(symlink(target, lock_file), 0);
    assert_int_equal(cs_folder_lock(&lock, root, 1, &err), CLIPSPAN_E_WRITE);
    assert_int_equal(cs_path_kind(target), 0);
    cs_folder_unlock(&lock);
    unlink(lock_file);
    free(target);
    free(lock_file);
}

/* A run of links: what they lead to is somebody's. */
static void q14_links_inside_a_run_are_not_emptied(void **state)
{
    static const char *const names[] = {"segments", "results", "segments/000",
                                        "segments/000/packs"};
    char *other = cs_tiny_path(folder, "other"), *run = cs_tiny_path(folder, "run");
    char *kept = cs_tiny_path(other, "00-00000001.safetensors");
    clipspan_error err;
    cs_root *inside;
    (void)state;
    cs_tiny_write_text(folder, "other/00-00000001.safetensors", "mine");
    cs_tiny_write_text(folder, "other/000/packs/00-00000001.safetensors", "mine");
    cs_tiny_write_text(folder, "other/notes.json", "mine");
    cs_tiny_write_text(folder, "run/segments/000/x", "");
    for (int i = 3; i >= 0; i--) {
        char *name = cs_tiny_path(run, names[i]), *away = cs_tiny_path(folder, "away");
        const int there = cs_path_kind(name) == 2;
        if (there) assert_int_equal(rename(name, away), 0);
        assert_int_equal(symlink(other, name), 0);
        assert_int_equal(cs_root_open(&inside, run, NULL), 0);
        assert_int_equal(cs_folder_clear(inside, &err), CLIPSPAN_E_WRITE);
        assert_non_null(strstr(err.message, "symbolic link"));
        cs_folder_tidy(inside);
        cs_root_close(&inside);
        assert_int_equal(cs_path_kind(kept), 1);
        assert_int_equal(unlink(name), 0);
        if (there) assert_int_equal(rename(away, name), 0);
        free(name);
        free(away);
    }
    free(other);
    free(run);
    free(kept);
}

static void strange_files_are_not_removed(void **state)
{
    static const char *const stay[] = {"run/segments/000/packs/notes.txt",
                                       "run/results/mine.csv",
                                       "run/report.html",
                                       "run/results/package.json",
                                       "run/results/texts-mine.safetensors",
                                       "run/segments/000/packs/.notes.1.0.part",
                                       "run/segments/000/packs/1-2.safetensors",
                                       "run/segments/backup/packs/10-00000000.safetensors"};
    cs_root *inside;
    static const char *const go[] = {"run/segments/000/packs/10-00000000.safetensors",
                                     "run/results/atlas-a.json",
                                     "run/results/texts-0123456789abcdef.safetensors",
                                     "run/segments/003/nodes/.00-00000001.safetensors.7.0.part",
                                     "run/chunks/00000000.safetensors"};
    char *run = cs_tiny_path(folder, "run");
    (void)state;
    for (size_t i = 0; i < 8; i++)
        cs_tiny_write_text(folder, stay[i], "x");
    for (size_t i = 0; i < 5; i++)
        cs_tiny_write_text(folder, go[i], "x");
    assert_int_equal(cs_root_open(&inside, run, NULL), 0);
    assert_int_equal(cs_folder_clear(inside, NULL), 0);
    cs_root_close(&inside);
    for (size_t i = 0; i < 8; i++) {
        char *path = cs_tiny_path(folder, stay[i]);
        assert_int_equal(cs_path_kind(path), 1);
        free(path);
    }
    for (size_t i = 0; i < 5; i++) {
        char *path = cs_tiny_path(folder, go[i]);
        assert_int_equal(cs_path_kind(path), 0);
        free(path);
    }
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q34_q35_without_locks_shares_go_on_and_others_are_refused),
        cmocka_unit_test(q16_a_lock_that_is_a_link_makes_no_file),
        cmocka_unit_test(q14_links_inside_a_run_are_not_emptied),
        cmocka_unit_test(strange_files_are_not_removed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
