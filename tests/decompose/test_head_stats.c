/* SPDX-License-Identifier: MIT */
/* Statistics of chunks against two passes in float64 over the coefficients as they are kept,
 * whatever way the chunks are shared out, and strengths that add up to 1. */
#include "rig.h"
#include "tensor/moments.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM   8
#define CHUNKS 7 /* the last one is short */
#define LAST   3
#define COUNT  ((CHUNKS - 1) * ROOM + LAST)

static char *folder;

static int write_model(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    (void)state;
    tiny.no_text = 1;
    tiny.layers = 3;
    tiny.embed = 20;
    folder = cs_tiny_folder();
    cs_tiny_write_openclip(folder, &tiny, 11);
    return 0;
}

static int remove_model(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    return 0;
}

/* All chunks' statistics and coefficients. */
typedef struct sample {
    cs_shape shape;
    double *stats[CHUNKS];
    double *coefficients;                     /* [COUNT, L, H, C] */
    float *embedding, *components[3], *heads; /* [COUNT, P], [COUNT, L or L + 1, P], [COUNT, L, H,
                                                 P] */
    cs_rig rig;                               /* the last chunk's */
} sample;

static size_t components_of(const cs_shape *s, int kind)
{
    return kind == CS_COMPONENT_MLP ? s->L + 1 : s->L;
}

static void keep_image(sample *a, size_t slot, size_t number)
{
    const cs_shape *s = &a->shape;
    const cs_coefficients *c = a->rig.coefficients;
    const float *from[3] = {c->attention, c->class_self_attention, c->mlp};
    size_t l, h, t;
    int kind;
    for (l = 0; l < s->L; l++)
        for (h = 0; h < s->H; h++)
            cs_coefficients_get(a->coefficients + ((number * s->L + l) * s->H + h) * s->C, c, slot,
                                l, h);
    memcpy(a->embedding + number * s->P, c->embedding + slot * s->P, s->P * sizeof(float));
    for (kind = 0; kind < 3; kind++)
        for (t = 0; t < components_of(s, kind); t++)
            memcpy(a->components[kind] + (number * components_of(s, kind) + t) * s->P,
                   from[kind] + (t * ROOM + slot) * s->P, s->P * sizeof(float));
    cs_contributions_get(a->heads + number * s->L * s->H * s->P, NULL, NULL, NULL,
                         a->rig.output_map, c, slot);
}

static void take(sample *a, int lanes, cs_coefficient_format format)
{
    const cs_shape *s = &a->shape;
    uint8_t *pixels;
    size_t chunk, i;
    memset(a, 0, sizeof *a);
    cs_rig_init(&a->rig, folder, cs_simd_best(), CLIPSPAN_F32, format, ROOM, lanes);
    a->shape = a->rig.shape;
    a->coefficients = malloc(COUNT * s->L * s->H * s->C * sizeof(double));
    a->embedding = malloc(COUNT * s->P * sizeof(float));
    a->heads = malloc(COUNT * s->L * s->H * s->P * sizeof(float));
    for (i = 0; i < 3; i++)
        a->components[i] = malloc(COUNT * (s->L + 1) * s->P * sizeof(float));
    pixels = malloc(ROOM * a->rig.pixels);
    for (chunk = 0; chunk < CHUNKS; chunk++) {
        size_t count = chunk + 1 < CHUNKS ? ROOM : LAST;
        for (i = 0; i < count; i++)
            cs_rig_paint(&a->rig, pixels + i * a->rig.pixels, chunk * ROOM + i);
        cs_rig_run(&a->rig, pixels, count);
        a->stats[chunk] = malloc(cs_head_stats_size(*s) * sizeof(double));
        assert_int_equal(
            cs_head_stats_run(a->stats[chunk], a->rig.counter, a->rig.coefficients, lanes, NULL),
            CLIPSPAN_OK);
        for (i = 0; i < count; i++)
            keep_image(a, i, chunk * ROOM + i);
    }
    free(pixels);
}

static void give_back(sample *a)
{
    size_t i;
    for (i = 0; i < CHUNKS; i++)
        free(a->stats[i]);
    for (i = 0; i < 3; i++)
        free(a->components[i]);
    free(a->coefficients);
    free(a->embedding);
    free(a->heads);
    cs_rig_fini(&a->rig);
}

/* Statistics of chunks [first, first + count), along the tree of halves. */
static double *merged(const sample *a, size_t first, size_t count)
{
    size_t size = cs_head_stats_size(a->shape) * sizeof(double), half = 1;
    double *left, *right;
    if (count == 1) {
        left = malloc(size);
        memcpy(left, a->stats[first], size);
        return left;
    }
    while (2 * half < count)
        half *= 2;
    left = merged(a, first, half);
    right = merged(a, first + half, count - half);
    cs_head_stats_merge(left, right, a->shape);
    free(right);
    return left;
}

