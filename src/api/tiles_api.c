/* SPDX-License-Identifier: MIT */
/* clipspan_tiles: a decoded image with the windows over it. */
#include "api/view_api.h"
#include "image/convert.h"
#include "image/tiles.h"

#include <string.h>

#define MOST_WINDOWS 65536

struct clipspan_tiles {
    const clipspan_model *model;
    cs_tiles tiles;
    cs_raster raster; /* none of a whole image, which is read again when it is needed */
    char *path;
    clipspan_image_options options;
    clipspan_tiles_info info;
};

static clipspan_status check(const clipspan_tiles_options *o, clipspan_error *err)
{
    if (o->size < 0 || o->most < 0 || o->most > MOST_WINDOWS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "tiles of %d pixels, at most %d of them, were asked for; sizes from 1 and "
                       "%d tiles are possible",
                       o->size, o->most, MOST_WINDOWS);
    return CLIPSPAN_OK;
}

static void describe(clipspan_tiles *t, int height, int width)
{
    clipspan_tiles_info *i = &t->info;
    const cs_plan *plan = &t->tiles.plan;
    i->image_height = height;
    i->image_width = width;
    i->whole = t->tiles.whole;
    i->count = (size_t)t->tiles.x.count * (size_t)t->tiles.y.count;
    i->rows = t->tiles.y.count;
    i->columns = t->tiles.x.count;
    i->grid_height = t->tiles.y.patches;
    i->grid_width = t->tiles.x.patches;
    i->height = (double)t->tiles.height * (double)plan->y.in / (double)plan->y.out;
    i->width = (double)t->tiles.width * (double)plan->x.in / (double)plan->x.out;
}

static clipspan_status make(clipspan_tiles *t, const char *path,
                            const clipspan_tiles_options *options, clipspan_error *err)
{
    clipspan_error error;
    clipspan_status status;
    int height, width;
    t->path = cs_strdup(path, err);
    if (!t->path) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_image_open(&t->raster, path, &t->options, err));
    height = t->raster.height;
    width = t->raster.width;
    status = cs_tiles_init(&t->tiles, &cs_checkpoint_config(t->model->checkpoint)->preprocess,
                           t->model->info.patch_size, height, width, options->size,
                           (uint64_t)options->most, &error);
    if (status != CLIPSPAN_OK) return cs_fail_at(err, status, path, "%s", error.message);
    describe(t, height, width);
    if (!t->tiles.whole) return cs_convert_first(&t->raster, err);
    cs_raster_fini(&t->raster);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_tiles_new(clipspan_tiles **out, const clipspan_model *model,
                                   const char *path, const clipspan_tiles_options *options,
                                   clipspan_error *err)
{
    clipspan_tiles_options o;
    clipspan_tiles *t;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !model || !path)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_tiles_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_tiles_options, err));
    CS_TRY(check(&o, err));
    t = cs_alloc_zero(1, sizeof *t, "tiles", err);
    if (!t) return CLIPSPAN_E_NOMEM;
    t->model = model;
    status = CS_OPTIONS(&t->options, o.image, clipspan_image_options, err);
    if (status == CLIPSPAN_OK) status = make(t, path, &o, err);
    if (status == CLIPSPAN_OK)
        *out = t;
    else
        clipspan_tiles_free(&t);
    return status;
}

void clipspan_tiles_free(clipspan_tiles **tiles)
{
    clipspan_tiles *t = tiles ? *tiles : NULL;
    if (!t) return;
    cs_tiles_fini(&t->tiles);
    cs_raster_fini(&t->raster);
    cs_free(t->path);
    cs_free(t);
    *tiles = NULL;
}

const clipspan_tiles_info *clipspan_tiles_get_info(const clipspan_tiles *tiles)
{
    return tiles ? &tiles->info : NULL;
}

clipspan_status clipspan_tiles_run_pixels(uint8_t *pixels, clipspan_tiles *tiles, size_t first,
                                          size_t count, clipspan_error *err)
{
    cs_clear(err);
    if (!pixels || !tiles)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_tiles_run_pixels: an argument is NULL");
    if (first > tiles->info.count || count > tiles->info.count - first)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "windows %zu to %zu were asked for; the image has %zu", first, first + count,
                       tiles->info.count);
    if (tiles->tiles.whole)
        return count ? clipspan_pixels_read(pixels, tiles->model, tiles->path, &tiles->options, err)
                     : CLIPSPAN_OK;
    for (size_t i = 0; i < count; i++)
        CS_TRY(
            cs_tiles_cut(pixels + i * 3 * (size_t)tiles->tiles.height * (size_t)tiles->tiles.width,
                         &tiles->tiles, first + i, &tiles->raster, err));
    return CLIPSPAN_OK;
}

clipspan_status clipspan_tiles_add(float *map, const clipspan_tiles *tiles, size_t index,
                                   const float *part, clipspan_error *err)
{
    cs_clear(err);
    if (!map || !tiles || !part || index >= tiles->info.count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_tiles_add: an argument is NULL or there is no window %zu", index);
    cs_tiles_add(map, &tiles->tiles, index, part);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_tiles_new_view(clipspan_view **out, clipspan_tiles *tiles, int edge,
                                        clipspan_error *err)
{
    clipspan_view *v;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !tiles)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_tiles_new_view: an argument is NULL");
    if (tiles->tiles.whole)
        return clipspan_view_new(out, tiles->model, tiles->path, edge, &tiles->options, err);
    CS_TRY(cs_view_edge(&edge, edge, err));
    v = cs_alloc_zero(1, sizeof *v, "a view", err);
    if (!v) return CLIPSPAN_E_NOMEM;
    v->view.plan = tiles->tiles.plan;
    v->view.patch = tiles->tiles.patch;
    v->view.rows = tiles->info.grid_height;
    v->view.columns = tiles->info.grid_width;
    CS_TRY_DONE(cs_view_show(&v->view, &tiles->raster, edge, err));
    cs_view_describe(v);
    *out = v;
    v = NULL;
done:
    clipspan_view_free(&v);
    return status;
}
