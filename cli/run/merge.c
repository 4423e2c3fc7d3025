/* SPDX-License-Identifier: MIT */
/* clipspan merge: what the shards of a scan left, added up. */
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/run/scan_out.h"
#include "cli/run/scan_work.h"

#include <clipspan/clipspan.h>

static clipspan_status run_command(cli_session *s, const void *settings, clipspan_error *err)
{
    cli_scan_job j = {.session = s, .path = s->arguments.items[0]};
    clipspan_status status;
    (void)settings;
    cli_signals_resumable();
    cli_signals_hold();
    s->resumable = 1;
    status = cli_scan_merge(&j, err);
    if (status == CLIPSPAN_OK) cli_run_show_scan(s, clipspan_run_get_info(j.run), NULL, NULL, 0);
    cli_scan_close(&j);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_FORM,
};

const cli_command cli_merge = {
    .name = "merge",
    .usage = "RUN",
    .summary = "combine the shards of a scan",
    .about = "Checks that every chunk exists and belongs to the run, combines their statistics, "
             "and records the outcome of each image in the index. Missing chunks are listed. "
             "Merging again changes nothing.",
    .examples = "clipspan merge run\tafter all shards",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run_command,
};
