/* SPDX-License-Identifier: MIT */
/* Where windows stand, what they see, and how their maps become one. */
#include "image/tiles.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "image/convert.h"
#include "image/resize.h"

static const double pi = 3.14159265358979323846;

/* Windows along a side, before memory for them is taken. */
static uint64_t windows(double patches, int window)
{
    const int step = window > 1 ? window / 2 : 1;
    return 1 + (uint64_t)ceil((patches - (double)window) / (double)step);
}

/* Patches of a side of `pixels` tower pixels, of which a window has `size`. */
static double patches_of(double pixels, int size, int window, int patch)
{
    const double more = rint((pixels - (double)size) / (double)patch);
    return (double)window + (more > 0.0 ? more : 0.0);
}

static double bump(int place, int window)
{
    const double s = sin(pi * ((double)place + 0.5) / (double)window);
    return s * s;
}

static clipspan_status lay_side(cs_tile_side *side, double patches, int window, clipspan_error *err)
{
    double *sums;
    side->patches = (int)patches;
    side->window = window;
    side->count = (int)windows(patches, window);
    side->first = cs_alloc((size_t)side->count, sizeof *side->first, "windows", err);
    side->weight = cs_alloc((size_t)side->count * (size_t)window, sizeof *side->weight,
                            "weights of windows", err);
    sums = cs_alloc_zero((size_t)side->patches, sizeof *sums, "weights of windows", err);
    if (!side->first || !side->weight || !sums) {
        cs_free(sums);
        return CLIPSPAN_E_NOMEM;
    }
    for (int i = 0; i < side->count; i++) {
        const int last = side->count > 1 ? side->count - 1 : 1;
        side->first[i] = (int)(((int64_t)i * (side->patches - window) + last / 2) / last);
        for (int k = 0; k < window; k++)
            sums[side->first[i] + k] += bump(k, window);
    }
    for (int i = 0; i < side->count; i++)
        for (int k = 0; k < window; k++)
            side->weight[i * window + k] = (float)(bump(k, window) / sums[side->first[i] + k]);
    cs_free(sums);
    return CLIPSPAN_OK;
}

static void span_of(cs_span *span, int in, const cs_tile_side *side, int size, int patch)
{
    const int out = (side->patches - side->window) * patch + size;
    const cs_span all = {in, out, 0, out, 0, out};
    *span = all;
}

clipspan_status cs_tiles_init(cs_tiles *tiles, const cs_preprocess *preprocess, int patch,
                              int image_height, int image_width, int size, uint64_t most,
                              clipspan_error *err)
{
    const int rows = preprocess->height / patch, columns = preprocess->width / patch;
    const double wide = (double)image_width, high = (double)image_height;
    const double tower_wide = (double)preprocess->width, tower_high = (double)preprocess->height;
    const double shorter = tower_wide < tower_high ? tower_wide : tower_high;
    double scale = size ? shorter / (double)size : 1.0, across, down, count;
    memset(tiles, 0, sizeof *tiles);
    tiles->patch = patch;
    tiles->height = preprocess->height;
    tiles->width = preprocess->width;
    tiles->whole = wide * scale <= tower_wide && high * scale <= tower_high;
    if (tiles->whole) {
        CS_TRY(cs_geometry_plan(&tiles->plan, preprocess, image_width, image_height, err));
        CS_TRY(lay_side(&tiles->x, (double)columns, columns, err));
        return lay_side(&tiles->y, (double)rows, rows, err);
    }
    if (scale < tower_wide / wide) scale = tower_wide / wide;
    if (scale < tower_high / high) scale = tower_high / high;
    across = patches_of(wide * scale, preprocess->width, columns, patch);
    down = patches_of(high * scale, preprocess->height, rows, patch);
    if (!most) most = CS_TILES_MOST;
    count = (double)windows(across, columns) * (double)windows(down, rows);
    if (count > (double)most)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "%d x %d pixels take %.0f windows of %.4g x %.4g, over the limit of %llu; "
                       "take larger ones (--tile-size) or a smaller image",
                       image_width, image_height, count, tower_wide / scale, tower_high / scale,
                       (unsigned long long)most);
    CS_TRY(lay_side(&tiles->x, across, columns, err));
    CS_TRY(lay_side(&tiles->y, down, rows, err));
    tiles->plan.kernel = preprocess->kernel;
    span_of(&tiles->plan.x, image_width, &tiles->x, preprocess->width, patch);
    span_of(&tiles->plan.y, image_height, &tiles->y, preprocess->height, patch);
    return CLIPSPAN_OK;
}

static void free_side(cs_tile_side *side)
{
    cs_free(side->first);
    cs_free(side->weight);
}

void cs_tiles_fini(cs_tiles *tiles)
{
    free_side(&tiles->x);
    free_side(&tiles->y);
    memset(tiles, 0, sizeof *tiles);
}

clipspan_status cs_tiles_cut(uint8_t *pixels, const cs_tiles *tiles, size_t index,
                             cs_raster *raster, clipspan_error *err)
{
    const size_t across = (size_t)tiles->x.count;
    cs_plan plan = tiles->plan;
    unsigned char *kept = NULL;
    plan.x.first = tiles->x.first[index % across] * tiles->patch;
    plan.y.first = tiles->y.first[index / across] * tiles->patch;
    plan.x.count = plan.x.want = tiles->width;
    plan.y.count = plan.y.want = tiles->height;
    CS_TRY(cs_resize(&kept, raster, &plan, NULL, err));
    cs_convert_rgb(pixels, kept, (size_t)tiles->width * (size_t)tiles->height, raster);
    cs_free(kept);
    return CLIPSPAN_OK;
}

void cs_tiles_add(float *map, const cs_tiles *tiles, size_t index, const float *part)
{
    const cs_tile_side *sx = &tiles->x, *sy = &tiles->y;
    const size_t i = index % (size_t)sx->count, j = index / (size_t)sx->count;
    const float *wx = sx->weight + i * (size_t)sx->window;
    const float *wy = sy->weight + j * (size_t)sy->window;
    float *to = map + (size_t)sy->first[j] * (size_t)sx->patches + (size_t)sx->first[i];
    for (int y = 0; y < sy->window; y++, to += sx->patches, part += sx->window)
        for (int x = 0; x < sx->window; x++)
            to[x] += wy[y] * wx[x] * part[x];
}
