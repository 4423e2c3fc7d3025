/* SPDX-License-Identifier: MIT */
/* Error sentences: one tame line of valid UTF-8 whatever a name holds, cut at characters. */
#include "base/error.h"
#include "base/progress_part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_fail_fills_code_and_sentence(void **state)
{
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_fail(&err, CLIPSPAN_E_SHAPE, "expected %d, found %d", 3, 4),
                     CLIPSPAN_E_SHAPE);
    assert_int_equal(err.code, CLIPSPAN_E_SHAPE);
    assert_string_equal(err.message, "expected 3, found 4");
    assert_int_equal(cs_fail_at(&err, CLIPSPAN_E_IO, "a/b", "is %s", "gone"), CLIPSPAN_E_IO);
    assert_string_equal(err.message, "a/b: is gone");
    cs_clear(&err);
    assert_int_equal(err.code, CLIPSPAN_OK);
    assert_string_equal(err.message, "");
}

static void test_no_error_struct_is_needed(void **state)
{
    (void)state;
    assert_int_equal(cs_fail(NULL, CLIPSPAN_E_IO, "x"), CLIPSPAN_E_IO);
    assert_int_equal(cs_fail_at(NULL, CLIPSPAN_E_IO, "p", "x"), CLIPSPAN_E_IO);
    assert_int_equal(cs_fail_memory(NULL, 1, "x"), CLIPSPAN_E_NOMEM);
    cs_clear(NULL);
}

static void test_out_of_memory_names_bytes_and_purpose(void **state)
{
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_fail_memory(&err, 12345, "packed weights"), CLIPSPAN_E_NOMEM);
    assert_non_null(strstr(err.message, "12345 bytes for packed weights"));
}

static void test_control_characters_are_escaped(void **state)
{
    clipspan_error err;
    (void)state;
    cs_fail_at(&err, CLIPSPAN_E_IO, "a\nb\tc\x1B[2J\x7F", "x\r");
    assert_string_equal(err.message, "a\\nb\\tc\\u001b[2J\\u007f: x\\r");
    cs_fail(&err, CLIPSPAN_E_IO, "%s",
            "csi \xC2\x9B"
            "2J"); /* U+009B steers terminals as well */
    assert_string_equal(err.message, "csi \\u009b2J");
}

static void test_bytes_that_are_not_utf8_are_escaped(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\x80", "\\x80"},                                   /* lone continuation */
        {"\xC0\xAF", "\\xc0\\xaf"},                          /* overlong */
        {"\xE0\x80\xAF", "\\xe0\\x80\\xaf"},                 /* overlong */
        {"\xED\xA0\x80", "\\xed\\xa0\\x80"},                 /* surrogate */
        {"\xF0\x80\x80\xAF", "\\xf0\\x80\\x80\\xaf"},        /* overlong */
        {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},        /* beyond U+10FFFF */
        {"\xF5z", "\\xf5z"},                                 /* beyond U+10FFFF */
        {"\xE2\x82", "\\xe2\\x82"},                          /* truncated at the end */
        {"\xE2\x82z", "\\xe2\\x82z"},                        /* truncated inside */
        {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", NULL}, /* right: kept */
    };
    clipspan_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cs_fail(&err, CLIPSPAN_E_IO, "%s", cases[i].in);
        assert_string_equal(err.message, cases[i].out ? cases[i].out : cases[i].in);
    }
}

/* 2-byte characters after a shift of 0 or 1 byte: both parities of the cut are tried. */
static void test_long_sentence_is_cut_at_a_character(void **state)
{
    enum { ROOM = sizeof(((clipspan_error *)0)->message) };
    static char text[3000];
    (void)state;
    for (size_t shift = 0; shift < 2; shift++) {
        clipspan_error err;
        size_t length, i;
        memset(text, 0, sizeof text);
        if (shift) text[0] = 'x';
        for (i = shift; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "\xC3\xA9", 2);
        cs_fail(&err, CLIPSPAN_E_FORMAT, "%s", text);
        length = strlen(err.message);
        assert_in_range(length, ROOM - 3, ROOM - 1);
        assert_string_equal(err.message + length - 3, "\xE2\x80\xA6");
        assert_memory_equal(err.message, text, length - 3);
        assert_int_equal((length - 3 - shift) % 2, 0);
    }
}

static void test_message_that_just_fits_is_kept(void **state)
{
    enum { ROOM = sizeof(((clipspan_error *)0)->message) };
    static char text[ROOM + 1];
    clipspan_error err;
    (void)state;
    memset(text, 'a', ROOM - 1);
    cs_fail(&err, CLIPSPAN_E_FORMAT, "%s", text);
    assert_string_equal(err.message, text);
    text[ROOM - 1] = 'a';
    cs_fail(&err, CLIPSPAN_E_FORMAT, "%s", text);
    assert_string_equal(err.message + ROOM - 5, "a\xE2\x80\xA6");
}

static void test_long_path_keeps_its_ends_and_the_sentence(void **state)
{
    static char path[5000];
    (void)state;
    for (size_t shift = 0; shift < 2; shift++) {
        clipspan_error err;
        const char *dots;
        memset(path, 0, sizeof path);
        memset(path, 's', 1 + shift);
        for (size_t i = 1 + shift; i < 4090; i += 2)
            memcpy(path + i, "\xC3\xA9", 2);
        strcat(path, "/end.jpg");
        cs_fail_at(&err, CLIPSPAN_E_IO, path, "is damaged");
        dots = strstr(err.message, "\xE2\x80\xA6");
        assert_non_null(dots);
        assert_null(strchr(err.message, '?')); /* no character was cut in two */
        assert_in_range(dots - err.message, 99, 100);
        assert_in_range(strlen(err.message), 390, 420);
        assert_non_null(strstr(err.message, "/end.jpg: is damaged"));
    }
}

