/* SPDX-License-Identifier: MIT */
/* clipspan report: the page about a run's atlas. */
#include "report_command.h"
#include "atlas_command.h"
#include "base/file.h"
#include "base/memory.h"
#include "commands.h"
#include "json_out.h"
#include "numbers.h"

#include <sys/stat.h>

#define NAME "report.html" /* in the run's folder, when no other is asked for */

static clipspan_status write_page(cli_session *s, const char *path, const clipspan_run *run,
                                  const clipspan_atlas *atlas, const char *root, int replace,
                                  clipspan_error *err)
{
    clipspan_report_options options = CLIPSPAN_REPORT_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    options.run = run;
    options.root = root;
    options.no_pictures = s->settings.no_pictures;
    options.replace = replace;
    options.threads = (int)s->settings.threads;
    cli_progress_begin(s, "pictures");
    status = clipspan_report_write(path, atlas, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "report written");
    return CLIPSPAN_OK;
}

static double bytes_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (double)found.st_size : 0;
}

static void show(const cli_session *s, const char *path, const clipspan_atlas *atlas)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const double bytes = bytes_of(path);
    char size[CLI_NUMBER_ROOM];
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        cli_format_bytes(size, bytes);
        printf("%s: %zu heads, %d with a clear role, %s; open it in a browser\n", path, info->heads,
               info->clear, size);
        return;
    }
    cli_json_begin(&json, stdout, s->form == CLI_FORM_TSV, "clipspan.report.v1");
    cli_json_text(&json, "report", path);
    cli_json_whole(&json, "bytes", (uint64_t)bytes);
    cli_json_text(&json, "run", info->run->path);
    cli_json_text(&json, "pool", info->pool);
    cli_json_whole(&json, "heads", info->heads);
    cli_json_whole(&json, "clear", (uint64_t)info->clear);
    cli_json_whole(&json, "mixed", (uint64_t)info->mixed);
    cli_json_whole(&json, "none", (uint64_t)info->none);
    cli_json_whole(&json, "pictures", info->pictures);
    cli_json_finish(&json);
}

/* The path is looked at before the atlas is made, which may take long. */
static clipspan_status run_report(cli_session *s, const char *path, clipspan_run **run,
                                  clipspan_atlas **atlas, clipspan_error *err)
{
    const cli_settings *x = &s->settings;
    if (!x->force && cs_path_kind(path) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                          "is there already; choose another name (-o) or allow replacing it "
                          "(--force)");
    CS_TRY(cli_atlas_open(run, atlas, s, err));
    CS_TRY(write_page(s, path, *run, *atlas, x->root, x->force, err));
    show(s, path, *atlas);
    return CLIPSPAN_OK;
}

clipspan_status cli_run_report(cli_session *s, clipspan_error *err)
{
    const cli_settings *x = &s->settings;
    clipspan_run *run = NULL;
    clipspan_atlas *atlas = NULL;
    char *path =
        x->output ? cs_strdup(x->output, err) : cs_path_join(x->arguments.items[0], NAME, err);
    clipspan_status status = path ? run_report(s, path, &run, &atlas, err) : CLIPSPAN_E_NOMEM;
    clipspan_atlas_free(&atlas);
    clipspan_run_close(&run);
    cs_free(path);
    return status;
}

clipspan_status cli_report_beside(cli_session *s, const clipspan_run *run,
                                  const clipspan_atlas *atlas, clipspan_error *err)
{
    char *path = cs_path_join(clipspan_run_get_info(run)->path, NAME, err);
    clipspan_status status =
        path ? write_page(s, path, run, atlas, NULL, 1, err) : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) cli_note(s, "%s: the report, for a browser", path);
    cs_free(path);
    return status;
}
