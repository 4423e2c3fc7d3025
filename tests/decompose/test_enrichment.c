/* SPDX-License-Identifier: MIT */
/* Enrichment against a plain computation, rotations, q values by hand, and outcomes one by one. */
#include "base/memory.h"
#include "base/random.h"
#include "decompose/false_discovery.h"
#include "decompose/role_test.h"
#include "decompose/rotation_null.h"
#include "published.h"
#include "tensor/eigen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void rotations_are_orthogonal_and_differ(void **state)
{
    enum { N = 23 };
    double u[N * N], work[N], first = 0.0, mean = 0.0;
    cs_random random = {3};
    (void)state;
    for (int r = 0; r < 200; r++) {
        cs_rotation_draw(u, work, N, &random, cs_simd_best());
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j <= i; j++) {
                double sum = 0.0;
                for (size_t k = 0; k < N; k++)
                    sum += u[i * N + k] * u[j * N + k];
                assert_true(fabs(sum - (i == j)) < 1e-13);
            }
        assert_true(u[0] != first);
        first = u[0];
        mean += u[0] * u[0] / 200.0;
    }
    assert_true(fabs(mean - 1.0 / N) < 0.02); /* a direction is as likely as any other */
}

/* U^T L U has the eigenvalues L. */
static void a_turned_covariance_keeps_its_spectrum(void **state)
{
    enum { N = 9 };
    double u[N * N], work[N], turned[N * N] = {0.0}, values[N], vectors[N * N];
    cs_random random = {5};
    (void)state;
    cs_rotation_draw(u, work, N, &random, cs_simd_best());
    for (size_t k = 0; k < N; k++)
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++)
                turned[i * N + j] += 1.0 / (double)(1 + k) * u[k * N + i] * u[k * N + j];
    assert_int_equal(cs_eigen_symmetric(values, vectors, turned, N, NULL), CLIPSPAN_OK);
    for (size_t k = 0; k < N; k++)
        assert_true(fabs(values[k] - 1.0 / (double)(1 + k)) < 1e-13);
}

static void false_discovery_rates_are_those_by_hand(void **state)
{
    static const double p[] = {0.01, 0.04, -1.0, 0.03, 0.005, 0.9, 0.03};
    /* sorted .005 .01 .03 .03 .04 .9, times 6 / place: .03 .03 .06 .045 .048 .9 */
    static const double wanted[] = {0.03, 0.048, -1.0, 0.045, 0.03, 0.9, 0.045};
    double q[7];
    (void)state;
    assert_int_equal(cs_false_discovery(q, p, 7, NULL), CLIPSPAN_OK);
    for (size_t i = 0; i < 7; i++)
        assert_true(fabs(q[i] - wanted[i]) < 1e-15);
}

/* The definition, in float64, from all factors: [categories] */
static void plain(double *out, const double *texts, size_t T, size_t q, double *cov,
                  const cs_categories *c, size_t most, int entering)
{
    double *x = malloc(T * q * sizeof *x), *v = malloc(T * sizeof *v), *Ct = malloc(q * sizeof *Ct);
    double *part = calloc(c->count, sizeof *part), total = 0.0;
    memcpy(x, texts, T * q * sizeof *x);
    memset(out, 0, c->count * sizeof *out);
    for (size_t j = 0; j < q; j++)
        total += cov[j * q + j];
    for (int k = -1; k < entering; k++) { /* -1: the first half */
        size_t order[64], some = k < 0 ? T : most;
        double sum = 0.0, share = 0.5;
        for (size_t i = 0; i < T; i++) {
            v[i] = 0.0;
            for (size_t a = 0; a < q; a++)
                for (size_t b = 0; b < q; b++)
                    v[i] += x[i * q + a] * cov[a * q + b] * x[i * q + b];
        }
        for (size_t n = 0; k >= 0 && n < some; n++) {
            order[n] = T;
            for (size_t i = 0; i < T; i++) {
                int used = 0;
                for (size_t m = 0; m < n; m++)
                    used |= order[m] == i;
                if (!used && (order[n] == T || v[i] > v[order[n]])) order[n] = i;
            }
        }
        if (k >= 0) {
            const double *best = x + order[0] * q;
            double size = 0.0, t[64];
            for (size_t a = 0; a < q; a++)
                size += best[a] * best[a];
            for (size_t a = 0; a < q; a++)
                t[a] = best[a] / sqrt(size);
            share = 0.0;
            for (size_t a = 0; a < q; a++)
                for (size_t b = 0; b < q; b++)
                    share += 0.5 * t[a] * cov[a * q + b] * t[b] / total;
            for (size_t n = 0; n < some; n++)
                sum += v[order[n]];
            for (size_t n = 0; n < some; n++)
                out[c->of[order[n]]] += share * v[order[n]] / sum;
            for (size_t i = 0; i < T; i++) {
                double along = 0.0;
                for (size_t a = 0; a < q; a++)
                    along += x[i * q + a] * t[a];
                for (size_t a = 0; a < q; a++)
                    x[i * q + a] -= along * t[a];
            }
            continue;
        }
        for (size_t i = 0; i < T; i++)
            sum += v[i];
        for (size_t i = 0; i < T; i++)
            out[c->of[i]] += share * v[i] / sum;
    }
    for (size_t i = 0; i < T; i++)
        part[c->of[i]] += 1.0 / (double)T;
    for (size_t g = 0; g < c->count; g++)
        out[g] /= part[g];
    free(x);
    free(v);
    free(Ct);
    free(part);
}

