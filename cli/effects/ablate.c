/* SPDX-License-Identifier: MIT */
/* clipspan ablate: a set of components mean-ablated, before and after, beside random sets of heads
 * that match it. */
#include "cli/effects/ablate.h"
#include "cli/effects/ablation_out.h"
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>
#include <string.h>

typedef cli_ablate_settings settings;

/* The atlas whose roles count: of the run whose means count, if there is another. */
static clipspan_status open_roles(clipspan_atlas **atlas, const cli_evaluation *ev,
                                  const char *role, clipspan_error *err)
{
    const clipspan_run *run = ev->mean_run ? ev->mean_run : ev->run;
    clipspan_status status = clipspan_atlas_open(atlas, run, NULL, err);
    size_t count;
    if (status == CLIPSPAN_E_NOT_FOUND)
        return cs_fail(
            err, CLIPSPAN_E_NOT_FOUND,
            "--role: the run's heads have no roles yet; clipspan roles %.300s finds them",
            clipspan_run_get_info(run)->path);
    CS_TRY(status);
    return clipspan_atlas_find_heads(NULL, &count, 0, *atlas, role, 0, err);
}

clipspan_status cli_ablate_choose(cli_ablate_choice *choice, const cli_evaluation *ev,
                                  const settings *given, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    const clipspan_change mean = {.kind = CLIPSPAN_CHANGE_MEAN};
    memset(choice, 0, sizeof *choice);
    if (!given->heads && !given->role && !given->mlps && !given->before)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "nothing to ablate: name components with --heads L%d.H0,..., a role with --role, "
            "MLPs with --mlps, early layers with --before",
            info->layers - 1);
    if (given->before > (uint64_t)info->layers)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--before: expected 1 to %d layers, found %llu",
                       info->layers, (unsigned long long)given->before);
    CS_TRY(cli_components_init(&choice->components, info->layers, info->heads, err));
    if (given->heads) CS_TRY(cli_components_read(&choice->components, given->heads, mean, err));
    return given->role ? open_roles(&choice->atlas, ev, given->role, err) : CLIPSPAN_OK;
}

void cli_ablate_choice_fini(cli_ablate_choice *choice)
{
    cli_components_fini(&choice->components);
    clipspan_atlas_free(&choice->atlas);
}

clipspan_status cli_ablate_make(clipspan_ablation **out, const cli_evaluation *ev,
                                const cli_ablate_choice *choice, const settings *given,
                                clipspan_error *err)
{
    cli_session *s = ev->session;
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    options.changes = choice->components.changes;
    options.change_count = choice->components.count;
    options.atlas = choice->atlas;
    options.role = given->role;
    options.mlps = given->mlps;
    options.before = (int)given->before;
    options.random_sets = (int)given->eval.random;
    options.published = given->eval.published;
    options.random_heads = given->random_heads;
    options.resamples = (int)given->eval.resamples;
    options.seed = given->eval.seed;
    cli_progress_begin(s, "random sets");
    status = clipspan_ablation_new(out, ev->study, &options, &progress, err);
    cli_progress_end(s);
    cli_stage(s, "components ablated");
    return status;
}

static clipspan_status keep(const cli_evaluation *ev, const clipspan_ablation *ablation,
                            clipspan_error *err)
{
    clipspan_error failed;
    clipspan_status status = clipspan_ablation_keep(ablation, ev->run, ev->mean_run, &failed);
    CS_TRY(cli_evaluation_kept(ev, status, &failed, err));
    if (!ev->mean_run) return CLIPSPAN_OK;
    status = clipspan_ablation_keep(ablation, ev->mean_run, ev->run, &failed);
    return cli_evaluation_kept(ev, status, &failed, err);
}

static clipspan_status work_on(cli_session *s, const char *run, const settings *x,
                               clipspan_error *err)
{
    cli_ablate_choice choice = {0};
    clipspan_ablation *ablation = NULL;
    cli_evaluation ev = {0};
    clipspan_status status = cli_evaluation_open(&ev, s, run, &x->eval, 0, err);
    if (status == CLIPSPAN_OK) status = cli_ablate_choose(&choice, &ev, x, err);
    if (status == CLIPSPAN_OK) status = cli_evaluation_study(&ev, NULL, 0, err);
    if (status == CLIPSPAN_OK) status = cli_ablate_make(&ablation, &ev, &choice, x, err);
    if (status == CLIPSPAN_OK) status = keep(&ev, ablation, err);
    if (status == CLIPSPAN_OK) status = cli_ablation_show(s, ablation, err);
    clipspan_ablation_free(&ablation);
    cli_ablate_choice_fini(&choice);
    cli_evaluation_close(&ev);
    return status;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    return work_on(s, s->arguments.items[0], given, err);
}

static const cli_option options[] = {
    CLI_TEXT("Heads", "heads", 0, "L22.H11,...|FILE",
             "what to ablate: heads, L22.* (a layer's), L22.MLP, input (the class token as it "
             "enters the first layer), or a file with such names",
             heads),
    CLI_TEXT("Heads", "role", 0, "NAME",
             "ablate the heads with this role, by the main text pool of --mean RUN, or of RUN",
             role),
    CLI_FLAG("Heads", "mlps", 0,
             "ablate all MLPs too, and what enters the first layer, as published", mlps),
    CLI_WHOLE(
        "Heads", "before", 0, "LAYER",
        "ablate all heads of the layers before this one too (published: of all but the last four)",
        before, 1, 512),
    CLI_OPT_EVALUATION,
    CLI_OPT_EVAL_RANDOM,
    CLI_OPT_EVAL_PUBLISHED,
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
        "random sets of heads, as many of each layer. Labels and groups are those of the run, or "
        "columns of "
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
               "share of predictions kept\n"
               "95 % interval\tWilson's, of the accuracy before it\n"
               "points\tthe change in percentage points\n"
               "95 % of resamples\tpaired bootstrap interval of the change",
};
