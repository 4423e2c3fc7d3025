/* SPDX-License-Identifier: MIT */
/* PNG to pixels in the modes that Pillow gives it: 1-bit grey is a bit image, 2 and 4 bits are
 * stretched to grey, 16-bit grey keeps its 16 bits, a palette stays a palette, every other 16-bit
 * sample loses its low byte. Transparency colours (tRNS), gamma, profiles and texts are passed
 * over unread. Of an animation the default image is read, which is what lies in IDAT.
 *
 * Every chunk must have a right checksum up to the last row; what follows it is not looked at. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/memory.h"
#include "image/raster.h"

/* Bytes that deflate can make of one, rounded up. */
#define INFLATE_MOST 1040

#define MEMORY_MOST  ((png_alloc_size_t)64 << 20) /* one block that libpng asks for on its own */

typedef struct png_reader {
    png_structp png;
    png_infop info;
    const cs_image_source *source;
    size_t at;
    int cut;
    char message[160];
} png_reader;

static void on_error(png_structp png, png_const_charp text)
{
    png_reader *reader = png_get_error_ptr(png);
    size_t length = strlen(text);
    if (length >= sizeof reader->message) length = sizeof reader->message - 1;
    memcpy(reader->message, text, length);
    reader->message[length] = '\0';
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count)
{
    png_reader *reader = png_get_io_ptr(png);
    if (count > reader->source->size - reader->at) {
        reader->cut = 1;
        png_error(png, "end of file");
    }
    memcpy(out, reader->source->bytes + reader->at, count);
    reader->at += count;
}

static clipspan_status explain(const png_reader *reader, clipspan_error *err)
{
    const cs_image_source *source = reader->source;
    if (reader->cut)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name,
                          "the PNG file is cut short: it ends after %zu bytes, before its last row",
                          source->size);
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name, "the PNG file is damaged: %s",
                      reader->message);
}

/* The mode, and the transformations that lead to its bytes. */
static cs_mode set_up(png_structp png, int depth, int colour)
{
    if (depth == 16 && colour != PNG_COLOR_TYPE_GRAY) png_set_strip_16(png);
    switch (colour) {
    case PNG_COLOR_TYPE_GRAY:
        if (depth < 8) png_set_expand_gray_1_2_4_to_8(png);
        if (depth == 16) {
            const unsigned short one = 1;
            unsigned char first;
            memcpy(&first, &one, 1);
            if (first == 1) png_set_swap(png);
        }
        return depth == 16 ? CS_MODE_GREY16 : depth == 1 ? CS_MODE_BIT : CS_MODE_GREY;
    case PNG_COLOR_TYPE_PALETTE:
        if (depth < 8) png_set_packing(png);
        return CS_MODE_INDEX;
    case PNG_COLOR_TYPE_GRAY_ALPHA: png_set_gray_to_rgb(png); return CS_MODE_RGBA;
    case PNG_COLOR_TYPE_RGB_ALPHA: return CS_MODE_RGBA;
    default: png_set_filler(png, 0xff, PNG_FILLER_AFTER); return CS_MODE_RGB;
    }
}

/* The steps that may leave through longjmp. *rows is given back by the caller. */
static clipspan_status decode(cs_raster *raster, png_reader *reader, png_bytep **rows,
                              clipspan_error *err)
{
    const cs_image_source *source = reader->source;
    png_uint_32 width, height, y;
    uint64_t packed;
    size_t stride;
    int depth, colour, interlace, colours = 0;
    png_colorp palette = NULL;
    cs_mode mode;
    if (setjmp(png_jmpbuf(reader->png))) return explain(reader, err);
    png_set_read_fn(reader->png, reader, read_bytes);
    png_set_user_limits(reader->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(reader->png, MEMORY_MOST);
    png_set_chunk_cache_max(reader->png, 128);
    png_set_crc_action(reader->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(reader->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_check_for_invalid_index(reader->png, 0);
    png_read_info(reader->png, reader->info);
    png_get_IHDR(reader->png, reader->info, &width, &height, &depth, &colour, &interlace, NULL,
                 NULL);

    mode = set_up(reader->png, depth, colour);
    /* A few bytes cannot hold millions of pixels: refuse before taking memory for them. */
    packed = (uint64_t)width * height * (uint64_t)depth *
             png_get_channels(reader->png, reader->info) / 8;
    if ((uint64_t)width * height <= source->max_pixels &&
        packed / INFLATE_MOST > (uint64_t)source->size)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name,
                          "the PNG file is cut short: %zu bytes cannot hold %lu x %lu pixels",
                          source->size, (unsigned long)width, (unsigned long)height);
    CS_TRY(cs_raster_init(raster, mode, width, height, source, err));
    if (mode == CS_MODE_INDEX && png_get_PLTE(reader->png, reader->info, &palette, &colours)) {
        int i;
        for (i = 0; i < colours && i < 256; i++) {
            raster->palette[i][0] = palette[i].red;
            raster->palette[i][1] = palette[i].green;
            raster->palette[i][2] = palette[i].blue;
        }
    }
    stride = (size_t)width * (size_t)cs_mode_bytes(mode);
    if (interlace != PNG_INTERLACE_NONE) {
        *rows = cs_alloc(height, sizeof **rows, "the rows of an interlaced PNG file", err);
        if (!*rows) return CLIPSPAN_E_NOMEM;
        for (y = 0; y < height; y++)
            (*rows)[y] = raster->data + y * stride;
        png_read_image(reader->png, *rows);
        return CLIPSPAN_OK;
    }
    for (y = 0; y < height; y++)
        png_read_row(reader->png, raster->data + y * stride, NULL);
    return CLIPSPAN_OK;
}

clipspan_status cs_png_decode(cs_raster *raster, const cs_image_source *source, clipspan_error *err)
{
    clipspan_status status;
    png_bytep *rows = NULL;
    png_reader reader = {NULL, NULL, source, 0, 0, ""};
    memset(raster, 0, sizeof *raster);
    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
    if (reader.png) reader.info = png_create_info_struct(reader.png);
    if (reader.info)
        status = decode(raster, &reader, &rows, err);
    else
        status = cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory while decoding %s", source->name);
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    cs_free(rows);
    return status;
}