static void test_path_of_400_bytes_is_whole(void **state)
{
    static char path[401];
    clipspan_error err;
    (void)state;
    memset(path, 'p', 400);
    cs_fail_at(&err, CLIPSPAN_E_IO, path, "x");
    assert_int_equal(strlen(err.message), 400 + 3);
    assert_memory_equal(err.message, path, 400);
}

static clipspan_status inner(clipspan_status status, int *after)
{
    CS_TRY(status);
    (*after)++;
    return CLIPSPAN_OK;
}

static void test_try_leaves_on_failure_only(void **state)
{
    int after = 0;
    (void)state;
    assert_int_equal(inner(CLIPSPAN_E_LIMIT, &after), CLIPSPAN_E_LIMIT);
    assert_int_equal(after, 0);
    assert_int_equal(inner(CLIPSPAN_OK, &after), CLIPSPAN_OK);
    assert_int_equal(after, 1);
}

static void test_every_status_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(clipspan_status_name(CLIPSPAN_OK), "CLIPSPAN_OK");
    assert_string_equal(clipspan_status_name(CLIPSPAN_E_NUMBERS), "CLIPSPAN_E_NUMBERS");
    for (int code = CLIPSPAN_E_NUMBERS; code < 0; code++) {
        const char *name = clipspan_status_name((clipspan_status)code);
        assert_int_equal(strncmp(name, "CLIPSPAN_E_", 11), 0);
        for (int other = code + 1; other < 0; other++)
            assert_string_not_equal(name, clipspan_status_name((clipspan_status)other));
    }
    assert_string_equal(clipspan_status_name((clipspan_status)(CLIPSPAN_E_NUMBERS - 1)),
                        "unknown status");
    assert_string_equal(clipspan_status_name((clipspan_status)1), "unknown status");
}

static void test_callbacks_bring_their_own_status_back(void **state)
{
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_stopped(&err, CLIPSPAN_E_NOMEM, "stopped at %d", 3), CLIPSPAN_E_NOMEM);
    assert_int_equal(err.code, CLIPSPAN_E_NOMEM);
    assert_non_null(strstr(err.message, "out of memory"));
    assert_int_equal(cs_stopped(&err, CLIPSPAN_E_WRITE, "stopped"), CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, "CLIPSPAN_E_WRITE"));
    for (int result = -20; result < 20; result++) {
        const int own = result >= CLIPSPAN_E_NUMBERS && result <= CLIPSPAN_E_ARGUMENT;
        assert_int_equal(cs_stopped(NULL, result, "stopped"),
                         own ? result : CLIPSPAN_E_INTERRUPTED);
    }
    assert_int_equal(cs_stopped(&err, 1, "stopped at %d", 3), CLIPSPAN_E_INTERRUPTED);
    assert_string_equal(err.message, "stopped at 3");
}

static int answer(void *user, size_t done, size_t total)
{
    return done == total ? *(int *)user : 0;
}

static void test_progress_is_told_and_may_stop(void **state)
{
    int result = CLIPSPAN_E_IO;
    const clipspan_progress progress = {answer, &result}, none = {NULL, NULL};
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_progress_step(NULL, 3, 3, "stopped", &err), CLIPSPAN_OK);
    assert_int_equal(cs_progress_step(&none, 3, 3, "stopped", &err), CLIPSPAN_OK);
    assert_int_equal(cs_progress_step(&progress, 2, 3, "stopped", &err), CLIPSPAN_OK);
    assert_int_equal(cs_progress_step(&progress, 3, 3, "stopped", &err), CLIPSPAN_E_IO);
    result = 1;
    assert_int_equal(cs_progress_step(&progress, 3, 3, "stopped", &err), CLIPSPAN_E_INTERRUPTED);
    assert_string_equal(err.message, "stopped");
}

static void test_a_detail_belongs_to_one_error(void **state)
{
    clipspan_error err;
    (void)state;
    memset(&err, 0xFF, sizeof err);
    assert_int_equal(
        cs_detail(&err, CLIPSPAN_DETAIL_OTHER_RUN, cs_fail(&err, CLIPSPAN_E_FORMAT, "other")),
        CLIPSPAN_E_FORMAT);
    assert_int_equal(err.detail, CLIPSPAN_DETAIL_OTHER_RUN);
    assert_int_equal(err.reserved[0], 0);
    cs_fail_at(&err, CLIPSPAN_E_IO, "a", "other");
    assert_int_equal(err.detail, CLIPSPAN_DETAIL_NONE);
    err.detail = CLIPSPAN_DETAIL_OTHER_LIST;
    cs_clear(&err);
    assert_int_equal(err.detail, CLIPSPAN_DETAIL_NONE);
    assert_int_equal(cs_detail(NULL, CLIPSPAN_DETAIL_OTHER_RUN, CLIPSPAN_E_IO), CLIPSPAN_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_fills_code_and_sentence),
        cmocka_unit_test(test_no_error_struct_is_needed),
        cmocka_unit_test(test_out_of_memory_names_bytes_and_purpose),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_bytes_that_are_not_utf8_are_escaped),
        cmocka_unit_test(test_long_sentence_is_cut_at_a_character),
        cmocka_unit_test(test_message_that_just_fits_is_kept),
        cmocka_unit_test(test_long_path_keeps_its_ends_and_the_sentence),
        cmocka_unit_test(test_path_of_400_bytes_is_whole),
        cmocka_unit_test(test_try_leaves_on_failure_only),
        cmocka_unit_test(test_every_status_has_its_name),
        cmocka_unit_test(test_callbacks_bring_their_own_status_back),
        cmocka_unit_test(test_progress_is_told_and_may_stop),
        cmocka_unit_test(test_a_detail_belongs_to_one_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
