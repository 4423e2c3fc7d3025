/* SPDX-License-Identifier: MIT */
/* Memory of decoded images: nothing is taken for an image that is over the ceiling. */
#include "image/raster.h"

#include <string.h>

#include "base/memory.h"
#include "base/memory_budget.h"

#define MAX_EDGE    (1 << 29) /* so that the resampling kernel's reach fits an int */
#define DECODE_MOST 20        /* bytes a pixel while a file is decoded: image.c */

int cs_mode_bytes(cs_mode mode)
{
    switch (mode) {
    case CS_MODE_BIT:
    case CS_MODE_INDEX:
    case CS_MODE_GREY: return 1;
    case CS_MODE_GREY16: return 2;
    case CS_MODE_RGB:
    case CS_MODE_RGBA:
    case CS_MODE_CMYK: break;
    }
    return 4;
}

clipspan_status cs_raster_init(cs_raster *raster, cs_mode mode, uint64_t width, uint64_t height,
                               const cs_image_source *source, clipspan_error *err)
{
    size_t bytes;
    memset(raster, 0, sizeof *raster);
    if (width == 0 || height == 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name,
                          "declares a size of %llu x %llu pixels", (unsigned long long)width,
                          (unsigned long long)height);
    if (width > MAX_EDGE || height > MAX_EDGE || width * height > source->max_pixels)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, source->name,
                          "has %llu x %llu pixels, more than the ceiling of %llu; raise it "
                          "(--max-pixels, max_pixels) if the image is to be trusted",
                          (unsigned long long)width, (unsigned long long)height,
                          (unsigned long long)source->max_pixels);
    if (!cs_size_mul(&bytes, (size_t)width * (size_t)height, (size_t)cs_mode_bytes(mode)) ||
        bytes > SIZE_MAX - CS_RASTER_SLACK)
        return cs_fail_memory(err, SIZE_MAX, "a decoded image");
    if (source->pooled) {
        raster->taken = DECODE_MOST * width * height;
        cs_memory_take(raster->taken);
    }
    raster->data = cs_alloc_aligned(bytes + CS_RASTER_SLACK, 1, "a decoded image", err);
    if (!raster->data) return CLIPSPAN_E_NOMEM; /* the caller gives back what was taken */
    memset(raster->data + bytes, 0, CS_RASTER_SLACK);
    raster->mode = mode;
    raster->width = (int)width;
    raster->height = (int)height;
    return CLIPSPAN_OK;
}

void cs_raster_fini(cs_raster *raster)
{
    cs_free(raster->data);
    if (raster->taken) cs_memory_give(raster->taken);
    memset(raster, 0, sizeof *raster);
}
