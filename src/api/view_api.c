/* SPDX-License-Identifier: MIT */
/* Views and sheets: argument checks around src/image. */
#include "api/view_api.h"
#include "draw/class_mask.h"
#include "draw/sheet.h"
#include "report/sheet_svg.h"

#include <math.h>
#include <string.h>

#define DEFAULT_EDGE 1024

struct clipspan_sheet {
    cs_sheet *sheet;
    size_t rows, columns, bars;
};

/* ---- Views ---- */

clipspan_status cs_view_edge(int *out, int edge, clipspan_error *err)
{
    if (edge < -1 || edge > CS_VIEW_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a view of %d pixels was asked for; 1 to %d are possible", edge,
                       CS_VIEW_MOST);
    *out = edge == -1 ? 0 : edge ? edge : DEFAULT_EDGE;
    return CLIPSPAN_OK;
}

void cs_view_describe(clipspan_view *v)
{
    v->info.image_height = v->view.image_height;
    v->info.image_width = v->view.image_width;
    v->info.height = v->view.height;
    v->info.width = v->view.width;
    cs_view_window(v->info.window, &v->view);
}

clipspan_status clipspan_view_new(clipspan_view **out, const clipspan_model *model,
                                  const char *path, int edge, const clipspan_image_options *options,
                                  clipspan_error *err)
{
    clipspan_image_options o;
    clipspan_view *v;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !model || !path)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_view_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_image_options, err));
    CS_TRY(cs_view_edge(&edge, edge, err));
    v = cs_alloc_zero(1, sizeof *v, "a view", err);
    if (!v) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_view_init(&v->view, &cs_checkpoint_config(model->checkpoint)->preprocess,
                             model->info.patch_size, path, edge, &o, err));
    cs_view_describe(v);
    *out = v;
    v = NULL;
done:
    clipspan_view_free(&v);
    return status;
}

void clipspan_view_free(clipspan_view **view)
{
    if (!view || !*view) return;
    cs_view_fini(&(*view)->view);
    cs_free(*view);
    *view = NULL;
}

const clipspan_view_info *clipspan_view_get_info(const clipspan_view *view)
{
    return view ? &view->info : NULL;
}

clipspan_status clipspan_view_run_draw(uint8_t *rgb, const clipspan_view *view, const float *map,
                                       clipspan_drawing drawing, double limit, int is_signed,
                                       clipspan_error *err)
{
    float *values = NULL;
    cs_clear(err);
    if (!rgb || !view || (drawing != CLIPSPAN_DRAW_IMAGE && !map))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_view_run_draw: an argument is NULL");
    if (drawing != CLIPSPAN_DRAW_IMAGE && !(limit > 0.0 && isfinite(limit)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a map was to be drawn with a limit of %g", limit);
    if (drawing != CLIPSPAN_DRAW_IMAGE) {
        values = cs_alloc((size_t)view->view.height * (size_t)view->view.width, sizeof *values,
                          "a map's pixels", err);
        if (!values) return CLIPSPAN_E_NOMEM;
        cs_view_map(values, &view->view, map);
    }
    cs_view_draw(rgb, &view->view, values, drawing, limit, is_signed);
    cs_free(values);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_view_run_map(float *out, const clipspan_view *view, const float *map,
                                      clipspan_error *err)
{
    cs_clear(err);
    if (!out || !view || !map)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_view_run_map: an argument is NULL");
    cs_view_map(out, &view->view, map);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_map_run_pixels(float *out, const clipspan_model *model, const float *map,
                                        clipspan_error *err)
{
    const clipspan_model_info *info;
    cs_clear(err);
    if (!out || !model || !map)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_map_run_pixels: an argument is NULL");
    info = &model->info;
    cs_map_enlarge(out, info->input_height, info->input_width, map, info->grid_height,
                   info->grid_width, info->patch_size);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_view_run_classes(uint8_t *mask, const clipspan_view *view,
                                          const clipspan_model *model, const float *maps,
                                          size_t classes, clipspan_threshold threshold,
                                          clipspan_error *err)
{
    const clipspan_model_info *info;
    cs_clear(err);
    if (!mask || !view || !model || !maps)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_view_run_classes: an argument is NULL");
    info = &model->info;
    if (classes < 2 || classes > 255)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a mask of %zu classes was asked for; it has room for 2 to 255", classes);
    if (view->view.rows != info->grid_height || view->view.columns != info->grid_width)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the view is of a model with %d x %d patches, the maps of %d x %d",
                       view->view.rows, view->view.columns, info->grid_height, info->grid_width);
    return cs_class_mask(mask, &view->view, info->input_height, info->input_width, maps, classes,
                         (size_t)info->tokens, (size_t)info->class_token, threshold, err);
}

/* ---- Sheets ---- */

clipspan_status clipspan_sheet_new(clipspan_sheet **out, size_t rows, size_t columns,
                                   int cell_height, int cell_width, size_t bars,
                                   clipspan_error *err)
{
    clipspan_sheet *s;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || rows < 1 || columns < 1 || cell_height < 1 || cell_width < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a sheet of %zu x %zu cells of %d x %d pixels was asked for", rows, columns,
                       cell_height, cell_width);
    s = cs_alloc_zero(1, sizeof *s, "a sheet", err);
    if (!s) return CLIPSPAN_E_NOMEM;
    s->rows = rows;
    s->columns = columns;
    s->bars = bars;
    status =
        cs_sheet_new(&s->sheet, rows, columns, (size_t)cell_height, (size_t)cell_width, bars, err);
    if (status == CLIPSPAN_OK)
        *out = s;
    else
        clipspan_sheet_free(&s);
    return status;
}

void clipspan_sheet_free(clipspan_sheet **sheet)
{
    if (!sheet || !*sheet) return;
    cs_sheet_free(&(*sheet)->sheet);
    cs_free(*sheet);
    *sheet = NULL;
}

void clipspan_sheet_set_title(clipspan_sheet *sheet, const char *text)
{
    if (sheet && text) cs_sheet_title(sheet->sheet, text);
}

void clipspan_sheet_set_column(clipspan_sheet *sheet, size_t column, const char *text)
{
    if (sheet && text && column < sheet->columns) cs_sheet_column(sheet->sheet, column, text);
}

void clipspan_sheet_set_cell(clipspan_sheet *sheet, size_t row, size_t column, const uint8_t *rgb,
                             int height, int width, const char *text, const char *note)
{
    if (sheet && row < sheet->rows && column < sheet->columns &&
        (!rgb || (height > 0 && width > 0)))
        cs_sheet_cell(sheet->sheet, row, column, rgb, (size_t)height, (size_t)width, text, note);
}

void clipspan_sheet_set_bar(clipspan_sheet *sheet, size_t bar, const char *text, double limit,
                            int is_signed)
{
    if (sheet && text && bar < sheet->bars) cs_sheet_bar(sheet->sheet, bar, text, limit, is_signed);
}

static int is_svg(const char *path)
{
    const size_t size = strlen(path);
    return size > 4 && strcmp(path + size - 4, ".svg") == 0;
}

clipspan_status clipspan_sheet_write(const clipspan_sheet *sheet, const char *path, int replace,
                                     clipspan_error *err)
{
    cs_clear(err);
    if (!sheet || !path)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_sheet_write: an argument is NULL");
    if (is_svg(path)) return cs_sheet_write_svg(sheet->sheet, path, replace, err);
    return cs_sheet_write(sheet->sheet, path, replace, err);
}
