/* SPDX-License-Identifier: MIT */
/* Text files and templates. */
#include "base/memory.h"
#include "text/text_list.h"
#include "text_check.h"

static struct clipspan_texts *list_of(const char *data, size_t size)
{
    const char *path = check_file("list.txt", data, size);
    struct clipspan_texts *texts;
    clipspan_error err;
    assert_int_equal(cs_texts_open(&texts, path, &err), CLIPSPAN_OK);
    unlink(path);
    return texts;
}

static void lines_keys_and_endings(void **state)
{
    static const char data[] = "\xef\xbb\xbf"
                               "first\r\n\n  \t \nkey\tsecond\r\n!tool\tthird\tpart\n"
                               "\tfourth";
    struct clipspan_texts *texts = list_of(data, sizeof data - 1);
    (void)state;
    assert_int_equal(texts->count, 4);
    assert_string_equal(cs_texts_get_text(texts, 0), "first");
    assert_string_equal(cs_texts_get_key(texts, 0), "");
    assert_string_equal(cs_texts_get_text(texts, 1), "second");
    assert_string_equal(cs_texts_get_key(texts, 1), "key");
    assert_string_equal(cs_texts_get_text(texts, 2), "third\tpart");
    assert_string_equal(cs_texts_get_key(texts, 2), "!tool");
    assert_string_equal(cs_texts_get_text(texts, 3), "fourth");
    assert_string_equal(cs_texts_get_key(texts, 3), "");
    assert_null(cs_texts_get_text(texts, 4));
    assert_string_equal(cs_texts_get_key(texts, 4), "");
    cs_texts_free(&texts);
    assert_null(texts);
    cs_texts_free(&texts);
}

static void bad_files_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        const char *says;
    } cases[] = {{"a\nb\xff\n", 5, "line 2, byte 2: is not UTF-8"},
                 {"a\0b\n", 4, "line 1, byte 2: is a NUL"},
                 {"a\nkey\t \n", 8, "line 2: key \"key\""},
                 {"", 0, "holds no text"},
                 {"\n \n", 3, "holds no text"}};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = check_file("list.txt", cases[i].data, cases[i].size);
        struct clipspan_texts *texts;
        clipspan_error err;
        assert_int_equal(cs_texts_open(&texts, path, &err), CLIPSPAN_E_FORMAT);
        assert_non_null(strstr(err.message, cases[i].says));
        assert_null(texts);
        unlink(path);
    }
}

static void named_sets(void **state)
{
    struct clipspan_texts *texts;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_texts_open(&texts, "openai", &err), CLIPSPAN_OK);
    assert_int_equal(texts->count, 80);
    assert_string_equal(cs_texts_get_text(texts, 0), "a bad photo of a {}.");
    assert_string_equal(cs_texts_get_text(texts, 79), "a tattoo of the {}.");
    cs_texts_free(&texts);
    assert_int_equal(cs_texts_open(&texts, "none", &err), CLIPSPAN_OK);
    assert_int_equal(texts->count, 1);
    assert_string_equal(cs_texts_get_text(texts, 0), "{}");
    cs_texts_free(&texts);
    assert_int_equal(cs_texts_open(&texts, "general", &err), CLIPSPAN_OK);
    assert_string_equal(cs_texts_get_key(texts, 0), "!colour");
    cs_texts_free(&texts);
    assert_int_equal(cs_texts_open(&texts, "control", &err), CLIPSPAN_OK);
    assert_string_equal(cs_texts_get_key(texts, 0), "");
    cs_texts_free(&texts);
    assert_int_equal(cs_texts_open(&texts, "demo", &err), CLIPSPAN_OK);
    assert_string_equal(cs_texts_get_key(texts, 0), "shape");
    cs_texts_free(&texts);
    assert_int_equal(cs_texts_open(&texts, "generol", &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "did you mean general"));
    assert_int_equal(cs_texts_open(&texts, "opnai", &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "did you mean openai"));
    assert_int_equal(cs_texts_open(&texts, "./openai", &err), CLIPSPAN_E_NOT_FOUND);
    assert_null(strstr(err.message, "set"));
    assert_int_equal(cs_texts_open(&texts, "", &err), CLIPSPAN_E_NOT_FOUND);
}

static void lists_from_strings_are_copies(void **state)
{
    char text[] = "cat";
    const char *texts[] = {text, "dog"}, *keys[] = {NULL, "animal"};
    struct clipspan_texts *list;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_texts_new(&list, texts, keys, 2, &err), CLIPSPAN_OK);
    text[0] = 'r';
    assert_string_equal(cs_texts_get_text(list, 0), "cat");
    assert_string_equal(cs_texts_get_key(list, 0), "");
    assert_string_equal(cs_texts_get_key(list, 1), "animal");
    cs_texts_free(&list);
    assert_int_equal(cs_texts_new(&list, texts, NULL, 0, &err), CLIPSPAN_E_ARGUMENT);
    assert_null(list);
}

static void templates_are_filled_once(void **state)
{
    char *out;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_template_fill(&out, "a {} {} photo", "cat", &err), CLIPSPAN_OK);
    assert_string_equal(out, "a cat {} photo");
    cs_free(out);
    assert_int_equal(cs_template_fill(&out, "{}", "", &err), CLIPSPAN_OK);
    assert_string_equal(out, "");
    cs_free(out);
    assert_int_equal(cs_template_fill(&out, "a {x} photo", "cat", &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "a {x} photo"));
    assert_null(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_keys_and_endings),
        cmocka_unit_test(bad_files_are_refused_with_their_line),
        cmocka_unit_test(named_sets),
        cmocka_unit_test(lists_from_strings_are_copies),
        cmocka_unit_test(templates_are_filled_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
