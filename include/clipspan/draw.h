/* SPDX-License-Identifier: MIT */
/* Heatmaps drawn on images, sheets of them, PNG and SVG files. Conventions: clipspan.h. */
#ifndef CLIPSPAN_DRAW_H
#define CLIPSPAN_DRAW_H

#include <clipspan/base.h>
#include <clipspan/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Views and sheets: maps drawn on images ---- */

typedef enum clipspan_drawing {
    CLIPSPAN_DRAW_IMAGE = 0,  /* as it is */
    CLIPSPAN_DRAW_MAP = 1,    /* colours alone */
    CLIPSPAN_DRAW_OVERLAY = 2 /* colours over the image in grey */
} clipspan_drawing;

/* An image as people see it, at a size for a screen, with the way from its pixels to the encoder's:
 * maps are drawn where they belong, crop and aspect undone, and what the encoder does not see is
 * hatched. Immutable, shared freely between threads. */
typedef struct clipspan_view clipspan_view;

typedef struct clipspan_view_info {
    int image_height, image_width;
    int height, width; /* shown */
    double window[4]; /* left, top, right, bottom of what the encoder sees, in the image's pixels */
} clipspan_view_info;

/* edge: pixels of the longer side at most, 1 to 4096; 0: 1024. An image smaller than 256 is
 * enlarged. -1: the image's own size. options may be NULL. Errors: as
 * clipspan_pixels_read, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_view_new(clipspan_view **out, const clipspan_model *model,
                                               const char *path, int edge,
                                               const clipspan_image_options *options,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_view_free(clipspan_view **view);
CLIPSPAN_API const clipspan_view_info *clipspan_view_get_info(const clipspan_view *view);

/* rgb : [height, width, 3] of the view, caller's   map : [grid_height, grid_width] of the model,
 * bilinear between the patches' centres; NULL with CLIPSPAN_DRAW_IMAGE
 * limit: the value that has the last colour, above 0. is_signed: blue for -limit, grey or none for
 * 0, orange for limit; otherwise dark blue for 0 to yellow for limit. Values beyond get the last
 * colours. Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_view_run_draw(uint8_t *rgb, const clipspan_view *view,
                                                    const float *map, clipspan_drawing drawing,
                                                    double limit, int is_signed,
                                                    clipspan_error *err);

/* A map at the pixels of a view.   out : [height, width] of it, NaN where the encoder sees nothing
 *   map : as above
 * Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_view_run_map(float *out, const clipspan_view *view,
                                                   const float *map, clipspan_error *err);

/* All classes in one mask, as `clipspan segment --multi` writes it: at each pixel the number, from
 * 1, of the class whose map, less the mean over all classes, is highest there; 0 where that is not
 * above the class's own threshold, or the model sees nothing.
 *   mask : [height, width] of the view   maps : [classes, tokens] of clipspan_maps_get, 2 to 255
 * Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_view_run_classes(uint8_t *mask, const clipspan_view *view,
                                                       const clipspan_model *model,
                                                       const float *maps, size_t classes,
                                                       clipspan_threshold threshold,
                                                       clipspan_error *err);

/* Windows over an image that is larger than what the encoder sees, so that small objects are found
 * as well: each is a window of the encoder's shape at the image's own resolution (or a chosen one),
 * overlaps the next by half at least, and is mapped by itself; the maps are blended into one on a
 * grid of patches over the whole image:
 *
 *     map[x] = sum over windows i of  w_i[x] part_i[x]       sum over i of w_i[x] = 1
 *
 * with w_i highest in the middle of window i (a squared sine), so that no edge shows. What a
 * blended map means: each patch's number is in the units of one window's similarity with the text,
 * not scaled by anything of that window, and comparable over the image; the model has seen each
 * window alone, never the whole, and only the map of one window adds up to a similarity. An image
 * that is no larger than a window in either direction has one, which is what the encoder sees of
 * any image. Used by one thread at a time. */
typedef struct clipspan_tiles clipspan_tiles;

