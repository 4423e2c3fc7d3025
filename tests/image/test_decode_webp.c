/* SPDX-License-Identifier: MIT */
/* WebP files, whole and damaged: group F. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "craft.h"

#define W 12
#define H 10

static unsigned char scene[4 * W * H];

static int set_up(void **state)
{
    int i;
    (void)state;
    craft_scene(scene, W, H, 4);
    for (i = 0; i < W * H; i++)
        scene[4 * i + 3] = (unsigned char)(255 - i);
    return 0;
}

static void refuse(const craft *file, clipspan_status code, const char *says)
{
    clipspan_error err;
    cs_raster raster;
    assert_int_equal(craft_decode(cs_webp_decode, &raster, file, &err), code);
    if (!strstr(err.message, says)) fail_msg("\"%s\" lacks \"%s\"", err.message, says);
    assert_non_null(strstr(err.message, "crafted"));
    cs_raster_fini(&raster);
}

static void expect(const craft *file, cs_mode mode, const unsigned char *samples, int width,
                   int height)
{
    clipspan_error err;
    cs_raster raster;
    if (craft_decode(cs_webp_decode, &raster, file, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(raster.mode, mode);
    assert_int_equal(raster.width, width);
    assert_int_equal(raster.height, height);
    assert_memory_equal(raster.data, samples, 4 * (size_t)width * (size_t)height);
    cs_raster_fini(&raster);
}

/* RIFF and VP8X headers; flags: 0x02 animation, 0x10 alpha, 0x08 EXIF, 0x20 profile. */
static void extended(craft *file, int flags, uint32_t width, uint32_t height)
{
    unsigned char head[10] = {0};
    head[0] = (unsigned char)flags;
    craft_number(head + 4, width - 1, 3, 0);
    craft_number(head + 7, height - 1, 3, 0);
    craft_add(file, "RIFF\0\0\0\0WEBP", 12);
    craft_riff_chunk(file, "VP8X", head, sizeof head);
}

/* The image chunk of a simple lossless file, header included. */
static void lossless_chunk(craft *out)
{
    craft whole = {0};
    craft_webp(&whole, scene, W, H, 1);
    craft_add(out, whole.data + 12, whole.size - 12);
    craft_free(&whole);
}

static void put_bits(craft *out, size_t *count, unsigned value, int bits)
{
    int i;
    for (i = 0; i < bits; i++, ++*count) {
        if (*count % 8 == 0) craft_add(out, "", 1);
        out->data[out->size - 1] |= (unsigned char)((value >> i & 1) << *count % 8);
    }
}

/* A prefix code as VP8L writes it, the length of each symbol coded by one of 16 lengths, 4 bits
 * each. */
