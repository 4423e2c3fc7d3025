/* SPDX-License-Identifier: MIT */
/* OKLab to sRGB and back. */
#include "draw/colours.h"

#include <math.h>

/* Ends of the lines: lightness, green to red, blue to yellow. */
static const double low[3] = {0.27, -0.005, -0.10}, high[3] = {0.92, -0.010, 0.135};
static const double neutral[3] = {0.95, 0.0, 0.0};
static const double below[3] = {0.57, -0.045, -0.145}, above[3] = {0.62, 0.105, 0.115};

static uint8_t encode(double linear)
{
    double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1.0 / 2.4) - 0.055;
    return (uint8_t)lrint(255.0 * (v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v));
}

static double decode(uint8_t code)
{
    double v = (double)code / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* OKLab's matrices, from its definition. */
static void from_lab(uint8_t rgb[3], const double lab[3])
{
    double l = lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2];
    double m = lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2];
    double s = lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2];
    l = l * l * l;
    m = m * m * m;
    s = s * s * s;
    rgb[0] = encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
    rgb[1] = encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
    rgb[2] = encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

double cs_colour_lightness(const uint8_t rgb[3])
{
    double r = decode(rgb[0]), g = decode(rgb[1]), b = decode(rgb[2]);
    double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
}

void cs_colour_get(uint8_t rgb[3], double value, int is_signed)
{
    const double *from = is_signed ? neutral : low;
    const double *to = !is_signed ? high : value < 0.0 ? below : above;
    double lab[3], size = is_signed ? fabs(value) : value;
    int i;
    if (!(size > 0.0)) size = 0.0;
    if (size > 1.0) size = 1.0;
    for (i = 0; i < 3; i++)
        lab[i] = from[i] + size * (to[i] - from[i]);
    from_lab(rgb, lab);
}
