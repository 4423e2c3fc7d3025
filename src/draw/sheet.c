/* SPDX-License-Identifier: MIT */
/* Where things stand on a sheet, and drawing them. */
#include "draw/sheet.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "draw/colours.h"
#include "draw/png_write.h"

#define MARGIN   16
#define GAP      12
#define TITLE    34 /* height of the title's line */
#define LABEL    22 /* of a line above columns or below a cell */
#define BAR      44 /* of a scale bar with its texts */
#define BAR_MOST 320
#define MOST     ((size_t)256 << 20)
#define EDGE     65536

static const uint8_t ink[3] = {30, 30, 30}, pale[3] = {95, 95, 95};

clipspan_status cs_sheet_new(cs_sheet **out, size_t rows, size_t columns, size_t cell_height,
                             size_t cell_width, size_t bars, clipspan_error *err)
{
    cs_sheet *s;
    size_t height, width;
    *out = NULL;
    if (rows > EDGE || columns > EDGE || cell_height > EDGE || cell_width > EDGE || bars > 64)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a sheet of %zu x %zu cells is too large", rows,
                       columns);
    height = 2 * MARGIN + TITLE + LABEL + rows * (cell_height + 2 * LABEL + GAP) + bars * BAR;
    width = 2 * MARGIN + columns * (cell_width + GAP) - GAP;
    if (height > EDGE || width > EDGE || height * width > MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "a sheet of %zu x %zu cells would have %zu x %zu pixels; at most %d a side "
                       "and %zu in all are drawn: take fewer texts, heads or images",
                       rows, columns, height, width, EDGE, MOST);
    s = cs_alloc_zero(1, sizeof *s, "a sheet", err);
    if (!s) return CLIPSPAN_E_NOMEM;
    s->rows = rows;
    s->columns = columns;
    s->cell_height = cell_height;
    s->cell_width = cell_width;
    s->bars = bars;
    s->canvas.height = height;
    s->canvas.width = width;
    s->canvas.rgb = cs_alloc(height * width, 3, "a sheet", err);
    if (!s->canvas.rgb) {
        cs_sheet_free(&s);
        return CLIPSPAN_E_NOMEM;
    }
    memset(s->canvas.rgb, 255, height * width * 3);
    *out = s;
    return CLIPSPAN_OK;
}

void cs_sheet_free(cs_sheet **sheet)
{
    cs_sheet *s = sheet ? *sheet : NULL;
    size_t i;
    if (!s) return;
    for (i = 0; i < s->text_count; i++)
        cs_free(s->texts[i].text);
    cs_free(s->texts);
    cs_free(s->areas);
    cs_free(s->canvas.rgb);
    cs_free(s);
    *sheet = NULL;
}

/* ---- What is drawn is also noted ---- */

static void draw_text(cs_sheet *s, size_t x, size_t y, size_t most, size_t scale, const char *text,
                      const uint8_t colour[3])
{
    cs_sheet_text *note;
    cs_text_draw(&s->canvas, x, y, most, scale, text, colour);
    if (!*text) return;
    if (cs_grow(&s->texts, &s->text_room, s->text_count + 1, sizeof *s->texts, "a sheet", NULL) !=
        CLIPSPAN_OK) {
        s->lost = 1;
        return;
    }
    note = &s->texts[s->text_count++];
    note->x = x;
    note->y = y;
    note->most = most;
    note->scale = scale;
    memcpy(note->colour, colour, 3);
    note->text = cs_strdup(text, NULL);
    if (!note->text) s->lost = 1;
}

static void note_area(cs_sheet *s, size_t x, size_t y, size_t height, size_t width)
{
    const cs_sheet_area area = {x, y, height, width};
    if (cs_grow(&s->areas, &s->area_room, s->area_count + 1, sizeof *s->areas, "a sheet", NULL) !=
        CLIPSPAN_OK)
        s->lost = 1;
    else
        s->areas[s->area_count++] = area;
}

