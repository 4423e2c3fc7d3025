/* SPDX-License-Identifier: MIT */
/* The rule of roles, number by number, on spans made by hand; how often labels dealt at random get
 * a role; and that a role that is there is found. */
#include "base/random.h"
#include "decompose/roles.h"
#include "published.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 600

static char names[MOST][16];
static const char *keys[MOST];

/* A pool of `groups` categories of `each` texts, in turn: text i is of category i % groups. */
static cs_categories *deal(size_t groups, size_t each)
{
    cs_categories *c = NULL;
    for (size_t i = 0; i < groups * each; i++) {
        snprintf(names[i], sizeof names[i], "g%zu", i % groups);
        keys[i] = names[i];
    }
    assert_int_equal(cs_categories_new(&c, keys, groups * each, NULL), CLIPSPAN_OK);
    assert_int_equal(c->count, groups);
    return c;
}

/* A span of five basis texts of given texts and shares; stability of all. */
static cs_span by_hand(clipspan_basis_text basis_text[5], const size_t texts[5],
                       const double shares[5], double stability)
{
    cs_span span = {.basis_texts = 5, .basis_text = basis_text};
    memset(basis_text, 0, 5 * sizeof *basis_text);
    for (size_t k = 0; k < 5; k++) {
        basis_text[k].text = texts[k];
        basis_text[k].share = shares[k];
        basis_text[k].same_place = basis_text[k].any_place = stability;
    }
    return span;
}

static clipspan_role role_of(const size_t texts[5], const double shares[5], double stability,
                             const cs_categories *c, size_t K)
{
    clipspan_basis_text basis_text[5];
    cs_span span = by_hand(basis_text, texts, shares, stability);
    clipspan_role role;
    assert_int_equal(cs_role_run(&role, &span, NULL, c, K, 1, NULL), CLIPSPAN_OK);
    return role;
}

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) < 1e-12)) fail_msg("%.17g instead of %.17g", a, b);
}

static void narrow_heads_enter_fewer_basis_texts(void **state)
{
    (void)state;
    assert_int_equal(cs_roles_entering(80), 5);
    assert_int_equal(cs_roles_entering(32), 5);
    assert_int_equal(cs_roles_entering(31), 5);
    assert_int_equal(cs_roles_entering(29), 4);
    assert_int_equal(cs_roles_entering(18), 3);
    assert_int_equal(cs_roles_entering(16), 2);
    assert_int_equal(cs_roles_entering(8), 2);
    assert_int_equal(cs_roles_entering(1), 2);
}

static void all_three_conditions_make_a_role(void **state)
{
    static const size_t same[5] = {3, 15, 27, 4, 39}; /* g3 g3 g3 g4 g3 of 12 */
    static const double shares[5] = {0.2, 0.1, 0.05, 0.04, 0.01};
    cs_categories *c = deal(12, 25);
    clipspan_role role;
    (void)state;
    role = role_of(same, shares, 0.5, c, 64);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_CLEAR);
    assert_int_equal(role.entering, 5);
    assert_string_equal(role.category[0], "g3");
    assert_string_equal(role.category[1], "g4");
    assert_near(role.explained_variance[0], 0.36);
    assert_near(role.explained_variance[1], 0.04);
    assert_near(role.purity, 0.9);
    assert_near(role.named, 0.4);
    assert_near(role.stability, 0.5);
    assert_near(role.control_named, -1.0);
    assert_near(role.category_returns, -1.0);
    assert_true(role.bound > 0.2 && role.bound < 0.36);
    assert_int_equal(role.untested, 0);
    role = role_of(same, shares, 0.495, c, 64); /* (c) fails */
    assert_int_equal(role.kind, CLIPSPAN_ROLE_NONE);
    role = role_of(same, shares, -1.0, c, 64);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_NONE);
    assert_int_equal(role.untested, 1);
    cs_categories_free(&c);
}

static void a_runner_up_too_close_makes_it_mixed_or_nothing(void **state)
{
    static const size_t two[5] = {3, 4, 153, 154, 5}; /* g3 g4 g3 g4 g5 */
    static const double close[5] = {0.10, 0.10, 0.10, 0.08, 0.01};
    static const double far[5] = {0.10, 0.07, 0.11, 0.07, 0.01};
    static const size_t apart[5] = {3, 4, 5, 6, 7};
    cs_categories *c = deal(150, 2); /* any two alike: 10 in 299 */
    clipspan_role role;
    (void)state;
    role = role_of(two, close, 1.0, c, 64);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_MIXED);
    assert_string_equal(role.category[0], "g3");
    assert_string_equal(role.category[1], "g4");
    role = role_of(two, far, 1.0, c, 64); /* 0.21 against 0.14: 1.5 times */
    assert_int_equal(role.kind, CLIPSPAN_ROLE_CLEAR);
    role = role_of(apart, close, 1.0, c, 64);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_NONE);
    assert_near(role.explained_variance[0], role.bound); /* the largest share alone is what chance
                                                            gives */
    cs_categories_free(&c);
}

