/* SPDX-License-Identifier: MIT */
/* From files to what the tower sees: group G, refusals, padding. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "craft.h"

enum { GREY = 0, RGB = 2, PALETTE = 3 };

static char folder[] = "/tmp/clipspan-image-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void in_folder(char path[64], const char *name)
{
    snprintf(path, 64, "%s/%s", folder, name);
}

static cs_preprocess preprocess(int height, int width, clipspan_resize resize, int huggingface)
{
    cs_preprocess made;
    memset(&made, 0, sizeof made);
    made.height = height;
    made.width = width;
    made.resize = resize;
    made.kernel = CLIPSPAN_BICUBIC;
    made.convert_first = made.floor_crop = huggingface;
    return made;
}

/* A grey PNG whose pixel (x, y) is value(x, y). */
static void grey_png(craft *file, int width, int height, int (*value)(int x, int y))
{
    unsigned char *rows = malloc((size_t)(width + 1) * (size_t)height), *to = rows;
    int x, y;
    assert_non_null(rows);
    for (y = 0; y < height; y++) {
        *to++ = 0;
        for (x = 0; x < width; x++)
            *to++ = (unsigned char)value(x, y);
    }
    craft_png(file, (uint32_t)width, (uint32_t)height, 8, GREY, 0, NULL, rows, (size_t)(to - rows));
    free(rows);
}

static int along(int x, int y)
{
    return x + y < 255 ? x + y : 255;
}

static int flat(int x, int y)
{
    (void)x;
    (void)y;
    return 77;
}

static void refuse(const craft *file, const cs_preprocess *how,
                   const clipspan_image_options *options, clipspan_status code, const char *says)
{
    static uint8_t pixels[3 * 256 * 256];
    clipspan_error err;
    assert_int_equal(cs_image_decode(pixels, how, file->data, file->size, "a.jpg", options, &err),
                     code);
    if (!strstr(err.message, says)) fail_msg("\"%s\" lacks \"%s\"", err.message, says);
    assert_non_null(strstr(err.message, code == CLIPSPAN_E_ARGUMENT ? "" : "a.jpg"));
}

static void refuse_path(const char *path, clipspan_status code, const char *says)
{
    const cs_preprocess how = preprocess(4, 4, CLIPSPAN_SHORTEST, 0);
    uint8_t pixels[48];
    clipspan_error err;
    assert_int_equal(cs_image_read(pixels, &how, path, NULL, &err), code);
    if (!strstr(err.message, says)) fail_msg("\"%s\" lacks \"%s\"", err.message, says);
}

static void g01_the_pixel_cap_comes_before_decoding(void **state)
{
    const cs_preprocess how = preprocess(4, 4, CLIPSPAN_SHORTEST, 0);
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    uint8_t pixels[48];
    clipspan_error err;
    craft file = {0};
    (void)state;
    grey_png(&file, 10, 10, flat);
    options.max_pixels = 100;
    assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", &options, &err),
                     CLIPSPAN_OK);
    options.max_pixels = 99;
    refuse(&file, &how, &options, CLIPSPAN_E_LIMIT, "ceiling of 99");
    craft_free(&file);
    craft_png(&file, 60000, 60000, 1, GREY, 0, NULL, "", 1);
    refuse(&file, &how, NULL, CLIPSPAN_E_LIMIT, "60000 x 60000"); /* the default */
    craft_free(&file);
}

/* Images of one colour stay so, whatever their shape. */
static void check_flat(int width, int height)
{
    static uint8_t pixels[3 * 224 * 224];
    clipspan_error err;
    craft file = {0};
    int huggingface;
    size_t i;
    grey_png(&file, width, height, flat);
    for (huggingface = 0; huggingface < 2; huggingface++) {
        const cs_preprocess how = preprocess(224, 224, CLIPSPAN_SHORTEST, huggingface);
        memset(pixels, 0, sizeof pixels);
        if (cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err) != CLIPSPAN_OK)
            fail_msg("%s", err.message);
        for (i = 0; i < sizeof pixels; i++)
            assert_int_equal(pixels[i], 77);
    }
    craft_free(&file);
}

static void g02_one_pixel(void **state)
{
    (void)state;
    check_flat(1, 1);
}

static void g03_one_row_of_10000(void **state)
{
    (void)state;
    check_flat(10000, 1);
}

static void g04_one_column_of_10000(void **state)
{
    (void)state;
    check_flat(1, 10000);
}