/* Large letters where they fit, small ones otherwise. */
static void draw_line(cs_sheet *s, size_t x, size_t y, size_t most, const char *text,
                      const uint8_t colour[3])
{
    size_t scale = cs_text_width(text, 2) <= most ? 2 : 1;
    draw_text(s, x, scale == 2 ? y : y + 4, most, scale, text, colour);
}

void cs_sheet_title(cs_sheet *sheet, const char *text)
{
    draw_line(sheet, MARGIN, MARGIN, sheet->canvas.width - 2 * MARGIN, text, ink);
}

static size_t column_at(const cs_sheet *s, size_t column)
{
    return MARGIN + column * (s->cell_width + GAP);
}

void cs_sheet_column(cs_sheet *sheet, size_t column, const char *text)
{
    draw_line(sheet, column_at(sheet, column), MARGIN + TITLE, sheet->cell_width, text, ink);
}

void cs_sheet_cell(cs_sheet *s, size_t row, size_t column, const uint8_t *rgb, size_t height,
                   size_t width, const char *text, const char *note)
{
    size_t left = column_at(s, column), h = height, w = width, y, x;
    size_t top = MARGIN + TITLE + LABEL + row * (s->cell_height + 2 * LABEL + GAP);
    if (h > s->cell_height) {
        w = w * s->cell_height / h;
        h = s->cell_height;
    }
    if (w > s->cell_width) {
        h = h * s->cell_width / w;
        w = s->cell_width;
    }
    if (h < 1) h = 1;
    if (w < 1) w = 1;
    if (rgb) note_area(s, left + (s->cell_width - w) / 2, top + (s->cell_height - h) / 2, h, w);
    for (y = 0; rgb && y < h; y++)
        for (x = 0; x < w; x++)
            memcpy(s->canvas.rgb + 3 * ((top + (s->cell_height - h) / 2 + y) * s->canvas.width +
                                        left + (s->cell_width - w) / 2 + x),
                   rgb + 3 * (y * height / h * width + x * width / w), 3);
    top += s->cell_height + 6;
    if (text) draw_line(s, left, top, s->cell_width, text, ink);
    if (note) draw_text(s, left, top + LABEL - 2, s->cell_width, 1, note, pale);
}

void cs_sheet_bar(cs_sheet *s, size_t bar, const char *text, double limit, int is_signed)
{
    size_t top = s->canvas.height - MARGIN - (s->bars - bar) * BAR, x, y;
    size_t width =
        s->canvas.width - 2 * MARGIN < BAR_MOST ? s->canvas.width - 2 * MARGIN : BAR_MOST;
    char words[64];
    draw_text(s, MARGIN, top, s->canvas.width - 2 * MARGIN, 1, text, ink);
    for (x = 0; x < width; x++) {
        double at = (double)x / (double)(width > 1 ? width - 1 : 1);
        uint8_t colour[3];
        cs_colour_get(colour, is_signed ? 2.0 * at - 1.0 : at, is_signed);
        for (y = 0; y < 12; y++)
            memcpy(s->canvas.rgb + 3 * ((top + 11 + y) * s->canvas.width + MARGIN + x), colour, 3);
    }
    note_area(s, MARGIN, top + 11, 12, width);
    snprintf(words, sizeof words, "%.3g", is_signed ? -limit : 0.0);
    draw_text(s, MARGIN, top + 27, width, 1, words, pale);
    if (is_signed) draw_text(s, MARGIN + width / 2 - 3, top + 27, 20, 1, "0", pale);
    snprintf(words, sizeof words, "%.3g", limit);
    x = cs_text_width(words, 1);
    if (x < width) draw_text(s, MARGIN + width - x, top + 27, width, 1, words, pale);
}

clipspan_status cs_sheet_write(const cs_sheet *sheet, const char *path, int replace,
                               clipspan_error *err)
{
    return cs_png_write(path, sheet->canvas.rgb, (int)sheet->canvas.height,
                        (int)sheet->canvas.width, 3, replace, err);
}
