/* SPDX-License-Identifier: MIT */
/* Tokenizers that a file describes. Models and expected ids of data/tokenizers are those of Hugging
 * Face's tokenizers and of sentencepiece (ref/make_tokenizer_models.py). */
#include "base/file.h"
#include "base/memory.h"
#include "text/tokenizer.h"
#include "text_check.h"

#include <time.h>

#define FOLDER TEST_DATA "/tokenizers/"
#define ROOM   4096

static cs_tokenizer *open_file(const char *name, const cs_tokenizer_options *options)
{
    cs_tokenizer_options o = CS_TOKENIZER_OPTIONS_INIT;
    cs_tokenizer *tokenizer = NULL;
    clipspan_error err;
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s", name);
    if (options) o = *options;
    o.kind = CS_TOKENIZER_FILE;
    if (cs_tokenizer_open_as(&tokenizer, path, &o, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    return tokenizer;
}

/* Ends a field at its tab or line feed and returns the next one. */
static char *next_field(char *at)
{
    char *end = at + strcspn(at, "\t\n");
    int last = *end != '\t';
    *end = '\0';
    return last ? NULL : end + 1;
}

static void check_ids(const cs_tokenizer *tokenizer, const char *name, size_t number,
                      const char *text, size_t size, char *want)
{
    static int32_t ids[ROOM];
    clipspan_error err;
    size_t count, i;
    int cut;
    if (cs_tokenizer_encode(ids, &count, &cut, tokenizer, ROOM, text, size, &err) != CLIPSPAN_OK)
        fail_msg("%s, text %zu: %s", name, number, err.message);
    assert_false(cut);
    for (i = 0; i < count; i++) {
        char *end;
        long id = strtol(want, &end, 10);
        if (end == want || id != ids[i])
            fail_msg("%s, text %zu, id %zu: %ld for %ld", name, number, i, (long)ids[i], id);
        want = end;
    }
    assert_int_equal(*want, '\0');
}

static void golden_texts_have_their_ids(void **state)
{
    static char line[1 << 16];
    FILE *file = fopen(FOLDER "ids.tsv", "r");
    cs_tokenizer *tokenizers[16];
    char names[16][32], *at, *next;
    size_t count = 0, texts = 0, i;
    (void)state;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    for (at = next_field(line); at; at = next) {
        next = next_field(at);
        snprintf(names[count], sizeof names[count], "%s", at);
        tokenizers[count++] = open_file(at, NULL);
    }
    while (fgets(line, sizeof line, file)) {
        size_t size;
        at = next_field(line);
        size = unspell(line);
        for (i = 0; i < count; i++, at = next) {
            assert_non_null(at);
            next = next_field(at);
            check_ids(tokenizers[i], names[i], texts, line, size, at);
        }
        texts++;
    }
    fclose(file);
    assert_true(texts > 100 && count == 9);
    for (i = 0; i < count; i++)
        cs_tokenizer_close(&tokenizers[i]);
}

static void vocab_txt_is_the_same_wordpiece(void **state)
{
    static const char *const texts[] = {"", "A photo of the cat's tail [SEP] 漢字 é",
                                        "zzzz ~ [MASK]"};
    cs_tokenizer *lines = open_file("vocab.txt", NULL), *json = open_file("wordpiece.json", NULL);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int32_t a[64], b[64];
        size_t n = 0, m = 1;
        assert_int_equal(
            cs_tokenizer_encode(a, &n, NULL, lines, 64, texts[i], strlen(texts[i]), NULL), 0);
        assert_int_equal(
            cs_tokenizer_encode(b, &m, NULL, json, 64, texts[i], strlen(texts[i]), NULL), 0);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n * sizeof *a);
    }
    assert_int_equal(cs_tokenizer_pad_id(lines), 0);
    assert_string_equal(cs_tokenizer_kind_name(lines), "WordPiece");
    cs_tokenizer_close(&lines);
    cs_tokenizer_close(&json);
}

/* ---- Options ---- */