/* Mean, squares, mean product with the embedding of x : [COUNT, P] with rows `stride` apart. */
static void expect_component(const double *found, const sample *a, const float *x, size_t stride)
{
    size_t P = a->shape.P, i, p;
    double squares = 0.0, product = 0.0;
    for (p = 0; p < P; p++) {
        double mean = 0.0;
        for (i = 0; i < COUNT; i++)
            mean += (double)x[i * stride + p] / COUNT;
        assert_true(fabs(found[p] - mean) <= 1e-14);
        for (i = 0; i < COUNT; i++) {
            squares += ((double)x[i * stride + p] - mean) * ((double)x[i * stride + p] - mean);
            product += (double)x[i * stride + p] * (double)a->embedding[i * P + p] / COUNT;
        }
    }
    assert_true(fabs(found[P] - squares) <= 1e-12 * squares);
    if (x != a->embedding) assert_true(fabs(found[P + 1] - product) <= 1e-13);
}

static void expect_head(const double *stats, const sample *a, size_t l, size_t h)
{
    const cs_shape *s = &a->shape;
    cs_head_stats_layout layout = cs_head_stats_plan(*s);
    size_t stride = s->L * s->H * s->C, i, j, r;
    const double *coefficients = a->coefficients + (l * s->H + h) * s->C;
    const double *found = cs_head_stats_head(stats, *s, l, h);
    const double *m = cs_moments_comoments(found, s->C);
    double *mean = calloc(s->C, sizeof *mean), product = 0.0;
    for (i = 0; i < s->C; i++) {
        for (r = 0; r < COUNT; r++)
            mean[i] += coefficients[r * stride + i] / COUNT;
        assert_true(fabs(cs_moments_mean(found)[i] - mean[i]) <= 1e-13 * (fabs(mean[i]) + 1e-3));
    }
    for (i = 0; i < s->C; i++)
        for (j = i; j < s->C; j++) {
            double sum = 0.0, ii = 0.0, jj = 0.0;
            for (r = 0; r < COUNT; r++) {
                double x = coefficients[r * stride + i] - mean[i],
                       y = coefficients[r * stride + j] - mean[j];
                sum += x * y;
                ii += x * x;
                jj += y * y;
            }
            assert_true(fabs(m[cs_moments_at(i, j, s->C)] - sum) <= 1e-12 * sqrt(ii * jj));
        }
    for (r = 0; r < COUNT; r++)
        for (i = 0; i < s->P; i++)
            product += (double)a->heads[((r * s->L + l) * s->H + h) * s->P + i] *
                       (double)a->embedding[r * s->P + i] / COUNT;
    /* A m is a float32 product; so are the components it is compared with. */
    assert_true(fabs(stats[layout.head_products + l * s->H + h] - product) <= 2e-7);
    free(mean);
}

static void two_passes(void **state)
{
    static const cs_coefficient_format formats[] = {CS_COEFFICIENTS_F32, CS_COEFFICIENTS_F16};
    size_t f, l, h, t;
    int kind;
    (void)state;
    for (f = 0; f < 2; f++) {
        sample a;
        double *stats;
        take(&a, 1, formats[f]);
        stats = merged(&a, 0, CHUNKS);
        assert_true(cs_head_stats_count(stats) == COUNT);
        for (l = 0; l < a.shape.L; l++)
            for (h = 0; h < a.shape.H; h++)
                expect_head(stats, &a, l, h);
        for (kind = 0; kind < 3; kind++)
            for (t = 0; t < components_of(&a.shape, kind); t++)
                expect_component(
                    cs_head_stats_component(stats, a.shape, (cs_component_kind)kind, t), &a,
                    a.components[kind] + t * a.shape.P, components_of(&a.shape, kind) * a.shape.P);
        expect_component(cs_head_stats_embedding(stats, a.shape), &a, a.embedding, a.shape.P);
        assert_int_equal(cs_head_stats_check(stats, a.shape, "here", NULL), CLIPSPAN_OK);
        free(stats);
        give_back(&a);
    }
}

/* Chunks computed with other lanes and threads, in another process's order, merged by shards that
 * hold whole subtrees: the same bytes. */
