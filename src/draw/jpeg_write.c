/* SPDX-License-Identifier: MIT */
/* JPEG through libjpeg into memory of our own: baseline, Huffman tables made for the image. */
#include "draw/jpeg_write.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include "base/memory.h"

#define MOST_EDGE 4096

typedef struct jpeg_writer {
    struct jpeg_compress_struct info; /* first: the callbacks cast back from it */
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr target;
    jmp_buf failed;
    unsigned char *bytes;
    size_t size, room;
    clipspan_error *err;
} jpeg_writer;

static void on_error(j_common_ptr info)
{
    jpeg_writer *writer = (jpeg_writer *)(void *)info;
    longjmp(writer->failed, 1);
}

static void on_message(j_common_ptr info)
{
    (void)info;
}

/* Hands libjpeg what is free behind the bytes written so far. */
static void give_room(jpeg_writer *writer)
{
    if (cs_grow(&writer->bytes, &writer->room, writer->size + 4096, 1, "a thumbnail",
                writer->err) != CLIPSPAN_OK)
        longjmp(writer->failed, 1);
    writer->target.next_output_byte = writer->bytes + writer->size;
    writer->target.free_in_buffer = writer->room - writer->size;
}

static void on_start(j_compress_ptr info)
{
    give_room((jpeg_writer *)(void *)info);
}

static boolean on_full(j_compress_ptr info)
{
    jpeg_writer *writer = (jpeg_writer *)(void *)info;
    writer->size = writer->room;
    give_room(writer);
    return TRUE;
}

static void on_end(j_compress_ptr info)
{
    jpeg_writer *writer = (jpeg_writer *)(void *)info;
    writer->size = writer->room - writer->target.free_in_buffer;
}

/* The steps that may leave through longjmp. */
static clipspan_status encode(jpeg_writer *writer, const uint8_t *pixels, int height, int width,
                              int quality, clipspan_error *err)
{
    struct jpeg_compress_struct *info = &writer->info;
    uint8_t row[3 * MOST_EDGE];
    JSAMPROW rows[1] = {row};
    if (setjmp(writer->failed))
        return cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory while writing a thumbnail");
    jpeg_create_compress(info);
    info->dest = &writer->target;
    info->image_width = (JDIMENSION)width;
    info->image_height = (JDIMENSION)height;
    info->input_components = 3;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
    info->optimize_coding = TRUE;
    info->write_JFIF_header = TRUE;
    jpeg_start_compress(info, TRUE);
    while (info->next_scanline < info->image_height) {
        memcpy(row, pixels + (size_t)info->next_scanline * 3 * (size_t)width, 3 * (size_t)width);
        jpeg_write_scanlines(info, rows, 1);
    }
    jpeg_finish_compress(info);
    return CLIPSPAN_OK;
}

clipspan_status cs_jpeg_encode(unsigned char **bytes, size_t *size, const uint8_t *pixels,
                               int height, int width, int quality, clipspan_error *err)
{
    clipspan_status status;
    jpeg_writer *writer;
    *bytes = NULL;
    *size = 0;
    if (height < 1 || width < 1 || height > MOST_EDGE || width > MOST_EDGE || quality < 1 ||
        quality > 100)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "cannot write a JPEG of %d x %d pixels and quality %d; 1 to %d pixels a "
                       "side and 1 to 100 are written",
                       width, height, quality, MOST_EDGE);
    writer = cs_alloc_zero(1, sizeof *writer, "a JPEG writer", err);
    if (!writer) return CLIPSPAN_E_NOMEM;
    writer->info.err = jpeg_std_error(&writer->errors);
    writer->errors.error_exit = on_error;
    writer->errors.output_message = on_message;
    writer->target.init_destination = on_start;
    writer->target.empty_output_buffer = on_full;
    writer->target.term_destination = on_end;
    writer->err = err;
    status = encode(writer, pixels, height, width, quality, err);
    jpeg_destroy_compress(&writer->info);
    if (status == CLIPSPAN_OK) {
        *bytes = writer->bytes;
        *size = writer->size;
    } else
        cs_free(writer->bytes);
    cs_free(writer);
    return status;
}