typedef struct clipspan_tiles_options {
    size_t struct_size;
    int size; /* pixels of the image along a window's shorter side; 0: as many as the encoder has.
                 A window is never longer than the image, so that its pixels may be enlarged */
    int most; /* windows, 65,536 at most; 0: 4,096 */
    const clipspan_image_options *image; /* NULL: defaults */
} clipspan_tiles_options;
#define CLIPSPAN_TILES_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_tiles_options), 0, 0, NULL                                                 \
    }

typedef struct clipspan_tiles_info {
    int image_height, image_width;
    int whole; /* 1: one window, the image as without tiles */
    size_t count;
    int rows, columns;           /* of windows */
    int grid_height, grid_width; /* patches of the blended maps */
    double height, width;        /* of a window, in the image's pixels, when it is not whole */
} clipspan_tiles_info;

/* Decodes the image and keeps it. model must outlive the tiles; options may be NULL. Errors:
 * LIMIT (more windows than allowed), ARGUMENT, and as clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_tiles_new(clipspan_tiles **out, const clipspan_model *model,
                                                const char *path,
                                                const clipspan_tiles_options *options,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_tiles_free(clipspan_tiles **tiles);
CLIPSPAN_API const clipspan_tiles_info *clipspan_tiles_get_info(const clipspan_tiles *tiles);

/* What the encoder sees in windows first to first + count - 1, row by row: pixels : [count,
 * input_height, input_width, 3], for clipspan_maps_run_pixels. Errors: ARGUMENT, NOMEM, of a whole
 * image as clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_tiles_run_pixels(uint8_t *pixels, clipspan_tiles *tiles,
                                                       size_t first, size_t count,
                                                       clipspan_error *err);

/* Adds w_i part_i to a map that starts as zeros.
 *   map : [grid_height, grid_width] of the tiles
 *   part : [grid_height, grid_width] of the model, of window i = `index`
 * Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_tiles_add(float *map, const clipspan_tiles *tiles,
                                                size_t index, const float *part,
                                                clipspan_error *err);

/* As clipspan_view_new, for maps of the tiles' grid. It does not need the tiles any more. Errors:
 * ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_tiles_new_view(clipspan_view **out, clipspan_tiles *tiles,
                                                     int edge, clipspan_error *err);

/* A map at the pixels of the encoder: out : [input_height, input_width]   map : as above
 * Bilinear, half-pixel centres, as published. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_map_run_pixels(float *out, const clipspan_model *model,
                                                     const float *map, clipspan_error *err);

/* Rows and columns of images with labels, scale bars below, as one PNG or SVG. */
typedef struct clipspan_sheet clipspan_sheet;

/* Errors: LIMIT (over 65,536 pixels a side or 256 million in all), NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_sheet_new(clipspan_sheet **out, size_t rows, size_t columns,
                                                int cell_height, int cell_width, size_t bars,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_sheet_free(clipspan_sheet **sheet);

/* Texts are cut to their room; letters that are not ASCII are boxes in a PNG. Numbers out of range
 * do nothing. rgb : [height, width, 3], may be NULL; larger ones than the cell are made to fit.
 * note: small, below text; both may be NULL. */
CLIPSPAN_API void clipspan_sheet_set_title(clipspan_sheet *sheet, const char *text);
CLIPSPAN_API void clipspan_sheet_set_column(clipspan_sheet *sheet, size_t column, const char *text);
CLIPSPAN_API void clipspan_sheet_set_cell(clipspan_sheet *sheet, size_t row, size_t column,
                                          const uint8_t *rgb, int height, int width,
                                          const char *text, const char *note);
CLIPSPAN_API void clipspan_sheet_set_bar(clipspan_sheet *sheet, size_t bar, const char *text,
                                         double limit, int is_signed);

/* A path that ends in .svg gets an SVG, whose texts are texts and whose images are JPEG; any
 * other a PNG. Errors: as clipspan_png_write. */
CLIPSPAN_API clipspan_status clipspan_sheet_write(const clipspan_sheet *sheet, const char *path,
                                                  int replace, clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
