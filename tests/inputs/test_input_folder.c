/* SPDX-License-Identifier: MIT */
/* The walk through folders: order, endings, links, what cannot be read. */
#define _POSIX_C_SOURCE 200809L
#include "inputs/input_folder.h"
#include "tiny.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder;

static int set_up(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    return 0;
}

static void touch(const char *name)
{
    cs_tiny_write_text(folder, name, "x");
}

static void link_to(const char *target, const char *name)
{
    char *path = cs_tiny_path(folder, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

/* The list of the folder is exactly `names` (up to NULL), in this order. */
static void assert_lists(const char *const *names)
{
    cs_input_list list = {0};
    size_t i;
    assert_int_equal(cs_input_folder_list(&list, folder, 0, NULL), 0);
    for (i = 0; names[i]; i++) {
        char *path = cs_tiny_path(folder, names[i]);
        assert_true(i < list.count);
        assert_string_equal(list.paths[i], path);
        free(path);
    }
    assert_int_equal(list.count, i);
    cs_input_list_fini(&list);
}

static void folders_of_network_drives_are_left_out_and_counted(void **state)
{
    cs_input_list list = {0};
    char *kept = cs_tiny_path(folder, "photos"), *thumbs = cs_tiny_path(folder, "photos/@eaDir"),
         *bin = cs_tiny_path(folder, "photos/#recycle");
    (void)state;
    assert_int_equal(mkdir(kept, 0777) | mkdir(thumbs, 0777) | mkdir(bin, 0777), 0);
    touch("photos/a.jpg");
    touch("photos/@eaDir/SYNOPHOTO_THUMB_M.jpg");
    touch("photos/#recycle/b.jpg");
    assert_int_equal(cs_input_folder_list(&list, kept, 0, NULL), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.thumbnails, 2);
    assert_int_equal(cs_input_folder_list(&list, thumbs, 0, NULL), 0); /* named: entered */
    assert_int_equal(list.count, 2);
    cs_input_list_fini(&list);
    free(kept);
    free(thumbs);
    free(bin);
}

static void images_of_every_ending_are_listed_sorted_by_bytes(void **state)
{
    static const char *const expected[] = {"A.PNG",   "b.jpeg", "b/a.webp", "b/z/deep.jpe",
                                           "b0.JfiF", "c.jpg",  NULL};
    (void)state;
    touch("c.jpg");
    touch("b.jpeg");
    touch("b/z/deep.jpe");
    touch("b/a.webp");
    touch("b0.JfiF");
    touch("A.PNG");
    touch("notes.txt");
    touch("jpg");
    touch("image.jpg.bak");
    assert_lists(expected);
}

static void hidden_files_and_folders_are_left_out(void **state)
{
    static const char *const expected[] = {"seen.jpg", NULL};
    (void)state;
    touch(".hidden.jpg");
    touch("._seen.jpg");
    touch(".thumbnails/seen.jpg");
    touch("seen.jpg");
    assert_lists(expected);
}

static void a_folder_with_an_image_name_is_entered(void **state)
{
    static const char *const expected[] = {"a.jpg/b.png", NULL};
    (void)state;
    touch("a.jpg/b.png");
    assert_lists(expected);
}

static void loops_of_links_end_and_each_folder_counts_once_under_its_own_name(void **state)
{
    static const char *const expected[] = {"real/1.jpg", "real/sub/2.jpg", NULL};
    (void)state;
    touch("real/1.jpg");
    touch("real/sub/2.jpg");
    link_to("real", "a-link-that-sorts-first");
    link_to("..", "real/sub/up");
    link_to(".", "self");
    assert_lists(expected);
}

static void a_link_to_a_folder_elsewhere_is_followed_once(void **state)
{
    static const char *const expected[] = {"z2/1.jpg", NULL};
    char *elsewhere = cs_tiny_folder();
    (void)state;
    cs_tiny_write_text(elsewhere, "1.jpg", "x");
    link_to(elsewhere, "z1");
    link_to(elsewhere, "z2");
    assert_lists(expected);
    cs_tiny_remove(&elsewhere);
}

static void links_to_files_are_images_even_when_they_dangle(void **state)
{
    static const char *const expected[] = {"dangling.jpg", "good.jpg", "real.jpg", NULL};
    (void)state;
    touch("real.jpg");
    link_to("real.jpg", "good.jpg");
    link_to("nowhere.jpg", "dangling.jpg");
    link_to("nowhere", "dangling");
    assert_lists(expected);
}

static void a_folder_that_cannot_be_read_stays_in_the_list_under_its_name(void **state)
{
    static const char *const expected[] = {"a.jpg", "locked", NULL};
    char *locked = cs_tiny_path(folder, "locked");
    (void)state;
    touch("a.jpg");
    touch("locked/b.jpg");
    assert_int_equal(chmod(locked, 0), 0);
    if (geteuid() != 0) assert_lists(expected);
    assert_int_equal(chmod(locked, 0700), 0);
    free(locked);
    if (geteuid() == 0) skip();
}

static void labels_are_the_names_of_folders(void **state)
{
    cs_input_list list = {0};
    (void)state;
    touch("cat/1.jpg");
    touch("dog/2.jpg");
    assert_int_equal(cs_input_folder_list(&list, folder, 1, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.names.names[list.labels[0]], "cat");
    assert_string_equal(list.names.names[list.labels[1]], "dog");
    cs_input_list_fini(&list);
}

static void a_first_folder_that_cannot_be_read_is_an_error(void **state)
{
    cs_input_list list = {0};
    clipspan_error err;
    char *path = cs_tiny_path(folder, "nowhere");
    (void)state;
    assert_int_equal(cs_input_folder_list(&list, path, 0, &err), CLIPSPAN_E_IO);
    assert_non_null(strstr(err.message, "nowhere"));
    cs_input_list_fini(&list);
    free(path);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(images_of_every_ending_are_listed_sorted_by_bytes),
        CASE(folders_of_network_drives_are_left_out_and_counted),
        CASE(hidden_files_and_folders_are_left_out),
        CASE(a_folder_with_an_image_name_is_entered),
        CASE(loops_of_links_end_and_each_folder_counts_once_under_its_own_name),
        CASE(a_link_to_a_folder_elsewhere_is_followed_once),
        CASE(links_to_files_are_images_even_when_they_dangle),
        CASE(a_folder_that_cannot_be_read_stays_in_the_list_under_its_name),
        CASE(labels_are_the_names_of_folders),
        CASE(a_first_folder_that_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
