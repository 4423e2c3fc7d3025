/* SPDX-License-Identifier: MIT */
/* Colours of maps, as straight lines in OKLab (Ottosson 2020), along which equal steps look equal:
 *
 *     magnitudes       0 dark blue to 1 pale yellow, lightness rising all the way
 *     signed values    -1 blue, 0 a neutral grey, 1 orange; both ends as far from it in lightness
 *                      and chroma
 *
 * Blue against yellow and orange is told apart with every common deficiency of colour vision, and
 * magnitudes without any. */
#ifndef CLIPSPAN_SRC_DRAW_COLOURS_H
#define CLIPSPAN_SRC_DRAW_COLOURS_H

#include <stdint.h>

/* value: 0 to 1, or -1 to 1 when `is_signed`; clipped. NaN is the lowest or the neutral colour. */
void cs_colour_get(uint8_t rgb[3], double value, int is_signed);

/* 0 black to 1 white, as the eye weighs colours. */
double cs_colour_lightness(const uint8_t rgb[3]);

#endif
