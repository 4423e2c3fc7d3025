/* SPDX-License-Identifier: MIT */
/* Text on images: 5 x 7 pixels a letter of ASCII, times a whole scale; other characters are an
 * empty box. */
#ifndef CLIPSPAN_SRC_DRAW_GLYPHS_H
#define CLIPSPAN_SRC_DRAW_GLYPHS_H

#include <stddef.h>
#include <stdint.h>

#define CS_GLYPH_WIDTH  5
#define CS_GLYPH_HEIGHT 7
#define CS_GLYPH_STEP   6 /* from a letter to the next */

typedef struct cs_canvas {
    uint8_t *rgb; /* [height, width, 3] */
    size_t height, width;
} cs_canvas;

size_t cs_text_width(const char *text, size_t scale); /* pixels */

/* Draws UTF-8 text with its upper left corner at (x, y), at most `most` pixels wide: a longer one
 * ends in two dots. What lies outside the canvas is left out. */
void cs_text_draw(const cs_canvas *canvas, size_t x, size_t y, size_t most, size_t scale,
                  const char *text, const uint8_t colour[3]);

#endif
