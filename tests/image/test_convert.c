/* SPDX-License-Identifier: MIT */
/* Conversions between modes: values as Pillow gives them, turns as EXIF numbers them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "image/convert.h"

static void fill(cs_raster *raster, cs_mode mode, int width, int height, const void *data)
{
    const cs_image_source source = {NULL, 0, "test", 100, 0};
    clipspan_error err;
    assert_int_equal(cs_raster_init(raster, mode, (uint64_t)width, (uint64_t)height, &source, &err),
                     0);
    memcpy(raster->data, data, (size_t)(width * height * cs_mode_bytes(mode)));
    memcpy(raster->palette[1], "\1\2\3", 3);
}

static void expect(cs_mode mode, const void *data, int count, const char *rgb)
{
    uint8_t out[3 * 8], first[3 * 8];
    clipspan_error err;
    cs_raster raster;
    fill(&raster, mode, count, 1, data);
    cs_convert_rgb(out, raster.data, (size_t)count, &raster);
    assert_memory_equal(out, rgb, 3 * (size_t)count);
    assert_int_equal(cs_convert_first(&raster, &err), CLIPSPAN_OK);
    assert_true(raster.mode == CS_MODE_RGB || raster.mode == CS_MODE_GREY);
    cs_convert_rgb(first, raster.data, (size_t)count, &raster);
    assert_memory_equal(first, rgb, 3 * (size_t)count);
    cs_raster_fini(&raster);
}

static void every_mode_becomes_rgb(void **state)
{
    const uint16_t wide[] = {7, 255, 256, 65535};
    (void)state;
    expect(CS_MODE_BIT, "\0\xff", 2, "\0\0\0\xff\xff\xff");
    expect(CS_MODE_INDEX, "\1\7", 2, "\1\2\3\0\0\0");
    expect(CS_MODE_GREY, "\5\6", 2, "\5\5\5\6\6\6");
    expect(CS_MODE_GREY16, wide, 4, "\7\7\7\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    expect(CS_MODE_RGB, "\1\2\3\xff\4\5\6\xff", 2, "\1\2\3\4\5\6");
    expect(CS_MODE_RGBA, "\1\2\3\0\4\5\6\x80", 2, "\1\2\3\4\5\6");
    /* white 255 - k, less its share c: 200 - 100 * 200 / 255 = 200 - 78 */
    expect(CS_MODE_CMYK, "\0\x64\xff\x37\x0a\x0a\x0a\xff", 2, "\xc8\x7a\0\0\0\0");
}

static void alpha_weighs_colours_and_back(void **state)
{
    unsigned char p[] = {200, 100, 3, 128, 9, 9, 9, 0, 7, 8, 9, 255};
    const unsigned char weighted[] = {100, 50, 2, 128, 0, 0, 0, 0, 7, 8, 9, 255};
    const unsigned char back[] = {199, 99, 3, 128, 0, 0, 0, 0, 7, 8, 9, 255};
    unsigned char over[] = {200, 0, 0, 100}, half[] = {1, 2, 85, 64};
    (void)state;
    cs_premultiply(p, 3);
    assert_memory_equal(p, weighted, sizeof p);
    cs_unpremultiply(p, 3);
    assert_memory_equal(p, back, sizeof p);
    cs_premultiply(half, 1); /* 0.25, 0.50 and 21.33 */
    assert_memory_equal(half, "\0\1\25\100", 4);
    cs_unpremultiply(over, 1); /* the resampling overshot */
    assert_int_equal(over[0], 255);
}

static void orientations_turn_and_mirror(void **state)
{
    /* abc
     * def */
    static const char *const wanted[9] = {"",       "abcdef", "cbafed", "fedcba", "defabc",
                                          "adbecf", "daebfc", "fcebda", "cfbead"};
    int i;
    (void)state;
    for (i = 0; i < 11; i++) {
        const char *letters = i >= 1 && i <= 8 ? wanted[i] : wanted[1];
        clipspan_error err;
        cs_raster raster;
        fill(&raster, CS_MODE_GREY, 3, 2, "abcdef");
        assert_int_equal(cs_orient(&raster, i, &err), CLIPSPAN_OK);
        assert_int_equal(raster.width, i >= 5 && i <= 8 ? 2 : 3);
        assert_memory_equal(raster.data, letters, 6);
        cs_raster_fini(&raster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_becomes_rgb),
        cmocka_unit_test(alpha_weighs_colours_and_back),
        cmocka_unit_test(orientations_turn_and_mirror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
