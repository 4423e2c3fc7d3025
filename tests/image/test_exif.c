/* SPDX-License-Identifier: MIT */
/* The orientation in each kind of file, and EXIF data that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "craft.h"
#include "image/exif.h"

static const unsigned char grey[4 * 16] = {0};

/* Reads from memory of just that size, so that a step beyond it is seen. */
static int orientation(const craft *file, size_t size, cs_image_kind kind)
{
    unsigned char *copy = malloc(size ? size : 1);
    int found;
    assert_non_null(copy);
    if (size) memcpy(copy, file->data, size);
    found = cs_exif_orientation(copy, size, kind);
    free(copy);
    return found;
}

static void wrap(craft *file, cs_image_kind kind, const unsigned char *exif, size_t size)
{
    unsigned char block[64] = "Exif\0\0";
    craft extra = {0};
    memcpy(block + 6, exif, size);
    switch (kind) {
    case CS_IMAGE_JPEG:
        craft_jpeg(file, grey, 4, 4, 1, NULL);
        craft_jpeg_segment(file, 0xe1, block, 6 + size);
        break;
    case CS_IMAGE_PNG:
        craft_png_chunk(&extra, "eXIf", exif, size);
        craft_png(file, 1, 1, 8, 0, 0, &extra, "\0\0", 2);
        craft_free(&extra);
        break;
    default:
        craft_webp(file, grey, 4, 4, 1);
        craft_riff_chunk(file, "odd.", "x", 1);
        craft_riff_chunk(file, "EXIF", size % 2 ? block + 6 : block, size % 2 ? size : 6 + size);
        craft_riff_close(file);
        break;
    }
}

static const cs_image_kind kinds[] = {CS_IMAGE_JPEG, CS_IMAGE_PNG, CS_IMAGE_WEBP};

static void every_kind_of_file_tells_its_orientation(void **state)
{
    unsigned char exif[26];
    int k, big, turn;
    (void)state;
    for (k = 0; k < 3; k++)
        for (big = 0; big < 2; big++)
            for (turn = 0; turn < 11; turn++) {
                craft file = {0};
                wrap(&file, kinds[k], exif, craft_exif(exif, turn, big));
                assert_int_equal(orientation(&file, file.size, kinds[k]),
                                 turn >= 1 && turn <= 8 ? turn : 1);
                craft_free(&file);
            }
    assert_int_equal(cs_exif_orientation(exif, sizeof exif, CS_IMAGE_OTHER), 1);
}

static void cut_files_are_upright(void **state)
{
    unsigned char exif[26];
    int k;
    (void)state;
    for (k = 0; k < 3; k++) {
        craft file = {0};
        size_t size;
        wrap(&file, kinds[k], exif, craft_exif(exif, 6, 0));
        for (size = 0; size < file.size; size++) {
            const int found = orientation(&file, size, kinds[k]);
            assert_true(found == 1 || found == 6);
        }
        craft_free(&file);
    }
}

/* A directory that names more entries than there are bytes, at the very end of the file. */
static void a_directory_beyond_the_file_is_upright(void **state)
{
    unsigned char exif[26];
    craft file = {0};
    (void)state;
    craft_exif(exif, 6, 1);
    exif[9] = 255; /* entries */
    exif[11] = 1;  /* the first is another tag */
    craft_add(&file, "RIFF\0\0\0\0WEBP", 12);
    craft_riff_chunk(&file, "EXIF", exif, 22);
    assert_int_equal(orientation(&file, file.size, CS_IMAGE_WEBP), 1);
    craft_free(&file);
}

/* Every byte of the EXIF data set to every value. */
static void lies_are_upright_or_a_turn(void **state)
{
    unsigned char exif[26];
    size_t i;
    int value;
    (void)state;
    for (i = 0; i < sizeof exif; i++)
        for (value = 0; value < 256; value++) {
            craft file = {0};
            craft_exif(exif, 6, 1);
            exif[i] = (unsigned char)value;
            wrap(&file, CS_IMAGE_PNG, exif, sizeof exif);
            assert_in_range(orientation(&file, file.size, CS_IMAGE_PNG), 1, 8);
            craft_free(&file);
        }
    craft_exif(exif, 6, 1);
    exif[11] = 1; /* another tag */
    {
        craft file = {0};
        wrap(&file, CS_IMAGE_PNG, exif, sizeof exif);
        assert_int_equal(orientation(&file, file.size, CS_IMAGE_PNG), 1);
        craft_free(&file);
    }
}

