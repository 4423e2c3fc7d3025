/* SPDX-License-Identifier: MIT */
/* Lists of paths on a stream. */
#define _POSIX_C_SOURCE 200809L
#include "inputs/input_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Lists what `bytes` say; a child writes them, in pieces of 1,000, so that lines straddle reads. */
static clipspan_status list_bytes(cs_input_list *list, const char *bytes, size_t size,
                                  char separator, const char *root, clipspan_error *err)
{
    clipspan_status status;
    int ends[2];
    pid_t child;
    memset(list, 0, sizeof *list);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        for (size_t at = 0; at < size;) {
            size_t part = size - at < 1000 ? size - at : 1000;
            ssize_t put = write(ends[1], bytes + at, part);
            if (put <= 0) _exit(1);
            at += (size_t)put;
        }
        _exit(0);
    }
    close(ends[1]);
    status = cs_input_lines_list(list, ends[0], separator, root, 0, err);
    close(ends[0]);
    waitpid(child, NULL, 0);
    return status;
}

static void lines_may_end_in_crlf_be_empty_and_start_with_a_byte_order_mark(void **state)
{
    static const char text[] = "\xEF\xBB\xBFone.jpg\r\n\n  two .png\r\n\r\nthree";
    cs_input_list list;
    (void)state;
    assert_int_equal(list_bytes(&list, text, sizeof text - 1, '\n', NULL, NULL), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.paths[0], "one.jpg");
    assert_string_equal(list.paths[1], "  two .png");
    assert_string_equal(list.paths[2], "three");
    cs_input_list_fini(&list);
}

static void nul_separated_names_may_hold_line_ends(void **state)
{
    static const char text[] = "a\nb.jpg\0\0c\r\0";
    cs_input_list list;
    (void)state;
    assert_int_equal(list_bytes(&list, text, sizeof text - 1, '\0', NULL, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.paths[0], "a\nb.jpg");
    assert_string_equal(list.paths[1], "c\r");
    cs_input_list_fini(&list);
}

static void relative_paths_start_at_the_root_and_absolute_ones_stay(void **state)
{
    static const char text[] = "a.jpg\n/b.jpg\n../c.jpg\n";
    cs_input_list list;
    (void)state;
    assert_int_equal(list_bytes(&list, text, sizeof text - 1, '\n', "root", NULL), 0);
    assert_string_equal(list.paths[0], "root/a.jpg");
    assert_string_equal(list.paths[1], "/b.jpg");
    assert_string_equal(list.paths[2], "root/../c.jpg");
    cs_input_list_fini(&list);
}

static void a_nul_in_lines_is_an_error_that_names_its_line(void **state)
{
    static const char text[] = "a.jpg\nb\0c\n";
    cs_input_list list;
    clipspan_error err;
    (void)state;
    assert_int_equal(list_bytes(&list, text, sizeof text - 1, '\n', NULL, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "line 2"));
    assert_non_null(strstr(err.message, "-0"));
    cs_input_list_fini(&list);
}

static void the_longest_path_is_taken_and_a_longer_one_refused(void **state)
{
    const size_t most = CS_INPUT_PATH_MOST;
    char *text = malloc(2 * most + 8);
    cs_input_list list;
    clipspan_error err;
    (void)state;
    assert_non_null(text);
    memset(text, 'x', 2 * most + 8);
    text[1] = '\n';
    text[2 + most] = '\n';
    assert_int_equal(list_bytes(&list, text, 3 + most, '\n', NULL, &err), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(strlen(list.paths[1]), most);
    cs_input_list_fini(&list);
    text[2 + most] = 'x';
    text[3 + most] = '\n';
    assert_int_equal(list_bytes(&list, text, 4 + most, '\n', NULL, &err), CLIPSPAN_E_LIMIT);
    cs_input_list_fini(&list);
    /* A line without end is refused before it fills memory. */
    assert_int_equal(list_bytes(&list, text + 4 + most, most + 1, '\n', NULL, &err),
                     CLIPSPAN_E_LIMIT);
    cs_input_list_fini(&list);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_may_end_in_crlf_be_empty_and_start_with_a_byte_order_mark),
        cmocka_unit_test(nul_separated_names_may_hold_line_ends),
        cmocka_unit_test(relative_paths_start_at_the_root_and_absolute_ones_stay),
        cmocka_unit_test(a_nul_in_lines_is_an_error_that_names_its_line),
        cmocka_unit_test(the_longest_path_is_taken_and_a_longer_one_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
