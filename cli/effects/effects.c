/* SPDX-License-Identifier: MIT */
/* clipspan effects: the published sequence of mean-ablations, and every layer and head on its
 * own. */
#include "cli/effects/effects.h"
#include "cli/effects/effects_out.h"
#include "cli/frame/command.h"
#include "cli/in/cue.h"
#include "cli/in/heads.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>

typedef cli_effects_settings settings;

static clipspan_status check_settings(const settings *x, clipspan_error *err)
{
    if (x->pool || (!x->layers && !x->texts_per_head)) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--layers and --texts-per-head say which heads become how many texts; name the "
                   "pool of texts with --texts");
}

/* The pool as vectors, and whose heads become its texts. */
static clipspan_status take_pool(clipspan_effects_table_options *options, clipspan_bank **bank,
                                 cli_evaluation *ev, const settings *x, clipspan_error *err)
{
    clipspan_texts *pool;
    clipspan_status status;
    if (x->layers)
        CS_TRY(cli_layers_read(&options->first_layer, &options->layers, x->layers,
                               clipspan_run_get_info(ev->run)->layers, err));
    CS_TRY(cli_pool_open(&pool, &options->pool_name, ev->session, x->pool, err));
    status = cli_pool_embed(bank, ev, pool, err);
    clipspan_texts_free(&pool);
    options->pool = *bank;
    options->texts_per_head = (int)x->texts_per_head;
    return status;
}

clipspan_status cli_effects_make(clipspan_effects_table **out, cli_evaluation *ev,
                                 const settings *given, clipspan_error *err)
{
    cli_session *s = ev->session;
    clipspan_effects_table_options options = CLIPSPAN_EFFECTS_TABLE_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_bank *bank = NULL;
    clipspan_status status = CLIPSPAN_OK;
    *out = NULL;
    options.threads = (int)s->threads;
    options.sequence_only = given->sequence_only;
    if (given->pool) status = take_pool(&options, &bank, ev, given, err);
    if (status == CLIPSPAN_OK) {
        cli_progress_begin(s, "edits");
        status = clipspan_effects_table_new(out, ev->study, &options, &progress, err);
        cli_progress_end(s);
        cli_stage(s, "components ablated");
    }
    clipspan_bank_free(&bank);
    return status;
}

static clipspan_status keep(const cli_evaluation *ev, const clipspan_effects_table *table,
                            clipspan_error *err)
{
    clipspan_error failed;
    clipspan_status status = clipspan_effects_table_keep(table, ev->run, ev->mean_run, &failed);
    CS_TRY(cli_evaluation_kept(ev, status, &failed, err));
    if (!ev->mean_run) return CLIPSPAN_OK;
    status = clipspan_effects_table_keep(table, ev->mean_run, ev->run, &failed);
    return cli_evaluation_kept(ev, status, &failed, err);
}

static clipspan_status work_on(cli_session *s, const char *run, const settings *x, int show,
                               clipspan_error *err)
{
    clipspan_effects_table *table = NULL;
    cli_evaluation ev = {0};
    clipspan_status status;
    CS_TRY(check_settings(x, err));
    status = cli_evaluation_open(&ev, s, run, &x->eval, x->pool != NULL, err);
    if (status == CLIPSPAN_OK) status = cli_evaluation_study(&ev, NULL, 0, err);
    if (status == CLIPSPAN_OK) status = cli_effects_make(&table, &ev, x, err);
    if (status == CLIPSPAN_OK) status = keep(&ev, table, err);
    if (status == CLIPSPAN_OK && show) status = cli_effects_show(s, table, err);
    clipspan_effects_table_free(&table);
    cli_evaluation_close(&ev);
    return status;
}

clipspan_status cli_effects_beside(cli_session *s, const char *run, const settings *given,
                                   clipspan_error *err)
{
    return work_on(s, run, given, 0, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    return work_on(s, s->arguments.items[0], given, 1, err);
}

static const cli_option options[] = {
    CLI_FILE(
        "Heads", "texts", 0, "POOL",
        "also replace heads by their texts of this pool, TEXTSPAN with several numbers of texts",
        pool),
    CLI_TEXT(
        "Heads", "layers", 0, "all|last4|A-B",
        "with --texts: layers whose heads are replaced; earlier heads are mean-ablated (default: "
        "the last four)",
        layers),
    CLI_WHOLE("Heads", "texts-per-head", 0, "N",
              "with --texts: at most so many texts per head (default 60)", texts_per_head, 1, 1000),
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
