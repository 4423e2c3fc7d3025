/* SPDX-License-Identifier: MIT */
/* clipspan span, roles, atlas, export: what a run says about heads. */
#include "atlas_command.h"
#include "atlas_out.h"
#include "base/file.h"
#include "base/memory.h"
#include "commands.h"
#include "head_names.h"
#include "keep.h"
#include "numbers.h"
#include "report_command.h"
#include "scan_command.h"
#include "texts_in.h"

#include <string.h>

typedef struct job {
    cli_session *session;
    clipspan_run *run;
    clipspan_model *model; /* of atlas, open already */
    clipspan_texts *pool;
    clipspan_atlas *atlas;
    cli_head_list heads;
} job;

static void close_job(job *j)
{
    cs_free(j->heads.at);
    clipspan_atlas_free(&j->atlas);
    clipspan_texts_free(&j->pool);
    clipspan_run_close(&j->run);
    clipspan_model_close(&j->model);
}

/* "auto" or a whole number from 1. */
static clipspan_status read_rank(int *rank, const char *text, clipspan_error *err)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    *rank = 0;
    if (!text || strcmp(text, "auto") == 0) return CLIPSPAN_OK;
    for (size_t i = 0; i < digits && digits < 7; i++)
        *rank = *rank * 10 + (text[i] - '0');
    if (*rank > 0 && !text[digits]) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--rank: expected auto or a whole number from 1 to 999999, found \"%s\"", text);
}

/* Reads all options that can be wrong before any work. */
static clipspan_status take_options(clipspan_atlas_options *o, const cli_settings *x, int layers,
                                    clipspan_error *err)
{
    o->picks = (int)x->picks;
    o->threads = (int)x->threads;
    o->model = x->model;
    CS_TRY(read_rank(&o->rank, x->rank, err));
    if (x->layers && layers)
        CS_TRY(cli_layers_read(&o->first_layer, &o->layers, x->layers, layers, err));
    return CLIPSPAN_OK;
}

static clipspan_status check_heads(const cli_settings *x, const clipspan_run_info *info,
                                   clipspan_error *err)
{
    clipspan_head *heads;
    size_t count;
    if (!x->heads) return CLIPSPAN_OK;
    CS_TRY(cli_heads_read(&heads, &count, x->heads, info->layers, info->heads, err));
    cs_free(heads);
    return CLIPSPAN_OK;
}

static clipspan_status make_atlas(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_atlas_options options = CLIPSPAN_ATLAS_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    const clipspan_run_info *info = clipspan_run_get_info(j->run);
    clipspan_status status;
    CS_TRY(take_options(&options, &s->settings, info->layers, err));
    CS_TRY(check_heads(&s->settings, info, err));
    CS_TRY(cli_pool_open(&j->pool, &options.name, s, err));
    options.texts = j->pool;
    options.opened = j->model;
    cli_progress_begin(s, "texts and heads");
    status = clipspan_atlas_new(&j->atlas, j->run, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "texts compared with heads");
    return cli_head_list_read(&j->heads, s, j->atlas, err);
}

static clipspan_status run_span(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const cli_settings *x = &s->settings;
    clipspan_export_options options = CLIPSPAN_EXPORT_OPTIONS_INIT;
    CS_TRY(clipspan_run_open(&j->run, x->arguments.items[0], err));
    options.replace = x->force;
    if (x->official && !x->force && cs_path_kind(x->official) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, x->official,
                          "is there already; choose another name or allow replacing it (--force)");
    CS_TRY(make_atlas(j, err));
    if (x->official) CS_TRY(clipspan_atlas_export(x->official, NULL, j->atlas, &options, err));
    return cli_atlas_show_span(s, j->atlas, &j->heads, err);
}

clipspan_status cli_run_span(cli_session *s, clipspan_error *err)
{
    job j = {.session = s};
    clipspan_status status = run_span(&j, err);
    close_job(&j);
    return status;
}

/* What span or atlas left last, when no option asks for anything else. */
static clipspan_status take_newest(job *j, clipspan_error *err)
{
    const cli_settings *x = &j->session->settings;
    clipspan_error missing;
    clipspan_status status;
    if (x->pool || x->layers || x->picks || x->rank) return make_atlas(j, err);
    CS_TRY(check_heads(x, clipspan_run_get_info(j->run), err));
    status = clipspan_atlas_open(&j->atlas, j->run, NULL, &missing);
    if (status != CLIPSPAN_OK) return make_atlas(j, err);
    return cli_head_list_read(&j->heads, j->session, j->atlas, err);
}