static void start_end_and_padding(void **state)
{
    cs_tokenizer_options o = CS_TOKENIZER_OPTIONS_INIT;
    cs_tokenizer *t = open_file("unigram.json", NULL);
    int32_t ids[8];
    size_t count;
    int cut;
    (void)state;
    assert_int_equal(cs_tokenizer_start_id(t), -1);
    assert_int_equal(cs_tokenizer_end_id(t), 1);
    assert_int_equal(cs_tokenizer_pad_id(t), 0);
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, t, 8, "", 0, NULL), 0);
    assert_true(count == 1 && !cut && ids[0] == 1 && ids[1] == 0 && ids[7] == 0);
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, t, 8,
                                         "photo photo photo photo of photo of dogs", 40, NULL),
                     0);
    assert_true(count == 8 && cut && ids[7] == 1);
    assert_string_equal(cs_tokenizer_piece(t, 1), "</s>");
    assert_null(cs_tokenizer_piece(t, cs_tokenizer_vocab(t)));
    cs_tokenizer_close(&t);
    o.pad = 1;
    o.start = 3;
    o.end = CS_TOKEN_NONE;
    t = open_file("unigram.json", &o);
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, t, 8, "", 0, NULL), 0);
    assert_true(count == 1 && ids[0] == 3 && ids[1] == 1 && ids[7] == 1);
    cs_tokenizer_close(&t);
    o.start = o.end = CS_TOKEN_AUTO;
    o.pad = 0;
    o.blank_end = 1;
    t = open_file("wordpiece.json", &o);
    assert_int_equal(cs_tokenizer_encode(ids, &count, &cut, t, 8, "[SEP]", 5, NULL), 0);
    assert_true(count == 3 && ids[0] == 2 && ids[1] == 0 && ids[2] == 0);
    cs_tokenizer_close(&t);
}

static void a_table_of_another_size_is_refused(void **state)
{
    cs_tokenizer_options o = CS_TOKENIZER_OPTIONS_INIT;
    cs_tokenizer *t = NULL;
    clipspan_error err;
    (void)state;
    o.vocab = 10;
    assert_int_equal(cs_tokenizer_open_as(&t, FOLDER "gemma.json", &o, &err), CLIPSPAN_E_SHAPE);
    assert_non_null(strstr(err.message, "10 rows"));
    assert_null(t);
}

/* texts of one way of cleaning: what `a` becomes has the ids of `b` as it is. */
static void check_cleaning(cs_text_cleaning how, const char *a, const char *b)
{
    cs_tokenizer_options o = CS_TOKENIZER_OPTIONS_INIT;
    cs_tokenizer *cleans, *plain = open_file("gemma.json", NULL);
    int32_t x[256], y[256];
    size_t n, m;
    o.cleaning = how;
    cleans = open_file("gemma.json", &o);
    assert_int_equal(cs_tokenizer_encode(x, &n, NULL, cleans, 256, a, strlen(a), NULL), 0);
    assert_int_equal(cs_tokenizer_encode(y, &m, NULL, plain, 256, b, strlen(b), NULL), 0);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, sizeof *x * n);
    cs_tokenizer_close(&cleans);
    cs_tokenizer_close(&plain);
}

static void ways_of_cleaning_differ(void **state)
{
    const char *text = " A_photo,  of\tthe &amp; \xce\xa3\xce\xa3 Dog's!\n";
    (void)state;
    check_cleaning(CS_CLEAN_NONE, text, text);
    check_cleaning(CS_CLEAN_CLIP, text, "a_photo, of the & \xcf\x83\xcf\x82 dog's!");
    check_cleaning(CS_CLEAN_SPACE, text, "A_photo, of the & \xce\xa3\xce\xa3 Dog's!");
    check_cleaning(CS_CLEAN_CANONICAL, text, "a photo of the \xcf\x83\xcf\x82 dogs");
    check_cleaning(CS_CLEAN_SIGLIP, text, "aphoto of the amp \xcf\x83\xcf\x83 dogs");
    check_cleaning(CS_CLEAN_LOWER, text, " a_photo,  of\tthe &amp; \xcf\x83\xcf\x83 dog's!\n");
}

