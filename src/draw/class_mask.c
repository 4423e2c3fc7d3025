/* SPDX-License-Identifier: MIT */
/* Classes against each other, pixel by pixel. */
#include "draw/class_mask.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "study/contrast.h"
#include "study/segmentation.h"

typedef struct board {
    float *grids;         /* [T, patches] maps against each other */
    float *values, *best; /* [height, width] of a class; the highest so far */
    float *pixels;        /* a class's map at what the model sees */
    size_t count;         /* of the view's pixels */
} board;

static clipspan_status lay_class(uint8_t *mask, board *b, const cs_view *view, size_t pixels,
                                 size_t text, const float *grid, clipspan_threshold threshold,
                                 clipspan_error *err)
{
    float cut;
    size_t i;
    CS_TRY(cs_segment_cut(&cut, b->pixels, pixels, 1, threshold, err));
    cs_view_map(b->values, view, grid);
    for (i = 0; i < b->count; i++) {
        if (!(b->values[i] > b->best[i])) continue; /* nor when it is NaN */
        b->best[i] = b->values[i];
        mask[i] = b->values[i] > cut ? (uint8_t)(text + 1) : 0;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_class_mask(uint8_t *mask, const cs_view *view, int height, int width,
                              const float *maps, size_t T, size_t N, size_t first,
                              clipspan_threshold threshold, clipspan_error *err)
{
    const size_t pixels = (size_t)height * (size_t)width;
    board b = {.count = (size_t)view->height * (size_t)view->width};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    size_t t, i;
    b.grids = cs_alloc(T, (N - first) * sizeof *b.grids, "maps", err);
    b.values = cs_alloc(b.count, sizeof *b.values, "a map's pixels", err);
    b.best = cs_alloc(b.count, sizeof *b.best, "a map's pixels", err);
    b.pixels = cs_alloc(pixels, sizeof *b.pixels, "maps", err);
    if (!b.grids || !b.values || !b.best || !b.pixels) goto done;
    memset(mask, 0, b.count);
    for (i = 0; i < b.count; i++)
        b.best[i] = -INFINITY;
    cs_contrast_run(b.grids, maps + first, T, N - first, N, CLIPSPAN_MAP_CONTRAST_MEAN);
    for (t = 0; t < T; t++) {
        const float *grid = b.grids + t * (N - first);
        cs_map_enlarge(b.pixels, height, width, grid, view->rows, view->columns, view->patch);
        CS_TRY_DONE(lay_class(mask, &b, view, pixels, t, grid, threshold, err));
    }
    status = CLIPSPAN_OK;
done:
    cs_free(b.grids);
    cs_free(b.values);
    cs_free(b.best);
    cs_free(b.pixels);
    return status;
}
