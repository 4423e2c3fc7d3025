/* SPDX-License-Identifier: MIT */
/* Geometry of a view, and colours laid over grey. */
#include "draw/view.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "draw/colours.h"
#include "image/convert.h"
#include "image/resize.h"

#define STRIPE 6 /* pixels from one slanting line to the next */

static cs_span whole(int in, int out)
{
    const cs_span span = {in, out, 0, out, 0, out};
    return span;
}

/* One side as it is shown. */
static int shown(int size, int longer, int edge)
{
    int64_t out = size;
    if (longer > edge)
        out = ((int64_t)size * edge + longer / 2) / longer;
    else if (longer < CS_VIEW_LEAST && longer * 2 <= edge)
        out = (int64_t)size * ((edge < CS_VIEW_LEAST ? edge : CS_VIEW_LEAST + longer - 1) / longer);
    return out < 1 ? 1 : (int)out;
}

static clipspan_status take_pixels(cs_view *view, cs_raster *raster, clipspan_error *err)
{
    const cs_plan plan = {whole(raster->width, view->width), whole(raster->height, view->height),
                          CLIPSPAN_BICUBIC};
    const size_t count = (size_t)view->width * (size_t)view->height;
    unsigned char *kept = NULL;
    clipspan_status status;
    view->rgb = cs_alloc(count, 3, "an image to draw on", err);
    if (!view->rgb) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_convert_first(raster, err));
    status = cs_resize(&kept, raster, &plan, NULL, err);
    if (status == CLIPSPAN_OK) cs_convert_rgb(view->rgb, kept, count, raster);
    cs_free(kept);
    return status;
}

clipspan_status cs_view_show(cs_view *view, cs_raster *raster, int edge, clipspan_error *err)
{
    const int longer = raster->width > raster->height ? raster->width : raster->height;
    view->image_height = raster->height;
    view->image_width = raster->width;
    view->height = edge ? shown(raster->height, longer, edge) : raster->height;
    view->width = edge ? shown(raster->width, longer, edge) : raster->width;
    return take_pixels(view, raster, err);
}

clipspan_status cs_view_init(cs_view *view, const cs_preprocess *preprocess, int patch,
                             const char *path, int edge, const clipspan_image_options *options,
                             clipspan_error *err)
{
    clipspan_status status;
    cs_raster raster;
    memset(view, 0, sizeof *view);
    view->patch = patch;
    view->rows = preprocess->height / patch;
    view->columns = preprocess->width / patch;
    CS_TRY_DONE(cs_image_open(&raster, path, options, err));
    CS_TRY_DONE(cs_geometry_plan(&view->plan, preprocess, raster.width, raster.height, err));
    status = cs_view_show(view, &raster, edge, err);
done:
    cs_raster_fini(&raster);
    return status;
}

void cs_view_fini(cs_view *view)
{
    cs_free(view->rgb);
    view->rgb = NULL;
}

/* ---- Where ---- */

void cs_view_window(double window[4], const cs_view *view)
{
    cs_geometry_window(window, &view->plan, view->columns * view->patch, view->rows * view->patch);
}

/* Where shown pixel `at` of `shown_size` lies on the grid's axis, patch centres at integers;
 * -1 when the tower does not see it. */
static double on_grid(int at, int shown_size, const cs_span *span, int patch, int count)
{
    const double image = ((double)at + 0.5) * (double)span->in / (double)shown_size;
    const double tower =
        image * (double)span->out / (double)span->in - (double)span->first + (double)span->at;
    double grid = tower / (double)patch - 0.5;
    if (tower < (double)span->at || tower >= (double)(span->at + span->count) ||
        tower >= (double)(count * patch))
        return -1.0;
    return grid < 0.0 ? 0.0 : grid > (double)(count - 1) ? (double)(count - 1) : grid;
}

void cs_view_map(float *out, const cs_view *view, const float *map)
{
    int y, x;
    for (y = 0; y < view->height; y++) {
        const double gy = on_grid(y, view->height, &view->plan.y, view->patch, view->rows);
        for (x = 0; x < view->width; x++, out++) {
            const double gx = on_grid(x, view->width, &view->plan.x, view->patch, view->columns);
            *out =
                gx < 0.0 || gy < 0.0 ? NAN : cs_map_between(map, view->rows, view->columns, gy, gx);
        }
    }
}

/* ---- Colours ---- */

static void put_grey(uint8_t rgb[3], double value)
{
    rgb[0] = rgb[1] = rgb[2] = (uint8_t)lrint(value < 0.0 ? 0.0 : value > 255.0 ? 255.0 : value);
}

/* The image's own light, held away from black and white so that colours stay colours. */
static double grey_of(const uint8_t rgb[3])
{
    return 36.0 + 0.72 * (0.299 * (double)rgb[0] + 0.587 * (double)rgb[1] + 0.114 * (double)rgb[2]);
}

/* What lies outside of what the tower sees: slanting lines. */
static void put_outside(uint8_t rgb[3], const cs_view *view, size_t i, double grey,
                        clipspan_drawing drawing)
{
    const size_t width = (size_t)view->width;
    const int line = (int)((i % width + i / width) % STRIPE) == 0;
    if (drawing == CLIPSPAN_DRAW_MAP)
        put_grey(rgb, line ? 150.0 : 205.0);
    else
        put_grey(rgb, grey * 0.6 + (line ? 90.0 : 0.0));
}

void cs_view_draw(uint8_t *rgb, const cs_view *view, const float *values, clipspan_drawing drawing,
                  double limit, int is_signed)
{
    const size_t count = (size_t)view->width * (size_t)view->height;
    uint8_t below[3], above[3];
    size_t i;
    int c;
    cs_colour_get(below, -1.0, 1);
    cs_colour_get(above, 1.0, 1);
    if (drawing == CLIPSPAN_DRAW_IMAGE) {
        memcpy(rgb, view->rgb, count * 3);
        return;
    }
    for (i = 0; i < count; i++, rgb += 3) {
        const double grey = grey_of(view->rgb + 3 * i);
        double value = (double)values[i] / limit, part;
        uint8_t colour[3];
        if (isnan(values[i])) {
            put_outside(rgb, view, i, grey, drawing);
            continue;
        }
        if (is_signed && drawing == CLIPSPAN_DRAW_OVERLAY) {
            /* The neutral colour is the image itself. */
            memcpy(colour, values[i] < 0.0F ? below : above, 3);
        } else {
            cs_colour_get(colour, value, is_signed);
        }
        if (drawing == CLIPSPAN_DRAW_MAP) {
            memcpy(rgb, colour, 3);
            continue;
        }
        value = fabs(value);
        part = is_signed ? 0.85 * (value > 1.0 ? 1.0 : value) : 0.6;
        for (c = 0; c < 3; c++)
            rgb[c] = (uint8_t)lrint((1.0 - part) * grey + part * (double)colour[c]);
    }
}
