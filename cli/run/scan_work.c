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
    if (x->shard) CS_TRY(cli_shard_read(&j->options.shard, &j->options.shards, x->shard, err));
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

/* A run that is planned: its model from where it was, or --model. */
static clipspan_status open_planned(cli_scan_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    CS_TRY(clipspan_run_open(&j->run, j->path, err));
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

static clipspan_status scan(cli_scan_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    char memory[CLI_NUMBER_ROOM], threads[CLI_NUMBER_ROOM];
    double start = cli_seconds();
    j->options.threads = (int)s->threads;
    j->options.verify_sum = j->x->verify_sum;
    if (!j->inputs) j->options.root = j->x->images.root; /* else the list's paths start there */
    cli_signals_hold();
    s->resumable = 1;
    cli_progress_begin(s, "images");
    status = clipspan_run_scan(&j->result, j->path, j->model, &j->options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    j->seconds = cli_seconds() - start;
    cli_stage(s, "images scanned");
    cli_format_bytes(memory, (double)j->result.memory);
    cli_count_of(threads, (uint64_t)cli_threads(s), "thread");
    cli_detail(s, "%s of passes, coefficients and statistics; %s kernels, %s, %s", memory,
               clipspan_cpu_level(), clipspan_product_name(), threads);
    if (j->x->verify_sum && j->result.used)
        cli_note(s, "sums of components differ from their embeddings by %.1e at most",
                 j->result.residual);
    if (!j->options.shards) return cli_scan_merge(j, err);
    s->skipped = (size_t)j->result.skipped;
    return CLIPSPAN_OK;
}

void cli_scan_close(cli_scan_job *j)
{
    clipspan_run_close(&j->run);
    clipspan_inputs_close(&j->inputs);
    clipspan_model_close(&j->model);
}

clipspan_status cli_scan_plan(cli_scan_job *j, clipspan_error *err)
{
    CS_TRY(check_arguments(j, err));
    return plan(j, err);
}

clipspan_status cli_scan_run(cli_scan_job *j, clipspan_error *err)
{
    CS_TRY(check_arguments(j, err));
    CS_TRY(j->model_path ? plan(j, err) : open_planned(j, err));
    if (j->x->out.dry_run) {
        cli_run_show_plan(j->session, j->path, j->model, j->inputs, j->run, &j->plan, 1);
        return CLIPSPAN_OK;
    }
    if (j->found) cli_note(j->session, "%s: resuming a run of the same plan", j->path);
    return scan(j, err);
}
