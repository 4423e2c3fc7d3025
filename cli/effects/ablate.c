/* SPDX-License-Identifier: MIT */
/* clipspan ablate: a set of components mean-ablated, before and after, beside random sets of the
 * same size. */
#include "cli/effects/ablate.h"
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>
#include <string.h>

typedef cli_ablate_settings settings;

static clipspan_status work_on(cli_session *s, const char *run, const settings *x, int show,
                               clipspan_error *err)
{
    cli_evaluation ev;
    cli_ablation a;
    clipspan_status status;
    memset(&a, 0, sizeof a);
    status = cli_evaluation_open(&ev, s, run, &x->eval, 0, err);
    if (status == CLIPSPAN_OK) status = cli_ablation_choose(&a, &ev, &x->choice, err);
    if (status == CLIPSPAN_OK) status = cli_evaluation_start(&ev, NULL, 0, err);
    if (status == CLIPSPAN_OK) status = cli_ablation_run(&a, &ev, err);
    if (status == CLIPSPAN_OK) status = cli_ablation_keep(&ev, &a, err);
    if (status == CLIPSPAN_OK && show) status = cli_ablation_show(&ev, &a, err);
    cli_ablation_fini(&a);
    cli_evaluation_close(&ev);
    return status;
}

clipspan_status cli_ablate_beside(cli_session *s, const char *run, const settings *x,
                                  clipspan_error *err)
{
    return work_on(s, run, x, 0, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    return work_on(s, s->arguments.items[0], given, 1, err);
}

static const cli_option options[] = {
    CLI_TEXT("Heads", "heads", 0, "L22.H11,...|FILE",
             "what to ablate: heads, L22.* (a layer's), L22.MLP, input (the class token as it "
             "enters the first layer), or a file with such names",
             choice.heads),
    CLI_TEXT(
        "Heads", "role", 0, "NAME",
        "ablate the heads with this role, as roles or span found it last in --mean RUN, or in RUN",
        choice.role),
    CLI_FLAG("Heads", "mlps", 0,
             "ablate all MLPs too, and what enters the first layer, as published", choice.mlps),
    CLI_WHOLE(
        "Heads", "before", 0, "LAYER",
        "ablate all heads of the layers before this one too (published: of all but the last four)",
        choice.before, 1, 512),
    CLI_OPT_EVALUATION,
    CLI_OPT_EVAL_RANDOM,
    CLI_OPT_EVAL_RESAMPLES,
    CLI_OPT_EVAL_SEED,
    CLI_OPT_THREADS,
    CLI_OPT_FORM,
};

const cli_command cli_ablate = {
    .name = "ablate",
    .usage =
        "RUN --heads L22.H11,...|FILE --classes LIST|FILE\nRUN --role NAME --classes LIST|FILE",
    .summary = "accuracy before and after mean-ablation of chosen heads",
    .about =
        "Mean-ablates heads, layers and MLPs and gives accuracy over all, by class, by group and "
        "of the worst group, with intervals (Wilson; paired bootstrap for the change), beside "
        "random sets of as many heads. Labels and groups are those of the run, or columns of "
        "--from.",
    .examples =
        "clipspan ablate run --heads L11.H3,L10.H11 --mlps --before 8 --classes birds.txt\tas "
        "published\n"
        "clipspan ablate run --role location --mean train --classes birds.txt\tby role, means of "
        "other images",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "accuracy, class, group\tall images, those of one class, of one group, and of the "
               "group with the lowest accuracy (worst, before and after)\n"
               "images\tthose with a label\n"
               "before, after\taccuracy as the model is, and mean-ablated; without labels the "
               "share of predictions that stay\n"
               "95 % interval\tWilson's, of the accuracy before it\n"
               "points\tthe change in percentage points\n"
               "95 % of resamples\tpaired bootstrap interval of the change",
};
