/* SPDX-License-Identifier: MIT */
/* Image files made in memory: see craft.h. */
#include "craft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <webp/encode.h>
#include <zlib.h>

#include "base/memory.h"

void craft_free(craft *file)
{
    cs_free(file->data);
    memset(file, 0, sizeof *file);
}

void craft_replace(craft *file, size_t at, size_t cut, const void *data, size_t size)
{
    clipspan_error err;
    assert_true(at <= file->size && cut <= file->size - at);
    assert_int_equal(
        cs_grow(&file->data, &file->room, file->size + size + 1, 1, "a crafted file", &err), 0);
    memmove(file->data + at + size, file->data + at + cut, file->size - at - cut);
    if (size) memcpy(file->data + at, data, size);
    file->size += size - cut;
}

void craft_add(craft *file, const void *data, size_t size)
{
    craft_replace(file, file->size, 0, data, size);
}

size_t craft_find(const craft *file, const void *data, size_t size, size_t from)
{
    size_t i;
    for (i = from; i + size <= file->size; i++)
        if (memcmp(file->data + i, data, size) == 0) return i;
    fail_msg("the crafted file lacks what is to be changed in it");
    return 0;
}

void craft_number(unsigned char *out, uint64_t value, int bytes, int big)
{
    int i;
    for (i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> 8 * (big ? bytes - 1 - i : i) & 0xff);
}

void craft_png_chunk(craft *file, const char *type, const void *data, size_t size)
{
    unsigned char number[4];
    const size_t start = file->size + 4;
    craft_number(number, size, 4, 1);
    craft_add(file, number, 4);
    craft_add(file, type, 4);
    craft_add(file, data, size);
    craft_number(number, crc32(0, file->data + start, (uInt)(size + 4)), 4, 1);
    craft_add(file, number, 4);
}

void craft_png_start(craft *file, uint32_t width, uint32_t height, int depth, int colour,
                     int interlace)
{
    unsigned char header[13] = {0};
    craft_number(header, width, 4, 1);
    craft_number(header + 4, height, 4, 1);
    header[8] = (unsigned char)depth;
    header[9] = (unsigned char)colour;
    header[12] = (unsigned char)interlace;
    craft_add(file, "\x89PNG\r\n\x1a\n", 8);
    craft_png_chunk(file, "IHDR", header, sizeof header);
}

void craft_png(craft *file, uint32_t width, uint32_t height, int depth, int colour, int interlace,
               const craft *extra, const void *rows, size_t size)
{
    uLongf packed = compressBound((uLong)size);
    unsigned char *data = malloc(packed);
    assert_non_null(data);
    assert_int_equal(compress(data, &packed, rows, (uLong)size), Z_OK);
    craft_png_start(file, width, height, depth, colour, interlace);
    if (extra) craft_add(file, extra->data, extra->size);
    craft_png_chunk(file, "IDAT", data, packed);
    craft_png_chunk(file, "IEND", NULL, 0);
    free(data);
}

void craft_jpeg(craft *file, const unsigned char *samples, int width, int height, int channels,
                const craft_jpeg_options *options)
{
    static const craft_jpeg_options plain = {0, 0, 0, 0};
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long size = 0;
    if (!options) options = &plain;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &data, &size);
    info.image_width = (JDIMENSION)width;
    info.image_height = (JDIMENSION)height;
    info.input_components = channels;
    info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, options->quality ? options->quality : 95, TRUE);
    if (!options->quality) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
    if (options->no_adobe) info.write_Adobe_marker = FALSE;
    info.arith_code = options->arithmetic ? TRUE : FALSE;
    if (options->progressive) jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        unsigned char line[4 * 4096];
        JSAMPROW row = line;
        assert_true(width <= 4096);
        memcpy(line, samples + (size_t)info.next_scanline * (size_t)width * (size_t)channels,
               (size_t)width * (size_t)channels);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    craft_add(file, data, size);
    free(data);
}

void craft_jpeg_segment(craft *file, int marker, const void *data, size_t size)
{
    unsigned char head[4] = {0xff, (unsigned char)marker, 0, 0};
    craft_number(head + 2, size + 2, 2, 1);
    craft_replace(file, 2, 0, data, size);
    craft_replace(file, 2, 0, head, sizeof head);
}

void craft_webp(craft *file, const unsigned char *rgba, int width, int height, int lossless)
{
    uint8_t *data = NULL;
    const size_t size = lossless ? WebPEncodeLosslessRGBA(rgba, width, height, 4 * width, &data)
                                 : WebPEncodeRGBA(rgba, width, height, 4 * width, 90.0f, &data);
    assert_true(size > 0);
    craft_add(file, data, size);
    WebPFree(data);
}

void craft_riff_chunk(craft *file, const char *type, const void *data, size_t size)
{
    unsigned char number[4];
    craft_number(number, size, 4, 0);
    craft_add(file, type, 4);
    craft_add(file, number, 4);
    craft_add(file, data, size);
    if (size % 2) craft_add(file, "", 1);
}

void craft_riff_close(craft *file)
{
    craft_number(file->data + 4, file->size - 8, 4, 0);
}

size_t craft_exif(unsigned char out[26], int orientation, int big)
{
    memset(out, 0, 26);
    memcpy(out, big ? "MM\0*" : "II*\0", 4);
    craft_number(out + 4, 8, 4, big);
    craft_number(out + 8, 1, 2, big);
    craft_number(out + 10, 0x0112, 2, big);
    craft_number(out + 12, 3, 2, big);
    craft_number(out + 14, 1, 4, big);
    craft_number(out + 18, (uint64_t)orientation, 2, big);
    return 26;
}

void craft_scene(unsigned char *samples, int width, int height, int channels)
{
    int x, y, c;
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++)
            for (c = 0; c < channels; c++) {
                int value = (x * (7 + 3 * c) + y * (11 - 2 * c)) % 256;
                if (x > width / 2 && y < height / 3) value = 255 * (c % 2);
                *samples++ = (unsigned char)value;
            }
}

clipspan_status craft_decode(craft_decoder *decoder, cs_raster *raster, const craft *file,
                             clipspan_error *err)
{
    const cs_image_source source = {file->data, file->size, "crafted", 100 * 1000 * 1000, 0};
    return decoder(raster, &source, err);
}

clipspan_status craft_squash(uint8_t *pixels, int height, int width, const craft *file,
                             const clipspan_image_options *options, clipspan_error *err)
{
    cs_preprocess preprocess;
    memset(&preprocess, 0, sizeof preprocess);
    preprocess.height = height;
    preprocess.width = width;
    preprocess.resize = CLIPSPAN_SQUASH;
    preprocess.kernel = CLIPSPAN_BICUBIC;
    return cs_image_decode(pixels, &preprocess, file->data, file->size, "crafted", options, err);
}
