/* SPDX-License-Identifier: MIT */
/* Figures of masks by hand, and against ref/segmentation.py (which agrees with scikit-learn to
 * 1e-12) to 1e-9; masks through the image's geometry and the published one. */
#include "base/memory.h"
#include "draw/png_write.h"
#include "image/mask.h"
#include "npy_array.h"
#include "study/segmentation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[256];

static double precision(const float *scores, const uint8_t *labels, size_t n)
{
    double out = -1.0;
    assert_int_equal(cs_average_precision(&out, scores, labels, n, NULL), CLIPSPAN_OK);
    return out;
}

static void near(double found, double right)
{
    if (!(fabs(found - right) <= 1e-9)) fail_msg("%.12g instead of %.12g", found, right);
}

static void average_precisions(void **state)
{
    static const float falling[4] = {4, 3, 2, 1}, flat[4] = {1, 1, 1, 1}, two[4] = {2, 2, 1, 1};
    static const uint8_t none[4] = {0}, all[4] = {1, 1, 1, 1}, ends[4] = {1, 0, 0, 1};
    (void)state;
    near(precision(falling, none, 4), 0.0);
    near(precision(falling, all, 4), 1.0);
    near(precision(falling, ends, 4), 0.5 * 1.0 + 0.5 * 0.5);
    near(precision(flat, ends, 4), 0.5);
    near(precision(two, ends, 4), 0.5 * 0.5 + 0.5 * 0.5);
    near(precision(falling, ends, 1), 1.0);
}

static clipspan_segment_score judge(const float *map, const uint8_t *truth, size_t n, int clip)
{
    clipspan_segment_score score = {0};
    float *r = malloc(n * sizeof *r);
    cs_segment_scale(r, map, n, clip);
    assert_int_equal(cs_segment_add(&score, r, truth, n, CLIPSPAN_THRESHOLD_MEAN, NULL),
                     CLIPSPAN_OK);
    free(r);
    return score;
}

static void by_hand(void **state)
{
    static const float map[4] = {-8, 0, 1, 4}, flat[4] = {2, 2, 2, 2};
    static const uint8_t truth[4] = {0, 0, 1, 1}, none[4] = {0}, all[4] = {1, 1, 1, 1};
    clipspan_segment_score s = judge(map, truth, 4, 1);
    (void)state;
    /* r = 0, 0, 1/4, 1 with mean 5/16: one pixel is foreground */
    assert_int_equal(s.correct, 3);
    assert_int_equal(s.both[0], 2);
    assert_int_equal(s.either[0], 3);
    assert_int_equal(s.both[1], 1);
    assert_int_equal(s.either[1], 2);
    /* scores from above: 1, 1, 1 (right), 3/4 (wrong), 1/4 (right), 0, 0, 0 */
    near(s.precision, 0.75 + 0.25 * 4.0 / 5.0 + 0.0);
    s = judge(map, truth, 4, 0); /* the mean of -8 0 1 4 is -3/4 */
    assert_int_equal(s.both[1], 2);
    assert_int_equal(s.either[1], 3);
    s = judge(flat, truth, 4, 1); /* all background; 1 - r is 1 for all */
    assert_int_equal(s.correct, 2);
    assert_int_equal(s.either[1], 2);
    near(s.precision, 0.5 * 0.5 + 0.5 * 0.5);
    s = judge(flat, none, 4, 1);
    assert_int_equal(s.correct, 4);
    assert_int_equal(s.either[1], 0);
    near(s.precision, 1.0);
    s = judge(flat, all, 4, 1);
    assert_int_equal(s.correct, 0);
    s = judge(map, all, 1, 1); /* one pixel is flat */
    assert_int_equal(s.correct, 0);
    near(s.precision, 0.5);
}

static void thresholds(void **state)
{
    static const float peaks[6] = {0.0F, 0.125F, 0.0625F, 0.875F, 1.0F, 0.9375F},
                       flat[3] = {0, 0, 0};
    double cut = cs_segment_threshold(peaks, 6, CLIPSPAN_THRESHOLD_OTSU);
    (void)state;
    assert_true(cut >= 0.125 && cut < 0.875);
    near(cs_segment_threshold(peaks, 6, CLIPSPAN_THRESHOLD_MEAN), 0.5);
    near(cs_segment_threshold(flat, 3, CLIPSPAN_THRESHOLD_OTSU), 0.0);
}

