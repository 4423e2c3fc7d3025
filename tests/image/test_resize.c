/* SPDX-License-Identifier: MIT */
/* Resampling: the kept pixels are those of the whole image, and all kernel levels agree. What the
 * pixels must be, test_image_golden.c knows from Pillow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "craft.h"
#include "image/resize.h"

static const cs_mode modes[] = {CS_MODE_BIT, CS_MODE_INDEX, CS_MODE_GREY, CS_MODE_GREY16,
                                CS_MODE_RGB, CS_MODE_RGBA,  CS_MODE_CMYK};

static void image(cs_raster *raster, cs_mode mode, int width, int height)
{
    const cs_image_source source = {NULL, 0, "test", 1000000, 0};
    const size_t size = (size_t)cs_mode_bytes(mode);
    clipspan_error err;
    uint32_t random = 12345;
    size_t i;
    assert_int_equal(cs_raster_init(raster, mode, (uint64_t)width, (uint64_t)height, &source, &err),
                     0);
    for (i = 0; i < (size_t)width * (size_t)height * size; i++) {
        random = random * 1664525 + 1013904223;
        raster->data[i] = (unsigned char)(random >> 24);
        if (mode == CS_MODE_BIT) raster->data[i] = raster->data[i] > 127 ? 255 : 0;
        if (random >> 23 & 1) raster->data[i] = random >> 22 & 1 ? 255 : 0; /* drives clipping */
    }
}

static cs_span span(int in, int out, int first, int count)
{
    const cs_span made = {in, out, first, count, 0, count};
    return made;
}

static unsigned char *resized(cs_mode mode, int width, int height, const cs_plan *plan,
                              const cs_resize_kernels *kernels)
{
    unsigned char *out;
    clipspan_error err;
    cs_raster raster;
    image(&raster, mode, width, height);
    assert_int_equal(cs_resize(&out, &raster, plan, kernels, &err), CLIPSPAN_OK);
    cs_raster_fini(&raster);
    return out;
}

static const int sizes[][4] = {/* in and out, across and down */
                               {1, 7, 1, 5},     {9, 4, 31, 6},  {31, 6, 9, 4},   {40, 40, 30, 11},
                               {40, 13, 30, 30}, {5, 50, 60, 9}, {33, 20, 70, 9}, {64, 64, 64, 64},
                               {3, 90, 2, 77},   {200, 3, 2, 9}};

static void a_crop_is_a_part_of_the_whole(void **state)
{
    size_t m, s, k;
    (void)state;
    for (m = 0; m < sizeof modes / sizeof *modes; m++)
        for (s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (k = 1; k <= 2; k++) {
                const int *z = sizes[s];
                const size_t size = (size_t)cs_mode_bytes(modes[m]);
                const int left = z[1] / 3, top = z[3] / 4;
                const int width = z[1] - left - z[1] / 5, height = z[3] - top - z[3] / 6;
                cs_plan plan = {span(z[0], z[1], 0, z[1]), span(z[2], z[3], 0, z[3]),
                                (clipspan_kernel)k};
                unsigned char *whole = resized(modes[m], z[0], z[2], &plan, NULL), *part;
                int y;
                plan.x = span(z[0], z[1], left, width);
                plan.y = span(z[2], z[3], top, height);
                part = resized(modes[m], z[0], z[2], &plan, NULL);
                for (y = 0; y < height; y++)
                    assert_memory_equal(part + (size_t)(y * width) * size,
                                        whole + (size_t)((y + top) * z[1] + left) * size,
                                        (size_t)width * size);
                cs_free(whole);
                cs_free(part);
            }
}

static void all_levels_give_the_same_bytes(void **state)
{
    size_t m, s, k;
    (void)state;
    for (m = 0; m < sizeof modes / sizeof *modes; m++)
        for (s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (k = 1; k <= 2; k++) {
                const int *z = sizes[s];
                const cs_plan plan = {span(z[0], z[1], 0, z[1]), span(z[2], z[3], 0, z[3]),
                                      (clipspan_kernel)k};
                unsigned char *best = resized(modes[m], z[0], z[2], &plan, cs_resize_best());
                unsigned char *plain = resized(modes[m], z[0], z[2], &plan, &cs_resize_generic);
                assert_memory_equal(best, plain,
                                    (size_t)(z[1] * z[3]) * (size_t)cs_mode_bytes(modes[m]));
                cs_free(best);
                cs_free(plain);
            }
}

static void weights_sum_to_one(void **state)
{
    const cs_span s = span(1000, 77, 11, 50);
    clipspan_error err;
    cs_weights fixed, real;
    int i, j;
    (void)state;
    assert_int_equal(cs_weights_init(&fixed, &s, CLIPSPAN_BICUBIC, CS_MODE_RGB, &err), 0);
    assert_int_equal(cs_weights_init(&real, &s, CLIPSPAN_BILINEAR, CS_MODE_GREY16, &err), 0);
    assert_int_equal(fixed.room % 2, 0);
    for (i = 0; i < s.count; i++) {
        int32_t sum = 0;
        double whole = 0;
        for (j = 0; j < fixed.room; j++)
            sum += fixed.fixed[i * fixed.room + j];
        assert_in_range(sum, (1 << 22) - fixed.room, (1 << 22) + fixed.room);
        for (j = 0; j < real.room; j++)
            whole += real.real[i * real.room + j];
        assert_true(whole > 1 - 1e-12 && whole < 1 + 1e-12);
        assert_in_range(fixed.min[i], 0, fixed.max[i]);
        assert_in_range(fixed.max[i] - fixed.min[i], 1, fixed.room);
    }
    cs_weights_fini(&fixed);
    cs_weights_fini(&real);
}

static void hidden_colours_do_not_bleed(void **state)
{
    const cs_image_source source = {NULL, 0, "test", 100, 0};
    const cs_plan plan = {span(4, 2, 0, 2), span(1, 1, 0, 1), CLIPSPAN_BILINEAR};
    unsigned char *out;
    clipspan_error err;
    cs_raster raster;
    (void)state;
    assert_int_equal(cs_raster_init(&raster, CS_MODE_RGBA, 4, 1, &source, &err), 0);
    memcpy(raster.data, "\x64\x64\x64\xff\xff\0\0\0\x64\x64\x64\xff\xff\0\0\0", 16);
    assert_int_equal(cs_resize(&out, &raster, &plan, NULL, &err), CLIPSPAN_OK);
    assert_in_range(out[0], 99, 101); /* red has no alpha, so no weight */
    assert_in_range(out[1], 99, 101);
    cs_free(out);
    cs_raster_fini(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crop_is_a_part_of_the_whole),
        cmocka_unit_test(all_levels_give_the_same_bytes),
        cmocka_unit_test(weights_sum_to_one),
        cmocka_unit_test(hidden_colours_do_not_bleed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
