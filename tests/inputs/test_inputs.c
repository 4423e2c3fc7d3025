/* SPDX-License-Identifier: MIT */
/* clipspan_inputs through the public header: kinds of sources, what is refused, what is counted. */
#define _POSIX_C_SOURCE 200809L
#include "tiny.h"

#include <clipspan/clipspan.h>
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
    return chdir(folder);
}

static int tear_down(void **state)
{
    (void)state;
    if (chdir("/") != 0) return 1;
    cs_tiny_remove(&folder);
    return 0;
}

static clipspan_status open_two(clipspan_inputs **out, const char *first, const char *second,
                                const clipspan_inputs_options *options, clipspan_error *err)
{
    const char *sources[] = {first, second};
    return clipspan_inputs_open(out, sources, second ? 2 : 1, options, err);
}

static void sources_are_listed_in_the_order_they_are_named(void **state)
{
    clipspan_inputs *inputs;
    (void)state;
    cs_tiny_write_text(folder, "z.jpg", "x");
    cs_tiny_write_text(folder, "a/1.jpg", "x");
    assert_int_equal(open_two(&inputs, "z.jpg", "a", NULL, NULL), 0);
    assert_int_equal(clipspan_inputs_get_count(inputs), 2);
    assert_string_equal(clipspan_inputs_get_paths(inputs)[0], "z.jpg");
    assert_string_equal(clipspan_inputs_get_paths(inputs)[1], "a/1.jpg");
    assert_string_equal(clipspan_inputs_get_label(inputs, 1), "");
    assert_string_equal(clipspan_inputs_get_group(inputs, 99), "");
    clipspan_inputs_close(&inputs);
    assert_null(inputs);
    clipspan_inputs_close(&inputs);
}

static void a_named_file_is_taken_whatever_its_name(void **state)
{
    clipspan_inputs *inputs;
    (void)state;
    cs_tiny_write_text(folder, "image", "x");
    assert_int_equal(open_two(&inputs, "image", NULL, NULL, NULL), 0);
    assert_int_equal(clipspan_inputs_get_count(inputs), 1);
    clipspan_inputs_close(&inputs);
}

static void duplicates_are_kept_and_counted(void **state)
{
    clipspan_inputs *inputs;
    (void)state;
    cs_tiny_write_text(folder, "a/1.jpg", "x");
    assert_int_equal(open_two(&inputs, "a", "a/1.jpg", NULL, NULL), 0);
    assert_int_equal(clipspan_inputs_get_count(inputs), 2);
    assert_int_equal(clipspan_inputs_get_duplicates(inputs), 1);
    clipspan_inputs_close(&inputs);
}

static void a_fifo_is_listed_without_being_opened(void **state)
{
    clipspan_inputs *inputs;
    (void)state;
    assert_int_equal(mkfifo("pipe.jpg", 0600), 0);
    assert_int_equal(open_two(&inputs, "pipe.jpg", ".", NULL, NULL), 0);
    assert_int_equal(clipspan_inputs_get_count(inputs), 2);
    clipspan_inputs_close(&inputs);
}

static void assert_refused(const char *first, const char *second,
                           const clipspan_inputs_options *options, clipspan_status status,
                           const char *words)
{
    clipspan_inputs *inputs = NULL;
    clipspan_error err;
    assert_int_equal(open_two(&inputs, first, second, options, &err), status);
    assert_int_equal(err.code, status);
    assert_null(inputs);
    if (!strstr(err.message, words)) fail_msg("\"%s\" lacks \"%s\"", err.message, words);
}

static void what_is_no_source_is_refused_with_what_to_do(void **state)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    (void)state;
    cs_tiny_write_text(folder, "list.txt", "x");
    cs_tiny_write_text(folder, "set.tar", "x");
    cs_tiny_write_text(folder, "good.jpg", "x");
    cs_tiny_write_text(folder, "empty/notes", "x");
    assert_refused("good.jpg", "nowhere", NULL, CLIPSPAN_E_NOT_FOUND, "nowhere");
    assert_refused("good.jpg", "empty", NULL, CLIPSPAN_E_NOT_FOUND, "empty");
    assert_refused("good.jpg/x", NULL, NULL, CLIPSPAN_E_NOT_FOUND, "no such");
    assert_refused("list.txt", NULL, NULL, CLIPSPAN_E_ARGUMENT, "- < LIST");
    assert_refused("set.tar", NULL, NULL, CLIPSPAN_E_UNSUPPORTED, "archive");
    assert_refused("", NULL, NULL, CLIPSPAN_E_ARGUMENT, "empty");
    assert_refused("-", "-0", NULL, CLIPSPAN_E_ARGUMENT, "once");
    options.labels = "species";
    assert_refused("good.jpg", NULL, &options, CLIPSPAN_E_ARGUMENT, "species");
    options.labels = "folder";
    options.groups = "place";
    assert_refused("good.jpg", NULL, &options, CLIPSPAN_E_ARGUMENT, "place");
}

