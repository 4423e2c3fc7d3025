/* SPDX-License-Identifier: MIT */
/* Areas of the canvas as images, texts in a font whose letters are as wide as the drawn ones: 0.6
 * of its size, 10 a scale. */
#include "report/sheet_svg.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "draw/jpeg_write.h"
#include "report/html.h"
#include "text/codepoints.h"

#define QUALITY 92
#define SIZE    10 /* of letters that are CS_GLYPH_STEP apart */

static clipspan_status put_area(cs_html *svg, const cs_sheet *sheet, const cs_sheet_area *area,
                                clipspan_error *err)
{
    uint8_t *pixels = cs_alloc(area->height * area->width, 3, "a drawing", err);
    unsigned char *jpeg = NULL;
    clipspan_status status;
    size_t size, y;
    if (!pixels) return CLIPSPAN_E_NOMEM;
    for (y = 0; y < area->height; y++)
        memcpy(pixels + y * area->width * 3,
               sheet->canvas.rgb + ((area->y + y) * sheet->canvas.width + area->x) * 3,
               area->width * 3);
    status =
        cs_jpeg_encode(&jpeg, &size, pixels, (int)area->height, (int)area->width, QUALITY, err);
    cs_free(pixels);
    CS_TRY(status);
    cs_html_format(svg, "<image x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%zu\" ", area->x,
                   area->y, area->width, area->height);
    cs_html_put(svg, "xlink:href=\"data:image/jpeg;base64,");
    cs_html_base64(svg, jpeg, size);
    cs_html_put(svg, "\"/>\n");
    cs_free(jpeg);
    return CLIPSPAN_OK;
}

/* Bytes of the characters that fit; *cut: 1 when there are more. */
static size_t fitting(const char *text, size_t letters, int *cut)
{
    size_t size = strlen(text), at = 0, count = 0, shorter = 0, taken;
    int valid;
    for (; at < size && count < letters; at += taken, count++) {
        cs_utf8_next(text + at, size - at, &taken, &valid);
        if (count + 1 < letters) shorter = at + taken;
    }
    *cut = at < size;
    return *cut ? shorter : size;
}

static clipspan_status put_text(cs_html *svg, const cs_sheet_text *text, clipspan_error *err)
{
    int cut;
    const size_t size = fitting(text->text, text->most / (CS_GLYPH_STEP * text->scale), &cut);
    char *shown = cs_alloc(size + 1, 1, "a text", err);
    if (!shown) return CLIPSPAN_E_NOMEM;
    memcpy(shown, text->text, size);
    shown[size] = '\0';
    cs_html_format(svg, "<text x=\"%zu\" y=\"%zu\" font-size=\"%zu\" fill=\"rgb(%d,%d,%d)\">",
                   text->x, text->y + CS_GLYPH_HEIGHT * text->scale, SIZE * text->scale,
                   text->colour[0], text->colour[1], text->colour[2]);
    if (cut) {
        cs_html_put(svg, "<title>");
        cs_html_text(svg, text->text);
        cs_html_put(svg, "</title>");
    }
    cs_html_text(svg, shown);
    cs_html_put(svg, cut ? "\xE2\x80\xA6</text>\n" : "</text>\n");
    cs_free(shown);
    return CLIPSPAN_OK;
}

clipspan_status cs_sheet_write_svg(const cs_sheet *sheet, const char *path, int replace,
                                   clipspan_error *err)
{
    cs_output *output = NULL;
    clipspan_status status;
    cs_html svg;
    size_t i;
    cs_html_init(&svg, err);
    if (sheet->lost) return cs_fail_memory(err, sizeof *sheet->texts, "a sheet");
    CS_TRY_DONE(cs_output_open(&output, path, replace, err));
    cs_html_format(&svg,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                   "xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"%zu\" height=\"%zu\" "
                   "viewBox=\"0 0 %zu %zu\" font-family=\"ui-monospace,DejaVu Sans Mono,"
                   "monospace\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                   sheet->canvas.width, sheet->canvas.height, sheet->canvas.width,
                   sheet->canvas.height);
    for (i = 0; i < sheet->area_count; i++)
        CS_TRY_DONE(put_area(&svg, sheet, &sheet->areas[i], err));
    for (i = 0; i < sheet->text_count; i++)
        CS_TRY_DONE(put_text(&svg, &sheet->texts[i], err));
    cs_html_put(&svg, "</svg>\n");
    CS_TRY_DONE(svg.status);
    CS_TRY_DONE(cs_output_write(output, svg.bytes, svg.size, err));
    status = cs_output_commit(output, err);
done:
    cs_html_fini(&svg);
    cs_output_close(&output);
    return status;
}
