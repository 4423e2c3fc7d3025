/* SPDX-License-Identifier: MIT */
/* The heatmap command at work, shared by the files that make it up. */
#ifndef CLIPSPAN_CLI_HEATMAP_H
#define CLIPSPAN_CLI_HEATMAP_H

#include "json_out.h"
#include "rows.h"
#include "session.h"

#define CLI_TOP_MOST 64 /* heads on a sheet */

typedef struct cli_heatmap {
    cli_session *session;
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_texts *texts, *templates;
    clipspan_bank *bank;
    clipspan_inputs *inputs;
    clipspan_encoder *encoder;
    clipspan_maps *maps;
    clipspan_head *heads; /* chosen */
    size_t head_count, top;
    int contrast, method, textless; /* textless: no text enters the method */
    clipspan_map_kind kind;
    size_t T, N, grid, rows_of_maps;
    char **names; /* [rows_of_maps] */
    float *work;  /* [1 + head_count, rows_of_maps, grid] maps after contrast */
    size_t at_once;
    int digits;
    cli_rows *rows;
    cli_json json;
    size_t written;
} cli_heatmap;

const char *cli_heatmap_method(const cli_heatmap *job);

/* Picture `picture` of the list, which is number `at` of the last run: drawings, the array, rows.
 * */
clipspan_status cli_heatmap_draw(cli_heatmap *job, size_t picture, size_t at, clipspan_error *err);

/* A picture that could not be used. */
clipspan_status cli_heatmap_skip(cli_heatmap *job, size_t picture, const clipspan_error *error,
                                 clipspan_error *err);

#endif
