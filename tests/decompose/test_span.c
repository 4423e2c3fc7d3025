/* SPDX-License-Identifier: MIT */
/* TEXTSPAN from statistics against the published algorithm on contributions formed in full: in
 * float64 C (published.c) and from NumPy (tests/decompose/data/MANIFEST.md); and what a pool or
 * a head may have that is out of the ordinary. Every kernel level that this CPU has. */
#include "base/memory.h"
#include "npy_array.h"
#include "published.h"
#include "tensor/moments.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "same_basis_texts.h"

static cs_span_options options = {20, 0, 0, 1, 2, NULL};

#define EACH_LEVEL(simd)                                                                           \
    for (int level_ = CS_GENERIC; level_ <= CS_AVX512; level_++)                                   \
        for (const cs_simd *simd = cs_simd_get((cs_level)level_); simd; simd = NULL)

/* Spans of all heads of a scene; to be freed one by one. */
static cs_span **run(const cs_scene *s, const cs_span_options *with, const cs_simd *simd)
{
    cs_span **spans = calloc(s->heads, sizeof(*spans));
    cs_span_pool *pool = NULL;
    clipspan_error err;
    if (cs_span_pool_new(&pool, s->texts, s->T, s->P, simd, &err)) fail_msg("%s", err.message);
    if (cs_span_run(spans, pool, s->head, s->heads, s->C, with, NULL, &err))
        fail_msg("%s", err.message);
    cs_span_pool_free(&pool);
    return spans;
}

static void drop(cs_span **spans, size_t count)
{
    for (size_t h = 0; h < count; h++)
        cs_span_free(&spans[h]);
    free(spans);
}

/* Largest difference between the reconstruction from directions, c ~ mean + sum ((c - mean) . t) t,
 * and `made`, of the first `rows` rows of data [N, P]. */
static double reconstruction_error(const cs_span *span, const double *data, size_t N,
                                   const double *made, size_t rows)
{
    size_t P = span->P;
    double *mean = calloc(P, sizeof *mean), worst = 0.0;
    for (size_t i = 0; i < N * P; i++)
        mean[i % P] += data[i] / (double)N;
    for (size_t n = 0; n < rows; n++) {
        double *row = calloc(P, sizeof *row);
        memcpy(row, mean, P * sizeof *row);
        for (size_t k = 0; k < span->basis_texts; k++) {
            const float *t = span->directions + k * P;
            double along = 0.0;
            for (size_t d = 0; d < P; d++)
                along += (data[n * P + d] - mean[d]) * (double)t[d];
            for (size_t d = 0; d < P; d++)
                row[d] += along * (double)t[d];
        }
        for (size_t d = 0; d < P; d++)
            worst = fmax(worst, fabs(row[d] - made[n * P + d]));
        free(row);
    }
    free(mean);
    return worst;
}

/* Both sides are float64, but for directions in float32. */
static void compare(const cs_span *span, const cs_scene *s, size_t head, size_t rank)
{
    size_t basis_texts[64];
    double variances[64], *data = cs_scene_data(s, head), *whole = cs_scene_data(s, head);
    double *made = calloc(s->N * s->P, sizeof *made);
    cs_published_run(basis_texts, variances, made, data, s->N, s->texts, s->T, s->P, rank,
                     span->basis_texts);
    for (size_t k = 0; k < span->basis_texts; k++) {
        const clipspan_basis_text *basis_text = &span->basis_text[k];
        if (basis_text->text != basis_texts[k])
            fail_msg("head %zu, pick %zu: text %zu instead of %zu", head, k, basis_text->text,
                     basis_texts[k]);
        assert_true(fabs(basis_text->variance - variances[k]) <= 1e-9 * variances[0]);
    }
    assert_true(reconstruction_error(span, whole, s->N, made, s->N) < 1e-6);
    free(data), free(whole), free(made);
}

