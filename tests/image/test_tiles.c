/* SPDX-License-Identifier: MIT */
/* Windows over large images: they cover everything, overlap by half, see the image's own
 * pixels, and their weights add up to one everywhere, so that parts of a map give the map back. */
#include "base/memory.h"
#include "draw/png_write.h"
#include "draw/view.h"
#include "image/convert.h"
#include "image/tiles.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static cs_preprocess preprocess(int height, int width)
{
    cs_preprocess p = {.height = height,
                       .width = width,
                       .resize = CLIPSPAN_SHORTEST,
                       .kernel = CLIPSPAN_BICUBIC,
                       .mean = {0.5F, 0.5F, 0.5F},
                       .std = {0.5F, 0.5F, 0.5F}};
    return p;
}

static cs_tiles tiles_of(int height, int width, cs_preprocess p, int patch, int size)
{
    clipspan_error err;
    cs_tiles tiles;
    if (cs_tiles_init(&tiles, &p, patch, height, width, size, 0, &err)) fail_msg("%s", err.message);
    return tiles;
}

static void check_side(const cs_tile_side *side)
{
    const int step = side->window > 1 ? side->window / 2 : 1;
    assert_true(side->patches >= side->window);
    assert_int_equal(side->first[0], 0);
    assert_int_equal(side->first[side->count - 1] + side->window, side->patches);
    for (int i = 1; i < side->count; i++) {
        assert_true(side->first[i] > side->first[i - 1]);
        assert_true(side->first[i] - side->first[i - 1] <= step);
    }
    /* no window could be spared */
    if (side->count > 1) assert_true((side->count - 2) * step + side->window < side->patches);
}

/* What a window of a map that is linear over the whole image would say. */
static double plane(int y, int x)
{
    return 1.0 + 0.25 * (double)x - 0.5 * (double)y;
}

/* Weights are float32: sums of at most nine products are within 1e-6 of one, relatively. */
static void check_blend(const cs_tiles *t)
{
    const size_t cells = (size_t)t->x.patches * (size_t)t->y.patches;
    float *ones = calloc(cells, sizeof *ones), *map = calloc(cells, sizeof *map);
    float *part = malloc((size_t)t->x.window * (size_t)t->y.window * sizeof *part);
    for (int i = 0; i < t->x.count * t->y.count; i++) {
        const int x0 = t->x.first[i % t->x.count], y0 = t->y.first[i / t->x.count];
        for (int k = 0; k < t->x.window * t->y.window; k++)
            part[k] = 1.0F;
        cs_tiles_add(ones, t, (size_t)i, part);
        for (int k = 0; k < t->x.window * t->y.window; k++)
            part[k] = (float)plane(y0 + k / t->x.window, x0 + k % t->x.window);
        cs_tiles_add(map, t, (size_t)i, part);
    }
    for (size_t c = 0; c < cells; c++) {
        const double wanted =
            plane((int)(c / (size_t)t->x.patches), (int)(c % (size_t)t->x.patches));
        assert_true(fabs((double)ones[c] - 1.0) < 1e-6);
        assert_true(fabs((double)map[c] - wanted) < 1e-6 * (1.0 + fabs(wanted)));
    }
    free(ones);
    free(map);
    free(part);
}

static void weights_add_up(void **state)
{
    static const int cases[][6] = {
        /* image, tower, patch, size */
        {100, 100, 28, 28, 7, 0}, {29, 28, 28, 28, 7, 0},     {333, 517, 28, 28, 7, 0},
        {517, 333, 35, 35, 7, 0}, {200, 90, 21, 42, 7, 0},    {90, 200, 30, 23, 7, 0},
        {64, 640, 28, 28, 28, 0}, {20, 20000, 28, 28, 7, 0},  {20000, 20, 28, 28, 7, 0},
        {1, 900, 28, 28, 7, 0},   {500, 400, 28, 28, 7, 100}, {50, 60, 28, 28, 7, 14}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *c = cases[i];
        cs_tiles t = tiles_of(c[0], c[1], preprocess(c[2], c[3]), c[4], c[5]);
        assert_false(t.whole);
        check_side(&t.x);
        check_side(&t.y);
        check_blend(&t);
        assert_int_equal(t.plan.x.out, (t.x.patches - t.x.window) * c[4] + c[3]);
        assert_int_equal(t.plan.y.out, (t.y.patches - t.y.window) * c[4] + c[2]);
        cs_tiles_fini(&t);
    }
}

/* No larger than a window: one, and what the tower sees of any image. */
static void whole_images(void **state)
{
    static const int cases[][3] = {{1, 1, 0},  {28, 28, 0},  {28, 27, 0},
                                   {3, 28, 0}, {40, 40, 40}, {300, 299, 300}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cs_tiles t = tiles_of(cases[i][0], cases[i][1], preprocess(28, 28), 7, cases[i][2]);
        const float part[16] = {0.1F, -0.2F, 3.0F, 1e-30F, 5.0F, 6.0F, 7.0F, 8.0F, 9.0F};
        float map[16] = {0};
        cs_plan plan;
        assert_true(t.whole);
        assert_int_equal(t.x.count * t.y.count, 1);
        cs_tiles_add(map, &t, 0, part);
        assert_memory_equal(map, part, sizeof map);
        cs_preprocess p = preprocess(28, 28);
        assert_int_equal(cs_geometry_plan(&plan, &p, cases[i][1], cases[i][0], NULL), CLIPSPAN_OK);
        assert_memory_equal(&plan, &t.plan, sizeof plan);
        cs_tiles_fini(&t);
    }
}

