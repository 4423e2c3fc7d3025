/* SPDX-License-Identifier: MIT */
/* Columns of a CSV: paths, labels, groups, and what is wrong with them. */
#include "inputs/input_csv.h"
#include "tiny.h"

#include <clipspan/clipspan.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static clipspan_status list_text(cs_input_list *list, const char *text, char separator,
                                 const clipspan_inputs_options *options, clipspan_error *err)
{
    char *path = cs_tiny_path(folder, "list.csv");
    clipspan_status status;
    memset(list, 0, sizeof *list);
    cs_tiny_write_text(folder, "list.csv", text);
    status = cs_input_csv_list(list, path, separator, options, err);
    free(path);
    return status;
}

static void assert_image(const cs_input_list *list, size_t index, const char *path,
                         const char *label, const char *group)
{
    char *full = cs_tiny_path(folder, path);
    assert_true(index < list->count);
    assert_string_equal(list->paths[index], path[0] == '/' ? path : full);
    assert_string_equal(list->names.names[list->labels[index]], label);
    assert_string_equal(list->names.names[list->groups[index]], group);
    free(full);
}

static void paths_labels_and_the_product_of_group_columns_are_kept(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    cs_input_list list;
    (void)state;
    options.labels = "y";
    options.groups = "y,place";
    assert_int_equal(list_text(&list,
                               "\xEF\xBB\xBFplace,image,y\r\nland,\"a, b.jpg\",0\r\n"
                               "\"wa\"\"ter\",/c.jpg,1\r\n",
                               ',', &options, NULL),
                     0);
    assert_int_equal(list.count, 2);
    assert_image(&list, 0, "a, b.jpg", "0", "0/land");
    assert_image(&list, 1, "/c.jpg", "1", "1/wa\"ter");
    cs_input_list_fini(&list);
}

static void a_tsv_has_no_quotes(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    cs_input_list list;
    (void)state;
    assert_int_equal(list_text(&list, "path\ty\n\"a\".jpg\t1\n", '\t', &options, NULL), 0);
    assert_image(&list, 0, "\"a\".jpg", "", "");
    cs_input_list_fini(&list);
}

static void paths_start_at_the_root_when_it_is_given(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    cs_input_list list;
    (void)state;
    options.root = "/data";
    options.path_column = "where";
    assert_int_equal(list_text(&list, "path,where\nx,../a.jpg\n", ',', &options, NULL), 0);
    assert_string_equal(list.paths[0], "/data/../a.jpg");
    cs_input_list_fini(&list);
}

static void labels_can_come_from_folders_of_the_paths(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    cs_input_list list;
    (void)state;
    options.labels = "folder";
    assert_int_equal(list_text(&list, "file\ncat/1.jpg\n", ',', &options, NULL), 0);
    assert_image(&list, 0, "cat/1.jpg", "cat", "");
    cs_input_list_fini(&list);
}

/* The text is refused with this status, and the message holds these words. */
static void assert_refused(const char *text, const clipspan_inputs_options *options,
                           clipspan_status status, const char *words)
{
    cs_input_list list;
    clipspan_error err;
    assert_int_equal(list_text(&list, text, ',', options, &err), status);
    if (!strstr(err.message, words)) fail_msg("\"%s\" lacks \"%s\"", err.message, words);
    cs_input_list_fini(&list);
}

static void a_column_that_is_not_there_is_an_error_that_lists_those_that_are(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    (void)state;
    assert_refused("picture,label\na,b\n", &options, CLIPSPAN_E_ARGUMENT, "picture, label");
    options.path_column = "pictur";
    assert_refused("picture,label\na,b\n", &options, CLIPSPAN_E_ARGUMENT, "did you mean picture?");
    options.path_column = NULL;
    options.labels = "species";
    assert_refused("path,label\na,b\n", &options, CLIPSPAN_E_ARGUMENT, "species");
    options.labels = NULL;
    options.groups = "label,";
    assert_refused("path,label\na,b\n", &options, CLIPSPAN_E_ARGUMENT, "\"\" for groups");
}

static void content_that_cannot_be_right_is_an_error_with_its_line(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    (void)state;
    assert_refused("", &options, CLIPSPAN_E_FORMAT, "header");
    assert_refused("path,y\na,1\n,2\n", &options, CLIPSPAN_E_FORMAT, "line 3");
    assert_refused("path,path\na,b\n", &options, CLIPSPAN_E_FORMAT, "2 times");
    assert_refused("path,y\na,1\nb\n", &options, CLIPSPAN_E_FORMAT, "line 3");
    assert_refused("path,y\n\"a,1\n", &options, CLIPSPAN_E_FORMAT, "line 2");
}

static void more_group_columns_than_are_taken_are_refused(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    (void)state;
    options.groups = "y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y";
    assert_refused("path,y\na,1\n", &options, CLIPSPAN_E_ARGUMENT, "16");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void further_columns_are_kept_by_name(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_error err;
    cs_input_list list;
    char *more;
    (void)state;
    options.labels = "y";
    options.columns = "split,y";
    assert_int_equal(list_text(&list, "path,y,split,other\na.png,1,train,u\nb.png,2,test,v\n", ',',
                               &options, &err),
                     0);
    assert_int_equal(list.column_count, 2);
    assert_string_equal(list.columns[0].name, "split");
    assert_string_equal(list.columns[1].name, "y");
    assert_string_equal(cs_input_list_get(&list, 0, 0), "train");
    assert_string_equal(cs_input_list_get(&list, 1, 0), "test");
    assert_string_equal(cs_input_list_get(&list, 1, 1), "2");
    assert_string_equal(cs_input_list_get(&list, 1, 2), "");
    /* A second table without one of them, and with all of its own. */
    options.labels = NULL;
    options.columns = "*";
    cs_tiny_write_text(folder, "more.csv", "file,source\nc.png,web\n");
    more = cs_tiny_path(folder, "more.csv");
    assert_int_equal(cs_input_csv_list(&list, more, ',', &options, &err), 0);
    free(more);
    assert_int_equal(list.column_count, 3);
    assert_string_equal(cs_input_list_get(&list, 2, 0), "");
    assert_string_equal(cs_input_list_get(&list, 2, 2), "web");
    assert_string_equal(cs_input_list_get(&list, 0, 2), "");
    cs_input_list_fini(&list);
    options.columns = "split,sprit";
    assert_int_equal(list_text(&list, "path,split\na.png,train\n", ',', &options, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "sprit"));
    cs_input_list_fini(&list);
}

static void a_tsv_named_csv_and_utf_16_are_named_as_such(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    cs_input_list list = {0};
    clipspan_error err;
    (void)state;
    assert_int_equal(list_text(&list, "path\tlabel\na.png\tx\n", ',', &options, &err),
                     CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "separated by tabs"));
    assert_int_equal(list_text(&list, "\xFF\xFEp", ',', &options, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "UTF-16"));
    cs_input_list_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(further_columns_are_kept_by_name),
        CASE(paths_labels_and_the_product_of_group_columns_are_kept),
        CASE(a_tsv_has_no_quotes),
        CASE(a_tsv_named_csv_and_utf_16_are_named_as_such),
        CASE(paths_start_at_the_root_when_it_is_given),
        CASE(labels_can_come_from_folders_of_the_paths),
        CASE(a_column_that_is_not_there_is_an_error_that_lists_those_that_are),
        CASE(content_that_cannot_be_right_is_an_error_with_its_line),
        CASE(more_group_columns_than_are_taken_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
