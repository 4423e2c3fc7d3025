/* SPDX-License-Identifier: MIT */
/* Texts from tables with a header. */
#include "base/memory.h"
#include "text/text_table.h"
#include "text_check.h"

static void columns_go_by_name(void **state)
{
    static const char comma[] = "id,Label,name\n1,red,\"a red, red thing\"\n2,,a blue thing\n";
    static const char tabs[] = "class\ttext\tcategory\nx\ta wall\t!place\n";
    struct clipspan_texts *texts;
    (void)state;
    assert_int_equal(cs_texts_open(&texts, check_file("a.csv", comma, sizeof comma - 1), NULL), 0);
    assert_int_equal(texts->count, 2);
    assert_string_equal(cs_texts_get_text(texts, 0), "a red, red thing");
    assert_string_equal(cs_texts_get_key(texts, 0), "red");
    assert_string_equal(cs_texts_get_key(texts, 1), "");
    cs_texts_free(&texts);
    assert_int_equal(cs_texts_open(&texts, check_file("a.tsv", tabs, sizeof tabs - 1), NULL), 0);
    assert_string_equal(cs_texts_get_text(texts, 0), "a wall");
    assert_string_equal(cs_texts_get_key(texts, 0), "!place");
    cs_texts_free(&texts);
}

static void what_is_no_table_of_texts_is_refused(void **state)
{
    static const struct {
        const char *data, *says;
        clipspan_status code;
    } cases[] = {
        {"red\nblue\n", "its columns: red", CLIPSPAN_E_ARGUMENT},
        {"", "none", CLIPSPAN_E_ARGUMENT},
        {"text\n", "below its header", CLIPSPAN_E_FORMAT},
        {"key,text\nred,\n", "line 2: the text is empty", CLIPSPAN_E_FORMAT},
        {"text\n\xff\n", "line 2: is not UTF-8", CLIPSPAN_E_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = check_file("b.csv", cases[i].data, strlen(cases[i].data));
        struct clipspan_texts *texts;
        clipspan_error err;
        assert_int_equal(cs_texts_open(&texts, path, &err), cases[i].code);
        assert_non_null(strstr(err.message, cases[i].says));
        assert_null(texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_go_by_name),
        cmocka_unit_test(what_is_no_table_of_texts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