static void too_many(void **state)
{
    const cs_preprocess p = preprocess(28, 28);
    clipspan_error err;
    cs_tiles t;
    (void)state;
    assert_int_equal(cs_tiles_init(&t, &p, 7, 5, 20000, 0, 0, &err), CLIPSPAN_E_LIMIT);
    assert_non_null(strstr(err.message, "20000 x 5 pixels take 7999 windows"));
    cs_tiles_fini(&t);
    assert_int_equal(cs_tiles_init(&t, &p, 7, 100000, 100000, 0, 0, &err), CLIPSPAN_E_LIMIT);
    cs_tiles_fini(&t);
    assert_int_equal(cs_tiles_init(&t, &p, 7, 100, 100, 0, 35, &err), CLIPSPAN_E_LIMIT);
    cs_tiles_fini(&t);
    assert_int_equal(cs_tiles_init(&t, &p, 7, 100, 100, 0, 36, &err), CLIPSPAN_OK);
    cs_tiles_fini(&t);
}

/* A raster in which every pixel is different. */
static cs_raster raster_of(int height, int width)
{
    static const cs_image_source source = {NULL, 0, "made", 1000000, 0};
    cs_raster r;
    assert_int_equal(
        cs_raster_init(&r, CS_MODE_RGB, (uint64_t)width, (uint64_t)height, &source, NULL),
        CLIPSPAN_OK);
    for (int i = 0; i < height * width; i++) {
        r.data[4 * i] = (unsigned char)(i % width);
        r.data[4 * i + 1] = (unsigned char)(i / width);
        r.data[4 * i + 2] = (unsigned char)(i % 251);
        r.data[4 * i + 3] = 255;
    }
    return r;
}

/* An image of an integer of patches is seen as it is: no resampling. */
static void own_pixels(void **state)
{
    cs_raster raster = raster_of(77, 133);
    cs_tiles t = tiles_of(77, 133, preprocess(28, 28), 7, 0);
    uint8_t pixels[28 * 28 * 3];
    (void)state;
    assert_int_equal(t.plan.x.out, 133);
    for (int i = 0; i < t.x.count * t.y.count; i++) {
        const int x0 = 7 * t.x.first[i % t.x.count], y0 = 7 * t.y.first[i / t.x.count];
        assert_int_equal(cs_tiles_cut(pixels, &t, (size_t)i, &raster, NULL), CLIPSPAN_OK);
        for (int k = 0; k < 28 * 28; k++)
            assert_memory_equal(pixels + 3 * k,
                                raster.data + 4 * ((y0 + k / 28) * 133 + x0 + k % 28), 3);
    }
    cs_tiles_fini(&t);
    cs_raster_fini(&raster);
}

/* A hot patch of the blended map is drawn where its pixels are. */
static void drawn_in_place(void **state)
{
    cs_raster raster = raster_of(80, 130); /* resized a little: 77 x 133 */
    cs_tiles t = tiles_of(80, 130, preprocess(28, 28), 7, 0);
    const size_t cells = (size_t)t.x.patches * (size_t)t.y.patches;
    float *map = calloc(cells, sizeof *map), *values;
    cs_view view = {.plan = t.plan, .patch = 7, .rows = t.y.patches, .columns = t.x.patches};
    size_t best = 0;
    double window[4];
    (void)state;
    assert_int_equal(cs_view_show(&view, &raster, 1024, NULL), CLIPSPAN_OK);
    cs_view_window(window, &view);
    assert_true(window[0] == 0.0 && window[1] == 0.0);
    assert_true(fabs(window[2] - 130.0) < 1e-9 && fabs(window[3] - 80.0) < 1e-9);
    map[3 * t.x.patches + 15] = 1.0F; /* its middle: 3.5 of 11 down, 15.5 of 19 across */
    values = malloc((size_t)view.width * (size_t)view.height * sizeof *values);
    cs_view_map(values, &view, map);
    for (size_t i = 0; i < (size_t)view.width * (size_t)view.height; i++) {
        assert_false(isnan(values[i]));
        if (values[i] > values[best]) best = i;
    }
    assert_true(fabs((double)(best / (size_t)view.width) / (double)view.height - 3.5 / 11.0) <
                0.01);
    assert_true(fabs((double)(best % (size_t)view.width) / (double)view.width - 15.5 / 19.0) <
                0.01);
    free(values);
    free(map);
    cs_view_fini(&view);
    cs_tiles_fini(&t);
    cs_raster_fini(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_add_up), cmocka_unit_test(whole_images),
        cmocka_unit_test(too_many),       cmocka_unit_test(own_pixels),
        cmocka_unit_test(drawn_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