/* tokenizer_config.json beside a file: class, case, padding, end. */
static void a_folder_with_its_configuration(void **state)
{
    char folder[] = "/tmp/clipspan-test-XXXXXX", path[128];
    cs_tokenizer *t = NULL;
    unsigned char *data;
    clipspan_error err;
    size_t size, count;
    int32_t upper[64], lower[64];
    FILE *file;
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(cs_file_read_all(&data, &size, FOLDER "gemma.json", 1 << 20, NULL), 0);
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    file = fopen(path, "wb");
    fwrite(data, 1, size, file);
    fclose(file);
    cs_free(data);
    snprintf(path, sizeof path, "%s/tokenizer_config.json", folder);
    file = fopen(path, "wb");
    fputs("{\"tokenizer_class\": \"GemmaTokenizer\", \"do_lower_case\": true, \"add_bos_token\": "
          "true, "
          "\"bos_token\": \"<unk>\", \"add_eos_token\": false, \"pad_token\": {\"content\": "
          "\"</s>\"}}",
          file);
    fclose(file);
    if (cs_tokenizer_open_as(&t, folder, NULL, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    assert_int_equal(cs_tokenizer_start_id(t), 2);
    assert_int_equal(cs_tokenizer_end_id(t), -1);
    assert_int_equal(cs_tokenizer_pad_id(t), 1);
    assert_int_equal(cs_tokenizer_encode(upper, &count, NULL, t, 64, "A DOG", 5, NULL), 0);
    assert_int_equal(cs_tokenizer_encode(lower, &count, NULL, t, 64, "a dog", 5, NULL), 0);
    assert_memory_equal(upper, lower, sizeof upper);
    cs_tokenizer_close(&t);
    unlink(path);
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    unlink(path);
    rmdir(folder);
}

/* ---- Bad input ---- */

static clipspan_status open_text(const char *text, size_t size, const char *name,
                                 clipspan_error *err)
{
    cs_tokenizer_options o = CS_TOKENIZER_OPTIONS_INIT;
    cs_tokenizer *t = NULL;
    clipspan_status status;
    o.kind = CS_TOKENIZER_FILE;
    status = cs_tokenizer_open_memory(&t, text, size, name, &o, err);
    if (status == CLIPSPAN_OK) {
        int32_t ids[64];
        cs_tokenizer_encode(ids, NULL, NULL, t, 64, "a photo \xf0\x9f\x99\x82 of", 15, NULL);
    }
    cs_tokenizer_close(&t);
    return status;
}

static void refused(clipspan_status code, const char *say, const char *rest)
{
    char text[1024];
    clipspan_error err;
    snprintf(text, sizeof text,
             "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a "
             "b\"]}%s}",
             rest);
    if (open_text(text, strlen(text), "tokenizer.json", &err) != code || !strstr(err.message, say))
        fail_msg("%s: %s", rest, err.message);
}

static void what_is_not_known_is_named(void **state)
{
    const clipspan_status no = CLIPSPAN_E_UNSUPPORTED;
    (void)state;
    refused(no, "normalizer `Nmt`", ",\"normalizer\":{\"type\":\"Nmt\"}");
    refused(no, "normalizer `Nmt`",
            ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Nmt\"}]}");
    refused(no, "pre-tokenizer `UnicodeScripts`",
            ",\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}");
    refused(no, "post-processor `Other`", ",\"post_processor\":{\"type\":\"Other\"}");
    refused(
        no, "^ and $",
        ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"^a\"},\"content\":\"\"}");
    refused(no, "its \\p",
            ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\pL\"},\"content\":"
            "\"\"}");
    refused(no, "more than one token before",
            ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"
            "\"id\":\"a\"}},{\"SpecialToken\":{\"id\":\"a\"}}],\"special_tokens\":{\"a\":{\"ids\":["
            "0]}}}");
    refused(CLIPSPAN_E_FORMAT, "base64",
            ",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"?\"}");
    refused(CLIPSPAN_E_FORMAT, "charsmap of 3",
            ",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}");
    refused(CLIPSPAN_E_FORMAT, "added_tokens[0]", ",\"added_tokens\":[{\"id\":7}]");
    refused(CLIPSPAN_E_FORMAT, "expected the end", "}");
}

static void models_that_do_not_fit(void **state)
{
    static const struct {
        const char *text, *say;
    } cases[] = {
        {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}", "model `WordLevel`"},
        {"{}", "no \"model\""},
        {"{\"model\":{\"type\":\"BPE\"}}", "no model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}",
         "merge 0 needs \"b\""},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}", "merges[0]"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"a\",\"a\"]]}}",
         "merges[0]"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":3000000000}}}", "id 3000000000"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0.5}}}", "id 0.5"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0}}}", "an id twice"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"\":0}}}", "0 bytes"},
        {"{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{\"a\":0}}}", "dropout"},
        {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":5,\"vocab\":[[\"a\",0]]}}", "unk_id is 5"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",\"b\"]]}}", "a number"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\\ud800\",1]]}}", "lone surrogate"},
        {"", "cut short"},
    };
    clipspan_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (open_text(cases[i].text, strlen(cases[i].text), "tokenizer.json", &err) ==
                CLIPSPAN_OK ||
            !strstr(err.message, cases[i].say))
            fail_msg("%s: %s", cases[i].text, err.message);
    assert_int_not_equal(open_text("\x0a\x05hello", 7, "a.model", &err), CLIPSPAN_OK);
    assert_int_not_equal(open_text("", 0, "a.model", &err), CLIPSPAN_OK);
    assert_int_not_equal(open_text("a\nb\n", 4, "vocab.txt", &err), CLIPSPAN_OK);
}

