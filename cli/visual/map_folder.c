/* SPDX-License-Identifier: MIT */
/* Names, checks and rows of a folder of maps. */
#include "cli/visual/map_folder.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/out/target.h"

#include <string.h>

clipspan_status cli_map_folder_check(const cli_session *s, const cli_output_settings *out,
                                     clipspan_error *err)
{
    const char *output = out->output;
    clipspan_status status;
    char *rows;
    CS_TRY(cli_folder_check(output, s->command->name, "drawings and rows.csv", err));
    rows = cs_path_join(output, "rows.csv", err);
    if (!rows) return CLIPSPAN_E_NOMEM;
    status = cs_path_kind(output) ? cli_target_check(s, rows, out->force, err) : CLIPSPAN_OK;
    cs_free(rows);
    return status;
}

clipspan_status cli_map_folder_open(cli_rows **rows, const cli_session *session,
                                    const cli_output_settings *out, const char *columns,
                                    clipspan_error *err)
{
    clipspan_status status;
    char *path;
    cli_signals_hold();
    CS_TRY(cs_make_folder(out->output, err));
    cs_output_tidy(out->output);
    path = cs_path_join(out->output, "rows.csv", err);
    status = path ? cli_rows_open(rows, session, path, out->force, err) : CLIPSPAN_E_NOMEM;
    cs_free(path);
    CS_TRY(status);
    return cli_rows_header(*rows, columns, err);
}

void cli_map_file(char out[CLI_MAP_FILE_ROOM], size_t image, size_t count, const char *path,
                  const char *ending)
{
    const char *name = cs_path_name(path), *dot = strrchr(name, '.');
    size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    int digits = 0;
    for (; count; count /= 10)
        digits++;
    snprintf(out, CLI_MAP_FILE_ROOM, "%0*zu-%.*s%s", digits, image,
             (int)(length > 180 ? 180 : length), name, ending);
}

clipspan_status cli_map_folder_skip(cli_rows *rows, const char *path, int between,
                                    const clipspan_error *error, clipspan_error *err)
{
    cli_rows_text(rows, path);
    cli_rows_text(rows, "skipped");
    while (between-- > 0)
        cli_rows_text(rows, "");
    cli_rows_text(rows, error->message);
    return cli_rows_next(rows, err);
}
