/* SPDX-License-Identifier: MIT */
/* Group J: token ids of hostile and unusual text. Every expected id is open_clip's; the strings of
 * data/tokens.tsv and lists of data/lists.tsv are described in data/MANIFEST. */
#include "base/file.h"
#include "base/memory.h"
#include "text/tokenizer.h"
#include "text_check.h"

#include <time.h>

#define START 49406
#define END   49407

static cs_tokenizer *tokenizer;

static int open_tokenizer(void **state)
{
    clipspan_error err;
    (void)state;
    if (cs_tokenizer_open(&tokenizer, "", 49408, &err) == CLIPSPAN_OK) return 0;
    fprintf(stderr, "%s\n", err.message);
    return -1;
}

static int close_tokenizer(void **state)
{
    (void)state;
    cs_tokenizer_close(&tokenizer);
    return 0;
}

/* want: ids between start and end, with spaces between. */
static void expect(const char *text, size_t size, const char *want)
{
    char got[1024] = "";
    int32_t ids[77];
    size_t count, i;
    int cut;
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, tokenizer, 77, text, size, NULL),
                     CLIPSPAN_OK);
    assert_int_equal(ids[0], START);
    assert_int_equal(ids[count - 1], END);
    for (i = count; i < 77; i++)
        assert_int_equal(ids[i], 0);
    for (i = 1; i + 1 < count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%ld", i > 1 ? " " : "",
                 (long)ids[i]);
    assert_string_equal(got, want);
    assert_false(cut);
}

#define EXPECT(text, want) expect(text, sizeof(text) - 1, want)

static void j01_lone_continuation_byte(void **state)
{
    (void)state;
    EXPECT("\x80"
           "a",
           "39802 320");
}

static void j02_overlong_form(void **state)
{
    (void)state;
    EXPECT("\xc0\xaf"
           "a",
           "47356 39802 320");
    EXPECT("\xe0\x80\xaf"
           "a",
           "47356 47356 39802 320");
}

static void j03_surrogate(void **state)
{
    (void)state;
    EXPECT("\xed\xa0\x80"
           "a",
           "47356 47356 39802 320");
}

static void j04_beyond_the_last_code_point(void **state)
{
    (void)state;
    EXPECT("\xf4\x90\x80\x80"
           "a",
           "47356 47356 47356 39802 320");
}

static void j05_truncated_sequence(void **state)
{
    (void)state;
    EXPECT("\xf0\x9f\x98"
           "a",
           "39802 320");
    EXPECT("a\xe2\x82", "320 39802");
}

static void j06_nul_inside(void **state)
{
    (void)state;
    EXPECT("a\0b", "3937");
}

static void j07_a_megabyte_in_one_line(void **state)
{
    size_t size = (size_t)1 << 20, kind, i, count;
    static const char *const parts[] = {"cat ", "x",  "&amp;", "\xcc\x81\xcc\x96",
                                        "\xff", "Σ.", "&"};
    char *text = malloc(size);
    clock_t start = clock();
    (void)state;
    assert_non_null(text);
    for (kind = 0; kind < sizeof parts / sizeof *parts; kind++) {
        int32_t ids[77];
        int cut;
        size_t length = strlen(parts[kind]);
        for (i = 0; i < size; i++)
            text[i] = parts[kind][i % length];
        assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, tokenizer, 77, text, size, NULL),
                         CLIPSPAN_OK);
        assert_int_equal(count, 77);
        assert_int_equal(ids[76], END);
        assert_true(cut);
    }
    free(text);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 30);
}

static void j08_empty(void **state)
{
    (void)state;
    EXPECT("", "");
}

static void j09_only_spaces(void **state)
{
    (void)state;
    EXPECT(" \t\n \xc2\xa0\xe3\x80\x80", "");
}