static void put_code(craft *out, size_t *count, const unsigned char *lengths, int symbols)
{
    static const int order[19] = {17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const unsigned char reversed[16] = {0, 8, 4, 12, 2, 10, 6, 14,
                                               1, 9, 5, 13, 3, 11, 7, 15};
    int i;
    put_bits(out, count, 0, 1);      /* not the simple kind */
    put_bits(out, count, 19 - 4, 4); /* all code length codes follow */
    for (i = 0; i < 19; i++)
        put_bits(out, count, order[i] < 16 ? 4 : 0, 3);
    put_bits(out, count, 0, 1); /* lengths for the whole alphabet */
    for (i = 0; i < symbols; i++)
        put_bits(out, count, reversed[lengths[i]], 4);
}

/* A lossless file of five prefix codes, given by how many codes of 1, 2 … 15 bits each has. Its
 * pixels are all zero bits: symbol 0 of each code. */
static void five_coefficients(craft *file, const unsigned char counts[5][15])
{
    static const int symbols[5] = {256 + 24, 256, 256, 256, 40};
    craft data = {0};
    size_t count = 0;
    int i, j, length;
    put_bits(&data, &count, 0x2f, 8);
    put_bits(&data, &count, W - 1, 14);
    put_bits(&data, &count, H - 1, 14);
    put_bits(&data, &count, 0, 4); /* no alpha, version 0 */
    put_bits(&data, &count, 0, 3); /* no transform, colour cache or choice of codes */
    for (i = 0; i < 5; i++) {
        unsigned char lengths[280];
        int used = 0;
        for (length = 1; length <= 15; length++)
            for (j = 0; j < counts[i][length - 1]; j++)
                lengths[used++] = (unsigned char)length;
        assert_int_equal(used, symbols[i]);
        put_code(&data, &count, lengths, used);
    }
    for (i = 0; i < 512; i++)
        put_bits(&data, &count, 0, 8);
    craft_add(file, "RIFF\0\0\0\0WEBP", 12);
    craft_riff_chunk(file, "VP8L", data.data, data.size);
    craft_riff_close(file);
    craft_free(&data);
}

/* CVE-2023-4863: libwebp took room for the largest tables that complete codes can need (2,954
 * entries: 654 + 3 x 630 + 410), and found out that a code is incomplete only after writing its
 * table. Here the first four codes need their 2,544 entries and the last one, incomplete, 542: a
 * decoder without the repair writes 132 entries beyond the end. With a complete code of the largest
 * table in its place the same file is sound. */
static void f01_prefix_coefficients_that_overflow_their_tables_are_refused(void **state)
{
    static const unsigned char complete[15] = {1, 1, 1, 1, 1, 0, 0, 0, 7, 13, 9, 0, 3, 1, 2};
    unsigned char counts[5][15] = {
        {1, 1, 0, 0, 0, 0, 0, 0, 79, 41, 89, 33, 33, 1, 2},
        {1, 1, 0, 0, 0, 0, 0, 0, 75, 69, 57, 17, 33, 1, 2},
        {1, 1, 0, 0, 0, 0, 0, 0, 75, 69, 57, 17, 33, 1, 2},
        {1, 1, 0, 0, 0, 0, 0, 0, 75, 69, 57, 17, 33, 1, 2},
        {0, 0, 0, 1, 0, 0, 0, 0, 27, 5, 1, 1, 1, 1, 3},
    };
    const unsigned char nothing[4 * W * H] = {0};
    craft file = {0};
    (void)state;
    five_coefficients(&file, (const unsigned char(*)[15])counts);
    refuse(&file, CLIPSPAN_E_FORMAT, "damaged");
    craft_free(&file);
    memcpy(counts[4], complete, sizeof complete);
    five_coefficients(&file, (const unsigned char(*)[15])counts);
    expect(&file, CS_MODE_RGB, nothing, W, H);
    craft_free(&file);
}

static void every_cut(craft *file)
{
    const size_t whole = file->size;
    for (file->size = 0; file->size < whole; file->size++) {
        clipspan_error err;
        cs_raster raster;
        assert_int_equal(craft_decode(cs_webp_decode, &raster, file, &err), CLIPSPAN_E_FORMAT);
        cs_raster_fini(&raster);
    }
    craft_free(file);
}

static void f02_any_cut_of_a_lossy_file_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_webp(&file, scene, W, H, 0);
    every_cut(&file);
}

static void f03_any_cut_of_a_lossless_file_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_webp(&file, scene, W, H, 1);
    every_cut(&file);
}

static void f04_any_cut_of_an_extended_file_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    extended(&file, 0x10, W, H);
    lossless_chunk(&file);
    craft_riff_close(&file);
    expect(&file, CS_MODE_RGBA, scene, W, H);
    every_cut(&file);
}

static void f05_of_an_animation_the_first_frame_lies_on_an_empty_canvas(void **state)
{
    unsigned char canvas[4 * (W + 4) * (H + 2)] = {0};
    craft file = {0}, frame = {0};
    int i;
    (void)state;
    extended(&file, 0x12, W + 4, H + 2);
    craft_riff_chunk(&file, "ANIM", "\xff\xff\xff\xff\0\0", 6);
    for (i = 0; i < 2; i++) {
        unsigned char head[16] = {0};
        head[0] = i ? 0 : 2; /* half the offset: the first frame at 4, 2 */
        head[1 + 2] = i ? 0 : 1;
        craft_number(head + 6, W - 1, 3, 0);
        craft_number(head + 9, H - 1, 3, 0);
        craft_add(&frame, head, sizeof head);
        lossless_chunk(&frame);
        craft_riff_chunk(&file, "ANMF", frame.data, frame.size);
        craft_free(&frame);
    }
    craft_riff_close(&file);
    for (i = 0; i < H; i++)
        memcpy(canvas + 4 * ((i + 2) * (W + 4) + 4), scene + 4 * i * W, 4 * W);
    expect(&file, CS_MODE_RGBA, canvas, W + 4, H + 2);
    craft_free(&file);
}

