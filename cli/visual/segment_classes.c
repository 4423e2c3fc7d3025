/* SPDX-License-Identifier: MIT */
/* All classes of an image in one mask: at each pixel the number, from 1, of the class whose map is
 * highest there, 0 where that is not above the class's own threshold or the model sees nothing. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What one image is worked on with. */
typedef struct board {
    const clipspan_view *view;
    float *values, *best; /* [height, width] of a class; the highest so far, above its threshold */
    uint8_t *mask;        /* [height, width] */
    float *grid, *pixels; /* a class's map; the same at the encoder's pixels */
    size_t n;
} board;

/* A class's map minus the mean over all of them. */
static void contrast(float *grid, const float *maps, size_t text, size_t T, size_t N)
{
    for (size_t i = 1; i < N; i++) {
        double mean = 0.0;
        for (size_t t = 0; t < T; t++)
            mean += (double)maps[t * N + i];
        grid[i - 1] = (float)((double)maps[text * N + i] - mean / (double)T);
    }
}

static clipspan_status lay_class(board *b, const cli_segment_job *j, const float *maps, size_t text,
                                 clipspan_error *err)
{
    const size_t T = clipspan_texts_get_count(j->classes), N = (size_t)j->info->tokens;
    float cut;
    contrast(b->grid, maps, text, T, N);
    CS_TRY(clipspan_map_run_pixels(b->pixels, j->model, b->grid, err));
    CS_TRY(clipspan_segment_run_cut(&cut, b->pixels, j->pixels, 1,
                                    (clipspan_threshold)j->x->threshold, err));
    CS_TRY(clipspan_view_run_map(b->values, b->view, b->grid, err));
    for (size_t i = 0; i < b->n; i++) {
        if (!(b->values[i] > b->best[i])) continue; /* nor when it is NaN */
        b->best[i] = b->values[i];
        b->mask[i] = b->values[i] > cut ? (uint8_t)(text + 1) : 0;
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_segment_classes(const cli_segment_job *j, const clipspan_view *view, size_t at,
                                    const char *path, clipspan_error *err)
{
    const clipspan_view_info *info = clipspan_view_get_info(view);
    const float *maps = clipspan_maps_get(j->maps, at, CLIPSPAN_MAP_HEADS);
    board b = {.view = view, .n = (size_t)info->height * (size_t)info->width};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    b.values = cs_alloc(b.n, sizeof *b.values, "a map's pixels", err);
    b.best = cs_alloc(b.n, sizeof *b.best, "a map's pixels", err);
    b.mask = cs_alloc_zero(b.n, 1, "a mask", err);
    b.grid = cs_alloc((size_t)j->info->tokens, sizeof *b.grid, "maps", err);
    b.pixels = cs_alloc(j->pixels, sizeof *b.pixels, "maps", err);
    if (!b.values || !b.best || !b.mask || !b.grid || !b.pixels) goto done;
    for (size_t i = 0; i < b.n; i++)
        b.best[i] = -INFINITY;
    for (size_t t = 0; t < clipspan_texts_get_count(j->classes); t++)
        CS_TRY_DONE(lay_class(&b, j, maps, t, err));
    status = clipspan_mask_write(path, b.mask, info->height, info->width, j->x->out.force, err);
done:
    cs_free(b.values);
    cs_free(b.best);
    cs_free(b.mask);
    cs_free(b.grid);
    cs_free(b.pixels);
    return status;
}
