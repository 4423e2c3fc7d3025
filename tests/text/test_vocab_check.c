/* SPDX-License-Identifier: MIT */
/* Hugging Face folders whose ids agree with their merges, and ones whose ids do not. */
#include "text/tokenizer.h"
#include "text_check.h"

#include <sys/stat.h>

static char folder[512];

static void put(const char *name, const char *text)
{
    char path[600];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void drop(const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

/* JSON of all ids for the one merge "a b", piece `moved` one id too high (-1: none). */
static const char *vocabulary(cs_tokenizer *tokenizer, int moved, int specials)
{
    static char text[32768];
    size_t used;
    int id;
    strcpy(text, "{");
    for (id = 0; id < 513; id++) {
        const char *piece = cs_tokenizer_piece(tokenizer, id);
        const char *escape = piece[0] == '"' || piece[0] == '\\' ? "\\" : "";
        used = strlen(text);
        snprintf(text + used, sizeof text - used, "\"%s%s\":%d,", escape, piece,
                 id + (id == moved));
    }
    used = strlen(text);
    snprintf(text + used, sizeof text - used, "\"<|startoftext|>\":%d,\"<|endoftext|>\":514}",
             513 + specials);
    return text;
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s.%ld.hf", TEST_FILES, (long)getpid());
    if (mkdir(folder, 0700) != 0) return -1;
    put("merges.txt", "#version: 0.2\na b\n");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    drop("merges.txt");
    drop("vocab.json");
    drop("tokenizer.json");
    return rmdir(folder);
}

static void ids_must_agree_with_the_merges(void **state)
{
    cs_tokenizer *tokenizer = NULL, *other = NULL;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_tokenizer_open(&tokenizer, folder, 515, &err), CLIPSPAN_OK);
    put("vocab.json", vocabulary(tokenizer, -1, 0));
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_OK);
    cs_tokenizer_close(&other);
    put("vocab.json", vocabulary(tokenizer, 512, 0));
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "\"ab\" id 513"));
    assert_null(other);
    put("vocab.json", vocabulary(tokenizer, -1, 7));
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "<|startoftext|>"));
    put("vocab.json", "{\"!\":0}");
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "no id for"));
    put("vocab.json", "[1]");
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_E_FORMAT);
    put("vocab.json", "{");
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_E_FORMAT);
    drop("vocab.json");
    cs_tokenizer_close(&tokenizer);
}

static void a_folder_with_tokenizer_json_only(void **state)
{
    static char text[40000];
    cs_tokenizer *tokenizer = NULL, *other = NULL;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_tokenizer_open(&tokenizer, folder, 515, &err), CLIPSPAN_OK);
    drop("merges.txt");
    snprintf(text, sizeof text,
             "{\"model\":{\"type\":\"BPE\",\"merges\":[[\"a\",\"b\"]],\"vocab\":%s}}",
             vocabulary(tokenizer, -1, 0));
    put("tokenizer.json", text);
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_OK);
    assert_string_equal(cs_tokenizer_piece(other, 512), "ab");
    cs_tokenizer_close(&other);
    put("tokenizer.json", "{\"model\":{\"type\":\"BPE\",\"merges\":[\"a b\"]}}");
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_E_FORMAT);
    put("tokenizer.json", "{\"model\":{\"type\":\"WordPiece\"}}");
    assert_int_equal(cs_tokenizer_open(&other, folder, 515, &err), CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "WordPiece"));
    cs_tokenizer_close(&tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_must_agree_with_the_merges),
        cmocka_unit_test(a_folder_with_tokenizer_json_only),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
