/* SPDX-License-Identifier: MIT */
/* clipspan prune: a checkpoint with pruned heads, with the curve of accuracy against heads, and
 * what it saves. */
#include "base/memory.h"
#include "cli/edit/edit_out.h"
#include "cli/edit/edit_work.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define RANKED 64 /* images that heads are ranked on by what the network does without them */
#define ROUNDS 8

typedef struct {
    cli_image_settings images;
    cli_class_settings classes;
    cli_output_settings out;
    const char *heads, *role;
    uint64_t most, share;
    int by, zero;
} settings;

static const int shares[] = {5, 10, 15, 20, 25, 30, 40, 50, 60, 75};

typedef struct rank {
    size_t index; /* of the head */
    double effect;
} rank;

static int by_effect(const void *a, const void *b)
{
    const rank *x = a, *y = b;
    if (x->effect != y->effect) return x->effect < y->effect ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* Size of a head's direct effect: tr Var of its contribution, over that of the embedding. */
static clipspan_status rank_direct(rank *order, const cli_edit_job *e, clipspan_error *err)
{
    const size_t H = (size_t)e->info->heads, LH = (size_t)e->info->layers * H;
    clipspan_variance_share *variance_shares =
        cs_alloc(LH, sizeof *variance_shares, "strengths", err);
    clipspan_status status;
    if (!variance_shares) return CLIPSPAN_E_NOMEM;
    status = clipspan_run_read_variance_shares(variance_shares, NULL, NULL, NULL, e->run, err);
    for (size_t i = 0; i < e->count && status == CLIPSPAN_OK; i++)
        order[i].effect =
            variance_shares[(size_t)e->heads[i].layer * H + (size_t)e->heads[i].head].variance;
    if (status == CLIPSPAN_OK) qsort(order, e->count, sizeof *order, by_effect);
    cs_free(variance_shares);
    return status;
}

/* One round: of the heads that are still there, what the network's output has moved by in all when
 * it goes too. order: the first `gone` heads are gone already; the rest is filled in and sorted. */
static clipspan_status rank_round(rank *order, cli_edit_job *e, size_t gone, clipspan_error *err)
{
    clipspan_status status;
    cli_edit_set *set;
    for (size_t i = gone; i < e->count; i++) {
        CS_TRY(cli_edit_add_set(&set, e, "one more", gone + 1, err));
        for (size_t k = 0; k < gone; k++)
            set->members[set->count++] = order[k].index;
        set->members[set->count++] = order[i].index;
    }
    status = cli_edit_measure(e, NULL, err);
    for (size_t i = gone; i < e->count && status == CLIPSPAN_OK; i++)
        order[i].effect = e->sets[i - gone].moved;
    cli_edit_clear_sets(e);
    qsort(order + gone, e->count - gone, sizeof *order, by_effect);
    return status;
}

/* How far the network's output really moves: heads go in rounds, an eighth of them a round, for
 * what a head does depends on who else is there. */
static clipspan_status rank_network(rank *order, cli_edit_job *e, clipspan_error *err)
{
    const size_t images = e->images.count, step = (e->count + ROUNDS - 1) / ROUNDS;
    clipspan_bank *bank = e->bank;
    clipspan_status status = CLIPSPAN_OK;
    if (images > RANKED) e->images.count = e->images.asked = RANKED;
    e->bank = NULL;
    for (size_t gone = 0; gone + step < e->count && status == CLIPSPAN_OK; gone += step)
        status = rank_round(order, e, gone, err);
    e->bank = bank;
    e->images.count = e->images.asked = images;
    return status;
}

/* The first `count` heads of the order; where heads are removed, a layer keeps its last one. */
static void take(cli_edit_set *set, const cli_edit_job *e, const rank *order, size_t count,
                 int *left)
{
    const int zero = e->zero;
    memset(left, 0, (size_t)e->info->layers * sizeof *left);
    for (size_t i = 0; i < e->count; i++)
        left[e->heads[i].layer]++;
    for (size_t i = 0; i < e->count && set->count < count; i++) {
        int *here = &left[e->heads[order[i].index].layer];
        if (*here == 1 && !zero) continue;
        --*here;
        set->members[set->count++] = order[i].index;
    }
}

static clipspan_status add_share(cli_edit_job *e, const rank *order, uint64_t percent, int *left,
                                 clipspan_error *err)
{
    const size_t count = (size_t)((percent * e->count + 50) / 100);
    cli_edit_set *set;
    char name[32];
    snprintf(name, sizeof name, "%d %% of the heads", (int)percent);
    CS_TRY(cli_edit_add_set(&set, e, name, count, err));
    take(set, e, order, count, left);
    cli_edit_mark_last(e, set);
    return CLIPSPAN_OK;
}

/* The chosen share first, then the curve. */
static clipspan_status make_curve(cli_edit_job *e, const settings *x, clipspan_error *err)
{
    rank *order = cs_alloc(e->count, sizeof *order, "ranked heads", err);
    int *left = cs_alloc((size_t)e->info->layers, sizeof *left, "ranked heads", err);
    clipspan_status status = order && left ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < e->count && status == CLIPSPAN_OK; i++)
        order[i].index = i;
    if (status == CLIPSPAN_OK)
        status = x->by ? rank_network(order, e, err) : rank_direct(order, e, err);
    if (status == CLIPSPAN_OK) status = add_share(e, order, x->share, left, err);
    for (size_t i = 0; i < sizeof shares / sizeof *shares && status == CLIPSPAN_OK; i++)
        if ((uint64_t)shares[i] != x->share)
            status = add_share(e, order, (uint64_t)shares[i], left, err);
    cs_free(order);
    cs_free(left);
    if (status == CLIPSPAN_OK && e->sets[0].count == 0)
        status =
            cs_fail(err, CLIPSPAN_E_ARGUMENT, "--share: %llu %% of %zu heads is less than one head",
                    (unsigned long long)x->share, e->count);
    return status;
}

