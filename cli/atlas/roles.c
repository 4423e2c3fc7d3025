/* SPDX-License-Identifier: MIT */
/* clipspan roles: role of every head, tested against random rotations and control texts. */
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
    CLI_OPT_ATLAS,       CLI_OPT_ATLAS_HEADS, CLI_OPT_ATLAS_ALL,
    CLI_OPT_ATLAS_MODEL, CLI_OPT_THREADS,     CLI_OPT_FORM,
};

const cli_command cli_roles = {
    .name = "roles",
    .usage = "RUN",
    .summary = "role of every head, tested against random rotations and control texts",
    .about =
        "A category stands out in a head when it is more enriched, among the texts with the "
        "largest variance, than in random rotations of the head's covariance: p, and over all "
        "heads together q, at most --fdr. It is a role when besides its texts explain a fifth of "
        "the head's variance or more, more than every control pool, and its first text returns in "
        "half of the resamples; a leaning when not; ambiguous when another category is nearly as "
        "enriched (1.5 times decides). With fewer than 481 images there are too few to tell.\n"
        "Heads come in the order of what they matter: share of the embedding's variance times how "
        "far the category explains them above control texts. At most the stated rate of all roles "
        "and leanings is expected to be false; how many that are is printed.\n"
        "Without --texts it takes the run's main text pool: that of the last atlas, else the first "
        "that was looked at.",
    .examples = "clipspan roles run\tthe heads that matter most\n"
                "clipspan roles run --fdr 0.01\tfewer claims, fewer false ones\n"
                "clipspan roles run --heads L22.H11,L23.H0\tthese, in full\n"
                "clipspan roles run --json\tall of them, every number",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = CLI_ROLE_COLUMNS,
};
