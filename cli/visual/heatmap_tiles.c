/* SPDX-License-Identifier: MIT */
/* heatmap --tiles: windows over an image, a few at a time, their maps blended as they come. */
#include "base/memory.h"
#include "base/memory_budget.h"
#include "cli/out/numbers.h"
#include "cli/visual/heatmap.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define NOTED        20  /* images whose cost is told without -v */
#define WORTH_SAYING 3.0 /* seconds */

static clipspan_status open_tiles(clipspan_tiles **out, const cli_heatmap_job *j, size_t image,
                                  clipspan_error *err)
{
    const cli_heatmap_settings *x = j->x;
    clipspan_tiles_options o = CLIPSPAN_TILES_OPTIONS_INIT;
    clipspan_image_options how = CLIPSPAN_IMAGE_OPTIONS_INIT;
    o.size = (int)x->tile_size;
    how.exif_orient = x->images.exif_orient;
    how.max_pixels = x->images.max_pixels;
    o.image = &how;
    return clipspan_tiles_new(out, j->model, clipspan_inputs_get_paths(j->inputs)[image], &o, err);
}

/* Room for the blended maps, which may take a quarter of memory. */
static clipspan_status make_room(cli_heatmap_job *j, size_t image, const clipspan_tiles_info *info,
                                 clipspan_error *err)
{
    const size_t cells = (size_t)info->grid_height * (size_t)info->grid_width;
    const size_t maps = (j->top ? 1 + j->head_count : 1) * (j->textless ? 1 : j->T);
    const size_t drawn = (2 + j->top) * j->rows_of_maps;
    const size_t window = 3 * (size_t)j->info->input_height * (size_t)j->info->input_width;
    const uint64_t memory = cs_memory_total();
    char need[CLI_NUMBER_ROOM], most[CLI_NUMBER_ROOM];
    size_t bytes;
    if (!cs_size_mul(&bytes, (maps + drawn) * sizeof(float), cells)) bytes = SIZE_MAX;
    cli_format_bytes(need, (double)bytes);
    cli_format_bytes(most, (double)memory / 4.0);
    if (memory && bytes > memory / 4)
        return cs_fail_at(
            err, CLIPSPAN_E_LIMIT, clipspan_inputs_get_paths(j->inputs)[image],
            "%zu maps of %d x %d patches take %s, over a quarter of memory (%s); take "
            "larger tiles (--tile-size), fewer heads (--heads) or fewer texts",
            maps + drawn, info->grid_height, info->grid_width, need, most);
    CS_TRY(cs_grow(&j->blend, &j->blend_room, maps * cells, sizeof *j->blend, "blended maps", err));
    memset(j->blend, 0, maps * cells * sizeof *j->blend);
    if (!j->pixels) j->pixels = cs_alloc(j->at_once, window, "windows", err);
    return j->pixels ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void tell_cost(cli_heatmap_job *j, size_t image, const clipspan_tiles_info *info)
{
    const char *path = clipspan_inputs_get_paths(j->inputs)[image];
    char count[CLI_NUMBER_ROOM];
    cli_count_of(count, info->count, "window");
    if (info->whole)
        cli_detail(j->session, "%s: no larger than a window", path);
    else
        (image < NOTED ? cli_note : cli_detail)(
            j->session, "%s: %s of %.0f x %.0f pixels, overlapping by half or more", path, count,
            info->width, info->height);
}

static void tell_time(cli_heatmap_job *j, size_t done, size_t count, double seconds)
{
    const double left = seconds * (double)(count - done) / (double)done;
    char text[CLI_NUMBER_ROOM];
    if (left < WORTH_SAYING) return;
    cli_format_duration(text, left);
    cli_note(j->session, "about %s for them", text);
}

/* Adds the maps of window `index`, number `at` of the last run. */
static clipspan_status blend(cli_heatmap_job *j, const clipspan_tiles *tiles, size_t index,
                             size_t at, clipspan_error *err)
{
    const clipspan_tiles_info *info = clipspan_tiles_get_info(tiles);
    const size_t cells = (size_t)info->grid_height * (size_t)info->grid_width;
    const size_t T = j->textless ? 1 : j->T;
    float *to = j->blend;
    for (size_t i = 0; i < (j->top ? 1 + j->head_count : 1); i++) {
        const float *from =
            i ? clipspan_maps_get_head(j->maps, at, j->heads[i - 1].layer, j->heads[i - 1].head)
              : clipspan_maps_get(j->maps, at, j->kind);
        for (size_t t = 0; t < T; t++, to += cells) /* without the class token */
            CS_TRY(
                clipspan_tiles_add(to, tiles, index, from + t * j->N + j->info->class_token, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status map_windows(cli_heatmap_job *j, clipspan_tiles *tiles, clipspan_error *error,
                                   clipspan_error *err)
{
    const size_t count = clipspan_tiles_get_info(tiles)->count;
    const double start = cli_seconds();
    const cli_progress outer = j->session->progress;
    clipspan_status status = CLIPSPAN_OK;
    cli_progress_hide(j->session);
    cli_progress_begin(j->session, "windows");
    for (size_t done = 0; done < count && status == CLIPSPAN_OK && error->code == CLIPSPAN_OK;) {
        const size_t some = count - done < j->at_once ? count - done : j->at_once;
        if (clipspan_tiles_run_pixels(j->pixels, tiles, done, some, error) == CLIPSPAN_OK)
            clipspan_maps_run_pixels(j->maps, j->pixels, some, error);
        for (size_t i = 0; i < some && error->code == CLIPSPAN_OK; i++)
            blend(j, tiles, done + i, i, error);
        done += some;
        if (done == some) tell_time(j, done, count, cli_seconds() - start);
        cli_progress_step(j->session, done, count);
        status = cli_keep_going(j->session, err);
    }
    cli_progress_end(j->session);
    j->session->progress = outer;
    j->session->progress.visible = 0;
    return status;
}

clipspan_status cli_heatmap_tiles(cli_heatmap_job *j, size_t image, clipspan_error *error,
                                  clipspan_error *err)
{
    cli_heatmap_scores scores = {0};
    const clipspan_tiles_info *info;
    clipspan_tiles *tiles = NULL;
    clipspan_status status = CLIPSPAN_OK;
    cs_clear(error);
    if (open_tiles(&tiles, j, image, error) != CLIPSPAN_OK) return CLIPSPAN_OK;
    info = clipspan_tiles_get_info(tiles);
    if (make_room(j, image, info, error) == CLIPSPAN_OK) {
        tell_cost(j, image, info);
        CS_TRY_DONE(map_windows(j, tiles, error, err));
    }
    if (error->code != CLIPSPAN_OK) goto done;
    scores.sum = j->blend;
    scores.stride = (size_t)info->grid_height * (size_t)info->grid_width;
    scores.heads = j->top ? j->blend + j->T * scores.stride : NULL;
    scores.rows = info->grid_height;
    scores.columns = info->grid_width;
    scores.tiles = tiles;
    j->windows += info->count;
    status = cli_heatmap_draw(j, image, &scores, err);
done:
    clipspan_tiles_free(&tiles);
    return status;
}

clipspan_status cli_heatmap_windows(uint64_t *out, cli_heatmap_job *j, clipspan_error *err)
{
    *out = 0;
    for (size_t i = 0; i < clipspan_inputs_get_count(j->inputs); i++) {
        clipspan_tiles *tiles = NULL;
        clipspan_error error;
        if (open_tiles(&tiles, j, i, &error) == CLIPSPAN_OK)
            *out += clipspan_tiles_get_info(tiles)->count;
        else
            cli_note(j->session, "would be skipped: %s", error.message);
        clipspan_tiles_free(&tiles);
        CS_TRY(cli_keep_going(j->session, err));
    }
    return CLIPSPAN_OK;
}
