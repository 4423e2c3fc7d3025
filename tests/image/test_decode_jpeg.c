/* SPDX-License-Identifier: MIT */
/* JPEG files, whole and damaged: group D. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "craft.h"

#define W 40
#define H 24

static unsigned char scene[4 * W * H];

static int set_up(void **state)
{
    (void)state;
    craft_scene(scene, W, H, 3);
    return 0;
}

static void refuse(const craft *file, clipspan_status code, const char *says)
{
    clipspan_error err;
    cs_raster raster;
    assert_int_equal(craft_decode(cs_jpeg_decode, &raster, file, &err), code);
    if (!strstr(err.message, says)) fail_msg("\"%s\" lacks \"%s\"", err.message, says);
    assert_non_null(strstr(err.message, "crafted"));
    cs_raster_fini(&raster);
}

/* Mean distance of the first three samples of every pixel from the scene. */
static double distance(const craft *file, int channels)
{
    clipspan_error err;
    cs_raster raster;
    double sum = 0;
    int i, c;
    if (craft_decode(cs_jpeg_decode, &raster, file, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(raster.width, W);
    assert_int_equal(raster.height, H);
    for (i = 0; i < W * H; i++)
        for (c = 0; c < channels; c++)
            sum += abs(raster.data[(channels == 1 ? 1 : 4) * i + c] - scene[channels * i + c]);
    cs_raster_fini(&raster);
    return sum / (W * H * channels);
}

static void cut_to(size_t size, clipspan_status code, const char *says)
{
    craft file = {0};
    craft_jpeg(&file, scene, W, H, 3, NULL);
    assert_true(size < file.size);
    file.size = size;
    refuse(&file, code, says);
    craft_free(&file);
}

static size_t offset_of(const char *marker)
{
    craft file = {0};
    size_t at;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    at = marker ? craft_find(&file, marker, 2, 0) : file.size;
    craft_free(&file);
    return at;
}

static void d01_cut_at_the_first_byte_is_refused(void **state)
{
    (void)state;
    cut_to(1, CLIPSPAN_E_FORMAT, "cut short");
}

static void d02_cut_at_the_scan_header_is_refused(void **state)
{
    (void)state;
    cut_to(offset_of("\xff\xda") + 4, CLIPSPAN_E_FORMAT, "cut short");
}

static void d03_cut_in_the_scan_is_refused(void **state)
{
    (void)state;
    cut_to((offset_of("\xff\xda") + offset_of(NULL)) / 2, CLIPSPAN_E_FORMAT, "cut short");
}

static void d04_cut_before_the_last_rows_end_is_refused(void **state)
{
    (void)state;
    cut_to(offset_of(NULL) - 3, CLIPSPAN_E_FORMAT, "cut short");
}

static void d05_a_thousand_scans_are_refused(void **state)
{
    craft_jpeg_options options = {1, 0, 0, 0};
    craft file = {0}, scan = {0};
    size_t at = 0, next;
    int i;
    (void)state;
    craft_jpeg(&file, scene, W, H, 1, &options);
    next = craft_find(&file, "\xff\xda", 2, 0);
    for (;;) { /* the last scan */
        at = next;
        next = at + 2;
        while (next + 1 < file.size && memcmp(file.data + next, "\xff\xda", 2) != 0)
            next++;
        if (next + 1 >= file.size) break;
    }
    craft_add(&scan, file.data + at, file.size - 2 - at);
    for (i = 0; i < 1000; i++)
        craft_replace(&file, file.size - 2, 0, scan.data, scan.size);
    refuse(&file, CLIPSPAN_E_LIMIT, "more than 100 scans");
    craft_free(&scan);
    craft_free(&file);
}

static void declare(craft *file, unsigned width, unsigned height)
{
    const size_t at = craft_find(file, "\xff\xc0", 2, 0);
    craft_number(file->data + at + 5, height, 2, 1);
    craft_number(file->data + at + 7, width, 2, 1);
}

static void d06_a_huge_size_in_a_tiny_file_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    declare(&file, 65500, 65500);
    refuse(&file, CLIPSPAN_E_LIMIT, "65500 x 65500");
    declare(&file, 9000, 9000); /* under the ceiling: ends before its last row */
    refuse(&file, CLIPSPAN_E_FORMAT, "cut short");
    craft_free(&file);
}

static void d07_no_pixels_are_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    declare(&file, 0, 0);
    refuse(&file, CLIPSPAN_E_FORMAT, "damaged");
    craft_free(&file);
}

