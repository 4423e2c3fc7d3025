/* SPDX-License-Identifier: MIT */
/* clipspan prune: a checkpoint with pruned heads, with the curve of accuracy against heads, and
 * what it saves. */
#include "cli/edit/edit_out.h"
#include "cli/edit/edit_work.h"
#include "cli/frame/command.h"

typedef cli_edit_settings settings;

static clipspan_status check_choice(const cli_edit_job *e, const settings *x, clipspan_error *err)
{
    const int named = x->heads || x->role, chosen = x->fraction > 0.0;
    if (!named && !chosen)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head is chosen: name heads with --heads L%d.H0,..., a role with --role, "
                       "or a fraction of all heads with --fraction 0.25",
                       e->info->layers - 1);
    if (chosen && named)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--fraction chooses the heads itself; leave out --%s",
                       x->heads ? "heads" : "role");
    if (x->by && !chosen)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--by is for --fraction: it says which heads go");
    if (x->by && x->out.dry_run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--dry-run computes nothing, and --by network has to run images to choose");
    return CLIPSPAN_OK;
}

/* As options say, with the images that the job knows: none before they are listed. */
static clipspan_status open_prune(clipspan_prune **out, const cli_edit_job *e, const settings *x,
                                  clipspan_error *err)
{
    clipspan_prune_options options = CLIPSPAN_PRUNE_OPTIONS_INIT;
    options.order = x->fraction <= 0.0 ? CLIPSPAN_PRUNE_CHOSEN
                    : x->by            ? CLIPSPAN_PRUNE_NETWORK
                                       : CLIPSPAN_PRUNE_DIRECT;
    options.fraction = x->fraction;
    options.heads = e->heads;
    options.count = e->count;
    options.keep_layout = x->zero;
    options.check = &e->options;
    return clipspan_prune_new(out, e->model, e->run, &options, err);
}

/* All that can go wrong before images are looked at. The network's choice is not known then, and
 * not asked for: check_choice refuses it with --dry-run. */
static clipspan_status check_first(const cli_edit_job *e, const settings *x, clipspan_error *err)
{
    clipspan_prune *prune;
    const clipspan_head_set *chosen;
    clipspan_status status = CLIPSPAN_OK;
    CS_TRY(open_prune(&prune, e, x, err));
    chosen = clipspan_prune_get_sets(prune);
    if (chosen) status = cli_edit_check_output(e, chosen->heads, chosen->count, !x->zero, err);
    if (status == CLIPSPAN_OK && chosen && x->out.dry_run)
        status = e->session->form == CLI_FORM_JSON
                     ? cli_prune_show(e, prune, err)
                     : cli_edit_announce(e, chosen->heads, chosen->count,
                                         x->zero ? "mean-ablated" : "removed", err);
    clipspan_prune_free(&prune);
    return status;
}

/* Chunks of the run are counted first, then images of every round: each count starts anew. */
typedef struct counting {
    cli_session *session;
    size_t last;
} counting;

static int count_on(void *user, size_t done, size_t total)
{
    counting *c = user;
    if (done < c->last) {
        cli_progress_end(c->session);
        cli_progress_begin(c->session, "images");
    }
    c->last = done;
    return cli_progress_step(c->session, done, total);
}

static clipspan_status choose_heads(const cli_edit_job *e, clipspan_prune *prune,
                                    clipspan_error *err)
{
    counting c = {e->session, 0};
    clipspan_progress progress = {count_on, &c};
    clipspan_status status;
    cli_progress_begin(e->session, "chunks");
    status = clipspan_prune_run(prune, &progress, err);
    cli_progress_end(e->session);
    cli_stage(e->session, "heads chosen");
    return status;
}

static clipspan_status prune_model(cli_edit_job *e, clipspan_prune **prune, const settings *x,
                                   clipspan_error *err)
{
    clipspan_edit_check *check;
    CS_TRY(check_choice(e, x, err));
    if (x->fraction <= 0.0) CS_TRY(cli_edit_heads(e, err));
    CS_TRY(check_first(e, x, err));
    if (x->out.dry_run) return CLIPSPAN_OK;
    CS_TRY(cli_edit_images(e, err));
    CS_TRY(open_prune(prune, e, x, err));
    CS_TRY(choose_heads(e, *prune, err));
    check = clipspan_prune_get_check(*prune);
    CS_TRY(cli_edit_run(e, check, !x->zero, err));
    CS_TRY(clipspan_edit_check_run_time(check, x->out.output, err));
    cli_stage(e->session, "passes timed");
    CS_TRY(cli_keep_going(e->session, err));
    return cli_prune_show(e, *prune, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    const clipspan_edit_check_options none = CLIPSPAN_EDIT_CHECK_OPTIONS_INIT;
    cli_edit_job e = {.options = none};
    clipspan_prune *prune = NULL;
    clipspan_status status = cli_edit_open(&e, s, x, err);
    if (status == CLIPSPAN_OK) status = prune_model(&e, &prune, x, err);
    clipspan_prune_free(&prune);
    cli_edit_close(&e);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_EDIT_HEADS,
    CLI_OPT_EDIT_ROLE,
    CLI_REAL("Heads", "fraction", 0, "F",
             "this fraction of all heads, 0.25 is a quarter: those that matter least; and the "
             "curve of other fractions",
             fraction, 0.0, 1.0),
    CLI_CHOICE("Heads", "by", 0, "direct|network",
               "with --fraction, what a head matters: the size of its direct effect over RUN "
               "(default), or how far the network's output moves without it, on up to 64 images",
               by),
    CLI_FLAG(
        "Heads", "zero", 0,
        "keep the layout: heads are mean-ablated as edit leaves them, and any loader reads the "
        "checkpoint",
        zero),
    CLI_OPT_EDIT_REST,
};

const cli_command cli_prune = {
    .name = "prune",
    .usage = "MODEL RUN [INPUT...] --fraction F -o FOLDER\n"
             "MODEL RUN [INPUT...] --heads L22.H11,...|FILE -o FOLDER\n"
             "MODEL RUN [INPUT...] --role NAME -o FOLDER",
    .summary = "remove heads from a checkpoint; size, time and accuracy before and after",
    .about =
        "Removes heads from queries, keys, values and output projections; what each made of its "
        "mean over RUN goes into the bias. The configuration lists the heads that layers have left "
        "(heads_per_layer), which clipspan reads; with --zero the layout stays and other loaders "
        "read it too. Heads keep their names.\n"
        "With --fraction it gives accuracy (with --classes) and distance for several fractions, as "
        "the network really has them and as direct effects predict. Time and size before and "
        "after are measured. Images are the run's, or those of INPUT, read as RUN's were; those "
        "that cannot be read are left out and counted.",
    .examples =
        "clipspan prune MODEL run --fraction 0.25 -o smaller --classes names.txt\ta quarter of "
        "the heads\n"
        "clipspan prune MODEL run --fraction 0.25 --by network -o smaller --classes "
        "names.txt\tthose that the network misses least\n"
        "clipspan prune MODEL run --role texture --zero -o quiet\ta role, in a layout that "
        "all read",
    .arguments = {"MODEL", "RUN", "[INPUT...]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "mean-ablated\tthe set of heads: the chosen fraction, then the curve\n"
               "heads\thow many\n"
               "off: mean, median, largest\tover the images: L2 distance of the network's unit "
               "embedding from the direct-effect prediction\n"
               "moved\tmean L2 distance of the network's embedding from the unedited one\n"
               "predicted, network\taccuracy by the direct-effect prediction, and of the network; "
               "where no image has a label, share of predictions that stay",
};
