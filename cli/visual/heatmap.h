/* SPDX-License-Identifier: MIT */
/* The heatmap command at work, shared by the files that make it up. */
#ifndef CLIPSPAN_CLI_HEATMAP_H
#define CLIPSPAN_CLI_HEATMAP_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"
#include "cli/out/json_out.h"
#include "cli/out/rows.h"
#include "cli/visual/map_sheet.h"

#define CLI_TOP_MOST 64 /* heads on a sheet */

typedef struct cli_heatmap_settings {
    cli_model_settings load;
    cli_image_settings images;
    cli_encoder_settings encoder;
    cli_text_settings texts;
    cli_output_settings out;
    int contrast, method, tiles;
    const char *heads, *layers;
    uint64_t top, size, tile_size;
} cli_heatmap_settings;

typedef struct cli_heatmap_job {
    cli_session *session;
    const cli_heatmap_settings *x;
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_texts *texts, *templates;
    clipspan_bank *bank;
    clipspan_inputs *inputs;
    clipspan_encoder *encoder;
    clipspan_maps *maps;
    clipspan_head *heads; /* chosen */
    size_t head_count, top;
    clipspan_map_contrast contrast;
    int method, textless; /* textless: no text enters the method */
    clipspan_map_kind kind;
    size_t T, N, rows_of_maps;
    char **names; /* [rows_of_maps] */
    float *work;  /* [2 + top, rows_of_maps, cells] maps after contrast; and one to try a head in */
    size_t work_room;
    int tiled;
    float *blend; /* [1 + head_count, T, cells] of an image in tiles */
    size_t blend_room;
    uint8_t *pixels; /* [at_once, input_height, input_width, 3] windows */
    size_t at_once;
    cli_rows *rows;
    cli_json json;
    size_t written;
    uint64_t windows; /* of images in tiles */
} cli_heatmap_job;

/* Scores of one image, before contrast. */
typedef struct cli_heatmap_scores {
    size_t at;          /* number in the last run, for its similarities */
    const float *sum;   /* [T, cells], rows `stride` numbers apart */
    const float *heads; /* [head_count, T, cells], or NULL: those of the last run */
    size_t stride;
    int rows, columns;     /* cells = rows columns */
    clipspan_tiles *tiles; /* NULL: the model's window alone */
} cli_heatmap_scores;

const char *cli_heatmap_method(const cli_heatmap_job *job);

/* Image `image` of the list: drawings, the array, rows. */
clipspan_status cli_heatmap_draw(cli_heatmap_job *job, size_t image, const cli_heatmap_scores *x,
                                 clipspan_error *err);

/* Image `image` window by window, then drawn. An image that cannot be used fills *error. */
clipspan_status cli_heatmap_tiles(cli_heatmap_job *job, size_t image, clipspan_error *error,
                                  clipspan_error *err);

/* Windows of all images, those that cannot be used left out, for --dry-run. */
clipspan_status cli_heatmap_windows(uint64_t *out, cli_heatmap_job *job, clipspan_error *err);

/* An image that could not be used. */
clipspan_status cli_heatmap_skip(cli_heatmap_job *job, size_t image, const clipspan_error *error,
                                 clipspan_error *err);

#endif