static void d08_a_line_of_65535_pixels_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    declare(&file, 65535, 1);
    refuse(&file, CLIPSPAN_E_LIMIT, "65535");
    craft_free(&file);
}

static void check_cmyk(int no_adobe)
{
    craft_jpeg_options options = {0, 0, 0, 0};
    unsigned char stored[4 * W * H];
    clipspan_error err;
    cs_raster raster;
    craft file = {0};
    int i;
    options.no_adobe = no_adobe;
    craft_scene(stored, W, H, 4);
    craft_jpeg(&file, stored, W, H, 4, &options);
    assert_int_equal(craft_decode(cs_jpeg_decode, &raster, &file, &err), CLIPSPAN_OK);
    assert_int_equal(raster.mode, CS_MODE_CMYK);
    for (i = 0; i < W; i++) /* far from the edge */
        assert_in_range(raster.data[4 * (W * (H - 1) + i) + 3] + stored[4 * (W * (H - 1) + i) + 3],
                        255 - 60, 255 + 60);
    cs_raster_fini(&raster);
    craft_free(&file);
}

static void d09_cmyk_is_read_as_inverted_ink(void **state)
{
    (void)state;
    check_cmyk(1);
}

static void d10_adobe_cmyk_is_read_as_inverted_ink(void **state)
{
    (void)state;
    check_cmyk(0);
}

static void d11_grey_is_read(void **state)
{
    craft file = {0};
    (void)state;
    craft_scene(scene, W, H, 1);
    craft_jpeg(&file, scene, W, H, 1, NULL);
    assert_true(distance(&file, 1) < 12);
    craft_scene(scene, W, H, 3);
    craft_free(&file);
}

static void d12_twelve_bits_are_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    file.data[craft_find(&file, "\xff\xc0", 2, 0) + 4] = 12;
    refuse(&file, CLIPSPAN_E_UNSUPPORTED, "12 bits");
    craft_free(&file);
}

static void d13_arithmetic_coding_is_read_right(void **state)
{
    craft_jpeg_options options = {0, 1, 0, 0};
    craft plain = {0}, file = {0};
    (void)state;
    craft_jpeg(&plain, scene, W, H, 3, NULL);
    craft_jpeg(&file, scene, W, H, 3, &options);
    craft_find(&file, "\xff\xc9", 2, 0);
    assert_true(distance(&file, 3) == distance(&plain, 3));
    craft_free(&plain);
    craft_free(&file);
}

static void d14_a_bad_huffman_table_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    memset(file.data + craft_find(&file, "\xff\xc4", 2, 0) + 5, 255, 16);
    refuse(&file, CLIPSPAN_E_FORMAT, "damaged");
    craft_free(&file);
}

static void d15_exif_turns_the_image_only_on_request(void **state)
{
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    unsigned char exif[32] = "Exif\0\0", grey[W * H];
    uint8_t plain[3 * W * H], same[3 * W * H], turned[3 * W * H];
    clipspan_error err;
    craft file = {0};
    int x, y;
    (void)state;
    craft_scene(grey, W, H, 1);
    craft_jpeg(&file, grey, W, H, 1, NULL);
    assert_int_equal(craft_squash(plain, H, W, &file, NULL, &err), CLIPSPAN_OK);
    craft_jpeg_segment(&file, 0xe1, exif, 6 + craft_exif(exif + 6, 6, 1));
    assert_int_equal(craft_squash(same, H, W, &file, NULL, &err), CLIPSPAN_OK);
    assert_memory_equal(plain, same, sizeof plain);
    options.exif_orient = 1;
    assert_int_equal(craft_squash(turned, W, H, &file, &options, &err), CLIPSPAN_OK);
    for (y = 0; y < W; y++) /* a quarter turn clockwise */
        for (x = 0; x < H; x++)
            assert_int_equal(turned[3 * (y * H + x)], plain[3 * ((H - 1 - x) * W + y)]);
    craft_free(&file);
}

static void d16_a_profile_of_16_megabytes_is_passed_over(void **state)
{
    static unsigned char part[65533] = "ICC_PROFILE";
    craft file = {0}, plain = {0};
    int i;
    (void)state;
    craft_jpeg(&plain, scene, W, H, 3, NULL);
    craft_add(&file, plain.data, 2);
    for (i = 1; i <= 255; i++) {
        craft segment = {0};
        craft_add(&segment, "\xff\xd8", 2);
        part[12] = (unsigned char)i;
        part[13] = 255;
        craft_jpeg_segment(&segment, 0xe2, part, sizeof part);
        craft_add(&file, segment.data + 2, segment.size - 2);
        craft_free(&segment);
    }
    craft_add(&file, plain.data + 2, plain.size - 2);
    assert_true(distance(&file, 3) == distance(&plain, 3));
    craft_free(&plain);
    craft_free(&file);
}

