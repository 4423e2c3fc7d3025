/* SPDX-License-Identifier: MIT */
/* clipspan scan: images once through a model, into a run; or a planned run, or a share of it. */
#include "cli/frame/command.h"
#include "cli/run/scan_out.h"
#include "cli/run/scan_work.h"

#include <clipspan/clipspan.h>

typedef cli_scan_settings settings;

/* One argument: a run that was planned. What is none is a model whose INPUT is missing. */
static clipspan_status check_run(const char *path, clipspan_error *err)
{
    clipspan_run *run = NULL;
    clipspan_error why;
    const clipspan_status status = clipspan_run_open(&run, path, &why);
    clipspan_run_close(&run);
    if (status != CLIPSPAN_E_NOT_FOUND) return CLIPSPAN_OK; /* opened again, with its own errors */
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "%.300s is no run, and for a model INPUT (an image, folder, CSV, or - for a "
                   "list) is missing: clipspan scan MODEL INPUT... -o RUN",
                   path);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    const cli_list *arguments = &s->arguments;
    const int planned = arguments->count == 1 && !x->out.output;
    cli_scan_job j = {.session = s, .x = x, .options = CLIPSPAN_SCAN_OPTIONS_INIT};
    clipspan_status status;
    if (planned) {
        CS_TRY(check_run(arguments->items[0], err));
        j.path = arguments->items[0];
    } else {
        j.model_path = arguments->items[0];
        j.sources = arguments->items + 1;
        j.source_count = arguments->count - 1;
    }
    status = cli_scan_run(&j, err);
    if (status == CLIPSPAN_OK && !x->out.dry_run)
        cli_run_show_scan(s, clipspan_run_get_info(j.run), &j.options, &j.result, j.seconds);
    cli_scan_close(&j);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_IMAGES,
    CLI_OPT_RUN_COEFFICIENTS,
    CLI_OPT_RUN_LAYERS,
    CLI_TEXT(
        "Run", "shard", 0, "I/N|auto|auto/N",
        "do shard I of N only; auto: numbers from Open MPI, PMI, Slurm or a Kubernetes indexed job",
        shard),
    CLI_OPT_RUN_VERIFY,
    CLI_OPT_MODEL,
    CLI_OPT_PRECISION,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_OPT_ALLOW_NONFINITE,
    CLI_OPT_RUN_OUTPUT,
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_scan = {
    .name = "scan",
    .usage = "MODEL INPUT... -o RUN\nRUN [--shard I/N|auto]",
    .summary = "one forward pass an image; decompose and keep statistics of every head",
    .about =
        "Passes every image through the image encoder once and keeps in the folder RUN what later "
        "commands read: statistics of each head, k + 3 numbers an image and head "
        "(--coefficients), embeddings, and the list with what became of each image.\n"
        "Images are taken 32 at a time. What is done is on disk at once: Ctrl-C ends after the "
        "chunks at work, a second one at once, and the same call goes on where it was. Another "
        "model, option or list is refused with both values, unless --force throws the old run "
        "away.\n"
        "scan RUN goes on with a run that plan made; with --shard it does one shard, on any "
        "machine that sees the folder. clipspan merge adds the shards up; without --shard that is "
        "done at the end.\n"
        "The same bytes come out for any number of threads and shards, on one CPU level.",
    .examples =
        "clipspan scan MODEL photos/ -o run\tevery image below a folder\n"
        "clipspan scan MODEL birds.csv --labels y --groups y,place -o run\tlabels and groups kept\n"
        "clipspan scan run --shard auto\tone task of a Slurm array, mpirun or an indexed job",
    .arguments = {"MODEL", "[INPUT...]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
