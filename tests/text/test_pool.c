/* SPDX-License-Identifier: MIT */
/* The pool of descriptions and the control pool: size, balance, no two alike, lengths. */
#include "text/text_list.h"
#include "text/tokenizer.h"
#include "text_check.h"

#include <ctype.h>

#define CONTEXT    77
#define WORDS_MOST 12
#define KEYS_MOST  64
#define LINE_ROOM  256
/* Lines of a category that differ in one word only: more would be a list filled into a template. */
#define ALIKE_MOST 12

typedef struct pools {
    struct clipspan_texts *general, *null;
    cs_tokenizer *tokenizer;
} pools;

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Length of the longest run of equal strings of sorted at[count]; *where: its string. */
static size_t longest_run(char **at, size_t count, const char **where)
{
    size_t i, run = 0, most = 0;
    for (i = 0; i < count; i++) {
        run = i && strcmp(at[i], at[i - 1]) == 0 ? run + 1 : 1;
        if (run > most) {
            most = run;
            *where = at[i];
        }
    }
    return most;
}

static void free_all(char **at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(at[i]);
    free(at);
}

static char *copy(const char *text)
{
    char *out = strdup(text);
    assert_non_null(out);
    return out;
}

/* Splits text, which it changes, into words at[WORDS_MOST + 1] and returns their number. */
static size_t split(char **at, char *text, const char *between)
{
    size_t count = 0;
    for (char *word = strtok(text, between); word; word = strtok(NULL, between)) {
        assert_true(count <= WORDS_MOST);
        at[count++] = word;
    }
    return count;
}

/* The words of a text that say something, in small letters, sorted: equal for two texts that differ
 * only in articles, in what an image is called, in order or in punctuation. */
static char *content(const char *text)
{
    static const char *const empty[] = {"a",          "an",    "the",   "of",   "photo",
                                        "photograph", "image", "image", "with", "showing"};
    char line[LINE_ROOM], out[LINE_ROOM] = "", *words[WORDS_MOST + 8];
    size_t count = 0, i, j;
    assert_true(strlen(text) < sizeof line);
    for (i = 0; text[i]; i++)
        line[i] = (char)((unsigned char)text[i] >= 0x80 || isalnum((unsigned char)text[i])
                             ? tolower((unsigned char)text[i])
                             : ' ');
    line[i] = '\0';
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
        for (j = 0; j < sizeof empty / sizeof *empty && strcmp(word, empty[j]) != 0; j++)
            continue;
        if (j < sizeof empty / sizeof *empty) continue;
        assert_true(count < sizeof words / sizeof *words);
        words[count++] = word;
    }
    qsort(words, count, sizeof *words, compare);
    for (i = 0; i < count; i++) {
        strcat(out, words[i]);
        strcat(out, " ");
    }
    return copy(count ? out : text);
}

static void at_least_4000_in_balanced_categories(void **state)
{
    const pools *p = *state;
    const char *keys[KEYS_MOST];
    size_t counts[KEYS_MOST] = {0}, count = 0, marked = 0, i, j;
    assert_true(p->general->count >= 4000);
    for (i = 0; i < p->general->count; i++) {
        const char *key = cs_texts_get_key(p->general, i);
        assert_true(key[key[0] == '!'] != '\0');
        for (j = 0; j < count && strcmp(keys[j], key) != 0; j++)
            continue;
        if (j == count) {
            assert_true(count < KEYS_MOST);
            marked += key[0] == '!';
            keys[count++] = key;
        }
        counts[j]++;
    }
    assert_true(count >= 20);
    assert_true(marked >= 10 && count - marked >= 5);
    for (j = 0; j < count; j++)
        if (counts[j] < 150 || counts[j] > 250)
            fail_msg("category %s has %zu texts, where 150 to 250 are balanced", keys[j],
                     counts[j]);
    /* A key is an object's or not, never both. */
    for (i = 0; i < count; i++)
        for (j = 0; j < count; j++)
            if (keys[i][0] == '!') assert_string_not_equal(keys[i] + 1, keys[j]);
}

static void lines_are_trimmed_and_short(void **state)
{
    const pools *p = *state;
    const struct clipspan_texts *lists[] = {p->general, p->null};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            const char *text = cs_texts_get_text(lists[l], i);
            char line[LINE_ROOM], *words[WORDS_MOST + 1];
            size_t size = strlen(text);
            assert_true(size > 0 && size < sizeof line);
            assert_int_equal(cs_utf8_check(text, size), size);
            if (strchr(text, '\t') || strstr(text, "  ") || text[0] == ' ' || text[size - 1] == ' ')
                fail_msg("\"%s\" has blanks that say nothing", text);
            assert_true(split(words, strcpy(line, text), " ") <= WORDS_MOST);
        }
}

static void no_two_say_the_same(void **state)
{
    const pools *p = *state;
    const char *where = "";
    size_t count = p->general->count;
    char **at = calloc(count, sizeof *at);
    assert_non_null(at);
    for (size_t i = 0; i < count; i++)
        at[i] = content(cs_texts_get_text(p->general, i));
    qsort(at, count, sizeof *at, compare);
    if (longest_run(at, count, &where) > 1) fail_msg("two texts say \"%s\"", where);
    free_all(at, count);
}