static void d17_a_flood_of_comments_is_passed_over(void **state)
{
    craft file = {0}, plain = {0};
    int i;
    (void)state;
    craft_jpeg(&plain, scene, W, H, 3, NULL);
    craft_add(&file, plain.data, 2);
    for (i = 0; i < 300000; i++)
        craft_add(&file, "\xff\xfe\0\4hi", 6);
    craft_add(&file, plain.data + 2, plain.size - 2);
    assert_true(distance(&file, 3) == distance(&plain, 3));
    craft_free(&plain);
    craft_free(&file);
}

static void d18_content_decides_not_the_name(void **state)
{
    uint8_t by_name[3 * W * H], plain[3 * W * H];
    cs_preprocess preprocess;
    clipspan_error err;
    craft file = {0};
    (void)state;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    assert_int_equal(craft_squash(plain, H, W, &file, NULL, &err), CLIPSPAN_OK);
    memset(&preprocess, 0, sizeof preprocess);
    preprocess.height = H;
    preprocess.width = W;
    preprocess.resize = CLIPSPAN_SQUASH;
    preprocess.kernel = CLIPSPAN_BICUBIC;
    assert_int_equal(
        cs_image_decode(by_name, &preprocess, file.data, file.size, "image.png", NULL, &err),
        CLIPSPAN_OK);
    assert_memory_equal(by_name, plain, sizeof plain);
    craft_free(&file);
}

static void whole_files_come_close_to_what_was_packed(void **state)
{
    craft_jpeg_options progressive = {1, 0, 0, 0};
    craft file = {0}, same = {0};
    (void)state;
    craft_jpeg(&file, scene, W, H, 3, NULL);
    craft_jpeg(&same, scene, W, H, 3, &progressive);
    assert_true(distance(&file, 3) < 12);
    assert_true(distance(&same, 3) == distance(&file, 3));
    craft_free(&file);
    craft_free(&same);
}

/* Every cut of a file is refused, up to those that leave all rows whole. */
static void no_cut_crashes(void **state)
{
    craft_jpeg_options progressive = {1, 0, 0, 0};
    int kind;
    (void)state;
    for (kind = 0; kind < 2; kind++) {
        craft file = {0};
        size_t whole;
        craft_jpeg(&file, scene, W, H, 3, kind ? &progressive : NULL);
        whole = file.size;
        for (file.size = 0; file.size < whole - 4; file.size++)
            refuse(&file, CLIPSPAN_E_FORMAT, "cut short");
        craft_free(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files_come_close_to_what_was_packed),
        cmocka_unit_test(d01_cut_at_the_first_byte_is_refused),
        cmocka_unit_test(d02_cut_at_the_scan_header_is_refused),
        cmocka_unit_test(d03_cut_in_the_scan_is_refused),
        cmocka_unit_test(d04_cut_before_the_last_rows_end_is_refused),
        cmocka_unit_test(d05_a_thousand_scans_are_refused),
        cmocka_unit_test(d06_a_huge_size_in_a_tiny_file_is_refused),
        cmocka_unit_test(d07_no_pixels_are_refused),
        cmocka_unit_test(d08_a_line_of_65535_pixels_is_refused),
        cmocka_unit_test(d09_cmyk_is_read_as_inverted_ink),
        cmocka_unit_test(d10_adobe_cmyk_is_read_as_inverted_ink),
        cmocka_unit_test(d11_grey_is_read),
        cmocka_unit_test(d12_twelve_bits_are_refused),
        cmocka_unit_test(d13_arithmetic_coding_is_read_right),
        cmocka_unit_test(d14_a_bad_huffman_table_is_refused),
        cmocka_unit_test(d15_exif_turns_the_image_only_on_request),
        cmocka_unit_test(d16_a_profile_of_16_megabytes_is_passed_over),
        cmocka_unit_test(d17_a_flood_of_comments_is_passed_over),
        cmocka_unit_test(d18_content_decides_not_the_name),
        cmocka_unit_test(no_cut_crashes),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
