/* SPDX-License-Identifier: MIT */
/* What is packed as JPEG unpacks to nearly the same, and images are shrunk whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "draw/jpeg_write.h"
#include "draw/png_write.h"
#include "image/image.h"
#include "image/raster.h"
#include "tiny.h"

/* Slow waves, which survive quality 90 within a few steps. */
static void paint(uint8_t *pixels, int height, int width)
{
    int x, y;
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++, pixels += 3) {
            pixels[0] = (uint8_t)(255 * x / width);
            pixels[1] = (uint8_t)(255 * y / height);
            pixels[2] = 100;
        }
}

static void check(int height, int width)
{
    uint8_t *pixels = malloc((size_t)height * (size_t)width * 3);
    cs_image_source source = {NULL, 0, "packed", 1000000, 0};
    unsigned char *bytes, *again;
    cs_raster raster;
    size_t size, i;
    int c;
    assert_non_null(pixels);
    paint(pixels, height, width);
    assert_int_equal(cs_jpeg_encode(&bytes, &size, pixels, height, width, 90, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_jpeg_encode(&again, &source.size, pixels, height, width, 90, NULL),
                     CLIPSPAN_OK);
    assert_int_equal(size, source.size);
    assert_memory_equal(bytes, again, size);
    source.bytes = bytes;
    assert_int_equal(cs_jpeg_decode(&raster, &source, NULL), CLIPSPAN_OK);
    assert_int_equal(raster.mode, CS_MODE_RGB);
    assert_int_equal(raster.width, width);
    assert_int_equal(raster.height, height);
    for (i = 0; i < (size_t)height * (size_t)width; i++)
        for (c = 0; c < 3; c++)
            assert_in_range(raster.data[4 * i + (size_t)c] + 16 - pixels[3 * i + (size_t)c], 0, 32);
    cs_raster_fini(&raster);
    cs_free(bytes);
    cs_free(again);
    free(pixels);
}

static void an_image_unpacks_to_nearly_the_same(void **state)
{
    (void)state;
    check(48, 64);
    check(31, 17);
    check(300, 400); /* more than one buffer of bytes */
}

static void sizes_out_of_range_are_refused(void **state)
{
    static const int wrong[][3] = {{0, 1, 75},    {1, 0, 75}, {4097, 1, 75},
                                   {1, 4097, 75}, {1, 1, 0},  {1, 1, 101}};
    static const uint8_t pixel[3] = {0};
    unsigned char *bytes;
    clipspan_error err;
    size_t size, i;
    (void)state;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(
            cs_jpeg_encode(&bytes, &size, pixel, wrong[i][0], wrong[i][1], wrong[i][2], &err),
            CLIPSPAN_E_ARGUMENT);
        assert_null(bytes);
    }
}

/* An image of height x width pixels, shrunk to 64, has wanted_height x wanted_width. */
static void check_shrunk(const char *path, int height, int width, int wanted_height,
                         int wanted_width)
{
    uint8_t pixels[64 * 64 * 3], *large = malloc((size_t)height * (size_t)width * 3);
    int found_height, found_width;
    assert_non_null(large);
    paint(large, height, width);
    assert_int_equal(cs_png_write(path, large, height, width, 3, 1, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_image_shrink(pixels, &found_height, &found_width, 64, path, NULL, NULL),
                     CLIPSPAN_OK);
    assert_int_equal(found_height, wanted_height);
    assert_int_equal(found_width, wanted_width);
    assert_int_equal(pixels[2], 100);
    if (wanted_width > 30) { /* the left side stays left, the right one right */
        assert_in_range(pixels[0], 0, 10);
        assert_in_range(pixels[3 * (wanted_width - 1)], 240, 255);
    }
    free(large);
}

static void images_are_shrunk_whole_and_never_enlarged(void **state)
{
    char *folder = cs_tiny_folder(), *path = cs_tiny_path(folder, "p.png");
    uint8_t pixels[64 * 64 * 3];
    int height, width;
    (void)state;
    check_shrunk(path, 480, 640, 48, 64);
    check_shrunk(path, 640, 480, 64, 48);
    check_shrunk(path, 65, 64, 64, 63);
    check_shrunk(path, 64, 64, 64, 64);
    check_shrunk(path, 20, 40, 20, 40);
    check_shrunk(path, 2, 900, 1, 64);
    cs_tiny_write_text(folder, "p.png", "no image");
    assert_int_equal(cs_image_shrink(pixels, &height, &width, 64, path, NULL, NULL),
                     CLIPSPAN_E_UNSUPPORTED);
    free(path);
    path = cs_tiny_path(folder, "gone.png");
    assert_int_equal(cs_image_shrink(pixels, &height, &width, 64, path, NULL, NULL),
                     CLIPSPAN_E_NOT_FOUND);
    free(path);
    cs_tiny_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_unpacks_to_nearly_the_same),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(images_are_shrunk_whole_and_never_enlarged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
