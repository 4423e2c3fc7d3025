/* SPDX-License-Identifier: MIT */
/* The work of plan, scan and merge: images once through a model, into a run folder. */
#include "cli/run/scan_work.h"
#include "cli/frame/signals.h"
#include "cli/in/heads.h"
#include "cli/in/images.h"
#include "cli/out/numbers.h"
#include "cli/out/target.h"
#include "cli/run/scan_out.h"
#include "cli/run/shard.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define RETRIES_MOST 1000

/* Of a folder that is planned already, only shares and threads are still to be chosen. */
static clipspan_status check_planned(const cli_scan_settings *x, clipspan_error *err)
{
    const struct {
        const char *name;
        int given;
    } options[] = {
        {"labels", x->images.labels != NULL},
        {"groups", x->images.groups != NULL},
        {"path-column", x->images.path_column != NULL},
        {"coefficients", x->coefficients},
        {"layers", x->layers != NULL},
        {"precision", x->encoder.precision},
        {"config", x->load.config != NULL},
        {"quick-gelu", x->load.quick_gelu},
        {"allow-nonfinite", x->load.allow_nonfinite},
        {"exif-orient", x->images.exif_orient},
        {"max-pixels", x->images.max_pixels != 0},
        {"force", x->out.force},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--%s applies when a run is planned, and scan RUN continues one as it "
                           "was planned. To plan and scan: clipspan scan MODEL INPUT... -o RUN",
                           options[i].name);
    return CLIPSPAN_OK;
}

/* --retries: 0 is none, which the library calls -1. */
static clipspan_status read_retries(int *out, const char *text, clipspan_error *err)
{
    int number = 0;
    const char *p;
    for (p = text; *p >= '0' && *p <= '9' && number <= RETRIES_MOST; p++)
        number = 10 * number + (*p - '0');
    if (p == text || *p || number > RETRIES_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--retries: expected an integer from 0 to %d, found \"%.80s\"", RETRIES_MOST,
                       text);
    *out = number ? number : -1;
    return CLIPSPAN_OK;
}

static clipspan_status check_arguments(cli_scan_job *j, clipspan_error *err)
{
    const cli_scan_settings *x = j->x;
    if (!j->model_path) {
        CS_TRY(check_planned(x, err));
    } else if (j->source_count == 0) {
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "nothing to scan: give images (files, folders, a CSV, - for a list)");
    } else if (!x->out.output) {
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "say where the run goes with -o FOLDER");
    } else if (x->model) {
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--model says where the model of a planned run is; here it is the first "
                       "argument");
    }
    if (j->model_path) {
        j->path = x->out.output;
        CS_TRY(cli_folder_check(j->path, "scan", "a run", err));
    }
    if (x->strict && !x->shard)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--strict is for a shard; without --shard, skipped images end with 3 always");
    if (x->shard) CS_TRY(cli_shard_read(&j->options.shard, &j->options.shards, x->shard, err));
    if (x->shard && x->retry_skipped)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--retry-skipped does not apply to a shard: clipspan scan RUN "
                       "--retry-skipped does the few images of all of them");
    if (x->retries) CS_TRY(read_retries(&j->options.retries, x->retries, err));
    j->options.retry_skipped = x->retry_skipped;
    return cli_check_precision(&x->encoder, err);
}

/* What is kept of every image. */
static clipspan_status choose_kept(clipspan_plan_options *options, const cli_scan_settings *x,
                                   const clipspan_model_info *model, clipspan_error *err)
{
    options->coefficients = (clipspan_coefficients)x->coefficients;
    options->precision = x->encoder.precision ? CLIPSPAN_BF16 : CLIPSPAN_F32;
    options->replace = x->out.force;
    if (!x->layers) return CLIPSPAN_OK;
    if (options->coefficients == CLIPSPAN_COEFFICIENTS_NONE)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--layers says whose coefficients are kept, and with --coefficients none "
                       "none are");
    return cli_layers_read(&options->first_layer, &options->layer_count, x->layers,
                           model->split_layers, err);
}

static clipspan_status plan(cli_scan_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const cli_scan_settings *x = j->x;
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    CS_TRY(cli_model_open(&j->model, s, j->model_path, &x->load, err));
    if (j->needs_texts && !clipspan_model_get_info(j->model)->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, clipspan_model_get_info(j->model)->name,
                          "has no text encoder, so texts cannot be compared with its heads; "
                          "clipspan scan decomposes its images without texts");
    j->plan = (clipspan_plan_options)CLIPSPAN_PLAN_OPTIONS_INIT;
    CS_TRY(choose_kept(&j->plan, x, clipspan_model_get_info(j->model), err));
    CS_TRY(cli_images_list(&j->inputs, s, j->sources, j->source_count, &x->images, err));
    if (x->out.dry_run) return CLIPSPAN_OK;
    image.exif_orient = x->images.exif_orient;
    image.max_pixels = x->images.max_pixels;
    j->plan.image = &image;
    cli_progress_begin(s, "bytes");
    status = clipspan_run_plan(&j->found, j->path, j->model, j->inputs, &j->plan, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "weights hashed, run planned");
    return clipspan_run_open(&j->run, j->path, err);
}