static double mean_iou(const clipspan_segment_score *s)
{
    double sum = 0.0;
    int c;
    for (c = 0; c < 2; c++)
        if (s->either[c]) sum += (double)s->both[c] / (double)s->either[c] / 2.0;
    return sum;
}

static void golden(void **state)
{
    cs_npy_array maps, truth, figures;
    size_t i, n;
    float r[60];
    (void)state;
    assert_true(cs_npy_array_read(&maps, TEST_DATA, "segment-maps.npy", "'<f4'", sizeof(float)));
    assert_true(cs_npy_array_read(&truth, TEST_DATA, "segment-truth.npy", "'|u1'", 1));
    assert_true(
        cs_npy_array_read(&figures, TEST_DATA, "segment-figures.npy", "'<f8'", sizeof(double)));
    n = maps.row_size;
    for (i = 0; i < maps.rows; i++) {
        const float *map = (const float *)maps.data + i * n;
        const uint8_t *mask = (const uint8_t *)truth.data + i * n;
        const double *right = (const double *)figures.data + i * 6;
        clipspan_segment_score mean = {0}, otsu = {0}, raw = {0};
        cs_segment_scale(r, map, n, 1);
        assert_int_equal(cs_segment_add(&mean, r, mask, n, CLIPSPAN_THRESHOLD_MEAN, NULL), 0);
        assert_int_equal(cs_segment_add(&otsu, r, mask, n, CLIPSPAN_THRESHOLD_OTSU, NULL), 0);
        cs_segment_scale(r, map, n, 0);
        assert_int_equal(cs_segment_add(&raw, r, mask, n, CLIPSPAN_THRESHOLD_MEAN, NULL), 0);
        near((double)mean.correct / (double)n, right[0]);
        near(mean_iou(&mean), right[1]);
        near(mean.precision, right[2]);
        near((double)otsu.correct / (double)n, right[3]);
        near(mean_iou(&otsu), right[4]);
        near(raw.precision, right[5]);
    }
    cs_free(maps.bytes);
    cs_free(truth.bytes);
    cs_free(figures.bytes);
}

/* 40 x 20 for a tower of 10: aligned is the middle square at half size, published all of it. */
static void masks(void **state)
{
    cs_preprocess way = {.height = 10,
                         .width = 10,
                         .resize = CLIPSPAN_SHORTEST,
                         .kernel = CLIPSPAN_BICUBIC,
                         .mean = {0.5F, 0.5F, 0.5F},
                         .std = {0.5F, 0.5F, 0.5F}};
    uint8_t grey[20 * 40], rgb[20 * 40 * 3] = {0};
    uint16_t values[100];
    clipspan_error err;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof grey; i++)
        grey[i] = (uint8_t)(i % 40);
    assert_int_equal(cs_png_write(path, grey, 20, 40, 1, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_mask_read(values, &way, path, 0, 20, 40, NULL, &err), CLIPSPAN_OK);
    for (i = 0; i < 100; i++)
        assert_int_equal(values[i], 10 + 2 * (i % 10) + 1);
    assert_int_equal(cs_mask_read(values, &way, path, 1, 0, 0, NULL, &err), CLIPSPAN_OK);
    for (i = 0; i < 100; i++)
        assert_int_equal(values[i], 4 * (i % 10) + 2);
    assert_int_equal(cs_mask_read(values, &way, path, 0, 20, 41, NULL, &err), CLIPSPAN_E_SHAPE);
    assert_non_null(strstr(err.message, "40 x 20"));
    assert_int_equal(cs_mask_read(values, &way, "/nowhere/mask.png", 0, 0, 0, NULL, &err),
                     CLIPSPAN_E_NOT_FOUND);
    assert_int_equal(cs_png_write(path, rgb, 20, 40, 3, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_mask_read(values, &way, path, 0, 20, 40, NULL, &err),
                     CLIPSPAN_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(average_precisions),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(thresholds),
        cmocka_unit_test(golden),
        cmocka_unit_test(masks),
    };
    const char *folder = getenv("TMPDIR");
    int failed;
    snprintf(path, sizeof path, "%s/test_segmentation_%ld.png", folder ? folder : "/tmp",
             (long)getpid());
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
