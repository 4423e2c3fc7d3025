/* SPDX-License-Identifier: MIT */
/* PNG files through libpng and the atomic writer: no time stamp, no text, no gamma. */
#include "draw/png_write.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "base/file.h"

#define MOST_EDGE 65536 /* keeps every size far from overflow */

typedef struct png_writer {
    cs_output *output;
    clipspan_error *err;
    clipspan_status status; /* of the first write that failed */
    const char *path;
} png_writer;

static void on_error(png_structp png, png_const_charp text)
{
    png_writer *writer = png_get_error_ptr(png);
    if (writer->status == CLIPSPAN_OK)
        writer->status = cs_fail_at(writer->err, CLIPSPAN_E_WRITE, writer->path,
                                    "libpng could not write it: %s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void write_bytes(png_structp png, png_bytep data, size_t size)
{
    png_writer *writer = png_get_io_ptr(png);
    writer->status = cs_output_write(writer->output, data, size, writer->err);
    if (writer->status != CLIPSPAN_OK) png_error(png, "write failed");
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

/* The steps that may leave through longjmp. */
static clipspan_status write_all(png_writer *writer, png_structp png, png_infop info,
                                 const uint8_t *pixels, int height, int width, int channels)
{
    int y;
    if (setjmp(png_jmpbuf(png))) return writer->status;
    png_set_write_fn(png, writer, write_bytes, flush_nothing);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                 channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (y = 0; y < height; y++)
        png_write_row(png, pixels + (size_t)y * (size_t)width * (size_t)channels);
    png_write_end(png, info);
    return CLIPSPAN_OK;
}

clipspan_status cs_png_write(const char *path, const uint8_t *pixels, int height, int width,
                             int channels, int replace, clipspan_error *err)
{
    png_writer writer = {NULL, err, CLIPSPAN_OK, path};
    png_structp png = NULL;
    png_infop info = NULL;
    clipspan_status status;
    if (height < 1 || width < 1 || height > MOST_EDGE || width > MOST_EDGE ||
        (channels != 1 && channels != 3))
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, path,
                          "cannot write a PNG of %d x %d pixels and %d channels; 1 to %d pixels a "
                          "side and 1 or 3 channels are written",
                          width, height, channels, MOST_EDGE);
    CS_TRY(cs_output_open(&writer.output, path, replace, err));
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (info)
        status = write_all(&writer, png, info, pixels, height, width, channels);
    else
        status = cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory while writing %s", path);
    if (status == CLIPSPAN_OK) status = cs_output_commit(writer.output, err);
    png_destroy_write_struct(&png, &info);
    cs_output_close(&writer.output);
    return status;
}