/* Some programs write the tag as a LONG. */
static void an_orientation_of_type_long_counts(void **state)
{
    unsigned char exif[26];
    (void)state;
    for (int big = 0; big < 2; big++) {
        craft file = {0};
        memset(exif, 0, sizeof exif);
        craft_exif(exif, 6, big);
        exif[big ? 13 : 12] = 4; /* type */
        memset(exif + 18, 0, 4);
        exif[big ? 21 : 18] = 6;
        wrap(&file, CS_IMAGE_JPEG, exif, 26);
        assert_int_equal(orientation(&file, file.size, CS_IMAGE_JPEG), 6);
        craft_free(&file);
    }
}

static void xmp_counts_where_exif_has_none(void **state)
{
    static const char xmp[] = "<x tiff:Orientation=\"8\"/>", element[] = "<tiff:Orientation>3</t>";
    char jpeg[128], chunk[128];
    unsigned char exif[26];
    craft file = {0}, extra = {0};
    size_t size;
    (void)state;
    size = (size_t)sprintf(jpeg, "http://ns.adobe.com/xap/1.0/%c%s", 0, xmp);
    craft_jpeg(&file, grey, 4, 4, 1, NULL);
    craft_jpeg_segment(&file, 0xe1, jpeg, size);
    assert_int_equal(orientation(&file, file.size, CS_IMAGE_JPEG), 8);
    craft_free(&file);
    size = (size_t)sprintf(chunk, "XML:com.adobe.xmp%c%c%c%c%c%s", 0, 0, 0, 0, 0, element);
    craft_png_chunk(&extra, "iTXt", chunk, size);
    craft_png(&file, 1, 1, 8, 0, 0, &extra, "\0\0", 2);
    assert_int_equal(orientation(&file, file.size, CS_IMAGE_PNG), 3);
    craft_free(&file);
    craft_png_chunk(&extra, "eXIf", exif, craft_exif(exif, 6, 0)); /* EXIF comes first */
    craft_png(&file, 1, 1, 8, 0, 0, &extra, "\0\0", 2);
    assert_int_equal(orientation(&file, file.size, CS_IMAGE_PNG), 6);
    craft_free(&file);
    craft_free(&extra);
    craft_webp(&file, grey, 4, 4, 1);
    craft_riff_chunk(&file, "XMP ", xmp, sizeof xmp - 1);
    craft_riff_close(&file);
    assert_int_equal(orientation(&file, file.size, CS_IMAGE_WEBP), 8);
    craft_free(&file);
}

/* As ImageMagick writes it, plain and deflated. */
static void a_raw_profile_of_a_png_counts(void **state)
{
    unsigned char exif[26], packed[256];
    char text[256];
    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        craft file = {0}, extra = {0};
        const size_t size = craft_exif(exif, 5, 1);
        size_t used = (size_t)sprintf(text, "\nexif\n%8zu\n", size + 6);
        used += (size_t)sprintf(text + used, "457869660000");
        for (size_t i = 0; i < size; i++)
            used += (size_t)sprintf(text + used, i == 12 ? "\n%02x" : "%02x", exif[i]);
        memcpy(packed, "Raw profile type exif", 22);
        if (deflated) {
            uLongf room = sizeof packed - 23;
            packed[22] = 0;
            assert_int_equal(compress(packed + 23, &room, (const Bytef *)text, (uLong)used), Z_OK);
            craft_png_chunk(&extra, "zTXt", packed, 23 + room);
        } else {
            memcpy(packed + 22, text, used);
            craft_png_chunk(&extra, "tEXt", packed, 22 + used);
        }
        craft_png(&file, 1, 1, 8, 0, 0, &extra, "\0\0", 2);
        assert_int_equal(orientation(&file, file.size, CS_IMAGE_PNG), 5);
        for (size_t cut = 0; cut < file.size; cut++)
            assert_in_range(orientation(&file, cut, CS_IMAGE_PNG), 1, 8);
        craft_free(&file);
        craft_free(&extra);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_file_tells_its_orientation),
        cmocka_unit_test(cut_files_are_upright),
        cmocka_unit_test(an_orientation_of_type_long_counts),
        cmocka_unit_test(xmp_counts_where_exif_has_none),
        cmocka_unit_test(a_raw_profile_of_a_png_counts),
        cmocka_unit_test(a_directory_beyond_the_file_is_upright),
        cmocka_unit_test(lies_are_upright_or_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
