/* SPDX-License-Identifier: MIT */
/* clipspan plan, scan, merge: pictures once through a model, into a run folder. */
#include "scan_command.h"
#include "commands.h"
#include "numbers.h"
#include "pictures.h"
#include "run_out.h"
#include "shard.h"
#include "signals.h"
#include "target.h"

#include <string.h>

typedef struct job {
    cli_session *session;
    const char *path; /* of the run */
    clipspan_model *model;
    clipspan_inputs *inputs;
    clipspan_run *run;
    clipspan_scan_options options;
    clipspan_scan_result result;
    int found; /* the plan was there already */
    double seconds;
} job;

/* Of a folder that is planned already, only shares and threads are still to be chosen. */
static clipspan_status check_planned(const cli_settings *x, clipspan_error *err)
{
    const struct {
        const char *name;
        int given;
    } options[] = {
        {"labels", x->labels != NULL},
        {"groups", x->groups != NULL},
        {"path-column", x->path_column != NULL},
        {"codes", x->codes},
        {"precision", x->precision},
        {"config", x->config != NULL},
        {"quick-gelu", x->quick_gelu},
        {"allow-nonfinite", x->allow_nonfinite},
        {"exif-orient", x->exif_orient},
        {"max-pixels", x->max_pixels != 0},
        {"force", x->force},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--%s belongs to planning: scan RUN takes a run as it was planned. To "
                           "plan and scan: clipspan scan MODEL INPUT... -o RUN",
                           options[i].name);
    return CLIPSPAN_OK;
}

static clipspan_status check_arguments(job *j, int planned, clipspan_error *err)
{
    const cli_settings *x = &j->session->settings;
    if (planned) {
        CS_TRY(check_planned(x, err));
    } else if (x->arguments.count < 2) {
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "nothing to scan: give pictures (files, folders, a CSV, - for a list)");
    } else if (!x->output) {
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "say where the run goes with -o FOLDER");
    } else if (x->model) {
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--model says where the model of a planned run is; here it is the first "
                       "argument");
    }
    j->path = planned ? x->arguments.items[0] : x->output;
    if (x->shard) CS_TRY(cli_shard_read(&j->options.shard, &j->options.shards, x->shard, err));
    return cli_check_precision(j->session, err);
}

static clipspan_status plan(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const cli_settings *x = &s->settings;
    clipspan_plan_options options = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_picture_options picture = CLIPSPAN_PICTURE_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    CS_TRY(cli_model_open(&j->model, s, err));
    if (x->command->bit == CLI_ATLAS && !clipspan_model_get_info(j->model)->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, clipspan_model_get_info(j->model)->name,
                          "has no text tower, so texts cannot be compared with its heads; clipspan "
                          "scan takes its pictures apart without texts");
    CS_TRY(cli_pictures_open(&j->inputs, s, err));
    if (x->dry_run) return CLIPSPAN_OK;
    options.codes = (clipspan_codes)x->codes;
    options.precision = x->precision ? CLIPSPAN_BF16 : CLIPSPAN_F32;
    picture.exif_orient = x->exif_orient;
    picture.max_pixels = x->max_pixels;
    options.picture = &picture;
    options.replace = x->force;
    cli_progress_begin(s, "bytes");
    status = clipspan_run_plan(&j->found, j->path, j->model, j->inputs, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "weights hashed, run planned");
    return clipspan_run_open(&j->run, j->path, err);
}

/* A run that is planned: its model from where it was, or --model. */
static clipspan_status open_planned(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    CS_TRY(clipspan_run_open(&j->run, j->path, err));
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&j->model, j->run, s->settings.model, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "checkpoint opened, weights hashed");
    return CLIPSPAN_OK;
}

static clipspan_status merge(job *j, clipspan_error *err)
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

static clipspan_status scan(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    char memory[CLI_NUMBER_ROOM];
    double start = cli_seconds();
    j->options.threads = (int)s->settings.threads;
    j->options.verify_sum = s->settings.verify_sum;
    if (!j->inputs) j->options.root = s->settings.root; /* else the list's paths start there */
    cli_signals_hold();
    s->resumable = 1;
    cli_progress_begin(s, "pictures");
    status = clipspan_run_scan(&j->result, j->path, j->model, &j->options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    j->seconds = cli_seconds() - start;
    cli_stage(s, "pictures scanned");
    cli_format_bytes(memory, (double)j->result.memory);
    cli_detail(s, "%s of passes, codes and statistics; %s kernels, %s, %d threads", memory,
               clipspan_cpu_level(), clipspan_product_name(), cli_threads(s));
    if (s->settings.verify_sum && j->result.used)
        cli_note(s, "sums of terms differ from their embeddings by %.1e at most",
                 j->result.residual);
    if (!j->options.shards) return merge(j, err);
    s->skipped = (size_t)j->result.skipped;
    return CLIPSPAN_OK;
}

static void close_job(job *j)
{
    clipspan_run_close(&j->run);
    clipspan_inputs_close(&j->inputs);
    clipspan_model_close(&j->model);
}

static clipspan_status plan_and_scan(job *j, clipspan_error *err)
{
    const cli_settings *x = &j->session->settings;
    const int planned = x->command->bit == CLI_SCAN && x->arguments.count == 1 && !x->output;
    CS_TRY(check_arguments(j, planned, err));
    CS_TRY(planned ? open_planned(j, err) : plan(j, err));
    if (x->dry_run) {
        cli_run_show_plan(j->session, j->path, j->model, j->inputs, j->run);
        return CLIPSPAN_OK;
    }
    if (j->found) cli_note(j->session, "%s: goes on with a run of the same plan", j->path);
    return scan(j, err);
}

clipspan_status cli_scan_open(clipspan_run **run, clipspan_model **model, cli_session *s,
                              clipspan_error *err)
{
    job j = {.session = s, .options = CLIPSPAN_SCAN_OPTIONS_INIT};
    clipspan_status status = plan_and_scan(&j, err);
    *model = j.model;
    *run = s->settings.dry_run ? NULL : j.run;
    j.model = NULL;
    if (*run) j.run = NULL;
    close_job(&j);
    return status;
}

static clipspan_status run_scan(job *j, clipspan_error *err)
{
    CS_TRY(plan_and_scan(j, err));
    if (j->session->settings.dry_run) return CLIPSPAN_OK;
    cli_run_show_scan(j->session, clipspan_run_get_info(j->run), &j->options, &j->result,
                      j->seconds);
    return CLIPSPAN_OK;
}

clipspan_status cli_run_scan(cli_session *s, clipspan_error *err)
{
    job j = {.session = s, .options = CLIPSPAN_SCAN_OPTIONS_INIT};
    clipspan_status status = run_scan(&j, err);
    close_job(&j);
    return status;
}

clipspan_status cli_run_plan(cli_session *s, clipspan_error *err)
{
    job j = {.session = s};
    clipspan_status status = check_arguments(&j, 0, err);
    if (status == CLIPSPAN_OK) status = plan(&j, err);
    if (status == CLIPSPAN_OK) cli_run_show_plan(s, j.path, j.model, j.inputs, j.run);
    close_job(&j);
    return status;
}

clipspan_status cli_run_merge(cli_session *s, clipspan_error *err)
{
    job j = {.session = s, .path = s->settings.arguments.items[0]};
    clipspan_status status;
    cli_signals_hold();
    s->resumable = 1;
    status = merge(&j, err);
    if (status == CLIPSPAN_OK) cli_run_show_scan(s, clipspan_run_get_info(j.run), NULL, NULL, 0);
    close_job(&j);
    return status;
}
