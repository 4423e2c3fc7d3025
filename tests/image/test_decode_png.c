/* SPDX-License-Identifier: MIT */
/* PNG files, whole and damaged: group E. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "craft.h"

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 };

static void refuse(const craft *file, clipspan_status code, const char *says)
{
    clipspan_error err;
    cs_raster raster;
    assert_int_equal(craft_decode(cs_png_decode, &raster, file, &err), code);
    if (!strstr(err.message, says)) fail_msg("\"%s\" lacks \"%s\"", err.message, says);
    assert_non_null(strstr(err.message, "crafted"));
    cs_raster_fini(&raster);
}

/* Decodes and compares with `size` bytes of samples. */
static void expect(const craft *file, cs_mode mode, const void *samples, size_t size)
{
    clipspan_error err;
    cs_raster raster;
    if (craft_decode(cs_png_decode, &raster, file, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(raster.mode, mode);
    assert_int_equal((size_t)raster.width * (size_t)raster.height * (size_t)cs_mode_bytes(mode),
                     size);
    assert_memory_equal(raster.data, samples, size);
    cs_raster_fini(&raster);
}

/* 2 x 2 pixels, RGB: the image that most tests wrap differently. */
static const unsigned char rows[] = {0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12};
static const unsigned char pixels[] = {1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255};

static void simple(craft *file, const craft *extra)
{
    craft_png(file, 2, 2, 8, RGB, 0, extra, rows, sizeof rows);
}

/* The chunk's first content byte. */
static size_t content(const craft *file, const char *type)
{
    return craft_find(file, type, 4, 0) + 4;
}

static void e01_any_cut_is_refused(void **state)
{
    craft file = {0};
    size_t end;
    (void)state;
    simple(&file, NULL);
    end = content(&file, "IEND") - 8;
    for (file.size = 0; file.size < end; file.size++)
        refuse(&file, CLIPSPAN_E_FORMAT, "cut short");
    file.size = end; /* all rows are there: the end mark is not missed */
    expect(&file, CS_MODE_RGB, pixels, sizeof pixels);
    craft_free(&file);
}

static void bad_sum(const char *type, const craft *extra)
{
    craft file = {0};
    size_t at;
    simple(&file, extra);
    at = content(&file, type);
    at += (size_t)file.data[at - 5];
    file.data[at] ^= 1;
    refuse(&file, CLIPSPAN_E_FORMAT, "damaged");
    craft_free(&file);
}

static void e02_a_bad_checksum_of_the_header_is_refused(void **state)
{
    (void)state;
    bad_sum("IHDR", NULL);
}

static void e03_a_bad_checksum_of_the_data_is_refused(void **state)
{
    (void)state;
    bad_sum("IDAT", NULL);
}

static void e04_a_bad_checksum_of_an_ancillary_chunk_is_refused(void **state)
{
    craft extra = {0};
    (void)state;
    craft_png_chunk(&extra, "tEXt", "Title\0x", 7);
    bad_sum("tEXt", &extra);
    craft_free(&extra);
}

static void e05_a_width_of_2_31_less_1_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_png(&file, 0x7fffffff, 1, 8, RGB, 0, NULL, rows, sizeof rows);
    refuse(&file, CLIPSPAN_E_LIMIT, "2147483647 x 1");
    craft_free(&file);
    craft_png(&file, 0x7fffffff, 0x7fffffff, 16, RGB_ALPHA, 1, NULL, rows, sizeof rows);
    refuse(&file, CLIPSPAN_E_LIMIT, "2147483647 x 2147483647");
    craft_free(&file);
    craft_png(&file, 9000, 9000, 8, RGB, 0, NULL, rows, sizeof rows); /* under the ceiling */
    refuse(&file, CLIPSPAN_E_FORMAT, "cannot hold");
    craft_free(&file);
}

/* 64 MiB of zeros in 64 KiB. */
static void bomb(craft *out, const char *head, size_t head_size)
{
    static unsigned char zeros[1 << 20];
    unsigned char part[1 << 14];
    z_stream stream;
    int i;
    memset(&stream, 0, sizeof stream);
    craft_add(out, head, head_size);
    assert_int_equal(deflateInit(&stream, 9), Z_OK);
    for (i = 0; i <= 64; i++) {
        stream.next_in = zeros;
        stream.avail_in = i < 64 ? sizeof zeros : 0;
        do {
            stream.next_out = part;
            stream.avail_out = sizeof part;
            deflate(&stream, i < 64 ? Z_NO_FLUSH : Z_FINISH);
            craft_add(out, part, sizeof part - stream.avail_out);
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
}

static void passed_over(const char *type, const void *data, size_t size)
{
    craft extra = {0}, file = {0};
    craft_png_chunk(&extra, type, data, size);
    simple(&file, &extra);
    expect(&file, CS_MODE_RGB, pixels, sizeof pixels);
    craft_free(&extra);
    craft_free(&file);
}

static void e06_a_profile_bomb_is_passed_over(void **state)
{
    craft data = {0};
    (void)state;
    bomb(&data, "icc\0", 5);
    passed_over("iCCP", data.data, data.size);
    craft_free(&data);
}

static void e07_a_text_bomb_is_passed_over(void **state)
{
    craft data = {0};
    (void)state;
    bomb(&data, "Comment\0", 9);
    passed_over("zTXt", data.data, data.size);
    craft_free(&data);
}

static void e08_interlaced_rows_are_put_in_order(void **state)
{
    /* 3 x 2 grey pixels: passes 1, 4 and 6 hold (0,0), (2,0) and (1,0), pass 7 row 1 */
    const unsigned char packed[] = {0, 10, 0, 12, 0, 11, 0, 20, 21, 22};
    const unsigned char samples[] = {10, 11, 12, 20, 21, 22};
    craft file = {0};
    (void)state;
    craft_png(&file, 3, 2, 8, GREY, 1, NULL, packed, sizeof packed);
    expect(&file, CS_MODE_GREY, samples, sizeof samples);
    craft_free(&file);
}

static void e09_grey_of_every_depth(void **state)
{
    const unsigned char one[] = {0, 0xa0}, two[] = {0, 0x1b}, four[] = {0, 0x05, 0xaf};
    const unsigned char eight[] = {0, 0, 128, 255}, sixteen[] = {0, 0x12, 0x34, 0xff, 0xfe};
    const uint16_t wide[] = {0x1234, 0xfffe};
    craft file = {0};
    (void)state;
    craft_png(&file, 4, 1, 1, GREY, 0, NULL, one, sizeof one);
    expect(&file, CS_MODE_BIT, "\xff\0\xff\0", 4);
    craft_free(&file);
    craft_png(&file, 4, 1, 2, GREY, 0, NULL, two, sizeof two);
    expect(&file, CS_MODE_GREY, "\0\x55\xaa\xff", 4);
    craft_free(&file);
    craft_png(&file, 4, 1, 4, GREY, 0, NULL, four, sizeof four);
    expect(&file, CS_MODE_GREY, "\0\x55\xaa\xff", 4);
    craft_free(&file);
    craft_png(&file, 3, 1, 8, GREY, 0, NULL, eight, sizeof eight);
    expect(&file, CS_MODE_GREY, "\0\x80\xff", 3);
    craft_free(&file);
    craft_png(&file, 2, 1, 16, GREY, 0, NULL, sixteen, sizeof sixteen);
    expect(&file, CS_MODE_GREY16, wide, sizeof wide);
    craft_free(&file);
}

/* Index 0, 1, 2 and one that the palette lacks, through to RGB. */
static void check_palette(const craft *extra, int depth, const unsigned char *packed, size_t size)
{
    static const uint8_t wanted[12] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 0, 0, 0};
    uint8_t out[12];
    clipspan_error err;
    craft file = {0};
    craft_png(&file, 4, 1, depth, PALETTE, 0, extra, packed, size);
    if (craft_squash(out, 1, 4, &file, NULL, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    assert_memory_equal(out, wanted, sizeof out);
    craft_free(&file);
}

static const unsigned char colours[] = {10, 20, 30, 40, 50, 60, 70, 80, 90};

static void e10_palettes_of_every_depth(void **state)
{
    const unsigned char two[] = {0, 0x1b}, four[] = {0, 0x01, 0x23}, eight[] = {0, 0, 1, 2, 3};
    craft extra = {0};
    (void)state;
    craft_png_chunk(&extra, "PLTE", colours, sizeof colours);
    check_palette(&extra, 2, two, sizeof two);
    check_palette(&extra, 4, four, sizeof four);
    check_palette(&extra, 8, eight, sizeof eight);
    craft_free(&extra);
}

static void e11_transparent_colours_keep_their_colour(void **state)
{
    const unsigned char eight[] = {0, 0, 1, 2, 3};
    craft extra = {0};
    (void)state;
    craft_png_chunk(&extra, "PLTE", colours, sizeof colours);
    craft_png_chunk(&extra, "tRNS", "\0\x80", 2);
    check_palette(&extra, 8, eight, sizeof eight);
    craft_free(&extra);
}

static void e12_rgba_of_8_and_16_bits(void **state)
{
    const unsigned char eight[] = {0, 1, 2, 3, 4};
    const unsigned char sixteen[] = {0, 1, 0xff, 2, 0x80, 3, 0, 4, 0xff};
    craft file = {0};
    (void)state;
    craft_png(&file, 1, 1, 8, RGB_ALPHA, 0, NULL, eight, sizeof eight);
    expect(&file, CS_MODE_RGBA, "\1\2\3\4", 4);
    craft_free(&file);
    craft_png(&file, 1, 1, 16, RGB_ALPHA, 0, NULL, sixteen, sizeof sixteen);
    expect(&file, CS_MODE_RGBA, "\1\2\3\4", 4);
    craft_free(&file);
    craft_png(&file, 1, 1, 16, RGB, 0, NULL, sixteen, 7);
    expect(&file, CS_MODE_RGB, "\1\2\3\xff", 4);
    craft_free(&file);
}

static void e13_grey_with_alpha_of_8_and_16_bits(void **state)
{
    const unsigned char eight[] = {0, 7, 9}, sixteen[] = {0, 7, 0xff, 9, 0xff};
    craft file = {0};
    (void)state;
    craft_png(&file, 1, 1, 8, GREY_ALPHA, 0, NULL, eight, sizeof eight);
    expect(&file, CS_MODE_RGBA, "\7\7\7\11", 4);
    craft_free(&file);
    craft_png(&file, 1, 1, 16, GREY_ALPHA, 0, NULL, sixteen, sizeof sixteen);
    expect(&file, CS_MODE_RGBA, "\7\7\7\11", 4);
    craft_free(&file);
}

static void e14_an_index_beyond_the_palette_is_black(void **state)
{
    const unsigned char eight[] = {0, 0, 1, 2, 255};
    craft extra = {0};
    (void)state;
    craft_png_chunk(&extra, "PLTE", colours, sizeof colours);
    check_palette(&extra, 8, eight, sizeof eight);
    craft_free(&extra);
}

static void e15_of_an_animation_the_default_image_is_read(void **state)
{
    unsigned char control[26] = {0}, second[64] = {0, 0, 0, 2};
    uLongf packed = sizeof second - 4;
    const unsigned char other[14] = {0, 9, 9, 9, 9, 9, 9, 0, 9, 9, 9, 9, 9, 9};
    craft extra = {0}, file = {0}, tail = {0};
    size_t end;
    (void)state;
    craft_png_chunk(&extra, "acTL", "\0\0\0\2\0\0\0\0", 8);
    control[7] = control[11] = 2;
    craft_png_chunk(&extra, "fcTL", control, sizeof control);
    simple(&file, &extra);
    end = content(&file, "IEND") - 8;
    control[3] = 1;
    craft_png_chunk(&tail, "fcTL", control, sizeof control);
    assert_int_equal(compress(second + 4, &packed, other, sizeof other), Z_OK);
    craft_png_chunk(&tail, "fdAT", second, 4 + packed);
    craft_replace(&file, end, 0, tail.data, tail.size);
    expect(&file, CS_MODE_RGB, pixels, sizeof pixels);
    craft_free(&extra);
    craft_free(&tail);
    craft_free(&file);
}

static void e16_a_file_without_data_is_refused(void **state)
{
    craft file = {0};
    (void)state;
    craft_png_start(&file, 2, 2, 8, RGB, 0);
    craft_png_chunk(&file, "IEND", NULL, 0);
    refuse(&file, CLIPSPAN_E_FORMAT, "damaged");
    craft_free(&file);
}

static void e17_two_headers_are_refused(void **state)
{
    const unsigned char header[13] = {0, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 0};
    craft extra = {0}, file = {0};
    (void)state;
    craft_png_chunk(&extra, "IHDR", header, sizeof header);
    simple(&file, &extra);
    refuse(&file, CLIPSPAN_E_FORMAT, "damaged");
    craft_free(&extra);
    craft_free(&file);
}

static void e18_a_hundred_thousand_chunks_are_passed_over(void **state)
{
    craft extra = {0}, file = {0};
    int i;
    (void)state;
    for (i = 0; i < 100000; i++)
        craft_png_chunk(&extra, i % 2 ? "tEXt" : "prVt", "a\0b", 3);
    simple(&file, &extra);
    expect(&file, CS_MODE_RGB, pixels, sizeof pixels);
    craft_free(&extra);
    craft_free(&file);
}

static void e19_gamma_is_passed_over(void **state)
{
    (void)state;
    passed_over("gAMA", "\0\0\x4e\x20", 4);
}

static void transparent_colour_does_not_change_the_mode(void **state)
{
    (void)state;
    passed_over("tRNS", "\0\1\0\2\0\3", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e01_any_cut_is_refused),
        cmocka_unit_test(e02_a_bad_checksum_of_the_header_is_refused),
        cmocka_unit_test(e03_a_bad_checksum_of_the_data_is_refused),
        cmocka_unit_test(e04_a_bad_checksum_of_an_ancillary_chunk_is_refused),
        cmocka_unit_test(e05_a_width_of_2_31_less_1_is_refused),
        cmocka_unit_test(e06_a_profile_bomb_is_passed_over),
        cmocka_unit_test(e07_a_text_bomb_is_passed_over),
        cmocka_unit_test(e08_interlaced_rows_are_put_in_order),
        cmocka_unit_test(e09_grey_of_every_depth),
        cmocka_unit_test(e10_palettes_of_every_depth),
        cmocka_unit_test(e11_transparent_colours_keep_their_colour),
        cmocka_unit_test(e12_rgba_of_8_and_16_bits),
        cmocka_unit_test(e13_grey_with_alpha_of_8_and_16_bits),
        cmocka_unit_test(e14_an_index_beyond_the_palette_is_black),
        cmocka_unit_test(e15_of_an_animation_the_default_image_is_read),
        cmocka_unit_test(e16_a_file_without_data_is_refused),
        cmocka_unit_test(e17_two_headers_are_refused),
        cmocka_unit_test(e18_a_hundred_thousand_chunks_are_passed_over),
        cmocka_unit_test(e19_gamma_is_passed_over),
        cmocka_unit_test(transparent_colour_does_not_change_the_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
