/* SPDX-License-Identifier: MIT */
/* Control texts: as many tokens as the pool's, the same for the same seed, words of their own. */
#include "text/control_texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CONTEXT = 77, POOLS = 2 };

static size_t tokens_of(const cs_tokenizer *tokenizer, const char *text)
{
    int32_t ids[CONTEXT];
    size_t count;
    assert_int_equal(
        cs_tokenizer_encode(ids, &count, NULL, tokenizer, CONTEXT, text, strlen(text), NULL), 0);
    return count;
}

static void every_text_has_the_tokens_of_its_own(void **state)
{
    struct clipspan_texts *pool = NULL, *control = NULL, *more = NULL, *other = NULL;
    cs_tokenizer *tokenizer = NULL;
    size_t same = 0, differs = 0;
    (void)state;
    assert_int_equal(cs_tokenizer_open(&tokenizer, "", 49408, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_texts_open(&pool, "demo", NULL), CLIPSPAN_OK);
    assert_int_equal(cs_control_texts_new(&control, pool, tokenizer, CONTEXT, POOLS, 3, NULL), 0);
    assert_int_equal(cs_control_texts_new(&more, pool, tokenizer, CONTEXT, POOLS + 1, 3, NULL), 0);
    assert_int_equal(cs_control_texts_new(&other, pool, tokenizer, CONTEXT, 1, 4, NULL), 0);
    assert_int_equal(control->count, POOLS * pool->count);
    for (size_t i = 0; i < control->count; i++) {
        const char *like = pool->texts[i % pool->count], *text = control->texts[i];
        assert_int_equal(tokens_of(tokenizer, text), tokens_of(tokenizer, like));
        assert_string_equal(text, more->texts[i]);
        assert_string_equal(control->keys[i], "");
        same += strcmp(text, like) == 0;
        if (i < pool->count) differs += strcmp(text, other->texts[i]) != 0;
        if (i < pool->count) differs += strcmp(text, control->texts[pool->count + i]) != 0;
    }
    assert_int_equal(same, 0);
    assert_true(differs > 2 * pool->count * 9 / 10);
    cs_texts_free(&pool);
    cs_texts_free(&control);
    cs_texts_free(&more);
    cs_texts_free(&other);
    cs_tokenizer_close(&tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_text_has_the_tokens_of_its_own)};
    return cmocka_run_group_tests_name("control texts", tests, NULL, NULL);
}