static void rows_are_those_that_hold_every_condition(void **state)
{
    const char *conditions[] = {"split=2", "y=", "split"};
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs;
    (void)state;
    cs_tiny_write_text(folder, "list.csv",
                       "path,y,split\na.jpg,0,2\nb.jpg,,2\nc.jpg,1,0\nd.jpg,,0\n");
    options.where = conditions;
    options.where_count = 1;
    assert_int_equal(open_two(&inputs, "list.csv", NULL, &options, NULL), 0);
    assert_int_equal(clipspan_inputs_get_count(inputs), 2);
    assert_string_equal(clipspan_inputs_get_paths(inputs)[1], "b.jpg");
    clipspan_inputs_close(&inputs);
    options.where_count = 2;
    assert_int_equal(open_two(&inputs, "list.csv", NULL, &options, NULL), 0);
    assert_int_equal(clipspan_inputs_get_count(inputs), 1);
    assert_string_equal(clipspan_inputs_get_paths(inputs)[0], "b.jpg");
    clipspan_inputs_close(&inputs);
    options.where_count = 3;
    assert_refused("list.csv", NULL, &options, CLIPSPAN_E_ARGUMENT, "COLUMN=VALUE");
    conditions[0] = "split=7";
    options.where_count = 1;
    assert_refused("list.csv", NULL, &options, CLIPSPAN_E_NOT_FOUND, "where");
    conditions[0] = "splot=2";
    assert_refused("list.csv", NULL, &options, CLIPSPAN_E_ARGUMENT, "split");
    options.where = NULL;
    assert_refused("list.csv", NULL, &options, CLIPSPAN_E_ARGUMENT, "where");
}

static void files_of_other_kinds_are_counted(void **state)
{
    clipspan_inputs *inputs;
    (void)state;
    cs_tiny_write_text(folder, "a/1.jpg", "x");
    cs_tiny_write_text(folder, "a/2.gif", "x");
    cs_tiny_write_text(folder, "a/b/3.TIFF", "x");
    cs_tiny_write_text(folder, "a/.4.gif", "x");
    cs_tiny_write_text(folder, "a/5.txt", "x");
    assert_int_equal(open_two(&inputs, "a", NULL, NULL, NULL), 0);
    assert_int_equal(clipspan_inputs_get_count(inputs), 1);
    assert_int_equal(clipspan_inputs_get_left_out(inputs), 2);
    clipspan_inputs_close(&inputs);
    assert_int_equal(clipspan_inputs_get_left_out(NULL), 0);
}

static void arguments_are_checked(void **state)
{
    const char *sources[] = {"a", NULL};
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs;
    (void)state;
    assert_int_equal(clipspan_inputs_open(NULL, sources, 1, NULL, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_inputs_open(&inputs, NULL, 1, NULL, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_inputs_open(&inputs, sources, 0, NULL, NULL), CLIPSPAN_E_NOT_FOUND);
    assert_int_equal(clipspan_inputs_open(&inputs, sources, 2, NULL, NULL), CLIPSPAN_E_ARGUMENT);
    options.struct_size = 3;
    assert_int_equal(clipspan_inputs_open(&inputs, sources, 1, &options, NULL),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_inputs_get_count(NULL), 0);
    assert_null(clipspan_inputs_get_paths(NULL));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sources_are_listed_in_the_order_they_are_named),
        CASE(a_named_file_is_taken_whatever_its_name),
        CASE(duplicates_are_kept_and_counted),
        CASE(a_fifo_is_listed_without_being_opened),
        CASE(what_is_no_source_is_refused_with_what_to_do),
        CASE(rows_are_those_that_hold_every_condition),
        CASE(files_of_other_kinds_are_counted),
        CASE(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
