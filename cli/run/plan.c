/* SPDX-License-Identifier: MIT */
/* clipspan plan: the images and chunks of a run, fixed before any is opened. */
#include "cli/frame/command.h"
#include "cli/run/scan_out.h"
#include "cli/run/scan_work.h"

#include <clipspan/clipspan.h>

typedef cli_scan_settings settings;

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    cli_scan_job j = {.session = s,
                      .x = x,
                      .model_path = s->arguments.items[0],
                      .sources = s->arguments.items + 1,
                      .source_count = s->arguments.count - 1};
    clipspan_status status = cli_scan_plan(&j, err);
    if (status == CLIPSPAN_OK)
        cli_run_show_plan(s, j.path, j.model, j.inputs, j.run, &j.plan, x->out.dry_run);
    cli_scan_close(&j);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_IMAGES,     CLI_OPT_RUN_COEFFICIENTS, CLI_OPT_RUN_LAYERS,
    CLI_OPT_PRECISION,  CLI_OPT_MODEL_FILES,      CLI_OPT_ALLOW_NONFINITE,
    CLI_OPT_RUN_OUTPUT, CLI_OPT_WRITES,           CLI_OPT_FORM,
};

const cli_command cli_plan = {
    .name = "plan",
    .usage = "MODEL INPUT... -o RUN",
    .summary = "prepare a run to be scanned in shards, on many machines",
    .about = "Makes the folder RUN and its index: the order of the images, their chunks of 32, and "
             "the identity of the model. No image is opened. Then scan RUN --shard I/N processes "
             "each shard, and merge RUN combines them.",
    .examples = "clipspan plan MODEL photos/ -o run\tfirst\n"
                "parallel clipspan scan run --shard {}/8 ::: 1 2 3 4 5 6 7 8\tthen the shards\n"
                "clipspan merge run\tfinally",
    .arguments = {"MODEL", "INPUT..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