static cs_categories *three(size_t T)
{
    static const char *const names[] = {"a", "b", "!c"};
    const char *keys[256];
    cs_categories *c = NULL;
    for (size_t i = 0; i < T; i++)
        keys[i] = names[i * i % 3 + (i % 7 == 0)];
    assert_int_equal(cs_categories_new(&c, keys, T, NULL), CLIPSPAN_OK);
    return c;
}

static void enrichment_is_the_definition(void **state)
{
    enum { C = 12, T = 101, B = 3 };
    cs_categories *c = three(T);
    cs_span_pool *pool = NULL;
    cs_span_lane *lane = NULL;
    cs_enrichment *e = NULL;
    double texts[T * C], cov[B][C * C], scores[B * 3], weights[T], sum = 0.0;
    float factors[B * C * C];
    cs_random random = {11};
    cs_scene s;
    (void)state;
    cs_scene_init(&s, 1, C, 40, 60, T, 12);
    assert_int_equal(cs_span_pool_new(&pool, s.texts, T, 40, cs_simd_best(), NULL), CLIPSPAN_OK);
    assert_int_equal(cs_span_lane_new(&lane, pool, C, 5, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_span_space_make(lane, s.output_map, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_enrichment_new(&e, pool, c, C, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_enrichment_set(e, lane, NULL), CLIPSPAN_OK);
    for (size_t i = 0; i < T * lane->q; i++)
        texts[i] = (double)cs_enrichment_texts(e)[i];
    for (size_t b = 0; b < B; b++) {
        double total = 0.0;
        memset(cov[b], 0, sizeof cov[b]);
        for (size_t i = 0; i < C * C; i++) {
            factors[b * C * C + i] = (float)(cs_random_normal(&random) / (double)(1 + i / C));
            total += (double)factors[b * C * C + i] * (double)factors[b * C * C + i];
        }
        for (size_t j = 0; j < C; j++) {
            float *f = factors + b * C * C + j * C;
            for (size_t i = 0; i < C; i++)
                f[i] /= (float)sqrt(total);
            for (size_t i = 0; i < C * C; i++)
                cov[b][i] += (double)f[i / C] * (double)f[i % C];
        }
    }
    assert_int_equal(cs_enrichment_run(scores, weights, e, factors, C, B, 4, NULL), CLIPSPAN_OK);
    for (size_t b = 0; b < B; b++) {
        double wanted[3];
        plain(wanted, texts, T, C, cov[b], c, T / 7, 4);
        for (size_t g = 0; g < 3; g++)
            if (!(fabs(scores[b * 3 + g] - wanted[g]) < 1e-4 * (1.0 + wanted[g])))
                fail_msg("%zu %zu: %g instead of %g", b, g, scores[b * 3 + g], wanted[g]);
    }
    for (size_t i = 0; i < T; i++)
        if (c->of[i] == 1) sum += weights[i];
    for (size_t i = 0, n = 0; i < T; i++) { /* enrichment is the weights' sum over the part */
        n += c->of[i] == 1;
        if (i + 1 == T) assert_true(fabs(sum * T / (double)n - scores[1]) < 1e-9);
    }
    cs_enrichment_free(&e);
    cs_span_lane_free(&lane);
    cs_span_pool_free(&pool);
    cs_categories_free(&c);
    cs_scene_fini(&s);
}

static void factors_hold_nine_tenths(void **state)
{
    static const double falling[] = {8.0, 1.0, 0.5, 0.3, 0.1, 0.05, 0.03, 0.02};
    static const double flat[] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    (void)state;
    assert_int_equal(cs_enrichment_rank(falling, 8), 4); /* two, in steps of four */
    assert_int_equal(cs_enrichment_rank(flat, 8), 8);
    assert_int_equal(cs_enrichment_rank(falling, 3), 3);
}

/* ---- Outcomes ---- */

static clipspan_role claimed(void)
{
    const clipspan_role role = {.outcome = CLIPSPAN_OUTCOME_NONE,
                                .category = {"x", "y"},
                                .enrichment = {3.0, 2.0},
                                .p = 0.001,
                                .relabelled_p = 0.001,
                                .explained_variance = {0.2, 0.1},
                                .control_variance = 0.15,
                                .control_pools = 10,
                                .stability = 0.5};
    return role;
}

static clipspan_role_outcome judged(clipspan_role role)
{
    assert_int_equal(cs_roles_judge(&role, NULL, 1, 0.05, NULL), CLIPSPAN_OK);
    return role.outcome;
}

static void every_condition_counts(void **state)
{
    clipspan_role role = claimed();
    (void)state;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_ROLE);
    role.enrichment[1] = 2.01;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_AMBIGUOUS);
    role = claimed();
    role.explained_variance[0] = 0.19;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_LEANING);
    role = claimed();
    role.control_above = 1;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_LEANING);
    role = claimed();
    role.control_pools = 0;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_LEANING);
    role = claimed();
    role.stability = 0.49;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_LEANING);
    role = claimed();
    role.relabelled_p = 0.06;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_NONE);
    role = claimed();
    role.p = 0.06;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_NONE);
    role = claimed();
    role.outcome = CLIPSPAN_OUTCOME_TOO_FEW_IMAGES;
    role.p = -1.0;
    assert_int_equal(judged(role), CLIPSPAN_OUTCOME_TOO_FEW_IMAGES);
}