static clipspan_status make_chosen(cli_edit_job *e, clipspan_error *err)
{
    cli_edit_set *set;
    CS_TRY(cli_edit_add_set(&set, e, "all chosen", e->count, err));
    for (size_t i = 0; i < e->count; i++)
        set->members[set->count++] = i;
    cli_edit_mark_last(e, set);
    return CLIPSPAN_OK;
}

static clipspan_status check_choice(const cli_edit_job *e, const settings *x, clipspan_error *err)
{
    if (!x->heads && !x->role && !x->share)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head is chosen: name heads with --heads L%d.H0,..., a role with --role, "
                       "or a share of all heads with --share 25",
                       e->info->layers - 1);
    if (x->share && (x->heads || x->role))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--share chooses the heads itself; leave out --%s",
                       x->heads ? "heads" : "role");
    if (x->by && !x->share)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--by is for --share: it says which heads go");
    return CLIPSPAN_OK;
}

static clipspan_status prune_model(cli_edit_job *e, cli_session *s, const cli_edit_settings *shared,
                                   const settings *x, clipspan_error *err)
{
    const int by_network = x->share && x->by;
    CS_TRY(cli_edit_open(e, s, shared, err));
    CS_TRY(check_choice(e, x, err));
    CS_TRY(x->share ? cli_edit_all_heads(e, err) : cli_edit_heads(e, err));
    if (!by_network) {
        CS_TRY(x->share ? make_curve(e, x, err) : make_chosen(e, err));
        CS_TRY(cli_edit_write(e, &e->sets[0], !x->zero, err)); /* the checks: no means yet */
    }
    if (x->out.dry_run && by_network)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--dry-run computes nothing, and --by network has to run images to choose");
    if (x->out.dry_run) return cli_edit_announce(e, err);
    CS_TRY(cli_edit_prepare(e, err));
    if (by_network) CS_TRY(make_curve(e, x, err));
    cli_signals_hold();
    CS_TRY(cli_edit_write(e, &e->sets[0], !x->zero, err));
    s->keeps_files = 1;
    CS_TRY(cli_edit_measure(e, x->out.output, err));
    CS_TRY(cli_edit_time(e, x->out.output, err));
    return cli_prune_show(e, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    const cli_edit_settings shared = {.images = x->images,
                                      .classes = x->classes,
                                      .out = x->out,
                                      .heads = x->heads,
                                      .role = x->role,
                                      .most = x->most};
    cli_edit_job e = {.prunes = 1,
                      .zero = x->zero,
                      .order = !x->share ? "chosen"
                               : x->by   ? "network"
                                         : "direct"};
    clipspan_status status = prune_model(&e, s, &shared, x, err);
    cli_edit_close(&e);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_EDIT_HEADS,
    CLI_OPT_EDIT_ROLE,
    CLI_WHOLE("Heads", "share", 0, "PERCENT",
              "so many of all heads, those that matter least, and the curve of other shares", share,
              1, 99),
    CLI_CHOICE("Heads", "by", 0, "direct|network",
               "with --share, what a head matters: the size of its direct effect over RUN "
               "(default), or how far the network's output moves without it, on up to 64 images",
               by),
    CLI_FLAG(
        "Heads", "zero", 0,
        "keep the layout: heads are mean-ablated as edit leaves them, and any loader reads the "
        "checkpoint",
        zero),
    CLI_OPT_EDIT_IMAGES,
    CLI_OPT_LABELS,
    CLI_OPT_ROOT,
    CLI_OPT_PATH_COLUMN,
    CLI_OPT_WHERE,
    CLI_OPT_EXIF_ORIENT,
    CLI_OPT_CLASSES,
    CLI_OPT_CLASSIFIER,
    CLI_OPT_THREADS,
    CLI_OPT_EDIT_OUTPUT,
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_prune = {
    .name = "prune",
    .usage = "MODEL RUN [INPUT...] --share PERCENT -o FOLDER\n"
             "MODEL RUN [INPUT...] --heads L22.H11,...|FILE -o FOLDER\n"
             "MODEL RUN [INPUT...] --role NAME -o FOLDER",
    .summary = "remove heads from a checkpoint; size, time and accuracy before and after",
    .about =
        "Removes heads from queries, keys, values and output projections; what each made of its "
        "mean over RUN goes into the bias. The configuration lists the heads that layers have left "
        "(heads_per_layer), which clipspan reads; with --zero the layout stays and other loaders "
        "read it too. Heads keep their names.\n"
        "With --share it gives accuracy (with --classes) and distance for several shares, as the "
        "network really has them and as direct effects predict. Time and size before and after "
        "are measured.",
    .examples = "clipspan prune MODEL run --share 25 -o smaller --classes names.txt\ta quarter of "
                "the heads\n"
                "clipspan prune MODEL run --share 25 --by network -o smaller --classes "
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
               "predicted, network\taccuracy by the direct-effect prediction, and of the network",
};
