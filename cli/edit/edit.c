/* SPDX-License-Identifier: MIT */
/* clipspan edit: a checkpoint in which chosen heads write their mean, and how far its output lies
 * from what their direct effects predict. */
#include "base/memory.h"
#include "cli/edit/edit_out.h"
#include "cli/edit/edit_work.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"

/* All chosen heads; those of the last layer, when there are others too; each, when asked for. */
static clipspan_status make_sets(cli_edit_job *e, int alone, clipspan_error *err)
{
    const int last = e->info->layers - 1;
    const size_t each = alone && e->count > 1 ? e->count : 0;
    cli_edit_set *set;
    size_t i, in_last = 0;
    CS_TRY(cli_edit_add_set(&set, e, "all chosen", e->count, err));
    for (i = 0; i < e->count; i++) {
        set->members[set->count++] = i;
        in_last += e->heads[i].layer == last;
    }
    cli_edit_mark_last(e, set);
    if (in_last && in_last < e->count) {
        CS_TRY(cli_edit_add_set(&set, e, "of the last layer", in_last, err));
        for (i = 0; i < e->count; i++)
            if (e->heads[i].layer == last) set->members[set->count++] = i;
        cli_edit_mark_last(e, set);
    }
    for (i = 0; i < each; i++) {
        char name[32];
        snprintf(name, sizeof name, "L%d.H%d", e->heads[i].layer, e->heads[i].head);
        CS_TRY(cli_edit_add_set(&set, e, name, 1, err));
        set->members[set->count++] = i;
        cli_edit_mark_last(e, set);
    }
    return CLIPSPAN_OK;
}

typedef struct {
    cli_image_settings images;
    cli_class_settings classes;
    cli_output_settings out;
    const char *heads, *role;
    uint64_t most;
    int each;
} settings;

static clipspan_status edit_model(cli_edit_job *e, cli_session *s, const cli_edit_settings *x,
                                  int each, clipspan_error *err)
{
    CS_TRY(cli_edit_open(e, s, x, err));
    if (!x->heads && !x->role)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head is chosen: name heads with --heads L%d.H0,... or a role with "
                       "--role",
                       e->info->layers - 1);
    CS_TRY(cli_edit_heads(e, err));
    CS_TRY(make_sets(e, each, err));
    CS_TRY(cli_edit_write(e, &e->sets[0], 0, err)); /* the checks: there are no means yet */
    if (x->out.dry_run) return cli_edit_announce(e, err);
    CS_TRY(cli_edit_prepare(e, err));
    cli_signals_hold();
    CS_TRY(cli_edit_write(e, &e->sets[0], 0, err));
    s->keeps_files = 1;
    CS_TRY(cli_edit_measure(e, x->out.output, err));
    return cli_edit_show(e, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *own = given;
    const cli_edit_settings x = {.images = own->images,
                                 .classes = own->classes,
                                 .out = own->out,
                                 .heads = own->heads,
                                 .role = own->role,
                                 .most = own->most};
    cli_edit_job e = {0};
    clipspan_status status = edit_model(&e, s, &x, own->each, err);
    cli_edit_close(&e);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_EDIT_HEADS,
    CLI_OPT_EDIT_ROLE,
    CLI_FLAG("Heads", "each", 0, "also measure each chosen head alone", each),
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

const cli_command cli_edit = {
    .name = "edit",
    .usage = "MODEL RUN [INPUT...] --heads L22.H11,...|FILE -o FOLDER\n"
             "MODEL RUN [INPUT...] --role NAME -o FOLDER",
    .summary = "write a checkpoint with heads mean-ablated in the weights; measure the network",
    .about =
        "Writes the checkpoint in the layout it came from, so that open_clip and transformers load "
        "it: the heads' slice of each output projection is zero, and what it made of their mean "
        "over RUN is in the bias. Every other tensor keeps its bytes.\n"
        "Then images pass through the written network, and the distance of its embeddings from "
        "what direct effects predict is given: later layers read what is changed here. Images are "
        "the "
        "run's, or those of INPUT; accuracy needs --classes.",
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
               "predicted, network\taccuracy by the direct-effect prediction, and of the network",
};
