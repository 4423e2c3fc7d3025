/* SPDX-License-Identifier: MIT */
/* The pattern; expected words are those of the regex module. */
#include "text/pattern.h"
#include "text_check.h"

static void expect(const char *text, const char *want)
{
    cs_codes codes = check_codes(text), words = {0};
    size_t first, at = 0;
    while (cs_pattern_next(&first, &at, codes.at, codes.count) != CS_WORD_NONE) {
        assert_true(at > first);
        if (words.count) assert_int_equal(cs_codes_push(&words, '|', NULL), CLIPSPAN_OK);
        assert_int_equal(cs_codes_append(&words, codes.at + first, at - first, NULL), CLIPSPAN_OK);
    }
    assert_string_equal(check_utf8(&words), want);
    cs_codes_fini(&codes);
    cs_codes_fini(&words);
}

static void words_numbers_and_marks(void **state)
{
    (void)state;
    expect("a photo, 12 cats!?", "a|photo|,|1|2|cats|!?");
    expect("½²x٣", "½|²|x|٣");
    expect("don't we'll they've it's i'm you're she'd", "don|'t|we|'ll|they|'ve|it|'s|i|'m|you|'re|"
                                                        "she|'d");
    expect("it'ſ '' !'s 'x", "it|'ſ|''|!'|s|'|x");
    expect("e\xcc\x81 का", "e|\xcc\x81|क|ा");
}

static void special_tokens_where_a_word_starts(void **state)
{
    cs_codes codes = check_codes("x<end_of_text><start_of_text><ſtart_of_text>");
    size_t first, at = 0;
    (void)state;
    assert_int_equal(cs_pattern_next(&first, &at, codes.at, codes.count), CS_WORD_TEXT);
    assert_int_equal(cs_pattern_next(&first, &at, codes.at, codes.count), CS_WORD_END);
    assert_int_equal(cs_pattern_next(&first, &at, codes.at, codes.count), CS_WORD_START);
    assert_int_equal(cs_pattern_next(&first, &at, codes.at, codes.count), CS_WORD_TEXT);
    assert_int_equal(at - first, 15);
    cs_codes_fini(&codes);
    expect("!<end_of_text>", "!<|end|_|of|_|text|>");
    expect("<|endoftext|>", "<||endoftext||>");
}

static void the_iota_below_matches_nothing(void **state)
{
    (void)state;
    expect("a\xcd\x85"
           "b !\xcd\x85!",
           "a|b|!|!");
    expect("\xcd\x85", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_numbers_and_marks),
        cmocka_unit_test(special_tokens_where_a_word_starts),
        cmocka_unit_test(the_iota_below_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