static void same_bytes(void **state)
{
    sample a, b;
    double *whole, *left, *right;
    size_t size, i;
    (void)state;
    take(&a, 1, CS_COEFFICIENTS_F32);
    take(&b, 3, CS_COEFFICIENTS_F32);
    size = cs_head_stats_size(a.shape) * sizeof(double);
    for (i = 0; i < CHUNKS; i++)
        assert_memory_equal(a.stats[i], b.stats[i], size);
    whole = merged(&a, 0, CHUNKS);
    right = merged(&b, 4, CHUNKS - 4);
    left = merged(&b, 0, 4);
    cs_head_stats_merge(left, right, b.shape);
    assert_memory_equal(whole, left, size);
    free(whole);
    free(left);
    free(right);
    give_back(&a);
    give_back(&b);
}

/* Images in the reverse order, so in other chunks: the same numbers within rounding. */
static void another_order(void **state)
{
    sample a;
    const cs_shape *s = &a.shape;
    double *stats, *turned, *part;
    uint8_t *pixels;
    size_t size, i, l, k, at;
    (void)state;
    take(&a, 1, CS_COEFFICIENTS_F32);
    stats = merged(&a, 0, CHUNKS);
    size = cs_head_stats_size(*s);
    turned = calloc(size, sizeof *turned);
    part = malloc(size * sizeof *part);
    pixels = malloc(ROOM * a.rig.pixels);
    for (at = 0; at < COUNT; at += i) {
        for (i = 0; i < ROOM && at + i < COUNT; i++)
            cs_rig_paint(&a.rig, pixels + i * a.rig.pixels, COUNT - 1 - at - i);
        cs_rig_run(&a.rig, pixels, i);
        assert_int_equal(cs_head_stats_run(part, a.rig.counter, a.rig.coefficients, 1, NULL),
                         CLIPSPAN_OK);
        cs_head_stats_merge(turned, part, *s);
    }
    for (l = 0; l < s->L * s->H; l++) {
        const double *x = cs_moments_comoments(stats + l * cs_moments_size(s->C), s->C);
        const double *y = cs_moments_comoments(turned + l * cs_moments_size(s->C), s->C);
        for (i = 0; i < s->C; i++)
            for (k = i; k < s->C; k++)
                assert_true(fabs(x[cs_moments_at(i, k, s->C)] - y[cs_moments_at(i, k, s->C)]) <=
                            1e-12 *
                                sqrt(x[cs_moments_at(i, i, s->C)] * x[cs_moments_at(k, k, s->C)]));
    }
    for (i = s->L * s->H * cs_moments_size(s->C); i < size; i++) /* means and squares */
        assert_true(fabs(stats[i] - turned[i]) <= 1e-7);
    free(stats);
    free(turned);
    free(part);
    free(pixels);
    give_back(&a);
}

/* Over attention layers and MLP contributions, and over heads and MLP contributions, shares add up
 * to 1: the components add up to the embedding. Held to what float32 components leave. Variances
 * are those of the components. */
static void shares_add_up(void **state)
{
    sample a;
    const cs_shape *s = &a.shape;
    double *stats, *work, by_layer = 0.0, by_head = 0.0;
    size_t l, h;
    (void)state;
    take(&a, 2, CS_COEFFICIENTS_F32);
    stats = merged(&a, 0, CHUNKS);
    work = malloc(s->P * sizeof *work);
    for (l = 0; l <= s->L; l++) {
        double share = cs_head_stats_variance_share(stats, *s, CS_COMPONENT_MLP, l).share;
        by_layer += share;
        by_head += share;
    }
    for (l = 0; l < s->L; l++) {
        by_layer += cs_head_stats_variance_share(stats, *s, CS_COMPONENT_ATTENTION, l).share;
        for (h = 0; h < s->H; h++) {
            const float *rows = cs_output_map_head(a.rig.output_map, l, h);
            cs_variance_share found =
                cs_head_stats_head_variance_share(stats, *s, l, h, rows, work);
            double squares = 0.0, total = cs_head_stats_embedding(stats, *s)[s->P];
            size_t i, p;
            by_head += found.share;
            for (p = 0; p < s->P; p++) {
                const float *c = a.heads + (l * s->H + h) * s->P + p;
                double mean = 0.0;
                for (i = 0; i < COUNT; i++)
                    mean += (double)c[i * s->L * s->H * s->P] / COUNT;
                assert_true(fabs(work[p] - mean) <= 1e-7);
                for (i = 0; i < COUNT; i++) {
                    double off = (double)c[i * s->L * s->H * s->P] - mean;
                    squares += off * off;
                }
            }
            assert_true(fabs(found.variance - squares / total) <= 1e-5 * found.variance + 1e-9);
        }
    }
    assert_true(fabs(by_layer - 1.0) <= 1e-5);
    assert_true(fabs(by_head - 1.0) <= 1e-5);
    free(stats);
    free(work);
    give_back(&a);
}

