/* SPDX-License-Identifier: MIT */
/* clipspan report: the page about a run's atlas. */
#include "cli/atlas/report.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/atlas/atlas_work.h"
#include "cli/frame/command.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <sys/stat.h>

#define NAME "report.html" /* in the run's folder, when no other is asked for */

static clipspan_status write_page(cli_session *s, const char *path, const clipspan_run *run,
                                  const clipspan_atlas *atlas, clipspan_report_options options,
                                  clipspan_error *err)
{
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    options.run = run;
    options.threads = (int)s->threads;
    cli_progress_begin(s, "images");
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
    char size[CLI_NUMBER_ROOM], heads[CLI_NUMBER_ROOM];
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        cli_format_bytes(size, bytes);
        cli_count_of(heads, info->heads, "head");
        if (info->too_few)
            cli_say(s, "%s: %s, too few images for roles, %s; open it in a browser", path, heads,
                    size);
        else
            cli_say(s, "%s: %s, %d with a role, %d leaning to a category, %s; open it in a browser",
                    path, heads, info->role, info->leaning, size);
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.report.v1");
    cli_json_text(&json, "report", path);
    cli_json_whole(&json, "bytes", (uint64_t)bytes);
    cli_json_text(&json, "run", info->run->path);
    cli_json_text(&json, "pool", info->pool);
    cli_json_whole(&json, "heads", info->heads);
    cli_atlas_json_outcomes(&json, info);
    cli_json_whole(&json, "images", info->images);
    cli_json_finish(&json);
}

typedef struct {
    cli_atlas_settings atlas;
    cli_output_settings out;
    const char *root;
    int images_anywhere;
    int no_images, paths;
} settings;

/* The path is looked at before the atlas is made, which may take long. */
static clipspan_status report_run(cli_atlas_job *j, const settings *x, const char *path,
                                  clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_report_options options = CLIPSPAN_REPORT_OPTIONS_INIT;
    CS_TRY(cli_ending_check(path, ".html", "report", "a page", err));
    if (!x->out.force && cs_path_kind(path) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                          "already exists; use --force to "
                          "overwrite");
    CS_TRY(cli_atlas_open(j, s->arguments.items[0], err));
    options.root = x->root;
    options.images_anywhere = x->images_anywhere;
    options.no_images = x->no_images;
    options.paths = x->paths;
    options.replace = x->out.force;
    CS_TRY(write_page(s, path, j->run, j->atlas, options, err));
    if (!clipspan_run_get_info(j->run)->own && !x->root && !x->images_anywhere && !x->no_images)
        cli_note(s,
                 "%s: was not planned by this user on this machine, so no image that it lists was "
                 "opened: --root FOLDER says where they are, --images-anywhere opens whatever it "
                 "lists",
                 clipspan_run_get_info(j->run)->path);
    show(s, path, j->atlas);
    return CLIPSPAN_OK;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    cli_atlas_job j = {.session = s, .x = &x->atlas};
    char *path = x->out.output ? cs_strdup(x->out.output, err)
                               : cs_path_join(s->arguments.items[0], NAME, err);
    clipspan_status status = path ? report_run(&j, x, path, err) : CLIPSPAN_E_NOMEM;
    cli_atlas_close(&j);
    cs_free(path);
    return status;
}

clipspan_status cli_report_beside(cli_session *s, const clipspan_run *run,
                                  const clipspan_atlas *atlas, int no_images, clipspan_error *err)
{
    clipspan_report_options options = CLIPSPAN_REPORT_OPTIONS_INIT;
    char *path = cs_path_join(clipspan_run_get_info(run)->path, NAME, err);
    clipspan_status status;
    options.no_images = no_images;
    options.replace = 1;
    status = path ? write_page(s, path, run, atlas, options, err) : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) cli_note(s, "%s: the report, for a browser", path);
    cs_free(path);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_ATLAS,
    CLI_TEXT(
        "Images", "root", 0, "FOLDER",
        "where relative paths of the list start now (default: where they did when it was planned)",
        root),
    CLI_IMAGES_ANYWHERE("Images", images_anywhere),
    CLI_OPT_NO_IMAGES,
    CLI_FLAG("Output", "paths", 0,
             "show absolute paths of images, model and run; without it a page has none, and can be "
             "passed on",
             paths),
    CLI_OPT_ATLAS_MODEL,
    CLI_OPT_THREADS,
    CLI_TEXT("Output", "output", 'o', "FILE.html",
             "the page to write (default: report.html in the run's folder)", out.output),
    CLI_OPT_FORCE,
    CLI_OPT_FORM,
};

const cli_command cli_report = {
    .name = "report",
    .usage = "RUN [-o FILE.html]",
    .summary = "an HTML page of every head's role, basis texts, evidence and images",
    .about =
        "Writes what span and roles found as one HTML file that loads nothing: the head grid, "
        "direct effect by layer, and every head's texts with their evidence, and thumbnails of the "
        "images at both ends of each first text. It can be mailed, printed, and read without the "
        "run. What effects, ablate and shortcut found last on the run, or with its means, is in it "
        "too.\n"
        "Without --texts it takes the run's main text pool: that of the last atlas, else the first "
        "that was looked at. "
        "Images that are gone have their name only.",
    .examples = "clipspan report run\treport.html in the run\n"
                "clipspan report run -o natural.html --no-images\tto give away, without images",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