clipspan_status cli_atlas_open(clipspan_run **run, clipspan_atlas **atlas, cli_session *s,
                               clipspan_error *err)
{
    job j = {.session = s};
    clipspan_status status = clipspan_run_open(&j.run, s->settings.arguments.items[0], err);
    if (status == CLIPSPAN_OK) status = take_newest(&j, err);
    *run = j.run;
    *atlas = j.atlas;
    j.run = NULL;
    j.atlas = NULL;
    close_job(&j);
    return status;
}

clipspan_status cli_run_roles(cli_session *s, clipspan_error *err)
{
    job j = {.session = s};
    clipspan_status status = clipspan_run_open(&j.run, s->settings.arguments.items[0], err);
    if (status == CLIPSPAN_OK) status = take_newest(&j, err);
    if (status == CLIPSPAN_OK) status = cli_atlas_show_roles(s, j.atlas, &j.heads, err);
    close_job(&j);
    return status;
}

/* Classes that were asked for, before any work. */
static clipspan_status check_classes(cli_session *s, int *wanted, clipspan_error *err)
{
    const cli_settings *x = &s->settings;
    clipspan_texts *classes;
    *wanted = x->classes || x->class_names.count;
    if (!*wanted && (x->templates || x->classifier))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--%s says how classes are told apart; name them "
                       "with --classes",
                       x->templates ? "templates" : "classifier");
    if (!*wanted) return CLIPSPAN_OK;
    if (x->codes == CLIPSPAN_CODES_NONE)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--classes needs codes of the pictures, and --codes none keeps none");
    CS_TRY(cli_classes_open(&classes, s, err));
    clipspan_texts_free(&classes);
    return CLIPSPAN_OK;
}

static clipspan_status run_atlas(job *j, clipspan_error *err)
{
    clipspan_atlas_options options = CLIPSPAN_ATLAS_OPTIONS_INIT;
    cli_session *s = j->session;
    int classes;
    CS_TRY(take_options(&options, &s->settings, 0, err));
    CS_TRY(check_classes(s, &classes, err));
    CS_TRY(cli_scan_open(&j->run, &j->model, s, err));
    if (!j->run) return CLIPSPAN_OK;
    CS_TRY(make_atlas(j, err));
    if (classes) {
        const char *path = clipspan_run_get_info(j->run)->path;
        const cli_session own = cli_session_for_run(s, &path, NULL);
        CS_TRY(cli_effects_beside(&own, err));
    }
    CS_TRY(cli_report_beside(s, j->run, j->atlas, err));
    return cli_atlas_show_roles(s, j->atlas, &j->heads, err);
}

clipspan_status cli_run_atlas(cli_session *s, clipspan_error *err)
{
    job j = {.session = s};
    clipspan_status status = run_atlas(&j, err);
    close_job(&j);
    return status;
}

static clipspan_status run_export(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const cli_settings *x = &s->settings;
    clipspan_export_options options = CLIPSPAN_EXPORT_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    const clipspan_run_info *info;
    clipspan_status status;
    char pictures[CLI_NUMBER_ROOM];
    if (!x->official)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "say where the published program's files go with --official FOLDER");
    CS_TRY(clipspan_run_open(&j->run, x->arguments.items[0], err));
    info = clipspan_run_get_info(j->run);
    options.threads = (int)x->threads;
    options.replace = x->force;
    CS_TRY(make_atlas(j, err));
    cli_progress_begin(s, "pictures");
    status = clipspan_run_export(x->official, j->run, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    CS_TRY(clipspan_atlas_export(NULL, x->official, j->atlas, &options, err));
    cli_format_count(pictures, info->used);
    cli_note(s, "%s: terms of %s picture%s, and picks of %zu heads", x->official, pictures,
             info->used == 1 ? "" : "s", clipspan_atlas_get_info(j->atlas)->heads);
    return CLIPSPAN_OK;
}

clipspan_status cli_run_export(cli_session *s, clipspan_error *err)
{
    job j = {.session = s};
    clipspan_status status = run_export(&j, err);
    close_job(&j);
    return status;
}
