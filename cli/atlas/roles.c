/* SPDX-License-Identifier: MIT */
/* clipspan roles: role of every head from its basis texts, with stability and chance level. */
#include "cli/atlas/atlas_work.h"
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>

typedef struct {
    cli_atlas_settings atlas;
} settings;

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    cli_atlas_job j = {.session = s, .x = &x->atlas};
    clipspan_status status = cli_atlas_open(&j, s->arguments.items[0], err);
    if (status == CLIPSPAN_OK) status = cli_atlas_show_roles(s, j.atlas, &j.heads, 0, err);
    cli_atlas_close(&j);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_ATLAS, CLI_OPT_ATLAS_HEADS, CLI_OPT_ATLAS_MODEL, CLI_OPT_THREADS, CLI_OPT_FORM,
};

const cli_command cli_roles = {
    .name = "roles",
    .usage = "RUN",
    .summary = "role of every head from its basis texts, with stability and chance level",
    .about =
        "A head has a role when the category of its first basis texts is 1.5 times as strong as "
        "the next, stronger than in 95 of 100 relabellings of the pool, and its top text is chosen "
        "again in at least half of the resamples; mixed is said when two categories are stronger "
        "than chance.\n"
        "Without --texts it takes the run's main text pool: that of the last atlas, else the first "
        "that was looked at.",
    .examples = "clipspan roles run\tthe clearest heads\n"
                "clipspan roles run --heads L22.H11,L23.H0\tthese, in full\n"
                "clipspan roles run --json\tall of them, every number",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "head\tlayer and head, counted from 0\n"
        "share\tshare of the embedding's variance over the images that this head contributes\n"
        "role\tthe category of its first basis texts; in brackets where no role is claimed\n"
        "explained\tshare of the head's variance that the first basis texts of the category "
        "explain\n"
        "runner-up\tthe next category, and what it explains\n"
        "chance\twhat the best category explains in 95 of 100 relabellings of the pool\n"
        "purity\tof what the first basis texts explain, the category's part\n"
        "stability\tshare of resamples in which the category's first text is a basis text again",
};