/* words times "cat", in a context of 77 */
static void check_length(size_t words, size_t want_count, int want_cut)
{
    char *text = calloc(words + 1, 4);
    int32_t ids[77];
    size_t count, i;
    int cut;
    assert_non_null(text);
    for (i = 0; i < words; i++)
        memcpy(text + 4 * i, "cat ", 4);
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, tokenizer, 77, text, 4 * words, NULL),
                     CLIPSPAN_OK);
    assert_int_equal(count, want_count);
    assert_int_equal(cut, want_cut);
    for (i = 1; i + 1 < count; i++)
        assert_int_equal(ids[i], 2368);
    assert_int_equal(ids[count - 1], END);
    free(text);
}

static void j10_77_tokens_fit(void **state)
{
    (void)state;
    check_length(74, 76, 0);
    check_length(75, 77, 0);
}

static void j11_78_tokens_are_cut(void **state)
{
    (void)state;
    check_length(76, 77, 1);
}

static void j12_a_thousand_tokens_are_cut(void **state)
{
    (void)state;
    check_length(998, 77, 1);
}

static void j13_emoji_joined(void **state)
{
    (void)state;
    EXPECT("👩‍👩‍👧", "26304 26304 964 356");
}

static void j14_marks_composed_or_not(void **state)
{
    (void)state;
    EXPECT("\xc3\xa9", "4166");
    EXPECT("e\xcc\x81", "4166");
}

static void j15_curly_quotes(void **state)
{
    (void)state;
    EXPECT("“it’s”", "257 585 568 257");
    EXPECT("\"it's\"", "257 585 568 257");
}

static void j16_ligature(void **state)
{
    (void)state;
    EXPECT("ﬁre", "1769");
    EXPECT("fire", "1769");
}

static void j17_full_width(void **state)
{
    (void)state;
    EXPECT("ＣＡＴ", "2368");
}

static void j18_nested_reference(void **state)
{
    (void)state;
    EXPECT("&amp;amp;", "261");
}

static void j19_reference_without_semicolon(void **state)
{
    (void)state;
    EXPECT("I'm &notit;", "328 880 126 361 585 282");
}

static void j20_dotted_capital_i(void **state)
{
    (void)state;
    EXPECT("İstanbul", "328 16384 11231");
}

static void j21_final_sigma(void **state)
{
    (void)state;
    EXPECT("ΟΔΟΣ ΟΔΟΣΑ", "138 123 138 112 138 123 139 480 138 123 138 112 138 123 139 225 138 365");
}

static void j22_long_s_contraction(void **state)
{
    (void)state;
    EXPECT("it'ſ", "585 6 129 379");
}

static void j23_cjk(void **state)
{
    (void)state;
    EXPECT("北京", "161 234 245 21078 361");
}

static void j24_control_characters(void **state)
{
    (void)state;
    EXPECT("a\x07"
           "b\x1b[31mc\x7f",
           "5334");
}

static void j25_special_tokens_spelled_out(void **state)
{
    (void)state;
    EXPECT("<|endoftext|>", "27 347 40786 4160 91 285");
    EXPECT("x <end_of_text>y <start_of_text>", "343 49407 344 49406");
}

static uint64_t hash_ids(uint64_t hash, const int32_t *ids, size_t count)
{
    size_t i;
    int shift;
    for (i = 0; i < count; i++)
        for (shift = 0; shift < 32; shift += 8)
            hash = (hash ^ ((uint32_t)ids[i] >> shift & 255)) * 0x100000001b3ULL;
    return hash;
}

/* Hash of all ids of a file's lines; 0 when the file is not there. */
static uint64_t hash_file(size_t *lines, const char *folder, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    char *path = cs_path_join(folder, name, NULL);
    unsigned char *data = NULL;
    size_t size, at = 0;
    clipspan_status status = cs_file_read_all(&data, &size, path, 1 << 24, NULL);
    cs_free(path);
    *lines = 0;
    if (status == CLIPSPAN_E_NOT_FOUND) return 0;
    assert_int_equal(status, CLIPSPAN_OK);
    while (at < size) {
        const unsigned char *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at : size - at, count;
        int32_t ids[77];
        assert_int_equal(cs_tokenizer_encode(ids, &count, NULL, tokenizer, 77,
                                             (const char *)data + at, length, NULL),
                         CLIPSPAN_OK);
        hash = hash_ids(hash, ids, count);
        ++*lines;
        at += length + 1;
    }
    cs_free(data);
    return hash;
}

