/* SPDX-License-Identifier: MIT */
/* clipspan edit: a checkpoint in which chosen heads write their mean, and how far its output lies
 * from what their direct effects predict. */
#include "base/memory.h"
#include "cli/edit/edit_out.h"
#include "cli/edit/edit_work.h"
#include "cli/frame/command.h"
#include "cli/in/heads.h"

typedef cli_edit_settings settings;

/* All chosen heads; those of the last layer, when there are others too; each, when asked for. */
typedef struct sets {
    clipspan_head_set *set; /* [count] */
    size_t count;
    clipspan_head *last;          /* [edit's count] of the last layer */
    char (*names)[CLI_HEAD_ROOM]; /* [edit's count] */
} sets;

static clipspan_status make_sets(sets *s, const cli_edit_job *e, int each, clipspan_error *err)
{
    size_t in_last = 0;
    s->set = cs_alloc(e->count + 2, sizeof *s->set, "sets of heads", err);
    s->last = cs_alloc(e->count, sizeof *s->last, "sets of heads", err);
    s->names = cs_alloc(e->count, sizeof *s->names, "sets of heads", err);
    if (!s->set || !s->last || !s->names) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < e->count; i++)
        if (e->heads[i].layer == e->info->layers - 1) s->last[in_last++] = e->heads[i];
    s->set[s->count++] = (clipspan_head_set){"all chosen", e->heads, e->count};
    if (in_last && in_last < e->count)
        s->set[s->count++] = (clipspan_head_set){"of the last layer", s->last, in_last};
    for (size_t i = 0; i < e->count && each && e->count > 1; i++) {
        cli_head_name(s->names[i], e->heads[i]);
        s->set[s->count++] = (clipspan_head_set){s->names[i], &e->heads[i], 1};
    }
    return CLIPSPAN_OK;
}

static void free_sets(sets *s)
{
    cs_free(s->set);
    cs_free(s->last);
    cs_free(s->names);
}

/* Reads means of heads, lists images. */
static clipspan_status open_check(clipspan_edit_check **out, cli_edit_job *e, const sets *s,
                                  clipspan_error *err)
{
    clipspan_progress progress = {cli_progress_step, e->session};
    clipspan_status status;
    cli_progress_begin(e->session, "chunks");
    status = clipspan_edit_check_new(out, e->model, e->run, s->set, s->count, &e->options,
                                     &progress, err);
    cli_progress_end(e->session);
    CS_TRY(status);
    cli_stage(e->session, "means of heads read");
    return CLIPSPAN_OK;
}

/* ---- A remedy ---- */

/* The pair that --pair names, or the only one for which something is recommended. */
static clipspan_status find_pair(size_t *pair, const clipspan_remedy *remedy, const settings *x,
                                 clipspan_error *err)
{
    const size_t pairs = clipspan_remedy_get_info(remedy)->pairs;
    size_t recommended = 0, last = 0;
    for (size_t i = 0; i < pairs; i++)
        if (clipspan_remedy_get_pair(remedy, i)->chosen) {
            recommended++;
            last = i;
        }
    *pair = x->pair ? (size_t)x->pair - 1 : last;
    if (x->pair > pairs)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--pair: %s has %zu, number %llu was asked for",
                       x->remedy, pairs, (unsigned long long)x->pair);
    if (!x->pair && recommended > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--remedy: %s recommends something for %zu pairs of classes; say which with "
                       "--pair",
                       x->remedy, recommended);
    if (clipspan_remedy_get_pair(remedy, *pair)->chosen) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--remedy: %s: nothing to write: %s", x->remedy,
                   clipspan_remedy_get_pair(remedy, *pair)->why);
}

/* The heads that the remedy changes: the set's, and what is mean-ablated where it says so. */
static clipspan_status take_remedy(cli_edit_job *e, const settings *x, clipspan_error *err)
{
    const clipspan_candidate *c;
    size_t pair, width;
    if (x->heads || x->role || x->each)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--remedy says what is changed: leave out --heads, --role and --each");
    CS_TRY(clipspan_remedy_read(&e->remedy, x->remedy, err));
    CS_TRY(find_pair(&pair, e->remedy, x, err));
    c = clipspan_remedy_get_candidate(e->remedy, pair,
                                      clipspan_remedy_get_pair(e->remedy, pair)->chosen);
    e->heads = cs_alloc((size_t)c->heads, sizeof *e->heads, "heads", err);
    if (!e->heads) return CLIPSPAN_E_NOMEM;
    for (; e->count < (size_t)c->heads; e->count++)
        e->heads[e->count] = clipspan_remedy_get_head(e->remedy, pair, e->count)->head;
    e->changes = clipspan_remedy_get_weight_changes(e->remedy, pair, &e->change_count, &width);
    if (e->changes && width != (size_t)e->info->embed_width)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, x->remedy,
                          "is of a model whose embeddings have %zu numbers, not %d", width,
                          e->info->embed_width);
    e->options.changes = e->changes;
    e->options.change_count = e->change_count;
    return CLIPSPAN_OK;
}

