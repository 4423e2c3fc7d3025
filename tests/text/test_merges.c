/* SPDX-License-Identifier: MIT */
/* Reading merges: layouts that occur, and damaged files. */
#include "text/merges.h"
#include "text_check.h"

#include <sys/stat.h>
#include <zlib.h>

static void expect_file(const char *name, const char *data, const char *want, size_t line)
{
    const char *path = check_file(name, data, strlen(data));
    cs_merges merges;
    assert_int_equal(cs_merges_read(&merges, path, NULL), CLIPSPAN_OK);
    assert_string_equal(merges.text, want);
    assert_int_equal(merges.size, strlen(want));
    assert_int_equal(merges.line, line);
    cs_merges_fini(&merges);
    unlink(path);
}

static void version_line_and_byte_order_mark_are_skipped(void **state)
{
    (void)state;
    expect_file("a.txt", "#version: 0.2\na b\nc d\n", "a b\nc d\n", 2);
    expect_file("a.txt", "\"bpe_simple_vocab_16e6.txt#version: 0.2\r\na b", "a b", 2);
    expect_file("a.txt", "a b\n", "a b\n", 1);
    expect_file("a.txt", "\xef\xbb\xbf#version: 0.2\na b\n", "a b\n", 2);
    expect_file("a.txt", "", "", 1);
    expect_file("a.txt", "#version: 0.2", "", 2);
}

static void json_merges_of_both_kinds(void **state)
{
    (void)state;
    expect_file("tokenizer.json",
                "{\"model\":{\"type\":\"BPE\",\"merges\":[\"a b\",[\"c\",\"d\"]]}}", "a b\nc d\n",
                1);
    expect_file("tokenizer.json", "{\"model\":{\"merges\":[]}}", "", 1);
}

static void refuse(const char *name, const void *data, size_t size, clipspan_status want)
{
    const char *path = check_file(name, data, size);
    clipspan_error err;
    cs_merges merges;
    assert_int_equal(cs_merges_read(&merges, path, &err), want);
    assert_non_null(strstr(err.message, name));
    assert_null(merges.text);
    unlink(path);
}

#define REFUSE_TEXT(name, text, want) refuse(name, text, sizeof(text) - 1, want)

static void damaged_json_is_refused(void **state)
{
    (void)state;
    REFUSE_TEXT("b.json", "{\"model\":", CLIPSPAN_E_FORMAT);
    REFUSE_TEXT("b.json", "{}", CLIPSPAN_E_FORMAT);
    REFUSE_TEXT("b.json", "{\"model\":{\"merges\":[1]}}", CLIPSPAN_E_FORMAT);
    REFUSE_TEXT("b.json", "{\"model\":{\"merges\":[[\"a\"]]}}", CLIPSPAN_E_FORMAT);
    REFUSE_TEXT("b.json", "{\"model\":{\"type\":\"Unigram\"}}", CLIPSPAN_E_UNSUPPORTED);
}

static size_t pack(unsigned char *out, size_t room, const char *text, size_t size)
{
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)text;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

static void gzip_is_known_by_content_and_checked(void **state)
{
    unsigned char packed[4096];
    size_t size = pack(packed, sizeof packed - 1, "a b\nc d\n", 8);
    const char *path = check_file("gz.txt", packed, size);
    cs_merges merges;
    (void)state;
    assert_int_equal(cs_merges_read(&merges, path, NULL), CLIPSPAN_OK);
    assert_string_equal(merges.text, "a b\nc d\n");
    cs_merges_fini(&merges);
    unlink(path);
    refuse("cut.gz", packed, size - 1, CLIPSPAN_E_FORMAT);
    refuse("cut.gz", packed, 5, CLIPSPAN_E_FORMAT);
    packed[size] = 'x';
    refuse("tail.gz", packed, size + 1, CLIPSPAN_E_FORMAT);
    packed[14] ^= 4;
    refuse("altered.gz", packed, size, CLIPSPAN_E_FORMAT);
}

static void a_bomb_is_refused(void **state)
{
    size_t size = (size_t)40 << 20;
    char *zeros = calloc(size, 1);
    unsigned char *packed = malloc(1 << 20);
    (void)state;
    assert_non_null(zeros);
    assert_non_null(packed);
    refuse("bomb.gz", packed, pack(packed, 1 << 20, zeros, size), CLIPSPAN_E_LIMIT);
    free(zeros);
    free(packed);
}

static void folders_are_searched(void **state)
{
    char folder[512], path[600];
    clipspan_error err;
    cs_merges merges;
    FILE *file;
    (void)state;
    snprintf(folder, sizeof folder, "%s.%ld.folder", TEST_FILES, (long)getpid());
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(cs_merges_read(&merges, folder, &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "merges.txt"));
    snprintf(path, sizeof path, "%s/merges.txt", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("a b\n", file);
    fclose(file);
    assert_int_equal(cs_merges_read(&merges, folder, &err), CLIPSPAN_OK);
    assert_string_equal(merges.text, "a b\n");
    cs_merges_fini(&merges);
    unlink(path);
    rmdir(folder);
    assert_int_equal(cs_merges_read(&merges, folder, &err), CLIPSPAN_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_line_and_byte_order_mark_are_skipped),
        cmocka_unit_test(json_merges_of_both_kinds),
        cmocka_unit_test(damaged_json_is_refused),
        cmocka_unit_test(gzip_is_known_by_content_and_checked),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(folders_are_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