/* Nested lists, a piece of a megabyte: errors at once, without memory for what they claim. */
static void bombs_are_errors(void **state)
{
    size_t size = (size_t)1 << 20, start;
    char *text = malloc(size + 64);
    clipspan_error err;
    (void)state;
    assert_non_null(text);
    start = (size_t)sprintf(text, "{\"x\":");
    memset(text + start, '[', size);
    assert_int_equal(open_text(text, size, "tokenizer.json", &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "nested more than"));
    start = (size_t)sprintf(text, "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"");
    memset(text + start, 'a', size - start);
    memcpy(text + size - 6, "\":0}}}", 6);
    assert_int_equal(open_text(text, size, "tokenizer.json", &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "bytes; 1 to 4096"));
    free(text);
}

/* Files cut short and with bytes altered: an error or a tokenizer, never a crash. */
static void damaged_files_do_no_harm(void **state)
{
    static const char *const names[] = {"unigram.json", "gemma.json", "forms.json", "unigram.model",
                                        "bpe.model"};
    clipspan_error err;
    uint64_t random = 1;
    (void)state;
    for (size_t n = 0; n < 5; n++) {
        unsigned char *data;
        char path[512];
        size_t size;
        snprintf(path, sizeof path, FOLDER "%s", names[n]);
        assert_int_equal(cs_file_read_all(&data, &size, path, 1 << 20, NULL), 0);
        for (size_t i = 0; i < 40; i++) {
            size_t length = size * i / 40;
            char *copy = malloc(size ? size : 1); /* of its own, so that reading beyond is seen */
            memcpy(copy, data, length);
            if (open_text(copy, length, names[n], &err) == CLIPSPAN_OK && n < 3)
                fail_msg("%s of %zu bytes", names[n], length);
            memcpy(copy, data, size);
            for (int k = 0; k < 3; k++) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                copy[(random >> 33) % size] = (char)(random >> 25);
            }
            open_text(copy, size, names[n], &err);
            free(copy);
        }
        cs_free(data);
    }
}

/* ---- Size ---- */

static char *put_word(char *at, size_t number, int letters)
{
    for (int i = 0; i < letters; i++, number /= 22)
        *at++ = (char)('a' + number % 22);
    return at;
}

/* As many pieces and merges as Gemma's. */
static void a_large_vocabulary_loads_fast(void **state)
{
    char *text = malloc((size_t)40 << 20), *at = text;
    size_t count = 1, id = 0, merges = 0;
    clipspan_error err;
    clock_t start;
    double seconds;
    (void)state;
    assert_non_null(text);
    at += sprintf(at, "{\"model\":{\"type\":\"BPE\",\"vocab\":{");
    for (int letters = 1; letters <= 4; letters++)
        for (size_t i = 0, n = count *= 22; i < n; i++) {
            at += sprintf(at, id ? ",\"" : "\"");
            at = put_word(at, i, letters);
            at += sprintf(at, "\":%zu", id++);
        }
    at += sprintf(at, "},\"merges\":[");
    for (int cut = 1; cut <= 3; cut++)
        for (size_t i = 0; i < count && merges < 580000; i++, merges++) {
            char word[5];
            put_word(word, i, 4);
            at += sprintf(at, "%s[\"%.*s\",\"%.*s\"]", merges ? "," : "", cut, word, 4 - cut,
                          word + cut);
        }
    at += sprintf(at, "]}}");
    start = clock();
    if (open_text(text, (size_t)(at - text), "tokenizer.json", &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("%zu pieces, %zu merges: %.2f s\n", id, merges, seconds);
    assert_true(seconds < 10); /* sanitizers and busy machines included */
    free(text);
}

static void long_texts_take_linear_time(void **state)
{
    static const char *const names[] = {"unigram.json",   "gemma.json", "siglip.json", "bpe.model",
                                        "wordpiece.json", "bytes.json", "forms.json"};
    size_t size = 100000;
    char *text = malloc(size);
    clock_t start = clock();
    (void)state;
    assert_non_null(text);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        cs_tokenizer *t = open_file(names[n], NULL);
        for (int kind = 0; kind < 3; kind++) {
            int32_t ids[64];
            int cut;
            for (size_t i = 0; i < size; i++)
                text[i] = kind == 0 ? 'a' : kind == 1 ? ' ' : "a photo of x "[i % 13];
            assert_int_equal(cs_tokenizer_encode(ids, NULL, &cut, t, 64, text, size, NULL), 0);
        }
        cs_tokenizer_close(&t);
    }
    free(text);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_texts_have_their_ids),
        cmocka_unit_test(vocab_txt_is_the_same_wordpiece),
        cmocka_unit_test(start_end_and_padding),
        cmocka_unit_test(a_table_of_another_size_is_refused),
        cmocka_unit_test(ways_of_cleaning_differ),
        cmocka_unit_test(a_folder_with_its_configuration),
        cmocka_unit_test(what_is_not_known_is_named),
        cmocka_unit_test(models_that_do_not_fit),
        cmocka_unit_test(bombs_are_errors),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(a_large_vocabulary_loads_fast),
        cmocka_unit_test(long_texts_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
