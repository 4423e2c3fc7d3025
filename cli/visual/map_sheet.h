/* SPDX-License-Identifier: MIT */
/* Drawing an image's maps: an overlay a text, a sheet of texts by heads, and a preview in letters.
 * */
#ifndef CLIPSPAN_CLI_MAP_SHEET_H
#define CLIPSPAN_CLI_MAP_SHEET_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

typedef struct cli_map_head {
    clipspan_head head;
    const float *maps; /* [rows, grid] */
} cli_map_head;

/* Of one image. limits: the values that have the last colour, stated on every drawing. */
typedef struct cli_map_set {
    const clipspan_model *model;
    const char *path, *how;    /* the image; what the maps are, for titles */
    clipspan_tiles *tiles;     /* what the maps' grid lies over; NULL: the model's window */
    const clipspan_view *view; /* the image at the size of overlays */
    char *const *names;        /* [rows] what each map is of */
    const float *maps;         /* [rows, grid] */
    const cli_map_head *heads;
    size_t rows, grid, head_count;
    int grid_width;
    int is_signed;
    double limit, head_limit;
    clipspan_image_options reading; /* how the image is read */
    int replace;                    /* files that are there */
} cli_map_set;

/* The largest size of n numbers; at least a tiny one above 0. */
double cli_map_limit(const float *maps, size_t n);

/* The set's image at a size for drawing. */
clipspan_status cli_map_view(clipspan_view **out, const cli_map_set *set, int edge,
                             clipspan_error *err);

/* One map over the whole image with its scale bar. */
clipspan_status cli_map_overlay(const cli_map_set *set, size_t row, const char *path,
                                clipspan_error *err);

/* A row a map: image, colours, overlay, then heads. */
clipspan_status cli_map_sheet(const cli_map_set *set, const char *path, clipspan_error *err);

/* The first maps as blocks of letters, darkest where the score is highest; blank below zero. */
void cli_map_preview(const cli_session *session, const cli_map_set *set);

#endif
