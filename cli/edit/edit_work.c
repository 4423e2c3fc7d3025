/* SPDX-License-Identifier: MIT */
/* Opening what edit and prune need, and running the library's check of an edit. */
#define _POSIX_C_SOURCE 200809L /* lstat */
#include "cli/edit/edit_work.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/classifier.h"
#include "cli/in/contributions.h"
#include "cli/in/texts.h"
#include "cli/out/target.h"

#include <string.h>
#include <sys/stat.h>

/* ---- Opening ---- */

static clipspan_status open_model(cli_edit_job *e, clipspan_error *err)
{
    cli_session *s = e->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&e->model, e->run, s->arguments.items[0], &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "checkpoint opened, weights hashed");
    return CLIPSPAN_OK;
}

/* A folder takes its name by renaming, which no link survives: better said before the work. */
static clipspan_status check_no_link(const char *output, clipspan_error *err)
{
    struct stat facts;
    if (lstat(output, &facts) != 0 || !S_ISLNK(facts.st_mode)) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_WRITE, output,
        "is a symbolic link, which a checkpoint cannot replace; name the folder itself");
}

static clipspan_status check_options(const cli_session *s, const cli_edit_settings *x,
                                     clipspan_error *err)
{
    if (!x->out.output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--output: say which folder gets the checkpoint (-o FOLDER)");
    CS_TRY(cli_folder_check(x->out.output, s->command->name, "a checkpoint", err));
    CS_TRY(check_no_link(x->out.output, err));
    if (x->classes.classifier && x->classes.templates)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--templates and --classifier exclude each other: a classifier is made");
    if (!cli_classes_given(&x->classes) && (x->classes.classifier || x->classes.templates))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--%s needs --classes",
                       x->classes.classifier ? "classifier" : "templates");
    if (x->images.labels && s->arguments.count < 3)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--labels is for images that are named behind RUN; those of the run have "
                       "the labels that it was scanned with");
    return CLIPSPAN_OK;
}

clipspan_status cli_edit_open(cli_edit_job *e, cli_session *s, const cli_edit_settings *settings,
                              clipspan_error *err)
{
    e->session = s;
    e->x = settings;
    CS_TRY(check_options(s, settings, err));
    CS_TRY(clipspan_run_open(&e->run, s->arguments.items[1], err));
    e->info = clipspan_run_get_info(e->run);
    if (!e->info->merged)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, e->info->path,
                          "is not merged yet: finish it with clipspan scan, or, when all shards "
                          "are scanned, with clipspan merge");
    if (e->info->coefficients == CLIPSPAN_COEFFICIENTS_NONE)
        return cs_fail_at(
            err, CLIPSPAN_E_NOT_FOUND, e->info->path,
            "keeps no coefficients of its images, from which the means of heads come; "
            "scan with --coefficients f32 or f16");
    if (cli_classes_given(&settings->classes))
        CS_TRY(cli_classes_open(&e->classes, &settings->classes, err));
    CS_TRY(open_model(e, err));
    if (e->classes && !settings->classes.classifier && !clipspan_model_get_info(e->model)->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, e->info->model_name,
                          "has no text encoder, so it cannot embed class names; give a classifier "
                          "with --classifier FILE.npy");
    return CLIPSPAN_OK;
}

void cli_edit_close(cli_edit_job *e)
{
    cs_free(e->heads);
    clipspan_remedy_free(&e->remedy);
    clipspan_inputs_close(&e->inputs);
    clipspan_bank_free(&e->bank);
    clipspan_atlas_free(&e->atlas);
    clipspan_texts_free(&e->classes);
    clipspan_model_close(&e->model);
    clipspan_run_close(&e->run);
    memset(e, 0, sizeof *e);
}

/* ---- Heads ---- */

static clipspan_status add_role(cli_components *components, cli_edit_job *e, clipspan_error *err)
{
    const size_t LH = (size_t)e->info->layers * (size_t)e->info->heads;
    clipspan_error failed;
    clipspan_status status = clipspan_atlas_open(&e->atlas, e->run, NULL, &failed);
    clipspan_head *heads;
    size_t count = 0;
    if (status == CLIPSPAN_E_NOT_FOUND)
        return cs_fail(
            err, status,
            "--role: the run's heads have no roles yet; clipspan roles %.300s finds them",
            e->info->path);
    if (status != CLIPSPAN_OK) return cs_fail(err, status, "%s", failed.message);
    heads = cs_alloc(LH, sizeof *heads, "heads", err);
    if (!heads) return CLIPSPAN_E_NOMEM;
    status = clipspan_atlas_find_heads(heads, &count, LH, e->atlas, e->x->role, 0, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        const clipspan_change change = {.layer = heads[i].layer, .head = heads[i].head};
        status = cli_components_add(components, change, err);
    }
    cs_free(heads);
    e->options.role = e->x->role;
    e->options.pool = clipspan_atlas_get_info(e->atlas)->pool;
    return status;
}