/* Two basis texts of two texts (K = 12). Dealt anew they are of one category with probability
 * (n - 1) / (T - 1): 4 / 99 for 20 categories of 5, 9 / 99 for 10 of 10. The 95th percentile of the
 * largest strength is the larger share alone in the first case, the sum of both in the second. */
static void the_bound_is_the_95th_percentile(void **state)
{
    static const double shares[5] = {0.5, 0.2, 0.1, 0.1, 0.1};
    static const size_t twenty[5] = {7, 27, 1, 2, 3}, ten[5] = {7, 17, 1, 2, 3};
    cs_categories *c = deal(20, 5);
    clipspan_role role = role_of(twenty, shares, 1.0, c, 12);
    (void)state;
    assert_int_equal(role.entering, 2);
    assert_near(role.bound, 0.5);
    assert_near(role.explained_variance[0], 0.7);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_CLEAR);
    assert_null(role.category[1]);
    cs_categories_free(&c);
    c = deal(10, 10);
    role = role_of(ten, shares, 1.0, c, 12);
    assert_near(role.bound, 0.7);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_NONE); /* not above it */
    cs_categories_free(&c);
}

static void stability_is_that_of_the_categorys_top_basis_text(void **state)
{
    static const size_t texts[5] = {4, 3, 15, 27, 39}; /* g4 g3 g3 g3 g3 */
    static const double shares[5] = {0.05, 0.1, 0.1, 0.1, 0.1};
    static const double any[5] = {0.9, 0.6, 0.1, 0.1, 0.1};
    cs_categories *c = deal(12, 25);
    clipspan_basis_text basis_text[5], other[5];
    cs_span span = by_hand(basis_text, texts, shares, 0.0), null = by_hand(other, texts, any, 0.0);
    uint32_t drawn[4][5] = {{3, 15, 4, 27, 39},         /* g3 */
                            {4, 16, 28, 3, UINT32_MAX}, /* g4 */
                            {4, 3, 5, 6, 7},            /* g4: its share is the largest */
                            {3, 5, 15, 6, 7}};          /* g3 */
    float drawn_shares[4][5];
    clipspan_role role;
    (void)state;
    for (size_t k = 0; k < 5; k++) {
        basis_text[k].any_place = any[k];
        for (size_t s = 0; s < 4; s++)
            drawn_shares[s][k] = 0.3f - 0.05f * (float)k;
    }
    span.resamples = 4;
    span.drawn = drawn[0];
    span.drawn_shares = drawn_shares[0];
    assert_int_equal(cs_role_run(&role, &span, &null, c, 64, 1, NULL), CLIPSPAN_OK);
    assert_string_equal(role.category[0], "g3");
    assert_near(role.stability, 0.6);
    assert_near(role.category_returns, 0.5);
    assert_near(role.control_named, 1.8);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_CLEAR);
    cs_categories_free(&c);
}

static void keys_become_categories(void **state)
{
    static const char *const some[] = {"!colour", "animal", "",  NULL,
                                       "colour",  "!shape", "!", "animal"};
    static const int32_t of[] = {0, 1, -1, -1, 0, 2, -1, 1};
    static const size_t texts[5] = {2, 3, 6, 2, 3};
    static const double shares[5] = {0.2, 0.1, 0.1, 0.1, 0.1};
    cs_categories *c = NULL;
    clipspan_role role;
    (void)state;
    assert_int_equal(cs_categories_new(&c, some, 8, NULL), CLIPSPAN_OK);
    assert_int_equal(c->count, 3);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(c->of[i], of[i]);
    assert_string_equal(c->names[0], "colour");
    assert_string_equal(c->names[2], "shape");
    assert_true(c->objects[0] && c->objects[1] && !c->objects[2]);
    role = role_of(texts, shares, 1.0, c, 64); /* basis texts without a category */
    assert_int_equal(role.kind, CLIPSPAN_ROLE_NONE);
    assert_null(role.category[0]);
    assert_near(role.named, 0.6);
    cs_categories_free(&c);
}