static void fifty_heads_pick_as_published(void **state)
{
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 50, 27, 40, 120, 150, 11);
    EACH_LEVEL(simd)
    {
        cs_span **spans = run(&s, &options, simd);
        for (size_t h = 0; h < s.heads; h++) {
            assert_int_equal(spans[h]->basis_texts, 20);
            assert_int_equal(spans[h]->rank, 27);
            if (simd == cs_simd_best() || h < 5) compare(spans[h], &s, h, 27);
        }
        drop(spans, s.heads);
    }
    cs_scene_fini(&s);
}

static void a_rank_that_is_asked_for_is_kept(void **state)
{
    cs_span_options with = options;
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 6, 27, 40, 120, 150, 12);
    EACH_LEVEL(simd)
    {
        for (with.rank = 1; with.rank < 40; with.rank += 6) {
            size_t rank = with.rank < 27 ? with.rank : 27, basis_texts = rank < 20 ? rank : 20;
            cs_span **spans = run(&s, &with, simd);
            for (size_t h = 0; h < s.heads; h++) {
                assert_int_equal(spans[h]->rank, rank);
                assert_int_equal(spans[h]->basis_texts, basis_texts);
                compare(spans[h], &s, h, rank);
            }
            drop(spans, s.heads);
        }
    }
    cs_scene_fini(&s);
}

static void all_levels_and_threads_agree(void **state)
{
    static const int threads[] = {1, 2, 3, 7};
    cs_span_options with = options;
    cs_scene s;
    cs_span **first = NULL;
    (void)state;
    cs_scene_init(&s, 9, 27, 40, 120, 150, 13);
    EACH_LEVEL(simd)
    {
        cs_span **same = NULL;
        for (size_t i = 0; i < 4; i++) {
            cs_span **spans;
            with.threads = threads[i];
            spans = run(&s, &with, simd);
            if (!first) first = run(&s, &with, simd);
            if (!same) same = run(&s, &with, simd);
            for (size_t h = 0; h < s.heads; h++) {
                assert_int_equal(spans[h]->basis_texts, 20);
                same_basis_texts(spans[h]->basis_text, same[h]->basis_text, 20);
                assert_memory_equal(spans[h]->readers, same[h]->readers, 20 * s.C * sizeof(double));
                assert_memory_equal(spans[h]->directions, same[h]->directions,
                                    20 * s.P * sizeof(float));
                for (size_t k = 0; k < 20; k++)
                    assert_int_equal(spans[h]->basis_text[k].text, first[h]->basis_text[k].text);
            }
            drop(spans, s.heads);
        }
        drop(same, s.heads);
    }
    drop(first, s.heads);
    cs_scene_fini(&s);
}

/* Whichever images come first, and whichever heads. */
static void order_of_images_and_heads_changes_no_basis_text(void **state)
{
    cs_scene s;
    cs_span **spans, **turned;
    (void)state;
    cs_scene_init(&s, 5, 27, 40, 120, 150, 14);
    spans = run(&s, &options, cs_simd_best());
    for (size_t h = 0; h < s.heads; h++)
        for (size_t n = 0; n < s.N / 2; n++)
            for (size_t c = 0; c < s.C; c++) {
                double *a = s.coefficients + (h * s.N + n) * s.C + c, b = *a;
                double *other = s.coefficients + (h * s.N + s.N - 1 - n) * s.C + c;
                *a = *other, *other = b;
            }
    cs_scene_count(&s);
    for (size_t h = 0; h < s.heads / 2; h++) {
        cs_span_head a = s.head[h];
        s.head[h] = s.head[s.heads - 1 - h], s.head[s.heads - 1 - h] = a;
    }
    turned = run(&s, &options, cs_simd_best());
    for (size_t h = 0; h < s.heads; h++)
        for (size_t k = 0; k < 20; k++) {
            const clipspan_basis_text *a = &spans[h]->basis_text[k],
                                      *b = &turned[s.heads - 1 - h]->basis_text[k];
            assert_int_equal(a->text, b->text);
            assert_true(fabs(a->share - b->share) < 1e-10);
        }
    drop(spans, s.heads), drop(turned, s.heads);
    cs_scene_fini(&s);
}