static void j26_lists_equal_their_stored_ids(void **state)
{
    const char *shared = getenv("CLIPSPAN_SHARED");
    char pools[512], name[128];
    unsigned long lines;
    unsigned long long want;
    int own = 0;
    FILE *file = fopen(TEST_DATA "/lists.tsv", "r");
    (void)state;
    assert_non_null(file);
    snprintf(pools, sizeof pools, "%s/pools", shared ? shared : "/nowhere");
    while (fscanf(file, "%127s %lu %llx", name, &lines, &want) == 3) {
        size_t count;
        uint64_t hash = hash_file(&count, PROJECT_DATA, name);
        own += hash != 0;
        if (!hash) hash = hash_file(&count, pools, name);
        if (!hash) continue;
        assert_int_equal(count, lines);
        assert_true(hash == want);
    }
    fclose(file);
    assert_int_equal(own, 2);
}

static void j27_a_table_cut_short_or_altered_is_refused(void **state)
{
    char *path = cs_path_join(PROJECT_DATA, "bpe_simple_vocab_16e6.txt.gz", NULL);
    unsigned char *data;
    char folder[] = "/tmp/clipspan-test-XXXXXX", *copy, *kept = NULL;
    const char *old = getenv("CLIPSPAN_DATA");
    size_t size;
    cs_tokenizer *other;
    clipspan_error err;
    FILE *file;
    (void)state;
    assert_int_equal(cs_file_read_all(&data, &size, path, 1 << 24, &err), CLIPSPAN_OK);
    cs_free(path);
    assert_int_equal(cs_tokenizer_open(&other, check_file("cut.gz", data, size / 2), 49408, &err),
                     CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "cut short"));
    unlink(check_file("cut.gz", data, 1));
    data[size / 2] ^= 1;
    assert_int_equal(cs_tokenizer_open(&other, check_file("alt.gz", data, size), 49408, &err),
                     CLIPSPAN_E_FORMAT);
    unlink(check_file("alt.gz", data, 1));
    cs_free(data);
    /* A valid table that is not the standard one, in its place. */
    assert_non_null(mkdtemp(folder));
    copy = cs_path_join(folder, "bpe_simple_vocab_16e6.txt.gz", NULL);
    file = fopen(copy, "w");
    assert_non_null(file);
    fputs("#version: 0.2\na b\n", file);
    fclose(file);
    if (old) kept = cs_strdup(old, NULL);
    setenv("CLIPSPAN_DATA", folder, 1);
    assert_int_equal(cs_tokenizer_open(&other, "", 515, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "checksum"));
    if (kept)
        setenv("CLIPSPAN_DATA", kept, 1);
    else
        unsetenv("CLIPSPAN_DATA");
    assert_int_equal(cs_tokenizer_open(&other, copy, 49408, &err), CLIPSPAN_E_SHAPE);
    assert_int_equal(cs_tokenizer_open(&other, copy, 515, &err), CLIPSPAN_OK);
    assert_string_equal(cs_tokenizer_piece(other, 512), "ab");
    cs_tokenizer_close(&other);
    unlink(copy);
    rmdir(folder);
    cs_free(copy);
    cs_free(kept);
}

static void golden_strings_have_their_ids(void **state)
{
    FILE *file = fopen(TEST_DATA "/tokens.tsv", "r");
    static char line[65536];
    size_t strings = 0;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *tab = strchr(line, '\t'), *at;
        int32_t ids[77];
        size_t count, i;
        assert_non_null(tab);
        *tab = '\0';
        assert_int_equal(
            cs_tokenizer_encode(ids, &count, NULL, tokenizer, 77, line, unspell(line), NULL),
            CLIPSPAN_OK);
        at = tab + 1;
        for (i = 0; i < count; i++) {
            char *end;
            long want = strtol(at, &end, 10);
            if (end == at || want != ids[i]) fail_msg("string %zu, id %zu", strings + 1, i);
            at = end;
        }
        assert_int_equal(*at, '\n');
        strings++;
    }
    fclose(file);
    assert_true(strings > 300);
}

