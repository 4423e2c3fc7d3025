/* SPDX-License-Identifier: MIT */
/* A contact sheet: rows and columns of images with labels, and scale bars below. */
#ifndef CLIPSPAN_SRC_DRAW_SHEET_H
#define CLIPSPAN_SRC_DRAW_SHEET_H

#include "base/error.h"
#include "draw/glyphs.h"

/* What stands on a sheet, for those who draw it otherwise than in pixels. */
typedef struct cs_sheet_text {
    size_t x, y, most, scale; /* as cs_text_draw got them */
    uint8_t colour[3];
    char *text;
} cs_sheet_text;

typedef struct cs_sheet_area { /* of pixels, an image or a bar */
    size_t x, y, height, width;
} cs_sheet_area;

typedef struct cs_sheet {
    cs_canvas canvas;
    size_t rows, columns, cell_height, cell_width, bars;
    cs_sheet_text *texts;
    cs_sheet_area *areas;
    size_t text_count, text_room, area_count, area_room;
    int lost; /* 1: memory was short, so that texts or areas lack something */
} cs_sheet;

/* Cells of cell_height x cell_width pixels. Texts are cut to the room that they have. The ground is
 * white. Errors: LIMIT (over 256 million pixels or 65,536 a side), NOMEM. */
clipspan_status cs_sheet_new(cs_sheet **out, size_t rows, size_t columns, size_t cell_height,
                             size_t cell_width, size_t bars, clipspan_error *err);
void cs_sheet_free(cs_sheet **sheet);

void cs_sheet_title(cs_sheet *sheet, const char *text);
void cs_sheet_column(cs_sheet *sheet, size_t column, const char *text); /* above it */

/* An image of [height, width, 3] pixels into the middle of a cell, with two lines of text below;
 * what does not fit is scaled down by dropping pixels. rgb may be NULL: the texts alone. */
void cs_sheet_cell(cs_sheet *sheet, size_t row, size_t column, const uint8_t *rgb, size_t height,
                   size_t width, const char *text, const char *note);

/* Scale bar `bar`: from -limit to limit when signed, else from 0. */
void cs_sheet_bar(cs_sheet *sheet, size_t bar, const char *text, double limit, int is_signed);

clipspan_status cs_sheet_write(const cs_sheet *sheet, const char *path, int replace,
                               clipspan_error *err);

#endif
