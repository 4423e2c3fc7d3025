/* SPDX-License-Identifier: MIT */
/* The folder that heatmap and segment write into: files named after images, and rows.csv. */
#ifndef CLIPSPAN_CLI_MAP_FOLDER_H
#define CLIPSPAN_CLI_MAP_FOLDER_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"
#include "cli/out/rows.h"

#define CLI_MAP_FILE_ROOM 320

/* Whether the output can be such a folder, before anything is computed. Errors: WRITE, EXISTS. */
clipspan_status cli_map_folder_check(const cli_session *session, const cli_output_settings *out,
                                     clipspan_error *err);

/* Makes the folder and begins its rows.csv. */
clipspan_status cli_map_folder_open(cli_rows **rows, const cli_session *session,
                                    const cli_output_settings *out, const char *columns,
                                    clipspan_error *err);

/* "NNN-name" and an ending, with as many digits as `count` images need. */
void cli_map_file(char out[CLI_MAP_FILE_ROOM], size_t image, size_t count, const char *path,
                  const char *ending);

/* The row of an image that was skipped: path, status, nothing in `between` columns, the reason. */
clipspan_status cli_map_folder_skip(cli_rows *rows, const char *path, int between,
                                    const clipspan_error *error, clipspan_error *err);

#endif
