/* SPDX-License-Identifier: MIT */
/* clipspan export: components and basis texts of a run in the files of the published program. */
#include "cli/atlas/atlas_work.h"
#include "cli/frame/command.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>

typedef struct {
    cli_atlas_settings atlas;
    cli_output_settings out;
    const char *official;
} settings;

static void show(const cli_session *s, const char *folder, const clipspan_run_info *run,
                 const clipspan_atlas_info *atlas)
{
    char images[CLI_NUMBER_ROOM];
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        cli_format_count(images, run->used);
        cli_say(s, "%s: components of %s image%s, and basis texts of %zu head%s", folder, images,
                run->used == 1 ? "" : "s", atlas->heads, atlas->heads == 1 ? "" : "s");
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.export.v1");
    cli_json_text(&json, "official", folder);
    cli_json_text(&json, "run", run->path);
    cli_json_text(&json, "model", run->model_name);
    cli_json_text(&json, "pool", atlas->pool);
    cli_json_whole(&json, "images", run->used);
    cli_json_whole(&json, "layers", (uint64_t)run->layers);
    cli_json_whole(&json, "heads", atlas->heads);
    cli_json_whole(&json, "basis_texts", (uint64_t)atlas->basis_texts);
    cli_json_finish(&json);
}

static clipspan_status export_run(cli_atlas_job *j, const settings *x, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_export_options options = CLIPSPAN_EXPORT_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    const clipspan_run_info *info;
    clipspan_status status;
    if (!x->official)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "say where the published program's files go with --official FOLDER");
    CS_TRY(clipspan_run_open(&j->run, s->arguments.items[0], err));
    info = clipspan_run_get_info(j->run);
    options.threads = (int)s->threads;
    options.replace = x->out.force;
    CS_TRY(cli_atlas_make(j, err));
    cli_progress_begin(s, "images");
    status = clipspan_run_export(x->official, j->run, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    CS_TRY(clipspan_atlas_export(NULL, x->official, j->atlas, &options, err));
    show(s, x->official, info, clipspan_atlas_get_info(j->atlas));
    return CLIPSPAN_OK;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    cli_atlas_job j = {.session = s, .x = &x->atlas};
    clipspan_status status = export_run(&j, x, err);
    cli_atlas_close(&j);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_ATLAS_TEXTS,
    CLI_OPT_ATLAS_BASIS_TEXTS,
    CLI_OPT_ATLAS_RANK,
    CLI_TEXT("Heads", "official", 0, "FOLDER", "where the published program's files go", official),
    CLI_OPT_ATLAS_MODEL,
    CLI_OPT_THREADS,
    CLI_OPT_FORCE,
    CLI_OPT_FORM,
};

const cli_command cli_export = {
    .name = "export",
    .usage = "RUN --official FOLDER",
    .summary = "contributions and basis texts in the published program's file formats",
    .about =
        "Writes DATASET_attn_MODEL.npy [B, L, H, P], DATASET_mlp_MODEL.npy [B, L + 1, P] and "
        "DATASET_cls_attn_MODEL.npy [B, L, P], float32, a row an image in the order of the list, "
        "and the list of basis texts. DATASET is the run's name. Little memory is needed, and L H "
        "P 4 bytes of disk an image.",
    .examples = "clipspan export run --official output_dir\tfour files",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