static clipspan_status take_heads(cli_edit_job *e, const cli_components *components,
                                  clipspan_error *err)
{
    char name[32];
    e->heads = cs_alloc(components->count, sizeof *e->heads, "heads", err);
    if (!e->heads) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < components->count; i++) {
        const clipspan_change *c = &components->changes[i];
        clipspan_change_get_name(name, sizeof name, c);
        if (c->component != CLIPSPAN_COMPONENT_HEAD)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--heads: expected heads such as L%d.H0 or L%d.*, found %s, which has "
                           "no output projection to change",
                           e->info->layers - 1, e->info->layers - 1, name);
        e->heads[e->count++] = (clipspan_head){c->layer, c->head};
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_edit_heads(cli_edit_job *e, clipspan_error *err)
{
    const clipspan_change change = {0};
    clipspan_status status;
    cli_components components;
    CS_TRY(cli_components_init(&components, e->info->layers, e->info->heads, err));
    if (e->x->heads) CS_TRY_DONE(cli_components_read(&components, e->x->heads, change, err));
    if (e->x->role) CS_TRY_DONE(add_role(&components, e, err));
    status = take_heads(e, &components, err);
done:
    cli_components_fini(&components);
    return status;
}

/* ---- Images ---- */

static clipspan_status list_inputs(cli_edit_job *e, clipspan_error *err)
{
    const cli_image_settings *x = &e->x->images;
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    options.root = x->root;
    options.path_column = x->path_column;
    options.labels = x->labels;
    options.where = x->where.items;
    options.where_count = x->where.count;
    return clipspan_inputs_open(&e->inputs, e->session->arguments.items + 2,
                                e->session->arguments.count - 2, &options, err);
}

static clipspan_status embed_classes(cli_edit_job *e, clipspan_error *err)
{
    const cli_class_settings *x = &e->x->classes;
    clipspan_texts *templates;
    clipspan_status status;
    if (x->classifier) return clipspan_bank_read(&e->bank, x->classifier, e->classes, err);
    CS_TRY(cli_templates_open(&templates, x->templates, "openai", err));
    status = cli_bank_open(&e->bank, e->session, e->model, e->classes, templates, 0, err);
    clipspan_texts_free(&templates);
    return status;
}

clipspan_status cli_edit_images(cli_edit_job *e, clipspan_error *err)
{
    if (e->session->arguments.count > 2) CS_TRY(list_inputs(e, err));
    if (e->classes) CS_TRY(embed_classes(e, err));
    e->options.bank = e->bank;
    e->options.inputs = e->inputs;
    e->options.root = e->x->images.root;
    e->options.images_anywhere = e->x->images_anywhere;
    e->options.images = (size_t)e->x->most;
    e->options.threads = cli_threads(e->session);
    e->options.changes = e->changes;
    e->options.change_count = e->change_count;
    return CLIPSPAN_OK;
}

/* ---- The checkpoint ---- */

static clipspan_write_options write_options(const cli_edit_job *e, int removes)
{
    clipspan_write_options options = CLIPSPAN_WRITE_OPTIONS_INIT;
    options.changes = e->changes;
    options.change_count = e->change_count;
    options.remove = removes;
    options.replace = e->x->out.force;
    return options;
}

clipspan_status cli_edit_check_output(const cli_edit_job *e, const clipspan_head *heads,
                                      size_t count, int removes, clipspan_error *err)
{
    const clipspan_write_options options = write_options(e, removes);
    return clipspan_model_check_write(e->x->out.output, e->model, heads,
                                      e->change_count ? 0 : count, &options, err);
}

clipspan_status cli_edit_run(cli_edit_job *e, clipspan_edit_check *check, int removes,
                             clipspan_error *err)
{
    cli_session *s = e->session;
    const clipspan_write_options options = write_options(e, removes);
    const clipspan_edit_check_info *info = clipspan_edit_check_get_info(check);
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    cli_signals_hold();
    cli_progress_begin(s, "bytes");
    status = clipspan_edit_check_write(check, e->x->out.output, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "checkpoint written");
    s->keeps_files = 1;
    cli_progress_begin(s, "images");
    status = clipspan_edit_check_run(check, e->x->out.output, &progress, err);
    cli_progress_end(s);
    for (size_t i = 0; i < info->reason_count; i++)
        cli_note(s, "skipped: %s", info->reasons[i]);
    s->skipped = info->unreadable;
    cli_stage(s, "network and prediction compared");
    return status;
}
