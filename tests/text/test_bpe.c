/* SPDX-License-Identifier: MIT */
/* Merging against a plain version of the reference's loop, on random tables and words. */
#include "text/bpe.h"
#include "text_check.h"

#include <time.h>

static clipspan_status build(cs_bpe *bpe, const char *text, size_t merges, clipspan_error *err)
{
    char path[] = "table.txt", copy[4096];
    cs_merges source = {path, copy, strlen(text), 1};
    assert_true(source.size < sizeof copy);
    memcpy(copy, text, source.size + 1);
    return cs_bpe_init(bpe, &source, merges, err);
}

static void ids_follow_the_order_of_the_vocabulary(void **state)
{
    cs_bpe bpe;
    (void)state;
    assert_int_equal(build(&bpe, "a b\nab c</w>\n", 2, NULL), CLIPSPAN_OK);
    assert_int_equal(bpe.count, 514);
    assert_int_equal(bpe.byte_ids['!'], 0);
    assert_int_equal(bpe.byte_ids['a'], 64);
    assert_int_equal(bpe.byte_ids[0xff], 187);
    assert_int_equal(bpe.byte_ids[0], 188);
    assert_int_equal(bpe.byte_ids[0xad], 255);
    assert_string_equal(bpe.names + bpe.name_at[0], "!");
    assert_string_equal(bpe.names + bpe.name_at[256], "!</w>");
    assert_string_equal(bpe.names + bpe.name_at[188], "Ā");
    assert_string_equal(bpe.names + bpe.name_at[513], "abc</w>");
    cs_bpe_fini(&bpe);
}

static void bad_tables_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text;
        size_t merges;
        clipspan_status want;
        const char *says;
    } cases[] = {
        {"a b\n", 2, CLIPSPAN_E_SHAPE, "holds 1 merges"},
        {"a b\n\nc d\n", 2, CLIPSPAN_E_FORMAT, "line 2"},
        {"a b\nabc\n", 2, CLIPSPAN_E_FORMAT, "line 2"},
        {"a b c\n", 1, CLIPSPAN_E_FORMAT, "line 1"},
        {" b\n", 1, CLIPSPAN_E_FORMAT, "line 1"},
        {"a \n", 1, CLIPSPAN_E_FORMAT, "line 1"},
        {"ab c\n", 1, CLIPSPAN_E_FORMAT, "\"ab\""},
        {"a bc\n", 1, CLIPSPAN_E_FORMAT, "\"bc\""},
        {"a b\nb c\nab c\na bc\n", 4, CLIPSPAN_E_FORMAT, "line 4"},
        {"a \xff\n", 1, CLIPSPAN_E_FORMAT, "line 1"},
        {"", 1, CLIPSPAN_E_SHAPE, "holds 0 merges"},
    };
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        clipspan_error err;
        cs_bpe bpe;
        assert_int_equal(build(&bpe, cases[i].text, cases[i].merges, &err), cases[i].want);
        assert_non_null(strstr(err.message, cases[i].says));
        assert_non_null(strstr(err.message, "table.txt"));
    }
}

/* The reference's loop: find the lowest rank among all pairs, merge it everywhere from the left. */
static size_t encode_plainly(int32_t *ids, const int (*made)[3], int merges, const cs_bpe *bpe,
                             const unsigned char *word, size_t size)
{
    size_t count = size, i, out;
    for (i = 0; i < size; i++)
        ids[i] = bpe->byte_ids[word[i]] + (i + 1 == size ? 256 : 0);
    for (;;) {
        int best = merges, k;
        for (i = 0; i + 1 < count; i++)
            for (k = 0; k < best; k++)
                if (made[k][0] == ids[i] && made[k][1] == ids[i + 1]) best = k;
        if (best == merges) return count;
        for (i = out = 0; i < count; out++) {
            if (i + 1 < count && made[best][0] == ids[i] && made[best][1] == ids[i + 1]) {
                ids[out] = 512 + best;
                i += 2;
            } else
                ids[out] = ids[i++];
        }
        count = out;
    }
}

static void random_words_merge_as_in_the_reference(void **state)
{
    unsigned seed;
    (void)state;
    srand(7);
    for (seed = 0; seed < 300; seed++) {
        char text[4096] = "", names[64][128];
        int made[64][3], merges = 0, tries, k;
        cs_bpe bpe, base;
        cs_bpe_scratch scratch = {0};
        assert_int_equal(build(&base, "", 0, NULL), CLIPSPAN_OK);
        for (tries = 0; tries < 60 && merges < 40; tries++) {
            /* left: a letter or merge that does not end a word; right: anything */
            int ids[2], side;
            char part[2][128], whole[256];
            for (side = 0; side < 2; side++) {
                if (merges && rand() % 2) {
                    k = rand() % merges;
                    ids[side] = 512 + k;
                    strcpy(part[side], names[k]);
                } else {
                    int letter = 'a' + rand() % 3, ends = side == 1 && rand() % 4 == 0;
                    ids[side] = base.byte_ids[letter] + (ends ? 256 : 0);
                    snprintf(part[side], sizeof part[side], "%c%s", letter, ends ? "</w>" : "");
                }
            }
            if (strchr(part[0], '<')) continue;
            snprintf(whole, sizeof whole, "%s%s", part[0], part[1]);
            if (strlen(whole) > 30) continue;
            for (k = 0; k < merges && strcmp(names[k], whole) != 0; k++)
                ;
            if (k < merges) continue;
            strcpy(names[merges], whole);
            made[merges][0] = ids[0];
            made[merges][1] = ids[1];
            merges++;
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s\n", part[0], part[1]);
        }
        assert_int_equal(build(&bpe, text, (size_t)merges, NULL), CLIPSPAN_OK);
        for (tries = 0; tries < 40; tries++) {
            unsigned char word[64];
            int32_t want[64], got[64];
            size_t size = 1 + (size_t)rand() % 64, count, expected, i;
            for (i = 0; i < size; i++)
                word[i] = (unsigned char)('a' + rand() % (tries % 3 + 1));
            expected = encode_plainly(want, (const int(*)[3])made, merges, &bpe, word, size);
            assert_int_equal(cs_bpe_encode(got, &count, 64, &bpe, &scratch, word, size, NULL),
                             CLIPSPAN_OK);
            assert_int_equal(count, expected);
            assert_memory_equal(got, want, count * sizeof *got);
        }
        cs_bpe_scratch_fini(&scratch);
        cs_bpe_fini(&bpe);
        cs_bpe_fini(&base);
    }
}

static void a_word_of_a_megabyte_takes_no_square_time(void **state)
{
    size_t size = (size_t)1 << 20, count;
    unsigned char *word = malloc(size);
    cs_bpe_scratch scratch = {0};
    int32_t ids[8];
    cs_bpe bpe;
    clock_t start = clock();
    (void)state;
    assert_non_null(word);
    memset(word, 'a', size);
    assert_int_equal(build(&bpe, "a a\naa aa\naaaa aaaa\n", 3, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_bpe_encode(ids, &count, 8, &bpe, &scratch, word, size, NULL), CLIPSPAN_OK);
    assert_int_equal(count, 8);
    assert_int_equal(ids[7], 514);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 10);
    cs_bpe_scratch_fini(&scratch);
    cs_bpe_fini(&bpe);
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_follow_the_order_of_the_vocabulary),
        cmocka_unit_test(bad_tables_are_refused_with_their_line),
        cmocka_unit_test(random_words_merge_as_in_the_reference),
        cmocka_unit_test(a_word_of_a_megabyte_takes_no_square_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
