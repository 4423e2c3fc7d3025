/* SPDX-License-Identifier: MIT */
/* Search against contributions formed in full, P numbers a head, from what the run's readers give;
 * parts that add up; runs without coefficients; arguments that are refused. */
#include "run_craft.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An image's contribution of some heads: [heads, P], in place order. */
static double *contributions(const clipspan_run *run, const clipspan_head *heads, size_t count,
                             size_t *images)
{
    const clipspan_run_info *info = clipspan_run_get_info(run);
    const size_t P = (size_t)info->embed_width, C = (size_t)info->head_width + 3;
    double *all = calloc((size_t)info->used * count * P, sizeof *all),
           *y = malloc(32 * C * sizeof *y);
    float *rows = malloc(C * P * sizeof *rows);
    *images = 0;
    for (uint64_t chunk = 0; chunk < info->chunks; chunk++) {
        size_t got = 0;
        for (size_t h = 0; h < count; h++) {
            assert_int_equal(clipspan_run_read_coefficients(y, NULL, &got, run, chunk,
                                                            heads[h].layer, heads[h].head, NULL),
                             CLIPSPAN_OK);
            assert_int_equal(
                clipspan_run_read_output_map(rows, run, heads[h].layer, heads[h].head, NULL),
                CLIPSPAN_OK);
            for (size_t n = 0; n < got; n++)
                for (size_t c = 0; c < C; c++)
                    for (size_t p = 0; p < P; p++)
                        all[((*images + n) * count + h) * P + p] +=
                            y[n * C + c] * (double)rows[c * P + p];
        }
        *images += got;
    }
    free(y);
    free(rows);
    return all;
}

static double product(const double *a, const double *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void compare_all(const clipspan_run *run, const clipspan_head *heads, size_t count)
{
    const size_t P = (size_t)clipspan_run_get_info(run)->embed_width, W = count * P;
    size_t N;
    double *all = contributions(run, heads, count, &N), *mean = calloc(W, sizeof *mean);
    double *scores = malloc(N * sizeof *scores), parts[8];
    float *query = malloc(W * sizeof *query);
    for (size_t i = 0; i < N * W; i++)
        mean[i % W] += all[i] / (double)N;
    for (size_t i = 0; i < W; i++)
        query[i] = (float)all[3 * W + i]; /* image 3 asks */
    for (int way = 0; way < 3; way++)
        for (int is_text = 0; is_text < 2; is_text++) {
            clipspan_search_options o = CLIPSPAN_SEARCH_OPTIONS_INIT;
            clipspan_search *search = NULL;
            double *q = malloc(W * sizeof *q), *x = malloc(W * sizeof *x);
            o.heads = heads;
            o.head_count = count;
            o.compare = (clipspan_compare)way;
            assert_int_equal(clipspan_search_new(&search, run, &o, NULL, NULL), CLIPSPAN_OK);
            assert_int_equal(clipspan_search_get_count(search), N);
            assert_int_equal(clipspan_search_run(scores, search, query, is_text, NULL),
                             CLIPSPAN_OK);
            for (size_t n = 0; n < N; n++) {
                double right, sum = 0.0;
                for (size_t i = 0; i < W; i++) {
                    q[i] = (double)query[i] - (way < 2 && !is_text ? mean[i] : 0.0);
                    x[i] = all[n * W + i] - (way < 2 ? mean[i] : 0.0);
                }
                right = product(q, x, W);
                if (way == 0) right /= sqrt(product(q, q, W) * product(x, x, W));
                assert_true(fabs(scores[n] - right) <= 1e-5 * (way == 0 ? 1.0 : product(q, q, W)));
                assert_int_equal(
                    clipspan_search_run_contributions(parts, search, n, query, is_text, NULL),
                    CLIPSPAN_OK);
                for (size_t h = 0; h < count; h++)
                    sum += parts[h];
                assert_true(fabs(sum - scores[n]) <= 1e-12);
                if (way == 0 && !is_text && n == 3) assert_true(scores[n] > 1.0 - 1e-5);
            }
            free(q);
            free(x);
            clipspan_search_free(&search);
        }
    free(all);
    free(mean);
    free(scores);
    free(query);
}

static void full(void **state)
{
    static const clipspan_head heads[3] = {{1, 0}, {0, 1}, {1, 1}};
    static const clipspan_head wrong = {9, 0};
    clipspan_search_options o = CLIPSPAN_SEARCH_OPTIONS_INIT;
    clipspan_search *search = NULL;
    clipspan_run *run = NULL;
    clipspan_error err;
    run_craft craft;
    char *path, *bare;
    double *scores;
    float *query;
    (void)state;
    run_craft_init(&craft, 40);
    path = run_craft_path(&craft, "run");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 1, 0, 0);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&run, path, NULL), CLIPSPAN_OK);
    compare_all(run, heads, 3);
    compare_all(run, heads, 1);
    /* whole embeddings: an image is nearest to itself */
    assert_int_equal(clipspan_search_new(&search, run, NULL, NULL, NULL), CLIPSPAN_OK);
    scores = malloc(40 * sizeof *scores);
    query = malloc(32 * (size_t)clipspan_run_get_info(run)->embed_width * sizeof *query);
    assert_int_equal(
        clipspan_run_read_vectors(query, NULL, NULL, run, 0, CLIPSPAN_VECTORS_EMBEDDING, 0, NULL),
        CLIPSPAN_OK);
    assert_int_equal(clipspan_search_run(scores, search, query, 0, NULL), CLIPSPAN_OK);
    assert_true(fabs(scores[0] - 1.0) < 1e-5);
    assert_int_equal(clipspan_search_run(scores, search, NULL, 0, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_search_run_contributions(scores, search, 40, query, 0, NULL),
                     CLIPSPAN_E_ARGUMENT);
    free(scores);
    free(query);
    clipspan_search_free(&search);
    o.heads = &wrong;
    o.head_count = 1;
    assert_int_equal(clipspan_search_new(&search, run, &o, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "L9.H0"));
    clipspan_run_close(&run);
    bare = run_craft_path(&craft, "bare");
    run_craft_plan(&craft, bare, CLIPSPAN_COEFFICIENTS_NONE);
    run_craft_scan(&craft, bare, 1, 0, 0);
    run_craft_merge(bare);
    assert_int_equal(clipspan_run_open(&run, bare, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_search_new(&search, run, NULL, NULL, NULL), CLIPSPAN_E_NOT_FOUND);
    assert_null(search);
    clipspan_run_close(&run);
    free(path);
    free(bare);
    run_craft_fini(&craft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