/* Copies that differ in the last bits of a few numbers: which varies most, float32 sums cannot
 * say. */
static void what_float32_cannot_tell_apart_is_decided_in_float64(void **state)
{
    cs_span_options with = options;
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 12, 27, 40, 60, 300, 27);
    for (size_t t = 4; t < s.T; t++)
        for (size_t d = 0; d < s.P; d++) {
            float same = s.texts[t % 4 / 2 * 2 * s.P + d];
            s.texts[t * s.P + d] = (t * 31 + d * 17) % 13 ? same : nextafterf(same, 1.0f);
        }
    with.basis_texts = 1;
    EACH_LEVEL(simd)
    {
        cs_span **spans = run(&s, &with, simd);
        for (size_t h = 0; h < s.heads; h++)
            compare(spans[h], &s, h, 27);
        drop(spans, s.heads);
    }
    cs_scene_fini(&s);
}

static void shares_add_up_when_everything_is_picked(void **state)
{
    cs_span_options with = options;
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 4, 11, 30, 60, 100, 15);
    with.basis_texts = 100;
    EACH_LEVEL(simd)
    {
        cs_span **spans = run(&s, &with, simd);
        for (size_t h = 0; h < s.heads; h++) {
            double sum = 0.0;
            assert_int_equal(spans[h]->basis_texts, 11);
            for (size_t k = 0; k < 11; k++)
                sum += spans[h]->basis_text[k].share;
            assert_true(fabs(sum - 1.0) < 1e-9);
            compare(spans[h], &s, h, 11);
        }
        drop(spans, s.heads);
    }
    cs_scene_fini(&s);
}

/* More texts than one product takes, and not an integer of panels. */
static void a_pool_of_many_parts_is_one_pool(void **state)
{
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 2, 8, 16, 40, 9001, 16);
    EACH_LEVEL(simd)
    {
        cs_span **spans = run(&s, &options, simd);
        for (size_t h = 0; h < s.heads; h++)
            compare(spans[h], &s, h, 8);
        drop(spans, s.heads);
    }
    cs_scene_fini(&s);
}

static void readers_read_directions_off_coefficients(void **state)
{
    cs_scene s;
    cs_span **spans;
    (void)state;
    cs_scene_init(&s, 2, 27, 40, 30, 150, 17);
    spans = run(&s, &options, cs_simd_best());
    for (size_t h = 0; h < s.heads; h++) {
        double *data = cs_scene_data(&s, h);
        for (size_t k = 0; k < 20; k++)
            for (size_t n = 0; n < s.N; n++) {
                double read = 0.0, direct = 0.0;
                for (size_t c = 0; c < s.C; c++)
                    read +=
                        s.coefficients[(h * s.N + n) * s.C + c] * spans[h]->readers[k * s.C + c];
                for (size_t d = 0; d < s.P; d++)
                    direct += data[n * s.P + d] * (double)spans[h]->directions[k * s.P + d];
                assert_true(fabs(read - direct) < 1e-7);
            }
        free(data);
    }
    drop(spans, s.heads);
    cs_scene_fini(&s);
}

/* Texts come in pairs of cosine about 0.98: the partner of a first basis text says the same. */
static void what_resembles_the_winner_is_no_runner_up(void **state)
{
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 4, 27, 40, 120, 150, 18);
    EACH_LEVEL(simd)
    {
        cs_span **spans = run(&s, &options, simd);
        for (size_t h = 0; h < s.heads; h++) {
            const clipspan_basis_text *first = &spans[h]->basis_text[0];
            assert_int_equal(first->near_duplicate[0].text, first->text ^ 1);
            assert_in_range(first->near_duplicates, 1, CLIPSPAN_RUNNERS_UP);
            assert_true(first->near_duplicate[0].ratio > 0.8);
            for (size_t k = 0; k < 20; k++) {
                const clipspan_basis_text *basis_text = &spans[h]->basis_text[k];
                double above = 1.0;
                assert_int_equal(basis_text->runners_up, CLIPSPAN_RUNNERS_UP);
                for (int r = 0; r < basis_text->runners_up; r++) {
                    assert_true(basis_text->runner_up[r].text != basis_text->text);
                    assert_true(basis_text->runner_up[r].ratio > 0.0);
                    assert_true(basis_text->runner_up[r].ratio <= above + 1e-6);
                    above = basis_text->runner_up[r].ratio;
                }
            }
        }
        drop(spans, s.heads);
    }
    cs_scene_fini(&s);
}

