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

static clipspan_status edit_model(cli_edit_job *e, clipspan_edit_check **check, const sets *s,
                                  clipspan_error *err)
{
    const int dry_run = e->x->out.dry_run, document = e->session->form == CLI_FORM_JSON;
    CS_TRY(cli_edit_check_output(e, e->heads, e->count, 0, err));
    if (dry_run && !document) return cli_edit_announce(e, e->heads, e->count, "mean-ablated", err);
    if (!dry_run) CS_TRY(cli_edit_images(e, err));
    CS_TRY(open_check(check, e, s, err));
    if (!dry_run) CS_TRY(cli_edit_run(e, *check, 0, err));
    return cli_edit_show(e, *check, err);
}

static clipspan_status run_job(cli_edit_job *e, clipspan_edit_check **check, sets *s, int each,
                               clipspan_error *err)
{
    if (!e->x->heads && !e->x->role)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head is chosen: name heads with --heads L%d.H0,... or a role with "
                       "--role",
                       e->info->layers - 1);
    CS_TRY(cli_edit_heads(e, err));
    CS_TRY(make_sets(s, e, each, err));
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
    if (status == CLIPSPAN_OK) status = run_job(&e, &check, &s, x->each, err);
    clipspan_edit_check_free(&check);
    free_sets(&s);
    cli_edit_close(&e);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_EDIT_HEADS,
    CLI_OPT_EDIT_ROLE,
    CLI_FLAG("Heads", "each", 0, "also measure each chosen head alone", each),
    CLI_OPT_EDIT_REST,
};

const cli_command cli_edit = {
    .name = "edit",
    .usage = "MODEL RUN [INPUT...] --heads L22.H11,...|FILE -o FOLDER\n"
             "MODEL RUN [INPUT...] --role NAME -o FOLDER",
    .summary = "write a checkpoint with heads mean-ablated in the weights; measure the network",
    .about =
        "Writes the checkpoint in the layout it came from, so that open_clip and transformers load "
        "it: the heads' slice of each output projection is zero, and what it made of their mean "
        "over RUN is in the bias. Every other tensor keeps its bytes.\n"
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
               "where no image has a label, share of predictions that stay",
};