static void f06_alpha_is_read(void **state)
{
    unsigned char opaque[4 * W * H];
    craft file = {0};
    int i;
    (void)state;
    craft_webp(&file, scene, W, H, 1);
    expect(&file, CS_MODE_RGBA, scene, W, H);
    craft_free(&file);
    memcpy(opaque, scene, sizeof opaque);
    for (i = 0; i < W * H; i++)
        opaque[4 * i + 3] = 255;
    craft_webp(&file, opaque, W, H, 1);
    expect(&file, CS_MODE_RGB, opaque, W, H);
    craft_free(&file);
}

static void f07_the_largest_declared_size_is_refused(void **state)
{
    unsigned char opaque[4 * W * H];
    craft file = {0};
    (void)state;
    memset(opaque, 255, sizeof opaque); /* without alpha, a file of one chunk */
    craft_webp(&file, opaque, W, H, 0);
    craft_number(file.data + craft_find(&file, "\x9d\x01\x2a", 3, 0) + 3, 0x3fff3fff, 4, 0);
    refuse(&file, CLIPSPAN_E_LIMIT, "16383 x 16383");
    craft_free(&file);
}

static void f08_a_canvas_of_another_size_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    extended(&file, 0x10, W + 1, H);
    lossless_chunk(&file);
    craft_riff_close(&file);
    refuse(&file, CLIPSPAN_E_FORMAT, "WebP");
    craft_free(&file);
}

static void f09_a_chunk_larger_than_the_file_is_refused(void **state)
{
    static const char *const types[] = {"ICCP", "EXIF"};
    int i;
    (void)state;
    for (i = 0; i < 2; i++) {
        craft file = {0};
        extended(&file, i ? 0x18 : 0x30, W, H);
        if (i) lossless_chunk(&file);
        craft_add(&file, types[i], 4);
        craft_add(&file, "\xf0\xff\xff\x7f....", 8);
        if (!i) lossless_chunk(&file);
        craft_riff_close(&file);
        refuse(&file, CLIPSPAN_E_FORMAT, "WebP");
        craft_free(&file);
    }
}

static void f10_a_riff_size_of_0_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_webp(&file, scene, W, H, 1);
    craft_number(file.data + 4, 0, 4, 0);
    refuse(&file, CLIPSPAN_E_FORMAT, "WebP");
    craft_free(&file);
}

static void f11_a_riff_size_of_2_32_less_1_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_webp(&file, scene, W, H, 1);
    craft_number(file.data + 4, 0xffffffff, 4, 0);
    refuse(&file, CLIPSPAN_E_FORMAT, "WebP");
    craft_free(&file);
}

static void f12_unknown_chunks_are_passed_over(void **state)
{
    craft file = {0};
    (void)state;
    extended(&file, 0x10, W, H);
    craft_riff_chunk(&file, "what", "abc", 3);
    lossless_chunk(&file);
    craft_riff_chunk(&file, "ever", "abcd", 4);
    craft_riff_close(&file);
    expect(&file, CS_MODE_RGBA, scene, W, H);
    craft_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f01_prefix_coefficients_that_overflow_their_tables_are_refused),
        cmocka_unit_test(f02_any_cut_of_a_lossy_file_is_refused),
        cmocka_unit_test(f03_any_cut_of_a_lossless_file_is_refused),
        cmocka_unit_test(f04_any_cut_of_an_extended_file_is_refused),
        cmocka_unit_test(f05_of_an_animation_the_first_frame_lies_on_an_empty_canvas),
        cmocka_unit_test(f06_alpha_is_read),
        cmocka_unit_test(f07_the_largest_declared_size_is_refused),
        cmocka_unit_test(f08_a_canvas_of_another_size_is_refused),
        cmocka_unit_test(f09_a_chunk_larger_than_the_file_is_refused),
        cmocka_unit_test(f10_a_riff_size_of_0_is_refused),
        cmocka_unit_test(f11_a_riff_size_of_2_32_less_1_is_refused),
        cmocka_unit_test(f12_unknown_chunks_are_passed_over),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
