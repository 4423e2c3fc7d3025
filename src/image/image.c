/* SPDX-License-Identifier: MIT */
/* An image file becomes what the tower sees: recognised by content, decoded under a ceiling,
 * turned if asked to, then resized, cropped and made RGB in the order of the checkpoint's family.
 *
 *   OpenCLIP       resize in the file's own mode, crop or pad, convert
 *   Hugging Face   convert, resize, crop or pad
 *
 * Memory at its peak: the file, the decoded image (at most 4 bytes a pixel, 5 while a palette is
 * resolved first, twice while it is turned, up to 16 more while a progressive JPEG is decoded) and
 * the result. Threads that decode at once share a quarter of the memory for that: one that has no
 * room waits. */
#include "image/image.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/memory_budget.h"
#include "image/convert.h"
#include "image/exif.h"
#include "image/raster.h"
#include "image/recognise.h"
#include "image/resize.h"

#define MOST_PIXELS    ((uint64_t)512 * 1000 * 1000)
#define PIXELS_UNKNOWN ((uint64_t)64 * 1000 * 1000) /* where the machine's memory is not known */
#define HEAD           512                          /* bytes that recognise a file */
#define MOST_BYTES     ((uint64_t)1 << 30)          /* of an image file */

/* Four bytes a pixel in a sixteenth of memory. */
uint64_t cs_image_default_pixels(void)
{
    const uint64_t memory = cs_memory_total();
    const uint64_t pixels = memory ? memory / 16 / 4 : PIXELS_UNKNOWN;
    return pixels < MOST_PIXELS ? pixels : MOST_PIXELS;
}

/* By the first bytes of a file of `size` bytes. */
static clipspan_status recognise(cs_image_kind *kind, const unsigned char *bytes, size_t there,
                                 uint64_t size, const char *name, clipspan_error *err)
{
    const char *format;
    *kind = cs_image_recognise(&format, bytes, there);
    if (size == 0) return cs_fail_at(err, CLIPSPAN_E_FORMAT, name, "is an empty file");
    if (*kind != CS_IMAGE_OTHER) return CLIPSPAN_OK;
    if (format)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, name, "is %s; JPEG, PNG and WebP are read",
                          format);
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, name,
                      "is no image in a known format (%llu bytes); JPEG, PNG and WebP are read",
                      (unsigned long long)size);
}

static clipspan_status decode(cs_raster *raster, const cs_image_source *source, int orient,
                              clipspan_error *err)
{
    cs_image_kind kind;
    memset(raster, 0, sizeof *raster);
    CS_TRY(recognise(&kind, source->bytes, source->size, source->size, source->name, err));
    switch (kind) {
    case CS_IMAGE_JPEG: CS_TRY(cs_jpeg_decode(raster, source, err)); break;
    case CS_IMAGE_PNG: CS_TRY(cs_png_decode(raster, source, err)); break;
    case CS_IMAGE_WEBP: CS_TRY(cs_webp_decode(raster, source, err)); break;
    case CS_IMAGE_OTHER: break; /* was refused */
    }
    if (!orient) return CLIPSPAN_OK;
    return cs_orient(raster, cs_exif_orientation(source->bytes, source->size, kind), err);
}