/* --- Pools and heads that are out of the ordinary --- */

static void equal_texts_are_picked_once_and_the_first_of_them(void **state)
{
    cs_scene s;
    cs_span **spans;
    (void)state;
    cs_scene_init(&s, 3, 27, 40, 120, 200, 19);
    memcpy(s.texts + 77 * s.P, s.texts, 77 * s.P * sizeof *s.texts); /* 0 … 76 again */
    EACH_LEVEL(simd)
    {
        spans = run(&s, &options, simd);
        for (size_t h = 0; h < s.heads; h++)
            for (size_t k = 0; k < 20; k++) {
                size_t text = spans[h]->basis_text[k].text;
                assert_true(text < 77 || text >= 154);
                for (size_t j = 0; j < k; j++)
                    assert_true(spans[h]->basis_text[j].text != text);
            }
        drop(spans, s.heads);
    }
    for (size_t t = 1; t < s.T; t++)
        memcpy(s.texts + t * s.P, s.texts, s.P * sizeof *s.texts); /* all the same */
    EACH_LEVEL(simd)
    {
        spans = run(&s, &options, simd);
        for (size_t h = 0; h < s.heads; h++) {
            assert_int_equal(spans[h]->basis_texts, 1);
            assert_int_equal(spans[h]->basis_text[0].text, 0);
            assert_int_equal(spans[h]->basis_text[0].runners_up, 0);
            assert_int_equal(spans[h]->basis_text[0].near_duplicates, CLIPSPAN_RUNNERS_UP);
        }
        drop(spans, s.heads);
    }
    cs_scene_fini(&s);
}

static void a_text_of_zeros_is_never_picked(void **state)
{
    cs_scene s;
    cs_span **spans;
    (void)state;
    cs_scene_init(&s, 3, 27, 40, 120, 60, 20);
    memset(s.texts, 0, s.P * sizeof *s.texts);
    spans = run(&s, &options, cs_simd_best());
    for (size_t h = 0; h < s.heads; h++) {
        assert_int_equal(spans[h]->basis_texts, 20);
        for (size_t k = 0; k < 20; k++)
            assert_true(spans[h]->basis_text[k].text != 0);
    }
    drop(spans, s.heads);
    memset(s.texts, 0, s.T * s.P * sizeof *s.texts);
    spans = run(&s, &options, cs_simd_best());
    assert_int_equal(spans[0]->basis_texts, 0);
    drop(spans, s.heads);
    cs_scene_fini(&s);
}

/* No image, one image, the same image again and again: nothing varies, nothing is picked. */
static void what_does_not_vary_has_no_basis_texts(void **state)
{
    cs_scene s;
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        cs_span **spans;
        cs_scene_init(&s, 2, 9, 16, kind == 0 ? 0 : kind == 1 ? 1 : 33, 30, 21);
        for (size_t i = s.C; kind == 2 && i < s.N * s.C; i++)
            s.coefficients[i] = s.coefficients[i - s.C]; /* one head: the first image, the other:
                                                            the same */
        cs_scene_count(&s);
        spans = run(&s, &options, cs_simd_best());
        for (size_t h = 0; h < (kind == 2 ? 1U : 2U); h++) {
            assert_int_equal(spans[h]->basis_texts, 0);
            assert_int_equal(spans[h]->rank, kind == 0 ? 0 : 1);
            assert_true(spans[h]->count == (double)s.N);
            assert_true(spans[h]->total == 0.0 || kind == 2);
        }
        drop(spans, s.heads);
        cs_scene_fini(&s);
    }
}

