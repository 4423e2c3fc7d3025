/* SPDX-License-Identifier: MIT */
/* JPEG to pixels as Pillow's plain open does it: libjpeg's accurate integer DCT, smooth chroma
 * upsampling, no scaling while decoding, no EXIF turn, no colour profile. One component is grey,
 * three are RGB, four are CMYK with inverted ink (Pillow takes every such file to follow Adobe's
 * convention).
 *
 * Damage inside the entropy-coded data gives the image that libjpeg makes of it, as with Pillow;
 * a file that ends before its last row is refused as cut short. The source therefore suspends at
 * the end of the bytes instead of inventing an end marker. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "base/memory.h"
#include "image/raster.h"

/* A file of many scans costs a walk over the whole image for each of its bytes. Encoders write
 * about ten. */
#define MAX_SCANS 100

typedef struct jpeg_reader {
    struct jpeg_decompress_struct info; /* first: the callbacks cast back from it */
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr bytes;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    int too_many_scans;
} jpeg_reader;

static void on_error(j_common_ptr info)
{
    jpeg_reader *reader = (jpeg_reader *)(void *)info;
    longjmp(reader->failed, 1);
}

static void on_message(j_common_ptr info)
{
    (void)info;
}

static void on_progress(j_common_ptr info)
{
    jpeg_reader *reader = (jpeg_reader *)(void *)info;
    if (reader->info.input_scan_number <= MAX_SCANS) return;
    reader->too_many_scans = 1;
    longjmp(reader->failed, 1);
}

static void nothing_to_do(j_decompress_ptr info)
{
    (void)info;
}

static boolean suspend(j_decompress_ptr info)
{
    (void)info;
    return FALSE;
}

static void skip(j_decompress_ptr info, long count)
{
    struct jpeg_source_mgr *bytes = info->src;
    size_t step = count > 0 ? (size_t)count : 0;
    if (step > bytes->bytes_in_buffer) step = bytes->bytes_in_buffer;
    bytes->next_input_byte += step;
    bytes->bytes_in_buffer -= step;
}

static clipspan_status cut_short(const cs_image_source *source, clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name,
                      "the JPEG file is cut short: it ends after %zu bytes, before its last row",
                      source->size);
}

static clipspan_status explain(jpeg_reader *reader, const cs_image_source *source,
                               clipspan_error *err)
{
    char text[JMSG_LENGTH_MAX];
    if (reader->too_many_scans)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, source->name,
                          "the JPEG file has more than %d scans", MAX_SCANS);
    switch (reader->errors.msg_code) {
    case JERR_BAD_PRECISION:
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, source->name,
                          "is a JPEG file of %d bits a sample; 8 are read",
                          reader->info.data_precision);
    case JERR_SOF_UNSUPPORTED:
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, source->name,
                          "is a lossless or hierarchical JPEG file; baseline and "
                          "progressive ones are read");
    case JERR_IMAGE_TOO_BIG:
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, source->name,
                          "the JPEG file has %u x %u pixels; libjpeg reads up to %ld a side",
                          reader->info.image_width, reader->info.image_height,
                          (long)JPEG_MAX_DIMENSION);
    case JERR_ARITH_NOTIMPL:
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, source->name,
                          "is an arithmetic-coded JPEG file, which this libjpeg does not read");
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        return cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory while decoding %s", source->name);
    default: break;
    }
    reader->errors.format_message((j_common_ptr)&reader->info, text);
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name, "the JPEG file is damaged: %s", text);
}

/* The steps that may leave through longjmp; everything that must survive one is in *reader and
 * *raster. */
static clipspan_status decode(cs_raster *raster, jpeg_reader *reader, const cs_image_source *source,
                              clipspan_error *err)
{
    struct jpeg_decompress_struct *info = &reader->info;
    cs_mode mode;
    uint64_t blocks;
    size_t stride;
    if (setjmp(reader->failed)) return explain(reader, source, err);
    jpeg_create_decompress(info);
    info->src = &reader->bytes;
    info->progress = &reader->progress;

    if (jpeg_read_header(info, TRUE) != JPEG_HEADER_OK) return cut_short(source, err);
    switch (info->num_components) {
    case 1:
        mode = CS_MODE_GREY;
        info->out_color_space = JCS_GRAYSCALE;
        break;
    case 3:
        mode = CS_MODE_RGB;
        info->out_color_space = JCS_EXT_RGBX;
        break;
    case 4:
        mode = CS_MODE_CMYK;
        info->out_color_space = JCS_CMYK;
        break;
    default:
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, source->name,
                          "is a JPEG file of %d components; 1, 3 and 4 are read",
                          info->num_components);
    }
    /* A Huffman code is a bit at least, and each block of 8 x 8 samples has one. */
    blocks = (uint64_t)info->comp_info[0].width_in_blocks * info->comp_info[0].height_in_blocks;
    if (!info->arith_code && blocks / 8 > source->size &&
        (uint64_t)info->image_width * info->image_height <= source->max_pixels)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name,
                          "the JPEG file is cut short: %zu bytes cannot hold %u x %u pixels",
                          source->size, info->image_width, info->image_height);
    CS_TRY(cs_raster_init(raster, mode, info->image_width, info->image_height, source, err));
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    /* Coefficients of a progressive file: 2 bytes a sample, up to four full-size components, each
     * rounded up to whole blocks. */
    stride = (size_t)raster->width * (size_t)cs_mode_bytes(mode);
    info->mem->max_memory_to_use =
        (long)(16 * (uint64_t)raster->width * (uint64_t)raster->height + (64U << 20));

    if (!jpeg_start_decompress(info)) return cut_short(source, err);
    while (info->output_scanline < info->output_height) {
        JSAMPROW row = raster->data + info->output_scanline * stride;
        if (jpeg_read_scanlines(info, &row, 1) != 1) return cut_short(source, err);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_jpeg_decode(cs_raster *raster, const cs_image_source *source,
                               clipspan_error *err)
{
    clipspan_status status;
    jpeg_reader *reader = cs_alloc_zero(1, sizeof *reader, "a JPEG reader", err);
    memset(raster, 0, sizeof *raster);
    if (!reader) return CLIPSPAN_E_NOMEM;
    reader->info.err = jpeg_std_error(&reader->errors);
    reader->errors.error_exit = on_error;
    reader->errors.output_message = on_message;
    reader->progress.progress_monitor = on_progress;
    reader->bytes.init_source = nothing_to_do;
    reader->bytes.term_source = nothing_to_do;
    reader->bytes.fill_input_buffer = suspend;
    reader->bytes.skip_input_data = skip;
    reader->bytes.resync_to_restart = jpeg_resync_to_restart;
    reader->bytes.next_input_byte = source->bytes;
    reader->bytes.bytes_in_buffer = source->size;

    status = decode(raster, reader, source, err);
    jpeg_destroy_decompress(&reader->info);
    cs_free(reader);
    if (status == CLIPSPAN_OK && raster->mode == CS_MODE_CMYK) {
        size_t i, count = (size_t)raster->width * (size_t)raster->height * 4;
        for (i = 0; i < count; i++)
            raster->data[i] = (unsigned char)~raster->data[i];
    }
    return status;
}