static void g05_the_exact_size_is_not_resampled(void **state)
{
    const cs_preprocess how = preprocess(64, 64, CLIPSPAN_SHORTEST, 0);
    static uint8_t pixels[3 * 64 * 64];
    clipspan_error err;
    craft file = {0};
    int x, y;
    (void)state;
    grey_png(&file, 64, 64, along);
    assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err),
                     CLIPSPAN_OK);
    for (y = 0; y < 64; y++)
        for (x = 0; x < 64; x++)
            assert_int_equal(pixels[3 * (64 * y + x) + 1], along(x, y));
    craft_free(&file);
}

/* 16 rows of 16 + room pixels, short edge kept: the first grey value tells the crop's offset. */
static void check_crop(int room, int openclip, int huggingface)
{
    static uint8_t pixels[3 * 16 * 16];
    clipspan_error err;
    craft file = {0};
    int family;
    grey_png(&file, 16 + room, 16, along);
    for (family = 0; family < 2; family++) {
        const cs_preprocess how = preprocess(16, 16, CLIPSPAN_SHORTEST, family);
        assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err),
                         CLIPSPAN_OK);
        assert_int_equal(pixels[0], family ? huggingface : openclip);
    }
    craft_free(&file);
}

static void g06_crop_of_0_more(void **state)
{
    (void)state;
    check_crop(0, 0, 0);
}

static void g07_crop_of_1_more(void **state)
{
    (void)state;
    check_crop(1, 0, 0);
}

static void g08_crop_of_2_more(void **state)
{
    (void)state;
    check_crop(2, 1, 1);
}

static void g09_crop_of_3_more(void **state)
{
    (void)state;
    check_crop(3, 2, 1);
}

static void g10_crop_of_4_more(void **state)
{
    (void)state;
    check_crop(4, 2, 2);
}

static void g11_crop_of_5_more(void **state)
{
    (void)state;
    check_crop(5, 2, 2);
}

static void g12_crop_of_6_more(void **state)
{
    (void)state;
    check_crop(6, 3, 3);
}

static void g13_crop_of_7_more(void **state)
{
    (void)state;
    check_crop(7, 4, 3);
}

static void g14_other_formats_are_refused_by_name(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } files[] = {
        {"GIF89a\1\0\1\0\0\0\0", 13, "a GIF file"},
        {"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0", 14, "a BMP file"},
        {"II*\0\x08\0\0\0", 8, "a TIFF file"},
        {"MM\0*\0\0\0\x08", 8, "a TIFF file"},
        {"\0\0\0\x1c"
         "ftypheic\0\0\0\0",
         16, "a HEIC file"},
        {"\0\0\0\x1c"
         "ftypavif\0\0\0\0",
         16, "an AVIF file"},
        {"P6\n1 1\n255\n...", 14, "a PNM file"},
        {"RIFF\4\0\0\0WAVEfmt ", 16, "a RIFF file"},
        {"just some words\n", 16, "a text file"},
        {"<!DOCTYPE html><p>404", 21, "a web page"},
        {"<?xml version='1.0'?><svg/>", 27, "an SVG file"},
        {"\1\2\3\4\5\6\7\10\11\12\13\14\15\16", 14, "no image in a known format"},
    };
    const cs_preprocess how = preprocess(4, 4, CLIPSPAN_SHORTEST, 0);
    craft file = {0};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof files / sizeof *files; i++) {
        craft_add(&file, files[i].bytes, files[i].size);
        refuse(&file, &how, NULL, CLIPSPAN_E_UNSUPPORTED, files[i].name);
        refuse(&file, &how, NULL, CLIPSPAN_E_UNSUPPORTED, "JPEG, PNG and WebP are read");
        craft_free(&file);
    }
    refuse(&file, &how, NULL, CLIPSPAN_E_FORMAT, "empty");
}

static void g14_what_is_no_image_is_not_read_to_its_end(void **state)
{
    char path[64];
    (void)state;
    in_folder(path, "sparse.png");
    {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(ftruncate(fileno(file), (off_t)1 << 40), 0); /* of zeros, on no disk */
        fclose(file);
    }
    refuse_path(path, CLIPSPAN_E_UNSUPPORTED, "no image in a known format (1099511627776 bytes)");
    assert_int_equal(unlink(path), 0);
}