static clipspan_status make_remedy_set(sets *s, const cli_edit_job *e, clipspan_error *err)
{
    s->set = cs_alloc(1, sizeof *s->set, "sets of heads", err);
    if (!s->set) return CLIPSPAN_E_NOMEM;
    s->set[s->count++] = (clipspan_head_set){"recommended", e->heads, e->count};
    return CLIPSPAN_OK;
}

static clipspan_status edit_model(cli_edit_job *e, clipspan_edit_check **check, const sets *s,
                                  clipspan_error *err)
{
    const int dry_run = e->x->out.dry_run, document = e->session->form == CLI_FORM_JSON;
    CS_TRY(cli_edit_check_output(e, e->heads, e->count, 0, err));
    if (dry_run && !document)
        return cli_edit_announce(e, e->heads, e->count,
                                 e->change_count ? "of which the cue is taken" : "mean-ablated",
                                 err);
    if (!dry_run) CS_TRY(cli_edit_images(e, err));
    CS_TRY(open_check(check, e, s, err));
    if (!dry_run) CS_TRY(cli_edit_run(e, *check, 0, err));
    return cli_edit_show(e, *check, err);
}

static clipspan_status run_job(cli_edit_job *e, clipspan_edit_check **check, sets *s,
                               const settings *own, clipspan_error *err)
{
    if (own->remedy) {
        CS_TRY(take_remedy(e, own, err));
        CS_TRY(make_remedy_set(s, e, err));
        return edit_model(e, check, s, err);
    }
    if (!e->x->heads && !e->x->role)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head is chosen: name heads with --heads L%d.H0,..., a role with "
                       "--role, or what clipspan shortcut --json recommends with --remedy",
                       e->info->layers - 1);
    CS_TRY(cli_edit_heads(e, err));
    CS_TRY(make_sets(s, e, own->each, err));
    return edit_model(e, check, s, err);
}

static clipspan_status run_command(cli_session *session, const void *given, clipspan_error *err)
{
    const settings *x = given;
    const clipspan_edit_check_options none = CLIPSPAN_EDIT_CHECK_OPTIONS_INIT;
    cli_edit_job e = {.options = none};
    clipspan_edit_check *check = NULL;
    sets s = {0};
    clipspan_status status = cli_edit_open(&e, session, x, err);
    if (status == CLIPSPAN_OK) status = run_job(&e, &check, &s, x, err);
    clipspan_edit_check_free(&check);
    free_sets(&s);
    cli_edit_close(&e);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_EDIT_HEADS,
    CLI_OPT_EDIT_ROLE,
    CLI_FLAG("Heads", "each", 0, "also measure each chosen head alone", each),
    CLI_FILE("Heads", "remedy", 0, "FILE.json",
             "write what clipspan shortcut --json recommends in place of chosen heads", remedy),
    CLI_WHOLE("Heads", "pair", 0, "N",
              "of --remedy: which pair of classes, from 1 (default: the only one with a "
              "recommendation)",
              pair, 1, 1000),
    CLI_OPT_EDIT_REST,
};

const cli_command cli_edit = {
    .name = "edit",
    .usage = "MODEL RUN [INPUT...] --heads L22.H11,...|FILE -o FOLDER\n"
             "MODEL RUN [INPUT...] --role NAME -o FOLDER\n"
             "MODEL RUN [INPUT...] --remedy FILE.json -o FOLDER",
    .summary = "write a checkpoint with heads mean-ablated or a remedy in the weights; measure it",
    .about =
        "Writes the checkpoint in the layout it came from, so that open_clip and transformers load "
        "it: the heads' slice of each output projection is zero, and what it made of their mean "
        "over RUN is in the bias. Every other tensor keeps its bytes.\n"
        "--remedy writes what clipspan shortcut recommends: heads mean-ablated, the cue taken from "
        "heads (the scale of the last LayerNorm at its mean), or a text direction projected out of "
        "the embedding, which is exact.\n"
        "Then the written network sees images, and it is said how far its output lies from what "
        "the heads' direct effects predict: later layers read what is changed here. Images are the "
        "run's, or those of INPUT, read as RUN's were; those that cannot be read are left out and "
        "counted. Accuracy needs --classes.",
    .examples =
        "clipspan edit MODEL run --heads L11.H3,L10.H11 -o edited --classes birds.txt\ttwo heads "
        "mean-ablated\n"
        "clipspan edit MODEL run --role location --each -o edited\tby role; each head's distance "
        "too",
    .arguments = {"MODEL", "RUN", "[INPUT...]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "mean-ablated\tthe set of heads: all chosen, of the last layer, or with --each one\n"
               "heads\thow many\n"
               "off: mean, median, largest\tover the images: L2 distance of the network's unit "
               "embedding from the direct-effect prediction\n"
               "moved\tmean L2 distance of the network's embedding from the unedited one\n"
               "predicted, network\taccuracy by the direct-effect prediction, and of the network; "
               "where no image has a label, share of predictions kept",
};
