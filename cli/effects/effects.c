/* SPDX-License-Identifier: MIT */
/* clipspan effects: the published sequence of mean-ablations, and every layer and head on its
 * own. */
#include "cli/effects/effects.h"
#include "cli/effects/keep.h"
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>
#include <string.h>

typedef cli_effects_settings settings;

static clipspan_status compute(cli_effect_work *w, cli_evaluation *ev, const settings *x,
                               clipspan_error *err)
{
    const cli_effect_texts *texts = &x->texts;
    if (!texts->pool && (texts->layers || texts->basis_texts))
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--layers and --texts-per-head say which heads become how many texts; name the pool "
            "of texts with --texts");
    CS_TRY(cli_evaluation_start(ev, NULL, 0, err));
    CS_TRY(cli_effects_sequence(w, ev, err));
    CS_TRY(cli_effects_singles(w, err));
    CS_TRY(cli_effects_run(w, err));
    if (texts->pool) CS_TRY(cli_effects_texts(w, texts, err));
    CS_TRY(cli_effects_variance_shares(w, err));
    return cli_effects_keep(ev, &w->list, err);
}

static clipspan_status work_on(cli_session *s, const char *run, const settings *x, int show,
                               clipspan_error *err)
{
    cli_effect_work work;
    cli_evaluation ev;
    clipspan_status status;
    memset(&work, 0, sizeof work);
    status = cli_evaluation_open(&ev, s, run, &x->eval, x->texts.pool != NULL, err);
    if (status == CLIPSPAN_OK) status = compute(&work, &ev, x, err);
    if (status == CLIPSPAN_OK && show) status = cli_effects_show(&ev, &work.list, err);
    cli_effects_fini(&work);
    cli_evaluation_close(&ev);
    return status;
}

clipspan_status cli_effects_beside(cli_session *s, const char *run, const settings *x,
                                   clipspan_error *err)
{
    return work_on(s, run, x, 0, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    return work_on(s, s->arguments.items[0], given, 1, err);
}

static const cli_option options[] = {
    CLI_FILE(
        "Heads", "texts", 0, "POOL",
        "also replace heads by their texts of this pool, TEXTSPAN with several numbers of texts",
        texts.pool),
    CLI_TEXT(
        "Heads", "layers", 0, "all|last4|A-B",
        "with --texts: layers whose heads are replaced; earlier heads are mean-ablated (default: "
        "the last four)",
        texts.layers),
    CLI_WHOLE("Heads", "texts-per-head", 0, "N",
              "with --texts: at most so many texts a head (default 60)", texts.basis_texts, 1,
              1000),
    CLI_OPT_EVALUATION,
    CLI_OPT_THREADS,
    CLI_OPT_FORM,
};

const cli_command cli_effects = {
    .name = "effects",
    .usage = "RUN --classes LIST|FILE",
    .summary = "mean-ablation of every layer, MLP and head; direct effects on accuracy",
    .about =
        "Classifies the images of a run again with components mean-ablated: the published sequence "
        "(nothing, all MLPs, the class token's attention to itself, both, attention of layers 0 to "
        "l), then every layer, MLP and head alone: accuracy, margin, worst group, and the share of "
        "what varies. With --texts also the model whose last heads are replaced by their texts.\n"
        "Only class names pass through the model. Effects are direct: later layers would "
        "read what is changed here.",
    .examples =
        "clipspan effects run --classes imagenet\tthe published tables\n"
        "clipspan effects run --classes names.txt --texts general --texts-per-head 60\theads "
        "replaced by texts",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "mean-ablated\tcomponents replaced by their mean over the images, all at once; both "
               "of these: the two rows before\n"
               "accuracy\tshare of images whose label is the class with the largest score; "
               "agreement, without labels: share whose prediction stays\n"
               "worst group\taccuracy of the group where it is lowest\n"
               "alone\tone component mean-ablated\n"
               "accuracy, points; worst group, points\tchange of those, in percentage points\n"
               "margin\tmean change of the label's score less the largest other one\n"
               "variance share\tshare of the embedding's variance that the component contributes\n"
               "heads replaced by\twith --texts: basis texts of a head that stand for its output\n"
               "different texts\tdistinct texts among all heads",
};
