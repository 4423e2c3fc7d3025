/* SPDX-License-Identifier: MIT */
/* Views, colours and sheets: a map stands where its patches are in the image, whatever crop,
 * aspect and size; equal steps of a value are equal steps of lightness; nothing is written out of
 * bounds (sanitizers). */
#include "base/file.h"
#include "base/memory.h"
#include "draw/class_mask.h"
#include "draw/colours.h"
#include "draw/glyphs.h"
#include "draw/png_write.h"
#include "draw/sheet.h"
#include "draw/view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[256];

static cs_preprocess preprocess(int size, clipspan_resize resize)
{
    cs_preprocess p = {.height = size,
                       .width = size,
                       .resize = resize,
                       .kernel = CLIPSPAN_BICUBIC,
                       .mean = {0.5F, 0.5F, 0.5F},
                       .std = {0.5F, 0.5F, 0.5F}};
    return p;
}

/* An image whose brightness rises from left to right. */
static void write_image(int height, int width)
{
    uint8_t *rgb = malloc((size_t)height * (size_t)width * 3);
    int y, x;
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++)
            memset(rgb + 3 * ((size_t)y * (size_t)width + (size_t)x), x * 255 / width, 3);
    assert_int_equal(cs_png_write(path, rgb, height, width, 3, 1, NULL), CLIPSPAN_OK);
    free(rgb);
}

static cs_view view_of(int height, int width, cs_preprocess p, int patch, int edge)
{
    clipspan_error err;
    cs_view view;
    write_image(height, width);
    if (cs_view_init(&view, &p, patch, path, edge, NULL, &err)) fail_msg("%s", err.message);
    return view;
}

/* 400 x 200, short side to 32 and the middle of the other: pixels 100 to 300 are seen, a patch is
 * 50 of them. One hot patch must be brightest in the middle of its square. */
static void crop_undone(void **state)
{
    float map[16] = {0}, *values;
    double window[4];
    int row, column, y, x;
    cs_view view = view_of(200, 400, preprocess(32, CLIPSPAN_SHORTEST), 8, 1024);
    (void)state;
    cs_view_window(window, &view);
    assert_true(fabs(window[0] - 100.0) < 0.01 && fabs(window[2] - 300.0) < 0.01);
    assert_true(window[1] < 0.01 && fabs(window[3] - 200.0) < 0.01);
    assert_int_equal(view.width, 400);
    values = malloc((size_t)(view.width * view.height) * sizeof *values);
    for (row = 0; row < 4; row++)
        for (column = 0; column < 4; column++) {
            memset(map, 0, sizeof map);
            map[row * 4 + column] = 1.0F;
            cs_view_map(values, &view, map);
            for (y = 0; y < 200; y++)
                for (x = 0; x < 400; x++) {
                    const float v = values[y * 400 + x];
                    const double dx = fabs((double)x + 0.5 - 100.0 - 50.0 * (column + 0.5));
                    const double dy = fabs((double)y + 0.5 - 50.0 * (row + 0.5));
                    assert_int_equal(isnan(v), x < 100 || x >= 300);
                    if (dx > 50.0 || dy > 50.0)
                        assert_true(isnan(v) || v == 0.0F);
                    else if (dx < 1.0 && dy < 1.0)
                        assert_true(v > 0.96F);
                }
        }
    free(values);
    cs_view_fini(&view);
}

/* Squashed: nothing is outside. Long and thin, tiny and padded: every pixel has a value or none. */
static void odd_sizes(void **state)
{
    static const struct {
        int height, width;
        clipspan_resize resize;
        int outside; /* 0 none, 1 some */
    } cases[] = {{1, 1, CLIPSPAN_SHORTEST, 0},      {20, 20000, CLIPSPAN_SHORTEST, 1},
                 {20000, 20, CLIPSPAN_SHORTEST, 1}, {20, 2000, CLIPSPAN_SQUASH, 0},
                 {20, 20000, CLIPSPAN_LONGEST, 0},  {33, 31, CLIPSPAN_SHORTEST, 1},
                 {1000, 999, CLIPSPAN_SHORTEST, 0}};
    size_t i, n;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        cs_view view =
            view_of(cases[i].height, cases[i].width, preprocess(28, cases[i].resize), 7, 300);
        size_t count = (size_t)view.height * (size_t)view.width;
        float map[16], *values = malloc(count * sizeof *values);
        uint8_t *rgb = malloc(count * 3);
        int drawing, outside = 0;
        for (n = 0; n < 16; n++)
            map[n] = (float)n - 7.0F;
        assert_true(view.height >= 1 && view.width >= 1 && view.height <= 300 && view.width <= 300);
        cs_view_map(values, &view, map);
        for (n = 0; n < count; n++)
            outside += isnan(values[n]) != 0;
        assert_int_equal(outside > 0, cases[i].outside);
        for (drawing = 0; drawing < 3; drawing++)
            for (n = 0; n < 2; n++)
                cs_view_draw(rgb, &view, values, (clipspan_drawing)drawing, 8.0, (int)n);
        free(rgb);
        free(values);
        cs_view_fini(&view);
    }
}

/* As torch's interpolate(mode bilinear, align_corners false), by hand for one row of two patches.
 * */
