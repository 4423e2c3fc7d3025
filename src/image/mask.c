/* SPDX-License-Identifier: MIT */
/* A decoded mask through the image's geometry, without mixing values. */
#include "image/mask.h"

#include <string.h>

#include "base/memory.h"
#include "image/geometry.h"

/* Where each kept pixel of one direction lies in the source. Pillow adds the step up from the first
 * pixel on, so its rounding errors are part of the result. */
static int *table_of(const cs_span *span, clipspan_error *err)
{
    const double step = (double)span->in / span->out;
    double at = step * 0.5;
    int i, *table = cs_alloc((size_t)span->count, sizeof *table, "a table of pixels", err);
    if (!table) return NULL;
    for (i = 0; i < span->first + span->count; i++, at += step)
        if (i >= span->first)
            table[i - span->first] = at < (double)span->in ? (int)at : span->in - 1;
    return table;
}

static uint16_t value_at(const cs_raster *raster, size_t at)
{
    uint16_t wide;
    if (raster->mode != CS_MODE_GREY16)
        return raster->mode == CS_MODE_BIT ? raster->data[at] != 0 : raster->data[at];
    memcpy(&wide, raster->data + 2 * at, sizeof wide);
    return wide;
}

static clipspan_status take_values(uint16_t *values, const cs_raster *raster, const cs_plan *plan,
                                   clipspan_error *err)
{
    int *from_x = table_of(&plan->x, err);
    int *from_y = from_x ? table_of(&plan->y, err) : NULL;
    const clipspan_status status = from_y ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    int x, y;
    memset(values, 0, (size_t)plan->x.want * (size_t)plan->y.want * sizeof *values);
    for (y = 0; from_y && y < plan->y.count; y++)
        for (x = 0; x < plan->x.count; x++)
            values[(size_t)(plan->y.at + y) * (size_t)plan->x.want + (size_t)(plan->x.at + x)] =
                value_at(raster, (size_t)from_y[y] * (size_t)raster->width + (size_t)from_x[x]);
    cs_free(from_x);
    cs_free(from_y);
    return status;
}

static clipspan_status check_mask(const cs_raster *raster, const char *path, int want_height,
                                  int want_width, clipspan_error *err)
{
    if (raster->mode == CS_MODE_RGB || raster->mode == CS_MODE_RGBA || raster->mode == CS_MODE_CMYK)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                          "is an image in colours; a mask has one channel, or a palette, whose "
                          "numbers say what a pixel shows");
    if (want_height && (raster->height != want_height || raster->width != want_width))
        return cs_fail_at(err, CLIPSPAN_E_SHAPE, path,
                          "is a mask of %d x %d pixels for an image of %d x %d", raster->width,
                          raster->height, want_width, want_height);
    return CLIPSPAN_OK;
}

clipspan_status cs_mask_read(uint16_t *values, const cs_preprocess *preprocess, const char *path,
                             int squash, int want_height, int want_width,
                             const clipspan_image_options *options, clipspan_error *err)
{
    cs_preprocess way = *preprocess;
    clipspan_status status;
    cs_raster raster;
    cs_plan plan;
    if (squash) way.resize = CLIPSPAN_SQUASH;
    CS_TRY_DONE(cs_image_open(&raster, path, options, err));
    CS_TRY_DONE(check_mask(&raster, path, want_height, want_width, err));
    CS_TRY_DONE(cs_geometry_plan(&plan, &way, raster.width, raster.height, err));
    status = take_values(values, &raster, &plan, err);
done:
    cs_raster_fini(&raster);
    return status;
}
