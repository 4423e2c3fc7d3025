/* SPDX-License-Identifier: MIT */
/* Bilinear interpolation, half-pixel centres, as published. */
#include "study/map_pixels.h"

float cs_map_between(const float *map, int rows, int columns, double gy, double gx)
{
    const int y0 = (int)gy, y1 = y0 + 1 < rows ? y0 + 1 : y0;
    const int x0 = (int)gx, x1 = x0 + 1 < columns ? x0 + 1 : x0;
    const double fy = gy - (double)y0, fx = gx - (double)x0;
    const float *above = map + y0 * columns, *below = map + y1 * columns;
    return (float)((1.0 - fy) * ((1.0 - fx) * (double)above[x0] + fx * (double)above[x1]) +
                   fy * ((1.0 - fx) * (double)below[x0] + fx * (double)below[x1]));
}

static double clamp_to(double value, int count)
{
    return value < 0.0 ? 0.0 : value > (double)(count - 1) ? (double)(count - 1) : value;
}

void cs_map_enlarge(float *out, int height, int width, const float *map, int rows, int columns,
                    int patch)
{
    int y, x;
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++)
            *out++ = cs_map_between(map, rows, columns,
                                    clamp_to(((double)y + 0.5) / (double)patch - 0.5, rows),
                                    clamp_to(((double)x + 0.5) / (double)patch - 0.5, columns));
}
