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
                   "%.300s is not a run; if it is a model, INPUT (an image, folder, CSV, or - for "
                   "a list) is missing: clipspan scan MODEL INPUT... -o RUN",
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
    CLI_IMAGES_ANYWHERE("Images", images_anywhere),
    CLI_OPT_RUN_COEFFICIENTS,
    CLI_OPT_RUN_LAYERS,
    CLI_TEXT(
        "Run", "shard", 0, "I/N|auto|auto/N",
        "process only shard I of N; auto: I and N from the job array or the ranks that a batch "
        "system or launcher sets; auto/N: of N shards the one with the task's own number, from "
        "1, so that a task that is submitted again alone does its own work",
        shard),
    CLI_FLAG("Run", "strict", 0,
             "end with 3 when images of the shard were skipped; without it a shard ends with 0, so "
             "that one damaged image does not stop all tasks of a job",
             strict),
    CLI_OPT_RUN_VERIFY,
    CLI_TEXT(
        "Run", "retries", 0, "N",
        "how often an image that cannot be read at the moment (a disk or share that is away, too "
        "many open files) is tried again, after growing waits, before the scan stops; it is "
        "not skipped (default: 3)",
        retries),
    CLI_FLAG("Run", "retry-skipped", 0,
             "try again the images that were skipped, as their files are now; results of later "
             "commands are removed, as they describe other images",
             retry_skipped),
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
    .summary = "decompose every image in one forward pass; keep statistics of every head",
    .about =
        "Passes every image through the image encoder once and keeps in the folder RUN what "
        "later commands read: statistics of each head, its K + 3 coefficients for each image "
        "(K is the head width; --coefficients), the embeddings, and the list of images with "
        "the outcome of each.\n"
        "Images are processed in chunks of 32, and each finished chunk is on disk. Ctrl-C "
        "stops after the chunks in progress, a second Ctrl-C at once; the same command then "
        "resumes. A different model, option or list is refused, and the message names both "
        "values; --force discards the old run.\n"
        "An image that is missing, damaged or of another kind is skipped, with its reason. One "
        "that cannot be read at the moment is waited for (--retries), and then the scan stops "
        "with what was done kept. --retry-skipped tries skipped images again, for example "
        "when they were repaired.\n"
        "scan RUN continues a run that plan made; with --shard it processes one shard, on any "
        "machine that sees the folder, and clipspan merge combines the shards. Without "
        "--shard the run is merged at the end. A shard that is done already ends at once.\n"
        "The result is the same bytes for any number of threads and shards, at one kernel "
        "level (clipspan version).",
    .examples =
        "clipspan scan MODEL photos/ -o run\tevery image below a folder\n"
        "clipspan scan MODEL birds.csv --labels y --groups y,place -o run\tlabels and groups kept\n"
        "clipspan scan run --shard auto/64\tone task of an array that was submitted as 1-64\n"
        "mpirun clipspan scan run --shard auto\tevery rank its shard",
    .arguments = {"MODEL", "[INPUT...]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
