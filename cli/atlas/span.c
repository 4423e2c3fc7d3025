/* SPDX-License-Identifier: MIT */
/* clipspan span: the texts that span what each head writes. */
#include "base/file.h"
#include "cli/atlas/atlas_work.h"
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>

typedef struct {
    cli_atlas_settings atlas;
    cli_output_settings out;
    const char *official;
} settings;

static clipspan_status span_run(cli_atlas_job *j, const settings *x, clipspan_error *err)
{
    clipspan_export_options options = CLIPSPAN_EXPORT_OPTIONS_INIT;
    CS_TRY(clipspan_run_open(&j->run, j->session->arguments.items[0], err));
    options.replace = x->out.force;
    if (x->official && !x->out.force && cs_path_kind(x->official) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, x->official,
                          "already exists; use --force to overwrite");
    CS_TRY(cli_atlas_make(j, err));
    if (x->official) CS_TRY(clipspan_atlas_export(x->official, NULL, j->atlas, &options, err));
    return cli_atlas_show_span(j->session, j->atlas, &j->heads, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    cli_atlas_job j = {.session = s, .x = &x->atlas};
    clipspan_status status = span_run(&j, x, err);
    cli_atlas_close(&j);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_ATLAS,
    CLI_OPT_ATLAS_HEADS,
    CLI_OPT_ATLAS_ALL,
    CLI_TEXT("Heads", "official", 0, "FILE", "write the basis texts as the published program does",
             official),
    CLI_OPT_ATLAS_MODEL,
    CLI_OPT_THREADS,
    CLI_OPT_FORCE,
    CLI_OPT_FORM,
};

const cli_command cli_span = {
    .name = "span",
    .usage = "RUN",
    .summary = "TEXTSPAN: the texts that span each head's output",
    .about = "From the statistics of a merged run alone: of a pool of texts the one along which a "
             "head's output varies most, then of what that leaves the next one, and so on. Beside "
             "it stands what as many control texts explain: a name is worth something when it "
             "beats them. A basis text is a direction along which the head's output spreads over "
             "the images, not a caption of any of them.\n"
             "The texts go through the model's text encoder once; results stay in the run.",
    .examples = "clipspan span run\tevery head, the pool that comes with the program\n"
                "clipspan span run --heads L22.H11\tone head in full\n"
                "clipspan span run --texts words.txt --layers last4 --official basis_texts.txt\tas "
                "published",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "head\tlayer and head, counted from 0\n"
        "named\tshare of the head's variance over the images that its basis texts explain "
        "together\n"
        "by control texts\tthe same for as many basis texts from the control pool\n"
        "first text, second text\tits first two basis texts\n"
        "share\tshare of the head's variance that a basis text explains, after those before it\n"
        "text, category\twith --heads: a basis text and its category in the pool\n"
        "stability\tshare of bootstrap resamples of the images in which the text is chosen again\n"
        "runner-up\tthe text that would have been chosen next\n"
        "ratio\tits variance over that of the chosen text",
};
