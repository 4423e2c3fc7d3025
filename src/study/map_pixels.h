/* SPDX-License-Identifier: MIT */
/* A map over patches at the pixels of what the model sees. */
#ifndef CLIPSPAN_SRC_STUDY_MAP_PIXELS_H
#define CLIPSPAN_SRC_STUDY_MAP_PIXELS_H

/* out : [height, width] of the tower   map : [rows, columns], one number a patch of `patch` pixels,
 * bilinear between centres; beyond the outer centres it goes on flat. */
void cs_map_enlarge(float *out, int height, int width, const float *map, int rows, int columns,
                    int patch);

/* Between the four patches around a place on the grid, 0 to rows - 1 and 0 to columns - 1. */
float cs_map_between(const float *map, int rows, int columns, double gy, double gx);

#endif