static void short_contexts_and_limits(void **state)
{
    int32_t ids[4];
    size_t count;
    int cut;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, tokenizer, 3, "cat", 3, &err), 0);
    assert_int_equal(count, 3);
    assert_false(cut);
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, tokenizer, 2, "cat", 3, &err), 0);
    assert_true(ids[0] == START && ids[1] == END && cut && count == 2);
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, tokenizer, 2, "", 0, &err), 0);
    assert_true(ids[0] == START && ids[1] == END && !cut && count == 2);
    assert_int_equal(cs_tokenizer_encode(ids, NULL, NULL, tokenizer, 1, "cat", 3, &err), 0);
    assert_int_equal(ids[0], END);
    assert_int_equal(cs_tokenizer_encode(ids, NULL, NULL, tokenizer, 0, "cat", 3, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(
        cs_tokenizer_encode(ids, NULL, NULL, tokenizer, 4, "", ((size_t)16 << 20) + 1, &err),
        CLIPSPAN_E_LIMIT);
}

static void pieces_are_named(void **state)
{
    cs_tokenizer *other;
    clipspan_error err;
    (void)state;
    assert_string_equal(cs_tokenizer_piece(tokenizer, 0), "!");
    assert_string_equal(cs_tokenizer_piece(tokenizer, 2368), "cat</w>");
    assert_string_equal(cs_tokenizer_piece(tokenizer, START), "<start_of_text>");
    assert_string_equal(cs_tokenizer_piece(tokenizer, END), "<end_of_text>");
    assert_null(cs_tokenizer_piece(tokenizer, -1));
    assert_null(cs_tokenizer_piece(tokenizer, 49408));
    assert_int_equal(cs_tokenizer_start_id(tokenizer), START);
    assert_int_equal(cs_tokenizer_end_id(tokenizer), END);
    assert_int_equal(cs_tokenizer_open(&other, "", 513, &err), CLIPSPAN_E_SHAPE);
    assert_int_equal(cs_tokenizer_open(&other, "", 10000000, &err), CLIPSPAN_E_SHAPE);
    assert_int_equal(cs_tokenizer_open(&other, "", 514, &err), CLIPSPAN_OK);
    cs_tokenizer_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(j01_lone_continuation_byte),
        cmocka_unit_test(j02_overlong_form),
        cmocka_unit_test(j03_surrogate),
        cmocka_unit_test(j04_beyond_the_last_code_point),
        cmocka_unit_test(j05_truncated_sequence),
        cmocka_unit_test(j06_nul_inside),
        cmocka_unit_test(j07_a_megabyte_in_one_line),
        cmocka_unit_test(j08_empty),
        cmocka_unit_test(j09_only_spaces),
        cmocka_unit_test(j10_77_tokens_fit),
        cmocka_unit_test(j11_78_tokens_are_cut),
        cmocka_unit_test(j12_a_thousand_tokens_are_cut),
        cmocka_unit_test(j13_emoji_joined),
        cmocka_unit_test(j14_marks_composed_or_not),
        cmocka_unit_test(j15_curly_quotes),
        cmocka_unit_test(j16_ligature),
        cmocka_unit_test(j17_full_width),
        cmocka_unit_test(j18_nested_reference),
        cmocka_unit_test(j19_reference_without_semicolon),
        cmocka_unit_test(j20_dotted_capital_i),
        cmocka_unit_test(j21_final_sigma),
        cmocka_unit_test(j22_long_s_contraction),
        cmocka_unit_test(j23_cjk),
        cmocka_unit_test(j24_control_characters),
        cmocka_unit_test(j25_special_tokens_spelled_out),
        cmocka_unit_test(j26_lists_equal_their_stored_ids),
        cmocka_unit_test(j27_a_table_cut_short_or_altered_is_refused),
        cmocka_unit_test(golden_strings_have_their_ids),
        cmocka_unit_test(short_contexts_and_limits),
        cmocka_unit_test(pieces_are_named),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