/* No image, one, and one that comes again and again: zeros where nothing varies. */
static void nothing_varies(void **state)
{
    cs_rig rig;
    const cs_shape *s = &rig.shape;
    uint8_t *pixels;
    double *stats, *copy, *work;
    size_t count, size, k, i;
    (void)state;
    cs_rig_init(&rig, folder, cs_simd_best(), CLIPSPAN_F32, CS_COEFFICIENTS_F32, ROOM, 1);
    size = cs_head_stats_size(*s);
    stats = malloc(size * sizeof *stats);
    copy = malloc(size * sizeof *copy);
    work = malloc(s->P * sizeof *work);
    pixels = malloc(ROOM * rig.pixels);
    for (i = 0; i < ROOM; i++)
        cs_rig_paint(&rig, pixels + i * rig.pixels, 3);
    for (count = 0; count <= ROOM; count += count ? ROOM - 1 : 1) {
        const double *m;
        cs_variance_share found;
        cs_rig_run(&rig, pixels, count);
        assert_int_equal(cs_head_stats_run(stats, rig.counter, rig.coefficients, 1, NULL),
                         CLIPSPAN_OK);
        assert_int_equal(cs_head_stats_check(stats, *s, "here", NULL), CLIPSPAN_OK);
        assert_true(cs_head_stats_count(stats) == (double)count);
        for (k = 0; count == 0 && k < size; k++)
            assert_true(stats[k] == 0.0);
        m = cs_moments_comoments(cs_head_stats_head(stats, *s, 1, 1), s->C);
        for (k = 0; k < s->C * (s->C + 1) / 2; k++)
            assert_true(m[k] == 0.0);
        found = cs_head_stats_head_variance_share(stats, *s, 1, 1,
                                                  cs_output_map_head(rig.output_map, 1, 1), work);
        assert_true(found.variance == 0.0 && found.share == 0.0);
        memcpy(copy, stats, size * sizeof *copy);
        cs_head_stats_merge(copy, stats, *s);
        assert_true(cs_head_stats_count(copy) == 2.0 * (double)count);
        assert_int_equal(cs_head_stats_check(copy, *s, "here", NULL), CLIPSPAN_OK);
    }
    free(pixels);
    free(stats);
    free(copy);
    free(work);
    cs_rig_fini(&rig);
}

static void damage(void **state)
{
    static const double bad[] = {(double)NAN, (double)INFINITY, -1.0, 2.5};
    sample a;
    cs_head_stats_layout layout;
    clipspan_error err;
    size_t i;
    (void)state;
    take(&a, 1, CS_COEFFICIENTS_F32);
    layout = cs_head_stats_plan(a.shape);
    for (i = 0; i < 4; i++) {
        double before = a.stats[0][0];
        a.stats[0][0] = bad[i];
        assert_int_equal(cs_head_stats_check(a.stats[0], a.shape, "part", &err), CLIPSPAN_E_FORMAT);
        assert_non_null(strstr(err.message, "part"));
        a.stats[0][0] = before;
    }
    a.stats[0][layout.head_size] += 1.0;
    assert_int_equal(cs_head_stats_check(a.stats[0], a.shape, "part", &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "layer 0, head 1"));
    a.stats[0][layout.head_size] -= 1.0;
    a.stats[0][layout.components + a.shape.P] = -1e-9;
    assert_int_equal(cs_head_stats_check(a.stats[0], a.shape, "part", &err), CLIPSPAN_E_FORMAT);
    a.stats[1][layout.embedding + a.shape.P] = -1e-9;
    assert_int_equal(cs_head_stats_check(a.stats[1], a.shape, "part", &err), CLIPSPAN_E_FORMAT);
    a.stats[2][1 + a.shape.C] = -1e-9;
    assert_int_equal(cs_head_stats_check(a.stats[2], a.shape, "part", &err), CLIPSPAN_E_FORMAT);
    give_back(&a);
}

/* B/16: 12 layers, 12 heads, head width 64, P = 512. */
static void size_of_b16(void **state)
{
    cs_shape s = {12, 12, 64, 768, 197, 512, 67};
    (void)state;
    assert_true(cs_head_stats_size(s) * sizeof(double) < 4000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_passes),     cmocka_unit_test(same_bytes),
        cmocka_unit_test(another_order),  cmocka_unit_test(shares_add_up),
        cmocka_unit_test(nothing_varies), cmocka_unit_test(damage),
        cmocka_unit_test(size_of_b16),
    };
    return cmocka_run_group_tests(tests, write_model, remove_model);
}