static void no_template_is_filled_with_a_list(void **state)
{
    const pools *p = *state;
    const char *where = "";
    size_t count = 0, most, i, j, k;
    char **at = calloc(p->general->count * WORDS_MOST, sizeof *at);
    assert_non_null(at);
    for (i = 0; i < p->general->count; i++) {
        char line[LINE_ROOM], out[2 * LINE_ROOM], *words[WORDS_MOST + 1];
        size_t n = split(words, strcpy(line, cs_texts_get_text(p->general, i)), " ");
        for (j = 0; n > 2 && j < n; j++) {
            size_t used = (size_t)snprintf(out, sizeof out, "%s:", cs_texts_get_key(p->general, i));
            for (k = 0; k < n; k++)
                used += (size_t)snprintf(out + used, sizeof out - used, " %s",
                                         k == j ? "..." : words[k]);
            at[count++] = copy(out);
        }
    }
    qsort(at, count, sizeof *at, compare);
    most = longest_run(at, count, &where);
    if (most > ALIKE_MOST) fail_msg("%zu texts are \"%s\"", most, where);
    free_all(at, count);
}

/* Tokens of a text without its start and end, checked to fit whole. */
static size_t tokens_of(const pools *p, const char *text)
{
    int32_t ids[CONTEXT];
    clipspan_error err;
    size_t count;
    int cut;
    assert_int_equal(
        cs_tokenizer_encode(ids, &count, &cut, p->tokenizer, CONTEXT, text, strlen(text), &err),
        CLIPSPAN_OK);
    assert_int_equal(cut, 0);
    assert_true(count > 2);
    return count - 2;
}

static void control_pool_has_the_lengths_of_the_pool(void **state)
{
    const pools *p = *state;
    long counts[CONTEXT] = {0}, off = 0;
    size_t i;
    assert_int_equal(p->null->count, p->general->count);
    for (i = 0; i < p->general->count; i++) {
        counts[tokens_of(p, cs_texts_get_text(p->general, i))]++;
        counts[tokens_of(p, cs_texts_get_text(p->null, i))]--;
    }
    for (i = 0; i < CONTEXT; i++)
        off += labs(counts[i]);
    /* A single token is a word, so the pool's few texts of one token stand against two. */
    assert_true(off <= (long)p->general->count / 25);
}

/* The texts in small letters, sorted. */
static char **lowered(const struct clipspan_texts *list)
{
    char **at = calloc(list->count, sizeof *at);
    assert_non_null(at);
    for (size_t i = 0; i < list->count; i++) {
        at[i] = copy(cs_texts_get_text(list, i));
        for (char *c = at[i]; *c; c++)
            if ((unsigned char)*c < 0x80) *c = (char)tolower((unsigned char)*c);
    }
    qsort(at, list->count, sizeof *at, compare);
    return at;
}

static void expect_apart(const struct clipspan_texts *a, const struct clipspan_texts *b)
{
    char **left = lowered(a), **right = lowered(b);
    for (size_t i = 0; i < a->count; i++)
        if (bsearch(&left[i], right, b->count, sizeof *right, compare))
            fail_msg("\"%s\" is in both lists", left[i]);
    free_all(left, a->count);
    free_all(right, b->count);
}

static void control_pool_has_no_keys_and_repeats_nothing(void **state)
{
    const pools *p = *state;
    const char *where = "";
    char **at = lowered(p->null);
    for (size_t i = 0; i < p->null->count; i++)
        assert_string_equal(cs_texts_get_key(p->null, i), "");
    if (longest_run(at, p->null->count, &where) > 1) fail_msg("\"%s\" stands twice", where);
    free_all(at, p->null->count);
    expect_apart(p->general, p->null);
}

static void nothing_is_in_the_published_pool(void **state)
{
    const pools *p = *state;
    const char *shared = getenv("CLIPSPAN_SHARED");
    struct clipspan_texts *published;
    clipspan_error err;
    char path[4096];
    if (!shared || !*shared) skip();
    snprintf(path, sizeof path, "%s/pools/image_descriptions_general.txt", shared);
    if (access(path, R_OK) != 0) skip();
    assert_int_equal(cs_texts_open(&published, path, &err), CLIPSPAN_OK);
    expect_apart(p->general, published);
    expect_apart(p->null, published);
    cs_texts_free(&published);
}

static int set_up(void **state)
{
    static pools p;
    clipspan_error err;
    *state = &p;
    if (cs_texts_open(&p.general, "general", &err) != CLIPSPAN_OK ||
        cs_texts_open(&p.null, "control", &err) != CLIPSPAN_OK ||
        cs_tokenizer_open(&p.tokenizer, "", 49408, &err) != CLIPSPAN_OK) {
        print_error("%s\n", err.message);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    pools *p = *state;
    cs_texts_free(&p->general);
    cs_texts_free(&p->null);
    cs_tokenizer_close(&p->tokenizer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_least_4000_in_balanced_categories),
        cmocka_unit_test(lines_are_trimmed_and_short),
        cmocka_unit_test(no_two_say_the_same),
        cmocka_unit_test(no_template_is_filled_with_a_list),
        cmocka_unit_test(control_pool_has_the_lengths_of_the_pool),
        cmocka_unit_test(control_pool_has_no_keys_and_repeats_nothing),
        cmocka_unit_test(nothing_is_in_the_published_pool),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
