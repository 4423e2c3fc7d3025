/* SPDX-License-Identifier: MIT */
/* One sheet serves an overlay with its bar as well: it has one cell. */
#include "cli/visual/map_sheet.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/heads.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>

#define CELL          192 /* pixels of a cell's longer side */
#define LEAST         256 /* of an overlay's cell, so that its texts have room */
#define PREVIEW_MOST  4   /* maps shown as letters */
#define PREVIEW_LINES 48  /* of each at most */

double cli_map_limit(const float *maps, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        if (fabs((double)maps[i]) > most) most = fabs((double)maps[i]);
    return most > 1e-30 ? most : 1e-30;
}

static void range_of(char *out, size_t room, const float *map, size_t n)
{
    float low = map[0], high = map[0];
    for (size_t i = 1; i < n; i++) {
        if (map[i] < low) low = map[i];
        if (map[i] > high) high = map[i];
    }
    snprintf(out, room, "%.3g to %.3g", (double)low, (double)high);
}

clipspan_status cli_map_view(clipspan_view **out, const cli_map_set *set, int edge,
                             clipspan_error *err)
{
    if (set->tiles) return clipspan_tiles_new_view(out, set->tiles, edge, err);
    return clipspan_view_new(out, set->model, set->path, edge, &set->reading, err);
}

/* A view and room for its drawings, given back with free_easel in any case. */
typedef struct easel {
    const clipspan_view *view;
    const clipspan_view_info *info;
    uint8_t *rgb;
    clipspan_sheet *sheet;
} easel;

static clipspan_status set_up(easel *e, const clipspan_view *view, clipspan_error *err)
{
    e->view = view;
    e->info = clipspan_view_get_info(view);
    e->rgb = cs_alloc((size_t)e->info->height * (size_t)e->info->width, 3, "a drawing", err);
    return e->rgb ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void free_easel(easel *e)
{
    clipspan_sheet_free(&e->sheet);
    cs_free(e->rgb);
}

static clipspan_status draw(easel *e, const cli_map_set *set, const float *map, size_t row,
                            size_t column, clipspan_drawing drawing, double limit, const char *text,
                            clipspan_error *err)
{
    char note[64] = "";
    CS_TRY(clipspan_view_run_draw(e->rgb, e->view, map, drawing, limit, set->is_signed, err));
    if (map) range_of(note, sizeof note, map, set->grid);
    clipspan_sheet_set_cell(e->sheet, row, column, e->rgb, e->info->height, e->info->width, text,
                            note);
    return CLIPSPAN_OK;
}

clipspan_status cli_map_overlay(const cli_map_set *set, size_t row, const char *path,
                                clipspan_error *err)
{
    clipspan_status status;
    easel e = {0};
    CS_TRY_DONE(set_up(&e, set->view, err));
    CS_TRY_DONE(clipspan_sheet_new(&e.sheet, 1, 1,
                                   e.info->height < LEAST / 4 ? LEAST / 4 : e.info->height,
                                   e.info->width < LEAST ? LEAST : e.info->width, 1, err));
    clipspan_sheet_set_title(e.sheet, cs_path_name(set->path));
    CS_TRY_DONE(draw(&e, set, set->maps + row * set->grid, 0, 0, CLIPSPAN_DRAW_OVERLAY, set->limit,
                     set->names[row], err));
    clipspan_sheet_set_bar(e.sheet, 0, set->how, set->limit, set->is_signed);
    status = clipspan_sheet_write(e.sheet, path, set->replace, err);
done:
    free_easel(&e);
    return status;
}

static clipspan_status fill_rows(easel *e, const cli_map_set *set, clipspan_error *err)
{
    for (size_t row = 0; row < set->rows; row++) {
        const float *map = set->maps + row * set->grid;
        CS_TRY(draw(e, set, NULL, row, 0, CLIPSPAN_DRAW_IMAGE, 1.0, set->names[row], err));
        CS_TRY(draw(e, set, map, row, 1, CLIPSPAN_DRAW_MAP, set->limit, "", err));
        CS_TRY(draw(e, set, map, row, 2, CLIPSPAN_DRAW_OVERLAY, set->limit, "", err));
        for (size_t h = 0; h < set->head_count; h++)
            CS_TRY(draw(e, set, set->heads[h].maps + row * set->grid, row, 3 + h,
                        CLIPSPAN_DRAW_OVERLAY, set->head_limit, "", err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_map_sheet(const cli_map_set *set, const char *path, clipspan_error *err)
{
    clipspan_status status;
    size_t bars = set->head_count ? 2 : 1;
    clipspan_view *view = NULL;
    easel e = {0};
    CS_TRY_DONE(cli_map_view(&view, set, CELL, err));
    CS_TRY_DONE(set_up(&e, view, err));
    CS_TRY_DONE(clipspan_sheet_new(&e.sheet, set->rows, 3 + set->head_count,
                                   e.info->height < CELL / 4 ? CELL / 4 : e.info->height,
                                   e.info->width < CELL ? CELL : e.info->width, bars, err));
    clipspan_sheet_set_title(e.sheet, cs_path_name(set->path));
    clipspan_sheet_set_column(e.sheet, 0, "image");
    clipspan_sheet_set_column(e.sheet, 1, "map");
    clipspan_sheet_set_column(e.sheet, 2, "overlay");
    for (size_t h = 0; h < set->head_count; h++) {
        char name[CLI_HEAD_ROOM];
        cli_head_name(name, set->heads[h].head);
        clipspan_sheet_set_column(e.sheet, 3 + h, name);
    }
    CS_TRY_DONE(fill_rows(&e, set, err));
    clipspan_sheet_set_bar(e.sheet, 0, set->how, set->limit, set->is_signed);
    if (set->head_count)
        clipspan_sheet_set_bar(e.sheet, 1, "single heads", set->head_limit, set->is_signed);
    status = clipspan_sheet_write(e.sheet, path, set->replace, err);
done:
    free_easel(&e);
    clipspan_view_free(&view);
    return status;
}

void cli_map_preview(const cli_session *s, const cli_map_set *set)
{
    static const char *const blocks[] = {" ", "\xE2\x96\x91", "\xE2\x96\x92", "\xE2\x96\x93",
                                         "\xE2\x96\x88"};
    static const char *const letters[] = {" ", ".", "+", "%", "@"};
    const char *const *shades = s->unicode ? blocks : letters;
    const size_t most_across = (size_t)s->columns - 2;
    const size_t width = (size_t)set->grid_width, height = set->grid / width;
    const size_t across = (2 * width + most_across - 1) / most_across,
                 down = (height + PREVIEW_LINES - 1) / PREVIEW_LINES;
    const size_t step = across > down ? across : down;
    for (size_t row = 0; row < set->rows && row < PREVIEW_MOST; row++) {
        const float *map = set->maps + row * set->grid;
        float most = 0.0F;
        size_t cells;
        for (size_t i = 0; i < set->grid; i++)
            if (map[i] > most) most = map[i];
        fputs("  ", stdout);
        cells = cli_print_text(stdout, s, set->names[row], 2, 4);
        printf("%s(darkest: %.3g)\n", cells + 22 > (size_t)s->columns ? "\n    " : "  ",
               (double)most);
        for (size_t y = 0; y < height; y += step) {
            fputs("  ", stdout);
            for (size_t x = 0; x < width; x += step) {
                float value = map[y * width + x];
                int shade = value > 0.0F ? (int)(value / most * 4.999F) : 0;
                fputs(shades[shade > 4 ? 4 : shade], stdout);
                fputs(shades[shade > 4 ? 4 : shade], stdout);
            }
            putchar('\n');
        }
    }
}