/* ---- Whole tests of random heads ---- */

static char labels[320][8];

static cs_categories *deal(size_t T)
{
    const char *keys[320];
    cs_categories *c = NULL;
    for (size_t i = 0; i < T; i++) {
        snprintf(labels[i], sizeof labels[i], "g%zu", i / 2 % 16); /* pairs resemble each other */
        keys[i] = labels[i];
    }
    assert_int_equal(cs_categories_new(&c, keys, T, NULL), CLIPSPAN_OK);
    return c;
}

/* Heads that write what texts of one category say, and noise. */
static void a_role_that_is_there_is_found(void **state)
{
    enum { HEADS = 16, T = 320, N = 640 };
    cs_span *spans[HEADS] = {NULL};
    cs_categories *c = deal(T);
    cs_span_pool *pool = NULL;
    cs_scene s, other;
    (void)state;
    cs_scene_init(&s, HEADS, 35, 48, N, T, 42);
    cs_scene_init(&other, 1, 35, 48, 40, T, 43);
    for (size_t h = 0; h < HEADS; h++)
        for (size_t i = 0; i < 5; i++) {
            memcpy(s.output_map + (h * s.C + i) * s.P, s.texts + (2 * h + 32 * i) * s.P,
                   s.P * sizeof *s.output_map);
            for (size_t n = 0; n < s.N; n++)
                s.coefficients[(h * s.N + n) * s.C + i] *= 3.0;
        }
    cs_scene_count(&s);
    {
        const float *controls[] = {other.texts};
        cs_role_wish wish = {c, controls, 1, 200, 35, 7, NULL, NULL};
        const cs_span_options options = {10, 0, 50, 1, 2, &wish};
        clipspan_role roles[HEADS];
        clipspan_error err;
        assert_int_equal(cs_role_wish_draw(&wish, cs_simd_best(), NULL), CLIPSPAN_OK);
        assert_int_equal(cs_span_pool_new(&pool, s.texts, T, s.P, cs_simd_best(), NULL), 0);
        if (cs_span_run(spans, pool, s.head, HEADS, s.C, &options, NULL, &err))
            fail_msg("%s", err.message);
        for (size_t h = 0; h < HEADS; h++)
            roles[h] = spans[h]->role;
        assert_int_equal(cs_roles_judge(roles, NULL, HEADS, 0.05, NULL), CLIPSPAN_OK);
        for (size_t h = 0; h < HEADS; h++) {
            assert_string_equal(roles[h].category[0], labels[2 * h]);
            assert_int_equal(roles[h].outcome, CLIPSPAN_OUTCOME_ROLE);
            assert_true(roles[h].p < 0.01 && roles[h].category_returns > 0.9);
            cs_span_free(&spans[h]);
        }
        cs_role_wish_fini(&wish);
    }
    cs_span_pool_free(&pool);
    cs_categories_free(&c);
    cs_scene_fini(&s);
    cs_scene_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotations_are_orthogonal_and_differ),
        cmocka_unit_test(a_turned_covariance_keeps_its_spectrum),
        cmocka_unit_test(false_discovery_rates_are_those_by_hand),
        cmocka_unit_test(enrichment_is_the_definition),
        cmocka_unit_test(factors_hold_nine_tenths),
        cmocka_unit_test(every_condition_counts),
        cmocka_unit_test(a_role_that_is_there_is_found),
    };
    return cmocka_run_group_tests_name("enrichment", tests, NULL, NULL);
}