static void g15_an_unreadable_file_says_why(void **state)
{
    char path[64];
    FILE *file;
    (void)state;
    in_folder(path, "secret.jpg");
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(chmod(path, 0), 0);
    if (geteuid() == 0) /* who may read everything finds it empty */
        refuse_path(path, CLIPSPAN_E_FORMAT, "empty");
    else
        refuse_path(path, CLIPSPAN_E_IO, "ermission");
    unlink(path);
}

static void g16_a_folder_named_like_an_image_is_refused(void **state)
{
    char path[64];
    (void)state;
    in_folder(path, "a.jpg");
    assert_int_equal(mkdir(path, 0700), 0);
    refuse_path(path, CLIPSPAN_E_IO, "folder");
    rmdir(path);
}

static void g17_a_fifo_is_not_waited_for(void **state)
{
    char path[64];
    (void)state;
    in_folder(path, "fifo.jpg");
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse_path(path, CLIPSPAN_E_IO, "fifo.jpg");
    unlink(path);
}

static void g18_a_path_of_4096_bytes_is_refused(void **state)
{
    char path[4097];
    (void)state;
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[4096] = '\0';
    refuse_path(path, CLIPSPAN_E_IO, "ppp");
    refuse_path("/nowhere/at/all.jpg", CLIPSPAN_E_NOT_FOUND, "/nowhere/at/all.jpg");
}

/* fill, seen from each mode: a palette entry, white, a level, ink. */
static void padding_is_filled_as_the_references_do(void **state)
{
    static const unsigned char palette[6] = {1, 2, 3, 200, 100, 50};
    static const unsigned char cmyk[4 * 16 * 2] = {0};
    cs_preprocess how = preprocess(8, 8, CLIPSPAN_LONGEST, 0);
    uint8_t pixels[3 * 64];
    clipspan_error err;
    craft file = {0}, extra = {0};
    unsigned char rows[2 * 17] = {0};
    (void)state;
    how.fill[0] = how.fill[1] = how.fill[2] = 1;
    craft_png_chunk(&extra, "PLTE", palette, sizeof palette);
    craft_png(&file, 16, 2, 8, PALETTE, 0, &extra, rows, sizeof rows);
    assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err), 0);
    assert_memory_equal(pixels, palette + 3, 3);
    assert_memory_equal(pixels + 3 * 8 * 3, palette, 3);
    craft_free(&file);
    craft_png(&file, 16, 2, 1, GREY, 0, NULL, rows, 6);
    assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err), 0);
    assert_int_equal(pixels[0], 255);
    craft_free(&file);
    craft_jpeg(&file, cmyk, 16, 2, 4, NULL);
    assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err), 0);
    assert_int_equal(pixels[0], 253);
    craft_free(&file);
    grey_png(&file, 16, 2, flat);
    assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err), 0);
    assert_int_equal(pixels[0], 1);
    how.fill[2] = 9; /* three levels: a colour */
    assert_int_equal(cs_image_decode(pixels, &how, file.data, file.size, "a", NULL, &err), 0);
    assert_memory_equal(pixels, "\1\1\11", 3);
    craft_free(&file);
    craft_free(&extra);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g01_the_pixel_cap_comes_before_decoding),
        cmocka_unit_test(g02_one_pixel),
        cmocka_unit_test(g03_one_row_of_10000),
        cmocka_unit_test(g04_one_column_of_10000),
        cmocka_unit_test(g05_the_exact_size_is_not_resampled),
        cmocka_unit_test(g06_crop_of_0_more),
        cmocka_unit_test(g07_crop_of_1_more),
        cmocka_unit_test(g08_crop_of_2_more),
        cmocka_unit_test(g09_crop_of_3_more),
        cmocka_unit_test(g10_crop_of_4_more),
        cmocka_unit_test(g11_crop_of_5_more),
        cmocka_unit_test(g12_crop_of_6_more),
        cmocka_unit_test(g13_crop_of_7_more),
        cmocka_unit_test(g14_other_formats_are_refused_by_name),
        cmocka_unit_test(g14_what_is_no_image_is_not_read_to_its_end),
        cmocka_unit_test(g15_an_unreadable_file_says_why),
        cmocka_unit_test(g16_a_folder_named_like_an_image_is_refused),
        cmocka_unit_test(g17_a_fifo_is_not_waited_for),
        cmocka_unit_test(g18_a_path_of_4096_bytes_is_refused),
        cmocka_unit_test(padding_is_filled_as_the_references_do),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