static void enlarged(void **state)
{
    static const float map[2] = {0.0F, 8.0F}, right[8] = {0, 0, 1, 3, 5, 7, 8, 8};
    float out[16];
    int y, x;
    (void)state;
    cs_map_enlarge(out, 2, 8, map, 1, 2, 4);
    for (y = 0; y < 2; y++)
        for (x = 0; x < 8; x++)
            assert_true(fabs((double)out[y * 8 + x] - (double)right[x]) < 1e-6);
}

/* Two by two patches of a pixel each; the last one of three classes is nowhere above the others. */
static void classes_in_one_mask(void **state)
{
    static const float maps[3][5] = {{9, 4, 0, 0, 0}, {9, 0, 0, 0, 4}, {9, 0, 0, 0, 0}};
    static const uint8_t right[4] = {1, 0, 0, 2};
    const cs_span side = {2, 2, 0, 2, 0, 2};
    const cs_view view = {.height = 2,
                          .width = 2,
                          .plan = {side, side, CLIPSPAN_BICUBIC},
                          .patch = 1,
                          .rows = 2,
                          .columns = 2};
    uint8_t mask[4] = {7, 7, 7, 7};
    (void)state;
    assert_int_equal(
        cs_class_mask(mask, &view, 2, 2, &maps[0][0], 3, 5, 1, CLIPSPAN_THRESHOLD_MEAN, NULL),
        CLIPSPAN_OK);
    assert_memory_equal(mask, right, 4);
}

static void even_colours(void **state)
{
    double last = 0.0, first = 0.0;
    uint8_t rgb[3], other[3];
    int i;
    (void)state;
    for (i = 0; i <= 20; i++) { /* 0.65 of lightness in 20 equal steps, to a rounding of 8 bits */
        cs_colour_get(rgb, i / 20.0, 0);
        if (i == 0) first = cs_colour_lightness(rgb);
        assert_true(fabs(cs_colour_lightness(rgb) - first - 0.65 * i / 20.0) < 0.012);
        assert_true(i == 0 || cs_colour_lightness(rgb) > last + 0.02);
        last = cs_colour_lightness(rgb);
    }
    cs_colour_get(rgb, 0.0, 1);
    assert_true(rgb[0] == rgb[1] && rgb[1] == rgb[2]);
    cs_colour_get(rgb, -1.0, 1);
    assert_true(rgb[2] > rgb[0] + 100);
    cs_colour_get(other, 1.0, 1);
    assert_true(other[0] > other[2] + 100);
    assert_true(fabs(cs_colour_lightness(rgb) - cs_colour_lightness(other)) < 0.06);
    cs_colour_get(other, -7.0, 1);
    assert_memory_equal(rgb, other, 3);
    cs_colour_get(rgb, (double)NAN, 1);
    cs_colour_get(other, 0.0, 1);
    assert_memory_equal(rgb, other, 3);
}

static void letters(void **state)
{
    static const uint8_t black[3] = {0, 0, 0};
    uint8_t rgb[20 * 10 * 3];
    cs_canvas canvas = {rgb, 10, 20};
    size_t i, dark = 0;
    (void)state;
    memset(rgb, 255, sizeof rgb);
    assert_int_equal(cs_text_width("a\xC3\xA4z", 2), 36);
    cs_text_draw(&canvas, 1, 1, 6, 1, "I", black);
    for (i = 0; i < sizeof rgb; i += 3)
        dark += rgb[i] == 0;
    assert_int_equal(dark, 11);                           /* a stem of 5 and bars of 3 */
    cs_text_draw(&canvas, 15, 5, 1000, 3, "WWWW", black); /* beyond both edges */
    cs_text_draw(&canvas, 0, 0, 1, 1, "nothing", black);
}

static void sheets(void **state)
{
    static const uint8_t rgb[2 * 3 * 3] = {255, 0, 0};
    cs_sheet *sheet;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_sheet_new(&sheet, 70000, 1, 10, 10, 0, &err), CLIPSPAN_E_LIMIT);
    assert_int_equal(cs_sheet_new(&sheet, 2000, 200, 200, 200, 0, &err), CLIPSPAN_E_LIMIT);
    assert_null(sheet);
    assert_int_equal(cs_sheet_new(&sheet, 2, 2, 5, 5, 1, &err), CLIPSPAN_OK);
    cs_sheet_title(sheet, "a title that is far too long for so small a sheet");
    cs_sheet_column(sheet, 1, "column");
    cs_sheet_cell(sheet, 0, 0, rgb, 2, 3, "text", "note");
    cs_sheet_cell(sheet, 1, 1, rgb, 2, 3, NULL, NULL);
    cs_sheet_cell(sheet, 1, 0, NULL, 0, 0, "text alone", NULL);
    cs_sheet_bar(sheet, 0, "bar", 0.5, 1);
    assert_int_equal(cs_sheet_write(sheet, path, 1, &err), CLIPSPAN_OK);
    cs_sheet_free(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crop_undone),  cmocka_unit_test(odd_sizes),
        cmocka_unit_test(enlarged),     cmocka_unit_test(classes_in_one_mask),
        cmocka_unit_test(even_colours), cmocka_unit_test(letters),
        cmocka_unit_test(sheets),
    };
    const char *folder = getenv("TMPDIR");
    int failed;
    snprintf(path, sizeof path, "%s/test_view_%ld.png", folder ? folder : "/tmp", (long)getpid());
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
