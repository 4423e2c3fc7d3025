/* SPDX-License-Identifier: MIT */
/* clipspan prune: a checkpoint with pruned heads, with the curve of accuracy against heads, and
 * what it saves. */
#include "cli/edit/edit_out.h"
#include "cli/edit/edit_work.h"
#include "cli/frame/command.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

typedef cli_edit_settings settings;

enum { BY_NETWORK, BY_DIRECT, BY_PATH };

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
    if (x->ranked && (!chosen || x->by == BY_DIRECT))
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--rank-images is for --fraction with --by network or path, which rank heads "
            "on images");
    return CLIPSPAN_OK;
}

/* As options say, with the images that the job knows: none before they are listed. */
static clipspan_status open_prune(clipspan_prune **out, const cli_edit_job *e, const settings *x,
                                  clipspan_error *err)
{
    clipspan_prune_options options = CLIPSPAN_PRUNE_OPTIONS_INIT;
    options.order = x->fraction <= 0.0   ? CLIPSPAN_PRUNE_CHOSEN
                    : x->by == BY_DIRECT ? CLIPSPAN_PRUNE_DIRECT
                    : x->by == BY_PATH   ? CLIPSPAN_PRUNE_PATH
                                         : CLIPSPAN_PRUNE_NETWORK;
    options.ranked = (size_t)x->ranked;
    options.fraction = x->fraction;
    options.heads = e->heads;
    options.count = e->count;
    options.keep_layout = x->zero;
    options.check = &e->options;
    return clipspan_prune_new(out, e->model, e->run, &options, err);
}

/* Where heads are not known yet, any will do to look at the folder with. */
static clipspan_status check_folder(const cli_edit_job *e, clipspan_error *err)
{
    clipspan_head any = {0, 0};
    while (any.layer < e->info->layers && !clipspan_model_has_head(e->model, any.layer, any.head))
        if (++any.head == e->info->heads) any = (clipspan_head){any.layer + 1, 0};
    return cli_edit_check_output(e, &any, 1, 0, err);
}

static clipspan_status announce(const cli_edit_job *e, clipspan_prune *prune, const settings *x,
                                clipspan_error *err)
{
    const clipspan_head_set *chosen = clipspan_prune_get_sets(prune);
    const char *done = x->zero ? "mean-ablated" : "removed";
    char number[CLI_NUMBER_ROOM];
    if (e->session->form == CLI_FORM_JSON) return cli_prune_show(e, prune, err);
    if (chosen) return cli_edit_announce(e, chosen->heads, chosen->count, done, err);
    cli_count_of(number, clipspan_prune_get_info(prune)->chosen, "head");
    cli_say(e->session, "would write %s with %s %s: those that the network misses least",
            x->out.output, number, done);
    return CLIPSPAN_OK;
}

/* All that can go wrong before images are looked at. */
static clipspan_status check_first(const cli_edit_job *e, const settings *x, clipspan_error *err)
{
    clipspan_prune *prune;
    const clipspan_head_set *chosen;
    clipspan_status status;
    CS_TRY(open_prune(&prune, e, x, err));
    chosen = clipspan_prune_get_sets(prune);
    status = chosen ? cli_edit_check_output(e, chosen->heads, chosen->count, !x->zero, err)
                    : check_folder(e, err);
    if (status == CLIPSPAN_OK && x->out.dry_run) status = announce(e, prune, x, err);
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
    CS_TRY(clipspan_prune_run_forecasts(*prune, err));
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
    CLI_CHOICE("Heads", "by", 0, "network|direct|path",
               "with --fraction, what a head matters: how far the network's output moves without "
               "it (default); the size of its direct effect over RUN, which takes no time and "
               "predicts poorly; or of its effect through later layers (path), which takes a pass "
               "and a sweep per image instead of a pass per head and image",
               by),
    CLI_WHOLE("Heads", "rank-images", 0, "N",
              "rank heads on so many images, a quarter of all at most (default: what makes 4,096 "
              "passes, 8 to 64); forecasts are of the others",
              ranked, 1, 1000000),
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
        "With --fraction it ranks heads in the network, on images of their own, in rounds: those "
        "go whose going moves the output least, which takes minutes where a pass takes a tenth of "
        "a second. Then it measures several fractions. With --classes half of the other images "
        "say how many predictions will stay, with a bound, and the other half say how many do. "
        "Where fewer than the bound stay with the heads that go, the checkpoint is written, but "
        "the exit status is 8. Time and size before and after are measured. Images are the run's, "
        "or those of INPUT, read as RUN's were; those that cannot be read are left out and "
        "counted.",
    .examples =
        "clipspan prune MODEL run --fraction 0.25 -o smaller --classes names.txt\tthe quarter of "
        "the heads that the network misses least\n"
        "clipspan prune MODEL run --role texture --zero -o zeroed\ta role, in a layout that "
        "all read",
    .arguments = {"MODEL", "RUN", "[INPUT...]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "mean-ablated\tthe set of heads: the chosen fraction, then the curve\n"
               "heads\thow many\n"
               "moved\tmean L2 distance of the network's embedding from the unedited one\n"
               "off: mean\twithout --classes: mean L2 distance from the direct-effect prediction\n"
               "predicted\tpredictions kept, counted on the first half of the images: in the "
               "network, with --by direct by direct effects\n"
               "at least\t97.5 % bound for the second half\n"
               "network\tpredictions of the second half that stay in the network\n"
               "accuracy\tof the network, on images with a label",
};