static void a_head_without_basis_texts_has_no_role(void **state)
{
    cs_categories *c = deal(12, 25);
    cs_span span = {.basis_texts = 0};
    clipspan_role role;
    (void)state;
    assert_int_equal(cs_role_run(&role, &span, &span, c, 64, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(role.kind, CLIPSPAN_ROLE_NONE);
    assert_int_equal(role.entering, 0);
    assert_near(role.named, 0.0);
    assert_near(role.control_named, 0.0);
    cs_categories_free(&c);
}

/* --- On spans of random heads --- */

static void run(cs_span **spans, const cs_scene *s)
{
    const cs_span_options options = {10, 0, 100, 1, 2};
    cs_span_pool *pool = NULL;
    clipspan_error err;
    if (cs_span_pool_new(&pool, s->texts, s->T, s->P, cs_simd_best(), &err))
        fail_msg("%s", err.message);
    if (cs_span_run(spans, pool, s->head, s->heads, s->C, &options, NULL, &err))
        fail_msg("%s", err.message);
    cs_span_pool_free(&pool);
}

/* Labels that say nothing: 160 heads, six dealings each. Allowed: a tenth. Of chance alone (b) lets
 * a twentieth through. */
static void labels_dealt_at_random_seldom_make_a_role(void **state)
{
    enum { HEADS = 160, T = 320, DEALINGS = 6 };
    cs_span *spans[HEADS] = {NULL};
    cs_random random = {9};
    size_t clear = 0, above = 0;
    cs_scene s;
    (void)state;
    cs_scene_init(&s, HEADS, 35, 48, 400, T, 41);
    run(spans, &s);
    for (int d = 0; d < DEALINGS; d++) {
        cs_categories *c = deal(16, T / 16);
        for (size_t i = T; i > 1; i--) {
            size_t j = (size_t)cs_random_below(&random, i);
            int32_t label = c->of[i - 1];
            c->of[i - 1] = c->of[j];
            c->of[j] = label;
        }
        for (size_t h = 0; h < HEADS; h++) {
            clipspan_role role;
            assert_int_equal(cs_role_run(&role, spans[h], NULL, c, 32, 5, NULL), CLIPSPAN_OK);
            clear += role.kind == CLIPSPAN_ROLE_CLEAR;
            above += role.explained_variance[0] > role.bound;
        }
        cs_categories_free(&c);
    }
    print_message("random labels: above the bound %.1f %%, a role %.1f %%\n",
                  100.0 * (double)above / (HEADS * DEALINGS),
                  100.0 * (double)clear / (HEADS * DEALINGS));
    assert_true(clear <= HEADS * DEALINGS / 10);
    assert_true(above <= HEADS * DEALINGS / 10);
    for (size_t h = 0; h < HEADS; h++)
        cs_span_free(&spans[h]);
    cs_scene_fini(&s);
}

/* Heads that write what texts of one category say, and noise. */
static void a_role_that_is_there_is_found(void **state)
{
    enum { HEADS = 16, T = 320 };
    cs_span *spans[HEADS] = {NULL};
    cs_categories *c = deal(16, T / 16);
    cs_scene s;
    (void)state;
    cs_scene_init(&s, HEADS, 35, 48, 400, T, 42);
    for (size_t h = 0; h < HEADS; h++)
        for (size_t i = 0; i < 5; i++) {
            memcpy(s.output_map + (h * s.C + i) * s.P, s.texts + (h + 32 * i) * s.P,
                   s.P * sizeof *s.output_map);
            for (size_t n = 0; n < s.N; n++)
                s.coefficients[(h * s.N + n) * s.C + i] *= 3.0;
        }
    cs_scene_count(&s);
    run(spans, &s);
    for (size_t h = 0; h < HEADS; h++) {
        clipspan_role role;
        assert_int_equal(cs_role_run(&role, spans[h], NULL, c, 32, 5, NULL), CLIPSPAN_OK);
        assert_int_equal(role.kind, CLIPSPAN_ROLE_CLEAR);
        assert_string_equal(role.category[0], names[h]);
        assert_true(role.category_returns > 0.9);
        cs_span_free(&spans[h]);
    }
    cs_categories_free(&c);
    cs_scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(narrow_heads_enter_fewer_basis_texts),
        cmocka_unit_test(all_three_conditions_make_a_role),
        cmocka_unit_test(a_runner_up_too_close_makes_it_mixed_or_nothing),
        cmocka_unit_test(the_bound_is_the_95th_percentile),
        cmocka_unit_test(stability_is_that_of_the_categorys_top_basis_text),
        cmocka_unit_test(keys_become_categories),
        cmocka_unit_test(a_head_without_basis_texts_has_no_role),
        cmocka_unit_test(labels_dealt_at_random_seldom_make_a_role),
        cmocka_unit_test(a_role_that_is_there_is_found),
    };
    return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