/* Fewer images than directions: the rank is theirs, and what is picked is as published. */
static void few_images_bound_the_rank(void **state)
{
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 4, 27, 40, 9, 100, 22);
    EACH_LEVEL(simd)
    {
        cs_span **spans = run(&s, &options, simd);
        for (size_t h = 0; h < s.heads; h++) {
            assert_int_equal(spans[h]->rank, 9);
            assert_int_equal(spans[h]->basis_texts, 9);
            compare(spans[h], &s, h, 9);
        }
        drop(spans, s.heads);
    }
    cs_scene_fini(&s);
}

/* Rows of A that are zero, equal, or sums of others; and a code wider than the joint image-text
 * embedding space. */
static void dependent_rows_lower_the_rank(void **state)
{
    cs_scene s;
    cs_span **spans;
    (void)state;
    cs_scene_init(&s, 3, 12, 16, 60, 80, 23);
    for (size_t d = 0; d < s.P; d++) {
        s.output_map[4 * s.P + d] = 0.0f;
        s.output_map[(s.C + 4) * s.P + d] = s.output_map[(s.C + 1) * s.P + d];
        s.output_map[(2 * s.C + 7) * s.P + d] =
            2.0f * s.output_map[(2 * s.C + 1) * s.P + d]; /* exactly, as 2 x is */
    }
    spans = run(&s, &options, cs_simd_best());
    for (size_t h = 0; h < s.heads; h++) {
        assert_int_equal(spans[h]->rank, 11);
        assert_int_equal(spans[h]->basis_texts, 11);
        compare(spans[h], &s, h, 11);
    }
    drop(spans, s.heads);
    memset(s.output_map, 0, s.C * s.P * sizeof *s.output_map);
    spans = run(&s, &options, cs_simd_best());
    assert_int_equal(spans[0]->rank, 0);
    assert_int_equal(spans[0]->basis_texts, 0);
    drop(spans, s.heads);
    cs_scene_fini(&s);
    cs_scene_init(&s, 2, 12, 7, 60, 80, 24);
    spans = run(&s, &options, cs_simd_best());
    for (size_t h = 0; h < s.heads; h++) {
        assert_int_equal(spans[h]->rank, 7);
        compare(spans[h], &s, h, 7);
    }
    drop(spans, s.heads);
    cs_scene_fini(&s);
}

static clipspan_status try(clipspan_error *err, const cs_scene *s)
{
    cs_span *spans[2] = {NULL, NULL};
    cs_span_pool *pool = NULL;
    clipspan_status status = cs_span_pool_new(&pool, s->texts, s->T, s->P, cs_simd_best(), err);
    if (status == CLIPSPAN_OK)
        status = cs_span_run(spans, pool, s->head, 2, s->C, &options, NULL, err);
    cs_span_pool_free(&pool);
    if (status != CLIPSPAN_OK) assert_true(!spans[0] && !spans[1]);
    cs_span_free(&spans[0]), cs_span_free(&spans[1]);
    return status;
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    clipspan_error err;
    cs_scene s;
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int place = 0; place < 5; place++) {
            cs_scene_init(&s, 2, 9, 16, 30, 40, 25);
            if (place == 0) s.texts[7 * s.P + 3] = odd[i];
            if (place == 1) s.output_map[(s.C + 2) * s.P + 5] = odd[i];
            if (place == 2) s.moments[s.size + 3] = (double)odd[i];           /* a mean */
            if (place == 3) s.moments[s.size + 1 + s.C] = (double)odd[i];     /* a variance */
            if (place == 4) s.moments[s.size + 1 + s.C + 4] = (double)odd[i]; /* a covariance */
            assert_int_equal(try(&err, &s), CLIPSPAN_E_NUMBERS);
            if (place == 0) assert_non_null(strstr(err.message, "text 7"));
            if (place == 1) assert_non_null(strstr(err.message, "row 2"));
            cs_scene_fini(&s);
        }
}

