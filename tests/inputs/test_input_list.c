/* SPDX-License-Identifier: MIT */
/* The list behind clipspan_inputs: strings survive growth, labels are shared, duplicates count. */
#include "base/memory.h"
#include "inputs/input_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void many_paths_survive_growth_and_keep_their_labels(void **state)
{
    cs_input_list list = {0};
    char path[64], label[16];
    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        snprintf(path, sizeof path, "folder/%zu.jpg", i);
        snprintf(label, sizeof label, "c%zu", i % 300);
        assert_int_equal(cs_input_list_add(&list, path, label, i % 2 ? "odd" : "", NULL), 0);
    }
    assert_int_equal(cs_input_list_finish(&list, NULL), 0);
    assert_int_equal(list.count, 20000);
    assert_int_equal(list.duplicates, 0);
    assert_int_equal(list.names.count, 302); /* "", 300 labels, "odd" */
    for (size_t i = 0; i < list.count; i++) {
        snprintf(path, sizeof path, "folder/%zu.jpg", i);
        snprintf(label, sizeof label, "c%zu", i % 300);
        assert_string_equal(list.paths[i], path);
        assert_string_equal(list.names.names[list.labels[i]], label);
        assert_string_equal(list.names.names[list.groups[i]], i % 2 ? "odd" : "");
    }
    cs_input_list_fini(&list);
}

static void a_path_longer_than_a_block_is_kept_and_one_over_the_limit_refused(void **state)
{
    cs_input_list list = {0};
    clipspan_error err;
    char *path = malloc(CS_INPUT_PATH_MOST + 2);
    (void)state;
    assert_non_null(path);
    memset(path, 'a', CS_INPUT_PATH_MOST + 1);
    path[CS_INPUT_PATH_MOST + 1] = '\0';
    assert_int_equal(cs_input_list_add(&list, path, "", "", &err), CLIPSPAN_E_LIMIT);
    assert_int_equal(cs_input_list_add(&list, "x", path, "", &err), CLIPSPAN_E_LIMIT);
    path[CS_INPUT_PATH_MOST] = '\0';
    assert_int_equal(cs_input_list_add(&list, "short", "", "", &err), 0);
    assert_int_equal(cs_input_list_add(&list, path, "", "", &err), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.paths[0], "short");
    assert_string_equal(list.paths[1], path);
    cs_input_list_fini(&list);
    free(path);
}

static void every_repetition_of_a_path_counts_as_a_duplicate(void **state)
{
    static const char *const paths[] = {"a", "b", "a", "a", "./a", "b"};
    cs_input_list list = {0};
    (void)state;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(cs_input_list_add(&list, paths[i], "", "", NULL), 0);
    assert_int_equal(cs_input_list_finish(&list, NULL), 0);
    assert_int_equal(list.duplicates, 3);
    cs_input_list_fini(&list);
}

static void the_label_by_folder_is_the_last_folder_of_the_path(void **state)
{
    static const char *const cases[][2] = {
        {"val/cat/1.jpg", "cat"}, {"cat/1.jpg", "cat"}, {"/dog/1.jpg", "dog"}, {"/1.jpg", ""}};
    cs_input_list list = {0};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(cs_input_list_add_in_folder(&list, cases[i][0], "", NULL), 0);
        assert_string_equal(list.names.names[list.labels[i]], cases[i][1]);
    }
    /* A bare name lies in the current folder, whose name is the label, not ".". */
    assert_int_equal(cs_input_list_add_in_folder(&list, "1.jpg", "", NULL), 0);
    assert_string_not_equal(list.names.names[list.labels[4]], ".");
    assert_true(list.names.names[list.labels[4]][0] != '\0');
    cs_input_list_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_paths_survive_growth_and_keep_their_labels),
        cmocka_unit_test(a_path_longer_than_a_block_is_kept_and_one_over_the_limit_refused),
        cmocka_unit_test(every_repetition_of_a_path_counts_as_a_duplicate),
        cmocka_unit_test(the_label_by_folder_is_the_last_folder_of_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