/* Whether all chunks of the shard, or of the run, are there: then nothing needs the model, which
 * may take a cluster's disk minutes. What they are is what the scan would have said. */
static clipspan_status is_done(int *done, cli_scan_job *j, clipspan_error *err)
{
    const clipspan_scan_options *o = &j->options;
    const uint64_t shard = o->shards ? o->shard : 1, shards = o->shards ? o->shards : 1;
    clipspan_shard_progress p;
    CS_TRY(clipspan_run_read_progress(&p, shard, 1, shards, j->run, NULL, err));
    *done = p.chunks_done == p.chunks;
    if (!*done) return CLIPSPAN_OK;
    j->result = (clipspan_scan_result){.chunks = p.chunks, .chunks_before = p.chunks};
    return CLIPSPAN_OK;
}

/* A run that is planned: its model from where it was, or --model. */
static clipspan_status open_planned(cli_scan_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    CS_TRY(clipspan_run_open(&j->run, j->path, err));
    /* A model that is named is compared; images to be tried again are left. */
    if (!j->x->model && !j->x->retry_skipped) CS_TRY(is_done(&j->done, j, err));
    if (j->done) {
        cli_stage(s, "nothing left to scan");
        return CLIPSPAN_OK;
    }
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&j->model, j->run, j->x->model, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "checkpoint opened, weights hashed");
    return CLIPSPAN_OK;
}

clipspan_status cli_scan_merge(cli_scan_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    cli_progress_begin(s, "chunks");
    status = clipspan_run_merge(j->path, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "chunks merged");
    clipspan_run_close(&j->run);
    CS_TRY(clipspan_run_open(&j->run, j->path, err));
    return cli_run_skipped(s, j->run, err);
}

/* A shard is one task of many, and what starts them takes any status but 0 for a failure of the
 * task: images that were skipped are told, and are none, unless --strict says so. */
static clipspan_status end_scan(cli_scan_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    char skipped[CLI_NUMBER_ROOM];
    if (!j->options.shards) return cli_scan_merge(j, err);
    if (j->x->strict)
        s->skipped = (size_t)j->result.skipped;
    else if (j->result.skipped) {
        cli_count_of(skipped, j->result.skipped, "image");
        cli_note(s, "%s skipped in this shard; clipspan status %s counts them by reason", skipped,
                 j->path);
    }
    return CLIPSPAN_OK;
}

/* What was tried more than once. */
static void note_retries(cli_session *s, const cli_scan_job *j)
{
    char count[CLI_NUMBER_ROOM];
    if (j->result.retried) {
        cli_count_of(count, j->result.retried, "read");
        cli_note(s, "%s failed for a moment and %s tried again", count,
                 j->result.retried == 1 ? "was" : "were");
    }
    if (j->options.retry_skipped) {
        cli_count_of(count, j->result.again, "skipped image");
        cli_note(s, "%s %s tried again", count, j->result.again == 1 ? "was" : "were");
    }
}

static clipspan_status scan(cli_scan_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    char memory[CLI_NUMBER_ROOM], threads[CLI_NUMBER_ROOM];
    double start = cli_seconds();
    j->options.threads = (int)s->threads;
    j->options.verify_sum = j->x->verify_sum;
    j->options.images_anywhere = j->x->images_anywhere;
    if (!j->inputs) j->options.root = j->x->images.root; /* else the list's paths start there */
    cli_signals_hold();
    s->resumable = 1;
    cli_progress_begin(s, "images");
    status = clipspan_run_scan(&j->result, j->path, j->model, &j->options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    j->seconds = cli_seconds() - start;
    cli_stage(s, "images scanned");
    note_retries(s, j);
    cli_format_bytes(memory, (double)j->result.memory);
    cli_count_of(threads, (uint64_t)cli_threads(s), "thread");
    cli_detail(s, "%s of passes, coefficients and statistics; %s kernels, %s, %s", memory,
               clipspan_cpu_level(), clipspan_product_name(), threads);
    if (j->x->verify_sum && j->result.used)
        cli_note(s, "sums of components differ from their embeddings by %.1e at most",
                 j->result.residual);
    return end_scan(j, err);
}

void cli_scan_close(cli_scan_job *j)
{
    clipspan_run_close(&j->run);
    clipspan_inputs_close(&j->inputs);
    clipspan_model_close(&j->model);
}

clipspan_status cli_scan_plan(cli_scan_job *j, clipspan_error *err)
{
    cli_signals_resumable();
    CS_TRY(check_arguments(j, err));
    return plan(j, err);
}

clipspan_status cli_scan_run(cli_scan_job *j, clipspan_error *err)
{
    cli_signals_resumable();
    CS_TRY(check_arguments(j, err));
    CS_TRY(j->model_path ? plan(j, err) : open_planned(j, err));
    if (j->x->out.dry_run) {
        cli_run_show_plan(j->session, j->path, j->model, j->inputs, j->run, &j->plan, 1);
        return CLIPSPAN_OK;
    }
    if (j->done) return end_scan(j, err);
    if (j->found) cli_note(j->session, "%s: resuming a run of the same plan", j->path);
    return scan(j, err);
}