/* --- Golden --- */

static void golden_heads_pick_as_numpy_did(void **state)
{
    enum { HEADS = 6, C = 9, P = 16, N = 30, T = 40, K = 6, SHOWN = 3 };
    const char *folder = getenv("CLIPSPAN_SPAN_DATA");
    static const char *const names[] = {"output_map", "coefficients", "texts",
                                        "asked",      "rank",         "basis_texts",
                                        "variances",  "shares",       "reconstruction"};
    static const char *const kinds[] = {"'<f4'", "'<f4'", "'<f4'", "'<i4'", "'<i4'",
                                        "'<i4'", "'<f8'", "'<f8'", "'<f8'"};
    cs_npy_array a[9];
    char name[64];
    const double *variances, *shares, *made;
    const float *coefficients;
    const int32_t *asked, *rank, *basis_texts;
    cs_scene s;
    (void)state;
    assert_non_null(folder);
    for (size_t i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "%s.npy", names[i]);
        assert_true(cs_npy_array_read(&a[i], folder, name, kinds[i], i < 6 ? 4 : 8));
    }
    coefficients = a[1].data, asked = a[3].data, rank = a[4].data, basis_texts = a[5].data;
    variances = a[6].data, shares = a[7].data, made = a[8].data;
    cs_scene_init(&s, HEADS, C, P, N, T, 26);
    memcpy(s.output_map, a[0].data, HEADS * C * P * sizeof(float));
    memcpy(s.texts, a[2].data, T * P * sizeof(float));
    for (size_t i = 0; i < HEADS * N * C; i++)
        s.coefficients[i] = (double)coefficients[i];
    cs_scene_count(&s);
    EACH_LEVEL(simd)
    {
        for (size_t h = 0; h < HEADS; h++) {
            cs_span_options with = {K, (size_t)asked[h], 0, 1, 1, NULL};
            cs_span **spans = run(&s, &with, simd);
            double *data = cs_scene_data(&s, h);
            assert_int_equal(spans[h]->rank, rank[h]);
            for (size_t k = 0; k < K; k++) {
                if (k >= spans[h]->basis_texts) {
                    assert_int_equal(basis_texts[h * K + k], -1);
                    continue;
                }
                assert_int_equal(spans[h]->basis_text[k].text, basis_texts[h * K + k]);
                assert_true(fabs(spans[h]->basis_text[k].share / shares[h * K + k] - 1.0) < 1e-9);
                assert_true(fabs(spans[h]->basis_text[k].variance / variances[h * K + k] - 1.0) <
                            1e-9);
            }
            assert_true(reconstruction_error(spans[h], data, N, made + h * SHOWN * P, SHOWN) <
                        1e-6);
            free(data);
            drop(spans, HEADS);
        }
    }
    cs_scene_fini(&s);
    for (size_t i = 0; i < 9; i++)
        cs_free(a[i].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_heads_pick_as_numpy_did),
        cmocka_unit_test(fifty_heads_pick_as_published),
        cmocka_unit_test(a_rank_that_is_asked_for_is_kept),
        cmocka_unit_test(all_levels_and_threads_agree),
        cmocka_unit_test(order_of_images_and_heads_changes_no_basis_text),
        cmocka_unit_test(what_float32_cannot_tell_apart_is_decided_in_float64),
        cmocka_unit_test(shares_add_up_when_everything_is_picked),
        cmocka_unit_test(a_pool_of_many_parts_is_one_pool),
        cmocka_unit_test(readers_read_directions_off_coefficients),
        cmocka_unit_test(what_resembles_the_winner_is_no_runner_up),
        cmocka_unit_test(equal_texts_are_picked_once_and_the_first_of_them),
        cmocka_unit_test(a_text_of_zeros_is_never_picked),
        cmocka_unit_test(what_does_not_vary_has_no_basis_texts),
        cmocka_unit_test(few_images_bound_the_rank),
        cmocka_unit_test(dependent_rows_lower_the_rank),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
