/* SPDX-License-Identifier: MIT */
/* Opening what a question about a run's classification needs. */
#include "cli/in/evaluation.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <string.h>

static clipspan_status check_templates(const clipspan_texts *templates, const char *source,
                                       clipspan_error *err)
{
    for (size_t i = 0; i < clipspan_texts_get_count(templates); i++)
        if (!strstr(clipspan_texts_get_text(templates, i), "{}"))
            return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, source,
                              "template \"%.80s\" has no {} where the class name goes",
                              clipspan_texts_get_text(templates, i));
    return CLIPSPAN_OK;
}

clipspan_status cli_classifier_make(clipspan_bank **out, cli_session *session,
                                    clipspan_encoder *encoder, const clipspan_texts *classes,
                                    const char *templates, clipspan_error *err)
{
    clipspan_progress progress = {cli_progress_step, session};
    clipspan_texts *list;
    clipspan_status status;
    const char *source = templates ? templates : "openai";
    *out = NULL;
    CS_TRY(clipspan_texts_open(&list, source, err));
    status = check_templates(list, source, err);
    if (status == CLIPSPAN_OK) {
        cli_progress_begin(session, "texts");
        status = clipspan_bank_new_classes(out, encoder, classes, list, &progress, err);
        cli_progress_end(session);
        cli_stage(session, "classes embedded");
    }
    clipspan_texts_free(&list);
    return status;
}

static clipspan_status open_model(cli_evaluation *ev, clipspan_error *err)
{
    cli_session *s = ev->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_status status;
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&ev->model, ev->run, ev->x->model, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "checkpoint opened, weights hashed");
    if (!clipspan_model_get_info(ev->model)->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, clipspan_run_get_info(ev->run)->model_name,
                          "has no text encoder, so it cannot embed class names; give a classifier "
                          "with --classifier FILE.npy");
    options.modality = CLIPSPAN_TEXT;
    options.threads = (int)s->threads;
    CS_TRY(clipspan_encoder_new(&ev->encoder, ev->model, &options, err));
    cli_stage(s, "text encoder read and packed");
    return CLIPSPAN_OK;
}

/* Before any work: both runs exist, are merged, kept coefficients, and are of one model. */
static clipspan_status check_runs(const cli_evaluation *ev, clipspan_error *err)
{
    const clipspan_run *runs[] = {ev->run, ev->mean_run};
    const clipspan_run_info *one = clipspan_run_get_info(ev->run);
    for (size_t i = 0; i < 2 && runs[i]; i++) {
        const clipspan_run_info *info = clipspan_run_get_info(runs[i]);
        if (strcmp(info->model_hash, one->model_hash) != 0)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, info->path,
                              "is a run of model %s (%.12s…), but %s one of %s (%.12s…); means "
                              "come from a run of the same model",
                              info->model_name, info->model_hash, one->path, one->model_name,
                              one->model_hash);
        if (!info->merged)
            return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, info->path,
                              "is not merged yet: finish it with clipspan scan, or, when all "
                              "shards are scanned, with clipspan merge");
        if (info->coefficients == CLIPSPAN_COEFFICIENTS_NONE)
            return cs_fail_at(
                err, CLIPSPAN_E_NOT_FOUND, info->path,
                "keeps no coefficients of its images, which this needs; scan with --coefficients "
                "f32 or f16");
    }
    return CLIPSPAN_OK;
}

static clipspan_status check_columns(const cli_evaluation_settings *x, clipspan_error *err)
{
    if ((x->labels || x->groups) && !x->from)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--%s names a column of a file: give the file with --from FILE.csv; without both, "
            "labels and groups are those the run was scanned with",
            x->labels ? "labels" : "groups");
    if (x->from && !x->labels && (x->groups || !x->labels_elsewhere))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--from needs --labels COLUMN: which column of %s says what is right",
                       x->from);
    return CLIPSPAN_OK;
}

clipspan_status cli_evaluation_open(cli_evaluation *ev, cli_session *s, const char *path,
                                    const cli_evaluation_settings *settings, int need_texts,
                                    clipspan_error *err)
{
    memset(ev, 0, sizeof *ev);
    ev->session = s;
    ev->x = settings;
    CS_TRY(cli_classes_open(&ev->classes, &settings->classes, err));
    ev->class_count = clipspan_texts_get_count(ev->classes);
    CS_TRY(check_columns(settings, err));
    CS_TRY(clipspan_run_open(&ev->run, path, err));
    if (settings->mean) CS_TRY(clipspan_run_open(&ev->mean_run, settings->mean, err));
    CS_TRY(check_runs(ev, err));
    if (settings->classes.classifier && settings->classes.templates)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--templates and --classifier exclude each other: a classifier is made");
    if (settings->classes.classifier)
        CS_TRY(clipspan_bank_read(&ev->bank, settings->classes.classifier, ev->classes, err));
    if (!settings->classes.classifier || need_texts) CS_TRY(open_model(ev, err));
    if (settings->classes.classifier) return CLIPSPAN_OK;
    return cli_classifier_make(&ev->bank, s, ev->encoder, ev->classes, settings->classes.templates,
                               err);
}

static clipspan_status open_columns(clipspan_inputs **out, const cli_evaluation_settings *x,
                                    clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    options.root = x->root;
    options.path_column = x->path_column;
    options.labels = x->labels;
    options.groups = x->groups;
    return clipspan_inputs_open(out, &x->from, 1, &options, err);
}

clipspan_status cli_evaluation_study(cli_evaluation *ev, const float *cues, size_t cue_count,
                                     clipspan_error *err)
{
    const cli_evaluation_settings *x = ev->x;
    cli_session *s = ev->session;
    clipspan_evaluation_options options = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_inputs *inputs = NULL;
    clipspan_status status;
    char source[600];
    if (x->labels) {
        CS_TRY(open_columns(&inputs, x, err));
        snprintf(source, sizeof source, "column %.100s of %.400s", x->labels, x->from);
        options.source = source;
    }
    effects.cues = cues;
    effects.cue_count = cue_count;
    effects.threads = (int)s->threads;
    options.effects = &effects;
    options.inputs = inputs;
    options.means = ev->mean_run;
    cli_progress_begin(s, "chunks");
    status = clipspan_evaluation_new(&ev->study, ev->run, ev->bank, &options, &progress, err);
    cli_progress_end(s);
    clipspan_inputs_close(&inputs);
    cli_stage(s, "run read");
    return status;
}

clipspan_status cli_evaluation_kept(const cli_evaluation *ev, clipspan_status status,
                                    const clipspan_error *failed, clipspan_error *err)
{
    if (status == CLIPSPAN_OK) return CLIPSPAN_OK;
    if (status == CLIPSPAN_E_NOMEM) return cs_fail(err, CLIPSPAN_E_NOMEM, "%s", failed->message);
    cli_note(ev->session, "not kept for the run's report: %s", failed->message);
    return CLIPSPAN_OK;
}

void cli_evaluation_close(cli_evaluation *ev)
{
    clipspan_evaluation_free(&ev->study);
    clipspan_bank_free(&ev->bank);
    clipspan_encoder_free(&ev->encoder);
    clipspan_model_close(&ev->model);
    clipspan_texts_free(&ev->classes);
    clipspan_run_close(&ev->run);
    clipspan_run_close(&ev->mean_run);
    memset(ev, 0, sizeof *ev);
}