static unsigned char clip8(int value)
{
    return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* The colour around an image that does not fill its frame. The references fill before converting,
 * so a fill of f is entry f of a palette, ink in CMYK and white in a bit image. They know one
 * number only; three different ones are taken as the RGB colour they are. */
static void padding(uint8_t out[3], const cs_raster *raster, const cs_preprocess *preprocess)
{
    const int is_fill = preprocess->resize == CLIPSPAN_LONGEST;
    const int *fill = preprocess->fill;
    const unsigned char value = clip8(is_fill ? fill[0] : 0);
    unsigned char pixel[4];
    if (is_fill && (fill[0] != fill[1] || fill[0] != fill[2])) {
        int c;
        for (c = 0; c < 3; c++)
            out[c] = clip8(fill[c]);
        return;
    }
    memset(pixel, value, sizeof pixel);
    if (raster->mode == CS_MODE_GREY16) {
        const uint16_t wide = value;
        memcpy(pixel, &wide, sizeof wide);
    }
    cs_convert_rgb(out, pixel, 1, raster);
}

/* kept : [plan->y.count, plan->x.count] pixels of the raster's mode, into their place. */
static void place(uint8_t *pixels, const unsigned char *kept, const cs_raster *raster,
                  const cs_plan *plan, const cs_preprocess *preprocess)
{
    const size_t width = (size_t)plan->x.want, row = 3 * width;
    const size_t count = (size_t)plan->x.count;
    const size_t size = (size_t)cs_mode_bytes(raster->mode);
    uint8_t colour[3];
    int y;
    if (plan->x.count < plan->x.want || plan->y.count < plan->y.want) {
        size_t i;
        padding(colour, raster, preprocess);
        for (i = 0; i < width * (size_t)plan->y.want; i++)
            memcpy(pixels + 3 * i, colour, 3);
    }
    for (y = 0; y < plan->y.count; y++)
        cs_convert_rgb(pixels + (size_t)(plan->y.at + y) * row + 3 * (size_t)plan->x.at,
                       kept + (size_t)y * count * size, count, raster);
}

static uint64_t most_pixels(const clipspan_image_options *options)
{
    return options && options->max_pixels ? options->max_pixels : cs_image_default_pixels();
}

clipspan_status cs_image_decode(uint8_t *pixels, const cs_preprocess *preprocess, const void *bytes,
                                size_t size, const char *name,
                                const clipspan_image_options *options, clipspan_error *err)
{
    cs_image_source source = {bytes, size, name, 0, 1};
    clipspan_status status;
    unsigned char *kept = NULL;
    cs_raster raster;
    cs_plan plan;
    source.max_pixels = most_pixels(options);
    memset(&raster, 0, sizeof raster);
    CS_TRY_DONE(decode(&raster, &source, options && options->exif_orient, err));
    CS_TRY_DONE(cs_geometry_plan(&plan, preprocess, raster.width, raster.height, err));
    if (preprocess->convert_first) CS_TRY_DONE(cs_convert_first(&raster, err));
    CS_TRY_DONE(cs_resize(&kept, &raster, &plan, NULL, err));
    place(pixels, kept, &raster, &plan, preprocess);
done:
    cs_free(kept);
    cs_raster_fini(&raster);
    return status;
}

/* No more than an eighth of memory. */
static uint64_t most_bytes(void)
{
    const uint64_t memory = cs_memory_total();
    return memory && memory / 8 < MOST_BYTES ? memory / 8 : MOST_BYTES;
}

/* What is no image is not read to its end: a.png may be anything, of any size. */
static clipspan_status check_head(const char *path, clipspan_error *err)
{
    unsigned char head[HEAD];
    clipspan_status status = CLIPSPAN_OK;
    cs_image_kind kind;
    cs_file *file;
    size_t size;
    CS_TRY(cs_file_open(&file, path, err));
    size = file->size < HEAD ? (size_t)file->size : HEAD;
    if (size > 0) status = cs_file_read(head, file, 0, size, err);
    if (status == CLIPSPAN_OK) status = recognise(&kind, head, size, file->size, path, err);
    cs_file_close(&file);
    return status;
}

static clipspan_status read_file(unsigned char **bytes, size_t *size, const char *path,
                                 clipspan_error *err)
{
    CS_TRY(check_head(path, err));
    return cs_file_read_all(bytes, size, path, most_bytes(), err);
}

clipspan_status cs_image_read(uint8_t *pixels, const cs_preprocess *preprocess, const char *path,
                              const clipspan_image_options *options, clipspan_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    clipspan_status status;
    CS_TRY(read_file(&bytes, &size, path, err));
    status = cs_image_decode(pixels, preprocess, bytes, size, path, options, err);
    cs_free(bytes);
    return status;
}

/* One side of an image whose longer side becomes `edge`. */
static cs_span shrunk(int size, int longer, int edge)
{
    const int scaled = (int)(((int64_t)size * edge + longer / 2) / longer);
    const int out = longer <= edge ? size : scaled > 0 ? scaled : 1;
    const cs_span span = {size, out, 0, out, 0, out};
    return span;
}

clipspan_status cs_image_open(cs_raster *raster, const char *path,
                              const clipspan_image_options *options, clipspan_error *err)
{
    cs_image_source source = {NULL, 0, path, 0, 0};
    unsigned char *bytes = NULL;
    clipspan_status status;
    memset(raster, 0, sizeof *raster);
    source.max_pixels = most_pixels(options);
    CS_TRY(read_file(&bytes, &source.size, path, err));
    source.bytes = bytes;
    status = decode(raster, &source, options && options->exif_orient, err);
    cs_free(bytes);
    return status;
}

clipspan_status cs_image_shrink(uint8_t *pixels, int *height, int *width, int edge,
                                const char *path, const clipspan_image_options *options,
                                clipspan_error *err)
{
    unsigned char *kept = NULL;
    clipspan_status status;
    cs_raster raster;
    cs_plan plan;
    int longer;
    CS_TRY_DONE(cs_image_open(&raster, path, options, err));
    CS_TRY_DONE(cs_convert_first(&raster, err));
    longer = raster.width > raster.height ? raster.width : raster.height;
    plan.kernel = CLIPSPAN_BICUBIC;
    plan.x = shrunk(raster.width, longer, edge);
    plan.y = shrunk(raster.height, longer, edge);
    CS_TRY_DONE(cs_resize(&kept, &raster, &plan, NULL, err));
    *width = plan.x.out;
    *height = plan.y.out;
    cs_convert_rgb(pixels, kept, (size_t)*width * (size_t)*height, &raster);
done:
    cs_free(kept);
    cs_raster_fini(&raster);
    return status;
}
