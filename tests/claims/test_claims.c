/* SPDX-License-Identifier: MIT */
/* Small version of false_claims: random heads, turned; and their pool's labels dealt. */
#include "null_models.h"
#include "published.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HEADS = 12, T = 120, MODELS = 20, C = 19, P = 24, ROTATIONS = 400 };

static void little_is_claimed_of_models_that_mean_nothing(void **state)
{
    static float maps[HEADS * C * P];
    static char names[T][8];
    const char *keys[T];
    cs_categories *c = NULL;
    cs_span_pool *pool = NULL;
    cs_random random = {8};
    cs_scene s;
    int with[2] = {0, 0};
    (void)state;
    cs_scene_init(&s, HEADS, C, P, 500, T, 14);
    for (size_t i = 0; i < T; i++) { /* pairs of texts resemble each other, so labels are not
                                        exchangeable */
        snprintf(names[i], sizeof names[i], "g%zu", i / 2 % 8);
        keys[i] = names[i];
    }
    assert_int_equal(cs_categories_new(&c, keys, T, NULL), 0);
    assert_int_equal(cs_span_pool_new(&pool, s.texts, T, P, cs_simd_best(), NULL), 0);
    for (int m = 0; m < 2 * MODELS; m++) {
        const int turned = m < MODELS;
        cs_role_wish wish = {c, NULL, 0, ROTATIONS, C, (uint64_t)m, NULL, NULL};
        cs_span_head heads[HEADS];
        int claims[5];
        memcpy(heads, s.head, sizeof heads);
        for (size_t h = 0; h < HEADS; h++) {
            float *map = maps + h * C * P;
            assert_int_equal(cs_null_turn(map, s.head[h].output_map, C, P, &random, NULL), 0);
            if (turned) heads[h].output_map = map;
        }
        if (!turned) cs_null_deal(c, &random);
        assert_int_equal(cs_role_wish_draw(&wish, cs_simd_best(), NULL), 0);
        assert_int_equal(cs_null_claims(claims, pool, heads, HEADS, C, &wish, 2, NULL), 0);
        assert_int_equal(claims[0] + claims[1] + claims[2] + claims[3] + claims[4], HEADS);
        assert_int_equal(claims[CLIPSPAN_OUTCOME_ROLE], 0); /* no resamples, no controls */
        with[!turned] += claims[CLIPSPAN_OUTCOME_LEANING] > 0;
        cs_role_wish_fini(&wish);
    }
    print_message("models with a claim: %d of %d turned, %d of %d with dealt labels\n", with[0],
                  MODELS, with[1], MODELS);
    assert_true(with[0] <= MODELS / 5 && with[1] <= MODELS / 5);
    cs_span_pool_free(&pool);
    cs_categories_free(&c);
    cs_scene_fini(&s);
}

/* Dealt labels are the same labels then, so that no head can lean to it, however well its texts
 * fit: ties are ties in whatever order sums are made. */
static void one_category_says_nothing_of_a_head(void **state)
{
    const char *keys[T];
    cs_categories *c = NULL;
    cs_span_pool *pool = NULL;
    cs_role_wish wish = {.rotations = 0};
    cs_span_options options = {2, 0, 0, 1, 2, &wish};
    cs_span *spans[HEADS];
    cs_scene s;
    (void)state;
    cs_scene_init(&s, HEADS, C, P, 500, T, 15);
    for (size_t i = 0; i < T; i++)
        keys[i] = "all";
    assert_int_equal(cs_categories_new(&c, keys, T, NULL), 0);
    assert_int_equal(cs_span_pool_new(&pool, s.texts, T, P, cs_simd_best(), NULL), 0);
    wish = (cs_role_wish){c, NULL, 0, ROTATIONS, C, 3, NULL, NULL};
    assert_int_equal(cs_role_wish_draw(&wish, cs_simd_best(), NULL), 0);
    assert_int_equal(cs_span_run(spans, pool, s.head, HEADS, C, &options, NULL, NULL), 0);
    for (size_t h = 0; h < HEADS; h++) {
        assert_true(spans[h]->role.p > 0.0);
        assert_true(spans[h]->role.relabelled_p == 1.0);
        cs_span_free(&spans[h]);
    }
    cs_role_wish_fini(&wish);
    cs_span_pool_free(&pool);
    cs_categories_free(&c);
    cs_scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_claimed_of_models_that_mean_nothing),
        cmocka_unit_test(one_category_says_nothing_of_a_head)};
    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
