/* SPDX-License-Identifier: MIT */
/* Stability of basis texts: every resample against TEXTSPAN on the images that it holds, formed
 * anew from their coefficients. */
#include "base/random.h"
#include "decompose/bootstrap.h"
#include "published.h"
#include "tensor/moments.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "same_basis_texts.h"

enum { RESAMPLES = 30, SEED = 77 };

static void run(cs_span **spans, const cs_scene *s, const cs_span_options *options)
{
    cs_span_pool *pool = NULL;
    clipspan_error err;
    if (cs_span_pool_new(&pool, s->texts, s->T, s->P, cs_simd_best(), &err))
        fail_msg("%s", err.message);
    if (cs_span_run(spans, pool, s->head, s->heads, s->C, options, NULL, &err))
        fail_msg("%s", err.message);
    cs_span_pool_free(&pool);
}

/* Moments of the images of `times` copies of every block, from their coefficients. */
static void gather(double *moments, const cs_scene *s, size_t head, const int *times)
{
    double *rows = calloc(s->N * CS_SCENE_BLOCKS * s->C, sizeof *rows);
    size_t count = 0;
    for (size_t b = 0; b < CS_SCENE_BLOCKS; b++) {
        size_t from = b * s->N / CS_SCENE_BLOCKS, to = (b + 1) * s->N / CS_SCENE_BLOCKS;
        for (int i = 0; i < times[b]; i++, count += to - from)
            memcpy(rows + count * s->C, s->coefficients + (head * s->N + from) * s->C,
                   (to - from) * s->C * sizeof *rows);
    }
    cs_moments_of_rows(moments, rows, count, s->C, s->C);
    free(rows);
}

/* rank: what is asked for; N: blocks of unequal size where 20 does not divide it. */
static void check_resamples(size_t N, size_t rank, uint64_t seed)
{
    const cs_span_options options = {8, rank, RESAMPLES, SEED, 2, NULL};
    cs_span *spans[3] = {NULL}, *again[3] = {NULL};
    cs_random random = {SEED};
    cs_scene s;
    cs_scene_init(&s, 3, 14, 20, N, 60, seed);
    run(spans, &s, &options);
    for (size_t h = 0; h < 3; h++) {
        assert_int_equal(spans[h]->resamples, RESAMPLES);
        assert_in_range(spans[h]->basis_texts, 1, 8);
    }
    for (int r = 0; r < RESAMPLES; r++) {
        const cs_span_options plain = {8, rank, 0, 1, 1, NULL};
        int times[CS_SCENE_BLOCKS] = {0};
        for (size_t b = 0; b < CS_SCENE_BLOCKS; b++)
            times[cs_random_below(&random, CS_SCENE_BLOCKS)]++;
        for (size_t h = 0; h < 3; h++)
            gather(s.moments + h * s.size, &s, h, times);
        run(again, &s, &plain);
        for (size_t h = 0; h < 3; h++) {
            for (size_t k = 0; k < spans[h]->basis_texts; k++) {
                uint32_t text = spans[h]->drawn[(size_t)r * spans[h]->basis_texts + k];
                float share = spans[h]->drawn_shares[(size_t)r * spans[h]->basis_texts + k];
                if (k >= again[h]->basis_texts) {
                    assert_int_equal(text, UINT32_MAX);
                    continue;
                }
                assert_int_equal(text, again[h]->basis_text[k].text);
                assert_true(fabs((double)share - again[h]->basis_text[k].share) < 1e-6);
            }
            cs_span_free(&again[h]);
        }
    }
    for (size_t h = 0; h < 3; h++) {
        for (size_t k = 0; k < spans[h]->basis_texts; k++) {
            int same = 0, any = 0;
            for (size_t i = 0; i < RESAMPLES * spans[h]->basis_texts; i++) {
                int hit = spans[h]->drawn[i] == spans[h]->basis_text[k].text;
                any += hit;
                same += hit && i % spans[h]->basis_texts == k;
            }
            assert_true(fabs(spans[h]->basis_text[k].same_place - (double)same / RESAMPLES) <
                        1e-12);
            assert_true(fabs(spans[h]->basis_text[k].any_place - (double)any / RESAMPLES) < 1e-12);
        }
        cs_span_free(&spans[h]);
    }
    cs_scene_fini(&s);
}

static void resamples_pick_what_their_images_say(void **state)
{
    (void)state;
    check_resamples(200, 0, 31);
    check_resamples(211, 0, 32);
    check_resamples(200, 5, 33); /* every resample has its own span */
}

/* 20 blocks of one image: resamples of about 13 different ones, so the rank falls. */
static void resamples_of_few_images_have_their_own_rank(void **state)
{
    (void)state;
    check_resamples(20, 0, 34);
}

static void the_same_bytes_for_any_number_of_threads(void **state)
{
    static const int threads[] = {1, 2, 3, 7};
    cs_span *first[5] = {NULL};
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 5, 14, 20, 200, 60, 35);
    for (size_t i = 0; i < 4; i++) {
        cs_span_options options = {8, 0, RESAMPLES, SEED, threads[i], NULL};
        cs_span *spans[5] = {NULL};
        run(i ? spans : first, &s, &options);
        for (size_t h = 0; i && h < 5; h++) {
            size_t drawn = (size_t)RESAMPLES * first[h]->basis_texts;
            assert_int_equal(spans[h]->basis_texts, first[h]->basis_texts);
            same_basis_texts(spans[h]->basis_text, first[h]->basis_text, first[h]->basis_texts);
            assert_memory_equal(spans[h]->drawn, first[h]->drawn, drawn * sizeof(uint32_t));
            assert_memory_equal(spans[h]->drawn_shares, first[h]->drawn_shares,
                                drawn * sizeof(float));
            cs_span_free(&spans[h]);
        }
    }
    for (size_t h = 0; h < 5; h++)
        cs_span_free(&first[h]);
    cs_scene_fini(&s);
}

/* One direction far above the rest always comes back; nothing is said below 16 blocks. */
static void what_stands_out_is_stable(void **state)
{
    cs_span_options options = {8, 0, RESAMPLES, SEED, 1, NULL};
    cs_span *spans[1] = {NULL};
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 1, 14, 20, 400, 60, 36);
    for (size_t n = 0; n < s.N; n++)
        s.coefficients[n * s.C] *= 20.0;
    cs_scene_count(&s);
    run(spans, &s, &options);
    assert_true(spans[0]->basis_text[0].same_place == 1.0);
    assert_true(spans[0]->basis_text[0].any_place == 1.0);
    assert_true(spans[0]->basis_text[7].same_place < 0.9);
    cs_span_free(&spans[0]);
    s.head[0].block_count = CS_BOOTSTRAP_BLOCKS - 1;
    run(spans, &s, &options);
    assert_int_equal(spans[0]->resamples, 0);
    assert_true(spans[0]->basis_text[0].same_place == -1.0 &&
                spans[0]->basis_text[0].any_place == -1.0);
    cs_span_free(&spans[0]);
    cs_scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resamples_pick_what_their_images_say),
        cmocka_unit_test(resamples_of_few_images_have_their_own_rank),
        cmocka_unit_test(the_same_bytes_for_any_number_of_threads),
        cmocka_unit_test(what_stands_out_is_stable),
    };
    return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
